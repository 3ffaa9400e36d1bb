"""Made-up people, keys and boxes for the promises of a store, each from a number or a word."""

import hashlib
from collections.abc import Iterable

from chatserver.audit.events import FIRST_LEAF, Event, Kind, entry_of, event_in, leaf_of
from chatserver.feed import Entry, Topic
from chatserver.store import changes as c
from chatserver.store import queries as q
from chatserver.store.changes import Change
from chatserver.store.port import Committed, Store, Unit
from chatserver.store.rows import EntryRow

HOUR = 3_600_000
BOX_BYTES = 544


def name(word: str) -> bytes:
    """The id of whatever is called `word`."""
    return hashlib.blake2b(word.encode(), digest_size=16).digest()


def key(word: str) -> bytes:
    return hashlib.blake2b(word.encode(), digest_size=32).digest()


def account(word: str, at: int = 1) -> c.AddAccount:
    return c.AddAccount(name(word), "patient", key(word), b"name", b"alias", bytes(16), "$argon2id$", at)


def device(word: str, owner: str, at: int = 1) -> c.AddDevice:
    return c.AddDevice(name(word), name(owner), key(word), b"phone", at)


def bundle(device_word: str, number: int, pk: bytes | None = None, use: int = 0) -> c.AddBundle:
    box_pk = pk or key(f"{device_word} {number} {use}")
    return c.AddBundle(name(device_word), number, use, bytes(16), box_pk, b"bundle", number, number + HOUR)


def session(word: str, owner: str) -> c.AddSession:
    return c.AddSession(name(word), key(word), name(owner), 1, HOUR)


def accept(sender: str, n: int, *, word: str = "c", at: int = 1, held: int = 0) -> c.Accept:
    return c.Accept(name(sender), n % 256, n, key(word), at, held)


def box(
    device_word: str, sender: str, n: int, *, size: int = BOX_BYTES, scope: str = "talk", end: int = HOUR
) -> c.StoreBox:
    return c.StoreBox(
        device=name(device_word),
        sender=name(sender),
        n=n,
        scope=name(scope),
        c=key("c"),
        accepted_at=n,
        kid=1,
        t=key("t"),
        key_no=1,
        box=bytes([n % 256]) * size,
        size=size,
        expires_at=end,
    )


def pending(sender: str, n: int, person: str) -> c.OpenFate:
    return c.OpenFate(name(sender), n, name(person), c.FateOutcome.PENDING, 1)


def event(kind: Kind = Kind.SEND, n: int = 0) -> Event:
    return Event(kind, 1, n=n)


def entry(word: str) -> Entry:
    return Entry(Topic.KEYS, name(word))


def unit(*changes: Change, events: Iterable[Event] = (), feed: Iterable[Entry] = ()) -> Unit:
    return Unit(changes, tuple(events), tuple(feed))


async def done(store: Store, *changes: Change) -> tuple[tuple[tuple[object, ...], ...], ...]:
    """Commit changes that must succeed; the rows that they return."""
    outcome = await store.commit(unit(*changes))
    assert isinstance(outcome, Committed), outcome
    return outcome.rows


async def two_people(store: Store) -> None:
    """Ada with a phone and a tablet and Ben with a phone, talking."""
    await done(
        store,
        *(account("ada"), account("ben", at=2)),
        *(device("ada phone", "ada"), device("ada tablet", "ada", at=2), device("ben phone", "ben")),
        c.AddConversation(name("talk"), "treatment", 1),
        *(c.AddMember(name("talk"), name(person), 1) for person in ("ada", "ben")),
    )


async def log(store: Store) -> list[EntryRow]:
    """The whole audit log."""
    rows: list[EntryRow] = []
    while page := await store.read(q.EntriesOf(*(rows[-1][:2] if rows else (bytes(16), 0)), limit=1_000)):
        rows += page
    return rows


def chained(rows: list[EntryRow]) -> list[Event]:
    """The events of a log whose every shard is an unbroken chain; anything else is an error."""
    leaves: dict[bytes, bytes] = {}
    numbers: dict[bytes, int] = {}
    events = []
    for row in rows:
        number = numbers.get(row.shard, 0)
        told = event_in(row.entry)
        again = entry_of(told, row.shard, number, leaves.get(row.shard, FIRST_LEAF))
        assert (row.number, row.entry, row.leaf) == (number, again, leaf_of(again))
        numbers[row.shard], leaves[row.shard] = number + 1, row.leaf
        events.append(told)
    return events
