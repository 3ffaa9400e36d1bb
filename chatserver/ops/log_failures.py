"""A failure as a log may tell it: type, root cause, errno, and the lines of our own packages that it passed.

Never its message, its notes or a local variable: any of them may hold what a peer sent.
"""

import traceback
from collections.abc import Iterator
from typing import Final

from chatserver.ops.log_fields import Known

OWN_PACKAGES: Final = frozenset({"chatserver", "signalling", "crypto", "sotto"})
MAX_FRAMES: Final = 12
MAX_DEPTH: Final = 16
MAX_NAME: Final = 64


def describe(failure: BaseException) -> dict[str, object]:
    """The fields `error`, `cause`, `errno` and `frames` of a failure, each only if there is something to say."""
    chain = list(_chain(failure))
    fields: dict[str, object] = {"error": _type(failure)}
    if len(chain) > 1:
        fields["cause"] = _type(chain[-1])
    errno = next((link.errno for link in chain if isinstance(link, OSError) and link.errno is not None), None)
    if errno is not None:
        fields["errno"] = errno
    if frames := _frames(chain[-1]) or _frames(failure):
        fields["frames"] = frames
    return fields


def _chain(failure: BaseException) -> Iterator[BaseException]:
    """From a failure to its root: into a group's first member, then along what it was raised from."""
    link: BaseException | None = failure
    for _ in range(MAX_DEPTH):
        if link is None:
            return
        yield link
        within = link.exceptions[0] if isinstance(link, BaseExceptionGroup) else None
        link = within or link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _type(failure: BaseException) -> Known:
    name = type(failure).__name__
    return Known(name if name.isascii() and name.isidentifier() and len(name) <= MAX_NAME else "Exception")


def _frames(failure: BaseException) -> Known:
    """The innermost lines of our packages, outermost first: `chatserver.relay.hub:42 > chatserver.wire.frames:7`."""
    own = [
        f"{module}:{line}"
        for frame, line in traceback.walk_tb(failure.__traceback__)
        if (module := str(frame.f_globals.get("__name__"))).partition(".")[0] in OWN_PACKAGES
    ]
    return Known(" > ".join(own[-MAX_FRAMES:]))
