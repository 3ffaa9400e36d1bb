"""A mailbox, its store and its reader, as the relay joins them; what breaks a promise raises at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from chatserver.relay.mailbox import Key, Mailbox, Page, Phase


class Row(NamedTuple):
    seq: int
    key: Key
    size: int


@dataclass
class Shelf:
    """One mailbox as the store has it."""

    rows: dict[Key, Row] = field(default_factory=dict)
    seq: int = 0

    def put(self, key: Key, size: int) -> None:
        if key not in self.rows:
            self.seq += 1
            self.rows[key] = Row(self.seq, key, size)

    def page(self, asked: Page) -> list[Row]:
        found: list[Row] = []
        for row in sorted(self.rows.values()):
            full = len(found) == asked.boxes or (found and sum(one.size for one in found) >= asked.bytes)
            if row.seq > asked.after and not full:
                found.append(row)
        return found


class Reading(NamedTuple):
    asked: Page
    at: int
    seen: list[Row]


class Device:
    """A mailbox, its store and its reader, as the relay joins them. Time counts events."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.now = 0
        self.committed: dict[Key, tuple[int, int]] = {}  # size, and when it was known to be committed
        self.acked: set[Key] = set()
        self.reads = 0
        self.told_current: Callable[[int], object] = self._current_is_true
        self.connect()

    def connect(self) -> None:
        self.mailbox: Mailbox[bool] = Mailbox()
        self.flying: dict[int, tuple[Key, int]] = {}
        self.held: dict[int, Key] = {}
        self.reading: Reading | None = None
        self.handed: list[Key] = []
        self.advance()

    def phase(self) -> Phase:
        return self.mailbox.phase

    def tick(self) -> None:
        self.now += 1

    # -- the relay's side ----------------------------------------------------------------------------------------

    def accept(self, key: Key, size: int) -> None:
        """The commit that accepts it is done; LIVE boxes were left out of it."""
        self.tick()
        self.committed[key] = (size, self.now)
        number = self.mailbox.offer(key, size, True, self.now)
        if number is None:
            self.shelf.put(key, size)
            self.stored(key)
        else:
            self.fly(number, key, size)
            self.held[number] = key

    def stored(self, key: Key) -> None:
        """Its row is known to be durable."""
        size = self.committed.setdefault(key, (self.shelf.rows[key].size if key in self.shelf.rows else 0, self.now))[0]
        if self.mailbox.stored(key):
            number = self.mailbox.offer(key, size, None, self.now)
            if number is not None:
                self.fly(number, key, size)
        self.advance()

    def fly(self, number: int, key: Key, size: int) -> None:
        assert key not in {other for other, _ in self.flying.values()}, "two flights of one box"
        self.flying[number] = (key, size)
        self.handed.append(key)

    def advance(self) -> None:
        at = self.mailbox.current()
        if at is not None:
            self.told_current(at)
        asked = self.mailbox.wants()
        if asked is not None:
            assert self.reading is None
            self.tick()
            self.reads += 1
            self.reading = Reading(asked, self.now, self.shelf.page(asked))

    def _current_is_true(self, at: int) -> None:
        early = {key for key, (_, when) in self.committed.items() if when < at}
        assert early <= self.acked, "current was told too early"

    def finish(self, *, fresh: bool) -> None:
        assert self.reading is not None
        asked, at, seen = self.reading
        found = self.shelf.page(asked) if fresh else seen
        self.reading = None
        self.tick()
        short = len(found) < asked.boxes and sum(row.size for row in found) < asked.bytes
        last = found[-1].seq if found else None
        fresh_ones = self.mailbox.page([row.key for row in found], last=last, short=short, at=at)
        assert fresh_ones == sorted(fresh_ones)
        for row in (found[index] for index in fresh_ones):
            self.fly(self.mailbox.launch(row.key, row.size, None, self.now), row.key, row.size)
        self.advance()

    def write(self, number: int) -> None:
        """A box that was handed over from memory is made durable."""
        key = self.held.pop(number)
        self.shelf.put(key, self.flying[number][1])
        self.stored(key)

    def ack(self, *numbers: int) -> None:
        self.tick()
        landed = self.mailbox.ack(numbers)
        assert landed is not None
        assert [flight.key for flight in landed] == [self.flying[number][0] for number in numbers]
        for number in numbers:
            key, _ = self.flying.pop(number)
            self.held.pop(number, None)
            self.acked.add(key)
            self.shelf.rows.pop(key, None)
        self.advance()

    def disconnect(self) -> None:
        flights = self.mailbox.flights()
        assert [flight.key for flight in flights] == [key for key, _ in self.flying.values()]
        for flight in flights:
            if flight.held:
                self.shelf.put(flight.key, flight.size)

    def drain(self) -> None:
        """One acknowledgement at a time, until nothing moves."""
        while self.reading or self.flying:
            if self.reading:
                self.finish(fresh=False)
            else:
                self.ack(next(iter(self.flying)))
