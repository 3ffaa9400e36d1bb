"""A store whose commits and reads go step by step, and fail where a test says so. It keeps the promises of the port."""

import asyncio
import enum
from collections import deque
from collections.abc import Generator
from typing import Any, NamedTuple

from chatserver.store.port import Committed, Done, Failure, Outcome, Query, R_co, StoreLost, Unit
from tests.fakes.shelf import Shelf


class Fault(enum.Enum):
    """What becomes of a unit: well, or failed before or after it was applied, said or not."""

    NONE = "none"
    GUARD = "guard"
    DATA = "data"
    BUSY = "busy"
    FULL = "full"
    LOST = "lost"
    UNKNOWN_BEFORE = "unknown, and not applied"
    UNKNOWN_AFTER = "unknown, and applied"


_SAID = {
    Fault.GUARD: Failure.GUARD,
    Fault.DATA: Failure.DATA,
    Fault.BUSY: Failure.BUSY,
    Fault.FULL: Failure.FULL,
    Fault.LOST: Failure.LOST,
    Fault.UNKNOWN_BEFORE: Failure.UNKNOWN,
    Fault.UNKNOWN_AFTER: Failure.UNKNOWN,
}
_APPLIED = {Fault.NONE, Fault.UNKNOWN_AFTER}


class Waiting(NamedTuple):
    """A unit and who waits for it."""

    unit: Unit
    done: Done


class Reading:
    """A read under way. Awaiting it gives the store's stepper a hold on the coroutine."""

    def __init__(self, query: object, seen: list[Any]) -> None:
        self.query = query
        self.seen = seen
        self.lost = False

    def __await__(self) -> Generator["Reading", None, list[Any]]:
        yield self
        if self.lost:
            raise StoreLost
        return self.seen


class FakeStore:
    """`submit` queues, `apply` makes durable, `tell` runs the callbacks: each when the test says so."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.queued: deque[Waiting] = deque()
        self.untold: deque[tuple[Done, Outcome]] = deque()

    def submit(self, unit: Unit, done: Done) -> None:
        self.queued.append(Waiting(unit, done))

    async def commit(self, unit: Unit) -> Outcome:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def read(self, query: Query[R_co]) -> list[R_co]:
        return await Reading(query, self.shelf.read(query))

    def apply(self, fault: Fault = Fault.NONE) -> None:
        """The oldest unit is written, or not."""
        unit, done = self.queued.popleft()
        rows = self.shelf.apply(unit) if fault in _APPLIED else ()
        self.untold.append((done, _SAID.get(fault) or Committed(rows)))

    def tell(self) -> None:
        """The oldest outcome is told."""
        done, outcome = self.untold.popleft()
        done(outcome)

    def settle(self, fault: Fault = Fault.NONE) -> None:
        """Apply and tell everything that waits, and what comes of that."""
        while self.queued or self.untold:
            while self.queued:
                self.apply(fault)
            while self.untold:
                self.tell()


class LoopStore(FakeStore):
    """The same on a loop: a commit takes a millisecond, a read a turn. `fault` strikes everything while it is set."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self.fault = Fault.NONE
        self.blind = False  # nothing can be read
        self._due = False

    def submit(self, unit: Unit, done: Done) -> None:
        super().submit(unit, done)
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(0.001, self._commit)

    def _commit(self) -> None:
        self._due = False
        for _ in range(len(self.queued)):
            self.apply(self.fault)
        while self.untold:
            self.tell()

    async def read(self, query: Query[R_co]) -> list[R_co]:
        rows: list[R_co] = self.shelf.read(query)
        await asyncio.sleep(0)
        if self.blind:
            raise StoreLost
        return rows
