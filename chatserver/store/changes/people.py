"""Changes of accounts, invitations, sessions and tickets."""

from typing import NamedTuple


class AddInvitation(NamedTuple):
    """An invitation that whoever knows the code may use once."""

    id: bytes
    code_hash: bytes
    role: str
    alias_box: bytes
    created_at: int
    expires_at: int


class UseInvitation(NamedTuple):
    """Burn an invitation that is unused at `now`. Guarded."""

    code_hash: bytes
    account: bytes
    now: int


class AddAccount(NamedTuple):
    """A person. `name_key` is the keyed hash by which the sign-in name is found; `verifier` a PHC string."""

    id: bytes
    role: str
    name_key: bytes
    name_box: bytes
    alias_box: bytes
    salt: bytes
    verifier: str
    created_at: int


class DisableAccount(NamedTuple):
    """No sign-in, no socket. Guarded."""

    id: bytes
    now: int


class SetVerifier(NamedTuple):
    """A proven proof was hashed again at today's cost. Guarded."""

    account: bytes
    verifier: str


class AddSession(NamedTuple):
    """A signed-in session; only the hash of its token is kept."""

    id: bytes
    token_hash: bytes
    account: bytes
    created_at: int
    ends_at: int


class EndSession(NamedTuple):
    """The session and its tickets are over. Guarded: a session ends once."""

    id: bytes
    now: int


class EndSessionsOf(NamedTuple):
    """All sessions of an account are over."""

    account: bytes
    now: int


class TouchSession(NamedTuple):
    """The person behind the session was active at `now`."""

    id: bytes
    now: int


class AddTicket(NamedTuple):
    """A single-use ticket for one session and one device."""

    hash: bytes
    session: bytes
    device: bytes
    expires_at: int


class TakeTicket(NamedTuple):
    """Burn a ticket, whatever it is worth. Returns (session, device, expires_at); no row if it is unknown or burnt."""

    hash: bytes


class DropTickets(NamedTuple):
    """Forget tickets that expired before `now`."""

    now: int
