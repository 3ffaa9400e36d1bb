"""What HTTP needs, made by the composition root. No setting and no implementation is known here."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from chatserver.people.attempts import Attempts
from chatserver.people.credentials import Hasher
from chatserver.people.people import People
from chatserver.people.statements import Nonces


@dataclass(frozen=True, slots=True)
class Deps:
    """Shared by all requests of a node."""

    people: People
    hasher: Hasher
    attempts: Attempts
    nonces: Nonces
    organisation: str
    origins: AbstractSet[str]
    """Web origins that may use a cookie."""
    secure: bool
    """Whether people reach the server by HTTPS: the cookie is then `Secure` and bound to the host by its prefix."""
    behind_proxy: bool
    """Whether the last hop of X-Forwarded-For was written by our own proxy."""
    failed: Callable[[BaseException], None]
    """Told of every unexpected error; must write nothing of its text, which may hold what a peer sent."""
