"""Tickets: 32 random bytes for one session and one device, good once and for 30 seconds (CRYPTO section 4)."""

from typing import NamedTuple, cast

from chatserver.people.commits import saved
from chatserver.people.people import People
from chatserver.people.sessions import SignedIn
from chatserver.store import changes, queries
from chatserver.store.port import Committed, Unit
from chatserver.wire import limits
from chatserver.wire.errors import NOT_FOUND, STORE_LOST, Refusal
from crypto.keys import TICKET_BYTES, ticket_hash


class Ticket(NamedTuple):
    """A ticket as its owner gets it."""

    secret: bytes
    expires_at: int


class Burnt(NamedTuple):
    """What a ticket was worth."""

    session: bytes
    device: bytes
    expires_at: int


async def mint(people: People, session: SignedIn, device: bytes) -> Ticket | Refusal:
    """A new ticket for a device of the session's account. Those that expired are forgotten in the same commit."""
    found = await people.store.read(queries.DeviceById(device))
    if not found or found[0].account != session.account or found[0].removed_at is not None:
        return NOT_FOUND
    now = people.now()
    ticket = Ticket(people.random(TICKET_BYTES), now + limits.TICKET_TTL_S * 1000)
    added = changes.AddTicket(ticket_hash(ticket.secret), session.id, device, ticket.expires_at)
    refusal = await saved(people.store, Unit((changes.DropTickets(now), added)))
    return refusal or ticket


async def burn(people: People, secret: bytes) -> Burnt | Refusal | None:
    """Take a ticket out of the world, whatever it is worth; None if there was none. Expiry is the caller's question.

    If the outcome of the commit is unknown the ticket counts as burnt: a client asks for another.
    """
    outcome = await people.store.commit(Unit((changes.TakeTicket(ticket_hash(secret)),)))
    if not isinstance(outcome, Committed):
        return STORE_LOST
    taken = outcome.rows[0]
    return Burnt(*cast("tuple[bytes, bytes, int]", taken[0])) if taken else None
