"""The store's promises.

1. **One way to write.** A `Unit` is changes, audit events and feed entries that belong together. It is applied as a
   whole or not at all. `submit` puts it into the next group commit.
2. **Order.** Units are applied in the order of their submission, and their `done` callbacks run in that order, each
   exactly once, on the event loop, never inside `submit`.
3. **Durable.** `Committed` means: on disk, past a power cut (SQLite `synchronous=FULL`). Nothing is reported before.
4. **Neighbours.** A unit that fails on its data or its guard fails alone; the other units of its batch are applied.
5. **Failure is known, or said to be unknown.** Any `Failure` but `UNKNOWN` means that nothing of the unit was applied.
   After `UNKNOWN` the caller reads before it repeats. The store re-reads its shard's last leaf before it writes again.
6. **Guards.** A change marked as guarded must touch (or, if it changes nothing, find) exactly one row; if it does not,
   the unit fails with `GUARD`.
7. **Events.** Each event becomes the next entry of this writer's shard, chained by leaf hash, in the same commit.
8. **Feed.** Feed entries get the next gapless numbers in the same commit, across all writers.
9. **Reads** see every unit whose `done` has run, may see later ones, and never half of one. They run beside the writer.
10. **Bounded.** At most `MAX_WAITING_UNITS` wait; beyond that a unit fails with `BUSY` in the next turn of the loop,
    before the units that wait. So does, with `LOST`, a unit that comes after `close`.
"""

import enum
from collections.abc import Callable
from typing import Any, ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar

from chatserver.audit.events import Event
from chatserver.feed import Entry
from chatserver.store.changes import Change

MAX_WAITING_UNITS: Final = 20_000

R_co = TypeVar("R_co", covariant=True)


class Unit(NamedTuple):
    """What is applied as a whole or not at all."""

    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()
    feed: tuple[Entry, ...] = ()


class Failure(enum.Enum):
    """Why a unit was not applied."""

    GUARD = "guard"
    """A guarded change did not find its one row."""
    DATA = "data"
    """The database refused the values."""
    BUSY = "busy"
    """Locked, or too many units are waiting."""
    FULL = "full"
    """No room on the disk."""
    LOST = "lost"
    """The store cannot be reached."""
    UNKNOWN = "unknown"
    """It may or may not have been applied."""


class Committed(NamedTuple):
    """The unit is durable. `rows` holds, for each change that returns rows, those rows in the order of the changes."""

    rows: tuple[tuple[tuple[object, ...], ...], ...] = ()


Outcome = Committed | Failure
Done = Callable[[Outcome], None]


class Query(Generic[R_co]):
    """A read: a frozen dataclass whose `row` makes a value of a row.

    Its fields in order are `$2`, `$3`... of one SQL statement; `$1` is the tenant.
    """

    row: ClassVar[Callable[..., Any]]


class Store(Protocol):
    """What the house may ask of a store."""

    def submit(self, unit: Unit, done: Done) -> None:
        """Put `unit` into the next group commit; `done` hears what became of it. Never blocks."""

    async def commit(self, unit: Unit) -> Outcome:
        """The same, awaited: for everything that is not a message."""

    async def read(self, query: Query[R_co]) -> list[R_co]:
        """The rows of `query`. Raises `StoreLost` if the store cannot be read."""

    async def close(self) -> None:
        """Apply what waits, then let go of the files."""


class StoreLost(Exception):
    """The store cannot be read now."""


class StoreRefused(Exception):
    """The store cannot be opened; the text is one sentence that says how to mend it."""
