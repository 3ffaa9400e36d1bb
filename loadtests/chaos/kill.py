"""`kill -9` of the server at seeded random moments under load; clients resume; the checker reads the history.

    python -m loadtests.chaos.kill --runs 50 --seed 1

Exit code 0 if no promise broke in any run.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp
import uvloop
from rich.progress import Progress

from loadtests.actors import Device
from loadtests.chaos.checker import PROMISES, Checker, Violation
from loadtests.chaos.history import History
from loadtests.chaos.person import Person, quiet
from loadtests.chaos.server import Organisation, Server

PAIRS: Final = 3
GROUP: Final = 4
KILLS: Final = 2
SAY_EVERY_S: Final = 0.004
QUIET_S: Final = 30.0


class Plan(NamedTuple):
    """What a run does; the seed decides everything that is left open."""

    seed: int
    bug: str = "none"
    kills: int = KILLS
    quiet_s: float = QUIET_S
    """How long, at most, everybody waits for the last of their sends to end."""


class Run(NamedTuple):
    """What one seed gave."""

    counts: dict[str, int]
    violations: list[Violation]
    seconds: float


async def run(plan: Plan, folder: Path) -> Run:
    """One run: people, load, deaths, rest, judgement."""
    began = time.monotonic()
    server = Server(folder, plan.bug)
    with contextlib.closing(History(folder / "history.jsonl")) as history:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            await _scene(plan, server, http, history)
    checker = Checker(history.operations)
    return Run(checker.counts(), checker.violations(), time.monotonic() - began)


async def _scene(plan: Plan, server: Server, http: aiohttp.ClientSession, history: History) -> None:
    rng = random.Random(plan.seed)
    people = await _people(server, http, history, rng)
    stop = asyncio.Event()
    living = [asyncio.ensure_future(person.live(stop)) for person in people]
    talking = asyncio.ensure_future(_talk(people, rng))
    try:
        for _ in range(plan.kills):
            await asyncio.sleep(rng.uniform(0.3, 1.2))
            await _kill(server, people, history)
            await server.start(http)
        await asyncio.sleep(0.3)
        talking.cancel()
        await _rest(people, plan.quiet_s)
    finally:
        stop.set()
        ended = await _end([talking, *living])
        await server.stop()
    if faults := [end for end in ended if isinstance(end, Exception)]:
        raise ExceptionGroup("the harness's own people failed", faults)
    async with Organisation(server.settings) as organisation:
        await organisation.tell(history, [person.device.id for person in people])


async def _kill(server: Server, people: list[Person], history: History) -> None:
    """What the dead server had receipted must be in its store."""
    history.add("fault", kind="kill")
    await server.kill()
    receipted = {(person.device.id, n) for person in people for n in person.receipted}
    async with Organisation(server.settings) as organisation:
        for sender, n in receipted - (await organisation.sends()).keys():
            history.add("early", sender=sender, n=n)


async def _end(tasks: "list[asyncio.Future[None]]") -> list[BaseException | None]:
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def _people(server: Server, http: aiohttp.ClientSession, history: History, rng: random.Random) -> list[Person]:
    async with Organisation(server.settings) as organisation:
        codes = [await organisation.invite() for _ in range(2 * PAIRS)]
    await server.start(http)
    devices = [Device(server.url, http, f"person-{number}") for number in range(len(codes))]
    await asyncio.gather(*(device.join(code) for device, code in zip(devices, codes, strict=True)))
    people = [Person(device, history, random.Random(rng.random())) for device in devices]
    circles = [devices[2 * pair : 2 * pair + 2] for pair in range(PAIRS)] + [devices[:GROUP]]
    async with Organisation(server.settings) as organisation:
        for circle in circles:
            scope = await organisation.converse(*(device.account for device in circle))
            for person in people:
                if person.device in circle:
                    person.circles[scope] = circle
    return people


async def _talk(people: list[Person], rng: random.Random) -> None:
    while True:
        person = rng.choice(people)
        await person.say(rng.choice(list(person.circles)))
        await asyncio.sleep(rng.expovariate(1 / SAY_EVERY_S))


async def _rest(people: list[Person], quiet_s: float) -> None:
    """Until every send came to its end, or for as long as anybody would wait."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(quiet_s):
            while not quiet(people):
                await asyncio.sleep(0.05)
    for person in people:
        await person.settle()
    await asyncio.sleep(0.5)  # the last acknowledgements are committed


class Tally:
    """Of all runs together."""

    def __init__(self) -> None:
        self.broken: Counter[str] = Counter(dict.fromkeys(PROMISES, 0))
        self.messages: Counter[str] = Counter()
        self.seconds = 0.0

    def add(self, done: Run) -> None:
        """One run more."""
        self.broken.update(violation.promise for violation in done.violations)
        self.messages.update(done.counts)
        self.seconds += done.seconds

    def told(self, asked: argparse.Namespace) -> dict[str, object]:
        """What is committed as a result: everything that it takes to run it again, and what came of it."""
        return {
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "command": f"python -m loadtests.chaos.kill --runs {asked.runs} --seed {asked.seed} --kills {asked.kills}",
            "bug": asked.bug,
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "seeds": [asked.seed, asked.seed + asked.runs - 1],
            "kills": asked.runs * asked.kills,
            "seconds": round(self.seconds),
            "messages": dict(self.messages),
            "violations": dict(self.broken),
        }


def _asked() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--seed", type=int, default=1, help="of the first run; the others count on from it")
    options.add_argument("--bug", default="none", help="plant one (loadtests/chaos/bugs.py): the checker must find it")
    options.add_argument("--kills", type=int, default=KILLS, help="deaths in each run")
    options.add_argument("--out", type=Path, help="write the result as JSON")
    return options.parse_args()


def _campaign(asked: argparse.Namespace) -> Tally:
    tally = Tally()
    with Progress(disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task("kill -9", total=asked.runs)
        for seed in range(asked.seed, asked.seed + asked.runs):
            with tempfile.TemporaryDirectory(prefix="sotto-chaos-") as folder:
                done = uvloop.run(run(Plan(seed, asked.bug, asked.kills), Path(folder)))
            tally.add(done)
            lines = [f"seed {seed:>5}  {done.seconds:5.1f} s  {done.counts}  {len(done.violations)} violations"]
            lines += [f"    {violation.promise}: {violation.witness}" for violation in done.violations[:5]]
            bar.console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
            bar.advance(task)
    return tally


def main() -> int:
    """The command."""
    asked = _asked()
    tally = _campaign(asked)
    result = json.dumps(tally.told(asked), indent=2)
    print(result)
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(result + "\n")
    return 1 if any(tally.broken.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
