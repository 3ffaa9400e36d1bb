"""`kill -9` of the server at seeded random moments under load; clients resume; the checker reads the history.

    python -m loadtests.chaos.kill --runs 50 --seed 1

Exit code 0 if no promise broke in any run.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp
import uvloop

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


class Run(NamedTuple):
    """What one seed gave."""

    seed: int
    counts: dict[str, int]
    violations: list[Violation]
    seconds: float


async def run(seed: int, folder: Path, bug: str = "none", kills: int = KILLS) -> Run:
    """One run: people, load, deaths, rest, judgement."""
    began = time.monotonic()
    rng = random.Random(seed)
    server = Server(folder, bug)
    history = History(folder / "history.jsonl")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        people = await _people(server, http, history, rng)
        stop = asyncio.Event()
        living = [asyncio.ensure_future(person.live(stop)) for person in people]
        talking = asyncio.ensure_future(_talk(people, rng))
        for _ in range(kills):
            await asyncio.sleep(rng.uniform(0.3, 1.2))
            history.add("fault", kind="kill")
            await server.kill()
            receipted = {(person.device.id, n) for person in people for n in person.receipted}
            async with Organisation(server.settings) as organisation:
                for sender, n in receipted - (await organisation.sends()).keys():
                    history.add("early", sender=sender, n=n)
            await server.start(http)
        await asyncio.sleep(0.3)
        talking.cancel()
        await _rest(people)
        stop.set()
        for task in living:
            task.cancel()
        ended = await asyncio.gather(*living, return_exceptions=True)
        faults = [end for end in ended if isinstance(end, Exception)]
        if faults:
            raise ExceptionGroup("the harness's own people failed", faults)
        await server.stop()
    async with Organisation(server.settings) as organisation:
        await organisation.tell(history, [person.device.id for person in people])
    history.close()
    checker = Checker(history.operations)
    return Run(seed, checker.counts(), checker.violations(), time.monotonic() - began)


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


async def _rest(people: list[Person]) -> None:
    """Until every send came to its end, or for as long as anybody would wait."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(QUIET_S):
            while not quiet(people):
                await asyncio.sleep(0.05)
    for person in people:
        await person.settle()
    await asyncio.sleep(0.5)  # the last acknowledgements are committed


def main() -> int:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--seed", type=int, default=1, help="of the first run; the others count on from it")
    options.add_argument("--bug", default="none", help="plant one (loadtests/chaos/bugs.py): the checker must find it")
    options.add_argument("--kills", type=int, default=KILLS, help="deaths in each run")
    options.add_argument("--out", type=Path, help="write the result as JSON")
    asked = options.parse_args()
    broken: Counter[str] = Counter(dict.fromkeys(PROMISES, 0))
    total: Counter[str] = Counter()
    for seed in range(asked.seed, asked.seed + asked.runs):
        with tempfile.TemporaryDirectory(prefix="sotto-chaos-") as folder:
            done = uvloop.run(run(seed, Path(folder), asked.bug, asked.kills))
        broken.update(violation.promise for violation in done.violations)
        total.update(done.counts)
        print(f"seed {seed:>5}  {done.seconds:5.1f} s  {done.counts}  {len(done.violations)} violations", flush=True)
        for violation in done.violations[:5]:
            print(f"    {violation.promise}: {violation.witness}")
    result = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()), "command": " ".join(["kill", *sys.argv[1:]]),
        "runs": asked.runs, "first_seed": asked.seed, "kills": asked.runs * asked.kills,
        "messages": dict(total), "violations": dict(broken),
    }  # fmt: skip
    print(json.dumps(result, indent=2))
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if any(broken.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
