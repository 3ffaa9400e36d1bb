"""Time as an input: the device's clock, corrected with the server's (CRYPTO section 1)."""

import asyncio
import random
import time
from typing import Protocol


class Clock(Protocol):
    """What the client asks of time. Tests bring their own."""

    def wall_ms(self) -> int:
        """Milliseconds since the epoch by the device."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The device's own clock."""

    def wall_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Backoff:
    """Seconds between attempts: 0 to 1 first, then 1, 2, 4... up to 30, each +-50 %, so that crowds spread."""

    FIRST_S = 1.0
    LONGEST_S = 30.0

    def __init__(self, uniform: "Uniform" = random.uniform) -> None:
        self._uniform = uniform
        self._attempt = 0

    def next_s(self) -> float:
        """How long to wait before the next attempt."""
        self._attempt += 1
        if self._attempt == 1:
            return self._uniform(0.0, self.FIRST_S)
        base = min(self.FIRST_S * float(2 ** min(self._attempt - 2, 16)), self.LONGEST_S)
        return base * self._uniform(0.5, 1.5)

    def reset(self) -> None:
        """It went well."""
        self._attempt = 0


class Uniform(Protocol):
    """A random number between two others."""

    def __call__(self, low: float, high: float, /) -> float:
        """Draw one."""
        ...
