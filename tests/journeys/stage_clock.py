"""Time as an input of journeys: one shift moves the server and the people; nobody waits for it."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

HOUR_S: Final = 3_600.0
DAY_S: Final = 24 * HOUR_S
_LONGEST_NAP_S: Final = 0.05


@dataclass
class Shift:
    """How far the whole world is ahead of this machine's clocks. Owned by the test."""

    seconds: float = 0.0

    def by(self, seconds: float) -> None:
        """It is that much later now."""
        self.seconds += seconds


class ServerClock:
    """A server's clocks in the shifted world."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift

    def mono_s(self) -> float:
        return time.monotonic() + self._shift.seconds

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000 + int(self._shift.seconds * 1000)


class PersonClock:
    """A person's clocks in the shifted world. Their naps are short: back-off and ticks come soon, and come often."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000 + int(self._shift.seconds * 1000)

    def monotonic_s(self) -> float:
        return time.monotonic() + self._shift.seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, _LONGEST_NAP_S))
