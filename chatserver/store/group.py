"""The group commit: units collect while one batch is applied. Callbacks alone; nothing is awaited for a unit."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from chatserver.store.port import MAX_WAITING_UNITS, Done, Failure, Outcome, Unit

DISTANCE_S: Final = 0.002
"""Between the starts of two batches while units keep coming: many small commits cost more than they save."""
MAX_BATCH_UNITS: Final = 1_000
"""Bounds the time that one batch keeps the next waiting, and the log that it leaves."""

Told = Callable[[Sequence[Outcome]], None]
Begin = Callable[[list[Unit], Told], None]


class Loop(Protocol):
    """What the group needs of an event loop: seconds that never go back, and calls now or then."""

    def time(self) -> float:
        """Seconds."""

    def call_soon(self, callback: Callable[..., object], *args: Any) -> object:
        """In the next turn."""

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> object:
        """Not before `when`."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Somebody's callback raised."""


class Group:
    """Collects units, hands them to `begin` batch by batch, one batch at a time, and tells each what became of it.

    A batch after quiet starts in the next turn of the loop; while units keep coming, starts keep `distance_s` apart.
    Lives on the loop's thread, which owns every field. `begin` must not raise and must call its second argument once,
    on the loop, with one outcome a unit.
    """

    def __init__(
        self, begin: Begin, loop: Loop, *, distance_s: float = DISTANCE_S, max_waiting: int = MAX_WAITING_UNITS
    ) -> None:
        self._begin = begin
        self._loop = loop
        self._distance_s = distance_s
        self._max_waiting = max_waiting
        self._units: list[Unit] = []
        self._dones: list[Done] = []
        self._busy = False
        """A batch is under way, or its start is scheduled."""
        self._started_at = float("-inf")
        self._closed: Callable[[], None] | None = None

    def submit(self, unit: Unit, done: Done) -> None:
        """Put `unit` into the next batch; `done` hears of it later, never before this returns."""
        if self._closed is not None:
            self._loop.call_soon(done, Failure.LOST)
        elif len(self._units) >= self._max_waiting:
            self._loop.call_soon(done, Failure.BUSY)
        else:
            self._units.append(unit)
            self._dones.append(done)
            if not self._busy:
                self._schedule()

    def close(self, closed: Callable[[], None]) -> None:
        """Apply what waits, then call `closed`. Units that come later fail with `LOST`."""
        self._closed = closed
        if not self._busy:
            self._loop.call_soon(closed)

    def _schedule(self) -> None:
        self._busy = True
        due = self._started_at + self._distance_s
        if self._closed is not None or self._loop.time() >= due:
            self._loop.call_soon(self._start)
        else:
            self._loop.call_at(due, self._start)

    def _start(self) -> None:
        self._started_at = self._loop.time()
        units, self._units = self._units[:MAX_BATCH_UNITS], self._units[MAX_BATCH_UNITS:]
        dones, self._dones = self._dones[:MAX_BATCH_UNITS], self._dones[MAX_BATCH_UNITS:]
        self._begin(units, lambda outcomes: self._told(dones, outcomes))

    def _told(self, dones: list[Done], outcomes: Sequence[Outcome]) -> None:
        for done, outcome in zip(dones, outcomes, strict=True):
            try:
                done(outcome)
            except Exception as error:  # noqa: BLE001 - one caller's mistake must not silence the others of its batch
                self._loop.call_exception_handler({"message": "a unit's callback raised", "exception": error})
        if self._units:
            self._schedule()
            return
        self._busy = False
        if self._closed is not None:
            self._closed()
