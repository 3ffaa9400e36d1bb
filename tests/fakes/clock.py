"""Time by hand: a clock that stands still until it is moved, and timers that fire in its order."""

import heapq
from collections.abc import Callable
from itertools import count

EPOCH_MS = 1_800_000_000_000


class FakeClock:
    """A `Clock`. The wall clock runs with the other."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def mono_s(self) -> float:
        return self.now

    def wall_ms(self) -> int:
        return EPOCH_MS + round(self.now * 1000)


class Timers:
    """`call_later` and `call_soon` on a fake clock."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._waiting: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()

    def call_later(self, delay: float, callback: Callable[[], object]) -> None:
        heapq.heappush(self._waiting, (self._clock.now + delay, next(self._numbers), callback))

    def call_soon(self, callback: Callable[[], object]) -> None:
        self.call_later(0.0, callback)

    def advance(self, seconds: float) -> None:
        """Let so much time pass; what comes due runs at its time."""
        until = self._clock.now + seconds
        while self._waiting and self._waiting[0][0] <= until:
            at, _, callback = heapq.heappop(self._waiting)
            self._clock.now = max(self._clock.now, at)
            callback()
        self._clock.now = until

    def next_due(self) -> float | None:
        """Seconds until the next one; None if none waits."""
        return max(0.0, self._waiting[0][0] - self._clock.now) if self._waiting else None
