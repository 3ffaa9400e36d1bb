"""The two phases: a window of messages in flight for each pair, and arrivals that wait for nobody."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from loadtests.bench.metronome import Metronome, arrivals
from loadtests.bench.processes import Server, Weight, own_cpu_s

WINDOW: Final = 4
FIRST_NUMBER: Final = 1_000_000
"""Numbers keep their width on every wire."""
_WARM_S: Final = 1.0
_DRAIN_S: Final = 2.0
_CARRIED: Final = 0.98
_US: Final = 1e6
_MS: Final = 1e3


@dataclass
class Flow:
    """One pair: who sends, and when each message that is in flight was due. Owned by the load."""

    write: Callable[[int], None]
    n: int = FIRST_NUMBER
    sent: dict[int, float] = field(default_factory=dict)

    def send(self, at: float) -> None:
        """The next message, due `at`."""
        n = self.n
        self.n = n + 1
        self.sent[n] = at
        self.write(n)


class Phase(NamedTuple):
    """What one phase of one side came to."""

    messages: int
    wall_s: float
    server: Weight
    generator_cpu_s: float
    deliver_s: list[float]
    receipt_s: list[float]
    offered: int
    stored: int


@dataclass
class Load:
    """Counts what the flows do. Owned by one run of one side."""

    window: int = 0
    flows: list[Flow] = field(default_factory=list)
    done: int = 0
    stored: int = 0
    repeated: int = 0
    offered: int = 0
    refused: str = ""
    deliver_s: list[float] = field(default_factory=list)
    receipt_s: list[float] = field(default_factory=list)

    def heard(self, flow: Flow, said: list[Any]) -> None:
        """A frame or an event that came to a sender."""
        kind = said[0]
        if kind == "receipt":
            if said[2] == "delivered":
                self.receipted(flow, said[1])
            else:
                self.stored += 1
        elif kind == "refused":
            self.refused = str(said[2])
        elif kind == "bye":
            self.refused = str(said[1])

    def delivered(self, flow: Flow, n: int) -> None:
        """Message n came to its receiver."""
        due = flow.sent.get(n)
        if due is not None:
            self.deliver_s.append(time.perf_counter() - due)

    def receipted(self, flow: Flow, n: int) -> None:
        """The sender of n knows that it arrived."""
        due = flow.sent.pop(n, None)
        if due is None:
            self.repeated += 1
            return
        now = time.perf_counter()
        self.receipt_s.append(now - due)
        self.done += 1
        if self.window:
            flow.send(now)

    def in_flight(self) -> int:
        """Messages without a receipt."""
        return sum(len(flow.sent) for flow in self.flows)

    async def saturate(self, server: Server, seconds: float) -> Phase:
        """WINDOW messages in flight for each pair, all the time."""
        self.window = WINDOW
        for flow in self.flows:
            for _ in range(WINDOW):
                flow.send(time.perf_counter())
        try:
            return await self._measured(server, seconds)
        finally:
            self.window = 0
            await self._drained()

    async def arrive(self, server: Server, seconds: float, per_s: float, seed: int) -> Phase:
        """Independent arrivals, `per_s` of them over all pairs in turn."""
        turns = 0

        def due(at: float) -> None:
            nonlocal turns
            self.flows[turns % len(self.flows)].send(at)
            turns += 1
            self.offered += 1

        metronome = Metronome(arrivals(per_s, seed), due)
        try:
            return await self._measured(server, seconds)
        finally:
            metronome.stop()
            await self._drained()

    async def _measured(self, server: Server, seconds: float) -> Phase:
        await asyncio.sleep(_WARM_S)
        self._forget()
        before, own, started = server.weigh(), own_cpu_s(), time.perf_counter()
        await asyncio.sleep(seconds)
        after, wall_s = server.weigh(), time.perf_counter() - started
        if self.refused:
            raise RefusedLoadError(self.refused)
        used = Weight(after.cpu_s - before.cpu_s, after.rss_bytes)
        return Phase(
            self.done, wall_s, used, own_cpu_s() - own, self.deliver_s[:], self.receipt_s[:], self.offered, self.stored
        )

    def _forget(self) -> None:
        self.done = self.stored = self.offered = 0
        del self.deliver_s[:], self.receipt_s[:]

    async def _drained(self) -> None:
        try:
            async with asyncio.timeout(_DRAIN_S):
                while self.in_flight():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return  # it was overrun; the phase tells


class RefusedLoadError(Exception):
    """A server refused a message; carries its code."""


def percentile(values: list[float], share: float) -> float:
    """In milliseconds, to the microsecond."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * _MS, 3)


def carried(phase: Phase) -> bool:
    """Whether a side kept up with what was offered."""
    return phase.messages >= _CARRIED * phase.offered


def figures(phase: Phase) -> dict[str, float]:
    """A phase as it is reported."""
    return {
        "cpu_us_per_message": round(phase.server.cpu_s / phase.messages * _US, 2),
        "messages_per_s": round(phase.messages / phase.wall_s, 1),
        "p50_ms": percentile(phase.receipt_s, 0.5),
        "p99_ms": percentile(phase.receipt_s, 0.99),
        "deliver_p50_ms": percentile(phase.deliver_s, 0.5),
        "deliver_p99_ms": percentile(phase.deliver_s, 0.99),
        "server_cpu_share": round(phase.server.cpu_s / phase.wall_s, 3),
        "generator_cpu_share": round(phase.generator_cpu_s / phase.wall_s, 3),
    }
