"""The checks of a hello (CRYPTO section 4), from the ticket to the claim of the device.

A ticket is burnt before anything else is looked at, whatever comes of it. Who holds a genuine one is told which of
session, account and device is over; everything else that is wrong is `hello_refused`.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, cast

from chatserver.audit.events import NOBODY, Event, Kind
from chatserver.feed import Entry, Topic
from chatserver.people import sessions, tickets
from chatserver.people.commits import saved
from chatserver.people.people import People
from chatserver.people.sessions import SignedIn
from chatserver.people.tickets import Burnt
from chatserver.store import changes, queries, rows
from chatserver.store.port import Committed, Failure, Unit
from chatserver.wire import frames
from chatserver.wire.errors import (
    ACCOUNT_DISABLED,
    DEVICE_REMOVED,
    HELLO_REFUSED,
    SESSION_ENDED,
    STORE_LOST,
    Refusal,
)
from crypto.keys import Hello, Refused, Transport, parse_list, ticket_hash, verify_device_statement

_TOLD: Final = (SESSION_ENDED, ACCOUNT_DISABLED, DEVICE_REMOVED)
"""What the holder of a genuine ticket is told by its name."""


@dataclass(frozen=True, slots=True)
class Greeter:
    """What a node brings to a hello: where clients may come from, and which node claims their devices."""

    people: People
    origins: AbstractSet[str]
    node: bytes


@dataclass(frozen=True, slots=True)
class Greeted:
    """A device that may speak: for whom, until when, and what the server holds of it."""

    session: SignedIn
    device: bytes
    generation: int
    list_version: int
    key_no: int
    """The newest of this device; 0 if it never published one."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the store knows of somebody who shows a ticket."""

    session: SignedIn
    device: rows.Device
    newest: rows.SignedList
    key_no: int


async def greet(
    greeter: Greeter, hello: frames.Hello, transport: Transport, shown: bytes | None = None
) -> Greeted | Refusal:
    """Let a device in over the transport that its socket really has, or say why not. Either is an event.

    `shown` is the session that the socket's requests show, where they show one: no other may come in on it.
    """
    people = greeter.people
    ticket = await tickets.burn(people, hello.ticket)
    if isinstance(ticket, Refusal):
        return ticket
    found = await _found(people, hello, ticket)
    if isinstance(found, Refusal):
        return await _refused(people, ticket, found)
    foreign = shown is not None and shown != found.session.id
    if foreign or not await _holds(greeter, hello, transport, found):
        return await _refused(people, ticket, HELLO_REFUSED)
    return await _claimed(greeter, found)


async def still_stands(people: People, greeted: Greeted) -> Refusal | None:
    """Whether session, account and device are still there: asked by the relay once the feed reaches the socket.

    Between `greet`'s reading and that moment an end would be announced to nobody.
    """
    rows_found = await people.store.read(queries.SessionById(greeted.session.id))
    session = sessions.standing(rows_found[0] if rows_found else None, people.now())
    if isinstance(session, Refusal):
        return session if session in _TOLD else SESSION_ENDED
    device = await people.store.read(queries.DeviceById(greeted.device))
    return DEVICE_REMOVED if not device or device[0].removed_at is not None else None


async def _found(people: People, hello: frames.Hello, ticket: Burnt | None) -> _Found | Refusal:
    """Ticket, session, account and device, in this order."""
    now = people.now()
    if ticket is None or now >= ticket.expires_at or ticket.device != hello.device:
        return HELLO_REFUSED
    row = await people.store.read(queries.SessionById(ticket.session))
    session = sessions.standing(row[0] if row else None, now)
    if isinstance(session, Refusal):
        return session
    device = await people.store.read(queries.DeviceById(ticket.device))
    if not device or hello.account != session.account or device[0].account != session.account:
        return HELLO_REFUSED
    return await _listed(people, session, device[0])


async def _listed(people: People, session: SignedIn, device: rows.Device) -> _Found | Refusal:
    """The device must be in the newest list of its account."""
    newest = await people.store.read(queries.NewestList(session.account))
    if device.removed_at is not None or not newest or parse_list(newest[0].body).body.device(device.id) is None:
        return DEVICE_REMOVED
    bundles = await people.store.read(queries.BundlesOfDevice(device.id))
    return _Found(session, device, newest[0], bundles[0].key_no if bundles else 0)


async def _holds(greeter: Greeter, hello: frames.Hello, transport: Transport, found: _Found) -> bool:
    """Origin, transport, epoch, list, key and signature."""
    tenant = greeter.people.tenant
    said = hello.origin in greeter.origins and hello.transport == transport and hello.epoch == tenant.epoch
    known = said and _key_known(tenant, hello, found) and await _list_known(greeter.people, hello, found)
    return known and _signed(tenant, hello, transport, found.device)


def _restored(tenant: rows.Tenant) -> bool:
    """Only a store that was restored may meet devices that know more than it does."""
    return tenant.epoch != frames.NO_EPOCH


def _key_known(tenant: rows.Tenant, hello: frames.Hello, found: _Found) -> bool:
    return hello.key_no <= found.key_no or _restored(tenant)


async def _list_known(people: People, hello: frames.Hello, found: _Found) -> bool:
    """The list named is the newest, an older version of it, or from after the point that was restored."""
    if hello.list_version > found.newest.version:
        return _restored(people.tenant)
    versions = await people.store.read(queries.ListsOf(found.session.account, hello.list_version - 1))
    return bool(versions) and versions[0].version == hello.list_version and versions[0].list_hash == hello.list_hash


def _signed(tenant: rows.Tenant, hello: frames.Hello, transport: Transport, device: rows.Device) -> bool:
    statement = Hello(
        tenant=tenant.id,
        origin=hello.origin,
        ticket_hash=ticket_hash(hello.ticket),
        account=hello.account,
        device_id=hello.device,
        transport=transport,
        list_version=hello.list_version,
        list_hash=hello.list_hash,
        key_no=hello.key_no,
        epoch=hello.epoch,
    )
    try:
        verify_device_statement(statement, hello.signature, device.device_pk)
    except Refused:
        return False
    return True


async def _claimed(greeter: Greeter, found: _Found) -> Greeted | Refusal:
    """This node owns the device from now on, in the commit of the event."""
    people, session, device = greeter.people, found.session, found.device.id
    now = people.now()
    event = Event(Kind.CONNECTED, now, session.account, device, session.id, session.account)
    claim = changes.ClaimDevice(device, greeter.node, now)
    outcome = await people.store.commit(Unit((claim,), (event,), (Entry(Topic.CLAIMED, device),)))
    if isinstance(outcome, Committed):
        generation = cast("int", outcome.rows[0][0][0])
        return Greeted(session, device, generation, found.newest.version, found.key_no)
    if outcome is not Failure.GUARD:
        return STORE_LOST
    return await _refused(people, Burnt(session.id, device, now), DEVICE_REMOVED)


async def _refused(people: People, ticket: Burnt | None, why: Refusal) -> Refusal:
    """The event of a refusal; a socket is refused even if it cannot be saved, but then as one that may come again."""
    device, session = (ticket.device, ticket.session) if ticket else (NOBODY, NOBODY)
    event = Event(Kind.HELLO_REFUSED, people.now(), device=device, session=session)
    unsaved = await saved(people.store, Unit(events=(event,)))
    told = why if why in _TOLD else HELLO_REFUSED
    return STORE_LOST if unsaved else told
