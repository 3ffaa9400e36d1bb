"""Inside one transaction: changes become statements, and the rows of every message are gathered into few of them.

A statement that goes to SQLite row by row costs a hand-over of the interpreter's lock each; several rows in one
statement cost one. Only hot changes wait to be gathered, and a change that would see them has them written before it.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol

from chatserver.audit.events import FIRST_LEAF, Event, entry_of, leaf_of
from chatserver.feed import Entry
from chatserver.store import sql
from chatserver.store.changes import Change
from chatserver.store.port import Committed, Unit

APPLIED: Final = Committed()

_ROWS_AT_ONCE: Final = (16, 4, 1)

Row = tuple[object, ...]


class GuardMissed(Exception):
    """A guarded change did not find its one row."""


class Database(Protocol):
    """A connection inside a transaction."""

    def execute(self, statement: str, bindings: Sequence[Any] = ()) -> Iterable[Row]:
        """Run a statement; its rows must be read to its end."""

    def changes(self) -> int:
        """How many rows the last statement touched."""


class Tip(NamedTuple):
    """The end of a shard: number and leaf of its last entry; -1 if it has none."""

    number: int = -1
    leaf: bytes = FIRST_LEAF


class Cold(NamedTuple):
    """A change that is executed by itself."""

    text: str
    statement: sql.Statement


class Texts:
    """Every statement with its tenant written in. Made once a store."""

    def __init__(self, tenant: bytes) -> None:
        self.cold = {
            kind: Cold(sql.for_sqlite(statement.text, tenant), statement)
            for kind, statement in sql.CHANGES.items()
            if kind not in sql.HOT
        }
        self.hot = {kind: _at_once(sql.CHANGES[kind].text, tenant) for kind in sql.HOT}
        self.event = _at_once(sql.ADD_EVENT, tenant)
        self.feed = sql.for_sqlite(sql.ADD_FEED, tenant)


def _at_once(text: str, tenant: bytes) -> tuple[tuple[int, str], ...]:
    return tuple((rows, sql.for_sqlite_rows(text, tenant, rows)) for rows in _ROWS_AT_ONCE)


class Transaction:
    """What one batch does between BEGIN and COMMIT."""

    def __init__(self, database: Database, texts: Texts, shard: bytes, tip: Tip) -> None:
        self._database = database
        self._texts = texts
        self._shard = shard
        self._number, self._leaf = tip
        self._hot: dict[type, list[Any]] = {kind: [] for kind in sql.HOT}
        self._events: list[Row] = []
        self._feed: list[Entry] = []

    @property
    def tip(self) -> Tip:
        """The end of the shard as this transaction will leave it."""
        return Tip(self._number, self._leaf)

    def add(self, unit: Unit) -> Committed:
        """Apply `unit`, but for what `flush` has yet to write. Raises what the database raises, or `GuardMissed`."""
        answers: list[tuple[Row, ...]] = []
        hot = self._hot
        for change in unit.changes:
            kind = type(change)
            if kind in hot:
                hot[kind].append(change)
            else:
                self._cold(self._texts.cold[kind], change, answers)
        for event in unit.events:
            self._chain(event)
        self._feed.extend(unit.feed)
        return Committed(tuple(answers)) if answers else APPLIED

    def flush(self) -> None:
        """Write everything that was gathered."""
        for kind in self._hot:
            self._write_hot(kind)
        self._write(self._texts.event, self._events)
        self._events = []
        self._write_feed()

    def forget(self, tip: Tip) -> None:
        """Drop what was gathered since `tip` stood."""
        self._hot = {kind: [] for kind in sql.HOT}
        self._events = []
        self._feed = []
        self._number, self._leaf = tip

    def _cold(self, cold: Cold, change: Change, answers: list[tuple[Row, ...]]) -> None:
        for kind in cold.statement.waits_for:
            self._write_hot(kind)
        rows = tuple(self._database.execute(cold.text, change))
        if cold.statement.guarded and (len(rows) if cold.statement.answers else self._database.changes()) != 1:
            raise GuardMissed
        if cold.statement.returns:
            answers.append(rows)

    def _chain(self, event: Event) -> None:
        self._number += 1
        entry = entry_of(event, self._shard, self._number, self._leaf)
        self._leaf = leaf_of(entry)
        self._events.append((self._shard, self._number, entry, self._leaf))

    def _write_hot(self, kind: type) -> None:
        if rows := self._hot[kind]:
            self._hot[kind] = []
            self._write(self._texts.hot[kind], rows)

    def _write(self, texts: tuple[tuple[int, str], ...], rows: list[Row]) -> None:
        start, end = 0, len(rows)
        for size, text in texts:
            while end - start >= size:
                self._database.execute(text, tuple(chain.from_iterable(rows[start : start + size])))
                start += size

    def _write_feed(self) -> None:
        if not self._feed:
            return
        ((last,),) = self._database.execute(sql.LAST_FEED)
        assert isinstance(last, int)  # noqa: S101 - an aggregate of an integer column; told to the type checker
        for number, entry in enumerate(self._feed, last + 1):
            self._database.execute(self._texts.feed, (number, *entry))
        self._feed = []
