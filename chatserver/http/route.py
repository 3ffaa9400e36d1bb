"""A route is a value: what is asked, by whom, what comes back, and every way to be told no."""

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from chatserver.http.deps import Deps
from chatserver.http.raw import Id
from chatserver.people.sessions import SignedIn
from chatserver.wire import errors
from chatserver.wire.errors import Refusal


class Who(enum.Enum):
    """Whose word a request needs."""

    ANYBODY = "anybody"
    SESSION = "session"
    """A living session."""
    DEVICE = "device"
    """And the statement of a registered device of its account."""
    NEW_DEVICE = "new_device"
    """And the statement of the device whose key is in the body."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody unknown, at an address."""

    deps: Deps
    address: str


@dataclass(frozen=True, slots=True)
class Call(Visit):
    """A request of a session. `device` made a statement, else sixteen zero bytes; `id` is the one in the path."""

    session: SignedIn
    device: bytes
    id: Id


@dataclass(frozen=True, slots=True)
class Sent:
    """An answer with something beside its body: a session's cookie to set, or to forget when it is empty."""

    body: msgspec.Struct | None
    cookie: bytes


Answer = msgspec.Struct | Sent | Refusal | None
"""None: it is done, and there is nothing to say."""

_COMMON: Final = (errors.STORE_LOST, errors.INTERNAL)
_READS_BODY: Final = (errors.BAD_REQUEST, errors.TOO_BIG)
_SESSION: Final = (errors.UNAUTHENTICATED, errors.SESSION_ENDED, errors.ACCOUNT_DISABLED)
_STATEMENT: Final = (errors.STATEMENT_REFUSED,)
_WRITES: Final = (errors.TOO_FAST, errors.NOT_SAVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path. `handle` takes a Visit or a Call, then the body or the query if there is one."""

    method: str
    path: str
    says: str
    who: Who
    handle: Callable[..., Awaitable[Answer]]
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct] | None = None
    status: int = 200
    refuses: tuple[Refusal, ...] = ()

    @property
    def name(self) -> str:
        """The name of its operation: that of the handler, with its module."""
        return f"{self.handle.__module__.rpartition('.')[2]}_{self.handle.__name__}"

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Every refusal that it may answer with, its own and those of its kind."""
        reads = _READS_BODY if self.body or self.query else ()
        session = _SESSION if self.who is not Who.ANYBODY else ()
        statement = _STATEMENT if self.who in (Who.DEVICE, Who.NEW_DEVICE) else ()
        writes = _WRITES if self.method != "GET" else ()
        return tuple(dict.fromkeys((*_COMMON, *reads, *session, *statement, *writes, *self.refuses)))
