"""Time as an input: `mono_s` decides, `wall_ms` is written down and told to people."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the house may ask about time."""

    def mono_s(self) -> float:
        """Seconds that never go back; every time-out counts in these."""

    def wall_ms(self) -> int:
        """Milliseconds since the epoch."""


class SystemClock:
    """The machine's own clocks."""

    mono_s = staticmethod(time.monotonic)

    @staticmethod
    def wall_ms() -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000
