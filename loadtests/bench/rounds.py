"""Rounds: every side in turn, again and again, so that what the machine does meanwhile happens to all of them."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from loadtests.bench.load import Load, Phase, carried, figures
from loadtests.bench.processes import Server
from loadtests.bench.side import Side, crowd
from loadtests.bench.sides import SIDES

PAIRS: Final = 50
IDLE: Final = 2_000
PER_S: Final = 5_000
_HEADROOM: Final = 1.05
_WARM: Final = 100
_SETTLE_S: Final = 2.0
_KB: Final = 1_024
IDLE_ROUNDS: Final = 3

Figures = dict[str, float]


@dataclass
class Result:
    """What one side came to, round by round. `at_5000` holds a reason where it cannot carry that rate."""

    saturated: list[Figures] = field(default_factory=list)
    at_5000: list[Figures | str] = field(default_factory=list)
    rss_kb: list[float] = field(default_factory=list)


class Plan(NamedTuple):
    """What is asked for."""

    names: tuple[str, ...]
    rounds: int
    seconds: float
    seed: int
    core: int
    idle: int = IDLE
    disk: Path | None = None
    """Where the stores stand; None: the machine's directory for large temporary files, which is on its disk."""


class Step(NamedTuple):
    """One start of one server."""

    round: int
    name: str
    idle: bool


def steps(plan: Plan) -> Iterator[Step]:
    """All of them in order. Each round begins with another side."""
    for number in range(plan.rounds):
        turn = number % len(plan.names)
        order = plan.names[turn:] + plan.names[:turn]
        yield from (Step(number, name, idle=False) for name in order)
        if plan.idle and number < IDLE_ROUNDS:
            yield from (Step(number, name, idle=True) for name in order)


async def run(plan: Plan, tell: Callable[[Step], None]) -> dict[str, Result]:
    """Every step; `tell` hears of each before it begins."""
    found = {name: Result() for name in plan.names}
    for step in steps(plan):
        tell(step)
        with tempfile.TemporaryDirectory(dir=plan.disk or "/var/tmp", ignore_cleanup_errors=True) as folder:  # noqa: S108  a private folder in it
            side = SIDES[step.name].make()
            if step.idle:
                found[step.name].rss_kb.append(await _idle(side, plan, Path(folder)))
            else:
                await _busy(side, plan, plan.seed + step.round, Path(folder), found[step.name])
    return found


async def _busy(side: Side, plan: Plan, seed: int, folder: Path, result: Result) -> None:
    server = await side.start(folder, plan.core, PAIRS, 0)
    try:
        load = await paired(side)
        phase = await load.saturate(server, plan.seconds)
        result.saturated.append(figures(phase))
        result.at_5000.append(await _steady(load, server, plan, seed, phase))
    finally:
        await server.stop()


async def paired(side: Side) -> Load:
    """All pairs, come in and ready."""
    load = Load()
    load.flows += [await side.pair(load, number) for number in range(PAIRS)]
    return load


async def _steady(load: Load, server: Server, plan: Plan, seed: int, saturated: Phase) -> Figures | str:
    limit = saturated.messages / saturated.server.cpu_s  # on a core of its own, if it had it whole
    if limit < PER_S * _HEADROOM:
        return f"one core carries about {limit:,.0f} messages a second"
    phase = await load.arrive(server, plan.seconds, PER_S, seed)
    if not carried(phase):
        return f"carried {phase.messages / phase.wall_s:,.0f} of {phase.offered / phase.wall_s:,.0f} messages a second"
    return figures(phase)


async def _idle(side: Side, plan: Plan, folder: Path) -> float:
    """How much one connection adds, in kB, once the first hundred have made the server what it is."""
    server = await side.start(folder, plan.core, 0, _WARM + plan.idle)
    try:
        lines = await crowd(_WARM, side.idle)
        await asyncio.sleep(_SETTLE_S)
        before = server.weigh().rss_bytes
        lines += await crowd(plan.idle, lambda number: side.idle(_WARM + number))
        await asyncio.sleep(_SETTLE_S)
        after = server.weigh().rss_bytes
        for line in lines:
            line.alive()
            line.abort()
        return round((after - before) / plan.idle / _KB, 2)
    finally:
        await server.stop()
