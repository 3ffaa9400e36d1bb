"""`kill -9`, of the server under load and of a client in the middle of a message: what was promised is kept."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
import uvloop

from loadtests.chaos.bugs import BUGS
from loadtests.chaos.kill import Plan, Run, run
from sotto.client import Client
from sotto.values import Stage
from tests.journeys.patience import until
from tests.sotto_house import PASSWORD, House, house, knows, reached, texts

pytestmark = pytest.mark.timeout(300)

SEEDS: Final = range(1, 11)
BREAKS: Final = {
    "dropped_ack": "left_over",
    "duplicate": "phantom",
    "swap": "order",
    "suppressed_box": "lost",
    "early_receipt": "early",
    "second_event": "event",
    "never_written": "lost",
}
"""Which promise each planted bug breaks; what else it breaks may differ from run to run."""
SEEDS_TO_FIND: Final = 3
ENOUGH: Final = 100
"""Messages without which a run says nothing."""


def ran(plan: Plan, folder: Path) -> Run:
    done = uvloop.run(run(plan, folder))
    assert min(done.counts.values()) >= ENOUGH, done.counts
    return done


@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_that_is_killed_twice_under_load_keeps_every_promise(seed: int, tmp_path: Path) -> None:
    assert ran(Plan(seed), tmp_path).violations == []


def test_every_planted_bug_is_known_by_the_promise_it_breaks() -> None:
    assert BREAKS.keys() == BUGS.keys()


@pytest.mark.parametrize("bug", BREAKS)
def test_a_planted_bug_is_found_within_three_seeds(bug: str, tmp_path: Path) -> None:
    found: set[str] = set()
    for seed in range(1, 1 + SEEDS_TO_FIND):
        (folder := tmp_path / str(seed)).mkdir()
        # A bug may leave sends that never end: three seconds show it as well as thirty.
        found = {violation.promise for violation in ran(Plan(seed, bug, kills=1, quiet_s=3.0), folder).violations}
        if BREAKS[bug] in found:
            break
    assert BREAKS[bug] in found


class Life:
    """One run of the mortal reader: what it showed, and whether it is over."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.shown: list[str] = []

    async def look(self) -> None:
        """Take what it shows, to its end."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.shown.append(json.loads(line))
        await self._process.wait()

    def is_over(self) -> bool:
        return self._process.returncode is not None


@asynccontextmanager
async def life(home: House, alias: str, *fate: str) -> AsyncIterator[Life]:
    words = (str(home.folder / f"{alias}.state"), home.url, PASSWORD, *fate)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("mortal_reader.py")), *words, stdout=asyncio.subprocess.PIPE
    )
    lived = Life(process)
    looking = asyncio.create_task(lived.look())
    try:
        yield lived
    finally:
        if not lived.is_over():
            process.kill()
        await looking


async def say_to(lived: Life, sender: Client, scope: bytes, words: list[str]) -> None:
    """One after another, each when the one before was shown, or nobody lives to show it."""
    for word in words:
        await sender.send(scope, word)
        await until(lambda word=word: word in lived.shown or lived.is_over())  # type: ignore[misc]  # mypy: a default


@pytest.mark.parametrize("moment", ["received", "opened", "committed", "acknowledged"])
async def test_a_client_that_is_killed_in_a_message_loses_none_and_shows_none_twice(
    moment: str, tmp_path: Path
) -> None:
    words = [f"{number} of ten" for number in range(10)]
    async with house(tmp_path) as home, await home.join("River") as river:
        async with await home.join("Sage") as sage:
            scope = await home.together(river, sage)
            await knows(river, scope)
            await knows(sage, scope)
        waiting = [await river.send(scope, word) for word in words[:3]]
        await reached(river, waiting[-1], Stage.SAFE)
        async with life(home, "Sage", moment, "1") as first:  # while it catches up
            await until(first.is_over)
        async with life(home, "Sage", moment, "4") as second:  # while it is live
            await say_to(second, river, scope, words[3:9])
            assert second.is_over()
        async with life(home, "Sage") as third:
            last = await river.send(scope, words[9])
            await reached(river, last, Stage.DELIVERED)
            await until(lambda: words[9] in third.shown)
        sage = await home.open("Sage")
        assert texts(await sage.history(scope)) == words
        await sage.close()
        assert at_a_reader(first.shown, second.shown, third.shown) == words


async def test_the_same_look_sees_a_client_that_acknowledges_before_it_commits(tmp_path: Path) -> None:
    async with house(tmp_path) as home, await home.join("River") as river:
        async with await home.join("Sage") as sage:
            scope = await home.together(river, sage)
            await knows(river, scope)
            await knows(sage, scope)
        said = await river.send(scope, "never shown")
        async with life(home, "Sage", "careless", "1"):
            await reached(river, said, Stage.DELIVERED)
        sage = await home.open("Sage")
        assert texts(await sage.history(scope)) == []
        await sage.close()


def at_a_reader(*lives: list[str]) -> list[str]:
    """All that was shown, in order. Only what a life was working on when it ended may be shown again by the next."""
    whole: list[str] = []
    for shown in lives:
        again = bool(whole and shown and shown[0] == whole[-1])
        whole += shown[1:] if again else shown
    return whole
