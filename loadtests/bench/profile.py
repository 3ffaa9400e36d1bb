"""Where Sotto's time goes while it relays at saturation: functions by the time in themselves, per message.

With py-spy on the path the server runs as it is and samples are taken from outside; without it cProfile runs inside,
which makes everything slower but keeps the order.
"""

import asyncio
import pstats
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from loadtests.bench.load import figures
from loadtests.bench.ours import Native
from loadtests.bench.rounds import PAIRS, paired

SHOWN: Final = 25
_HZ: Final = 500
_LINE: Final = re.compile(r":\d+\)")


class Spent(NamedTuple):
    """A function: the share of all time spent in itself, and in it with what it called."""

    name: str
    own: float
    whole: float


def from_stacks(lines: Iterable[str]) -> list[Spent]:
    """Collapsed stacks ("outer;inner count"), the most expensive first."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        names = [_LINE.sub(")", name) for name in stack.split(";")]
        own[names[-1]] += int(count)
        whole.update(dict.fromkeys(names, int(count)))
    total = own.total() or 1
    return [Spent(name, count / total, whole[name] / total) for name, count in own.most_common()]


def from_profile(path: Path) -> list[Spent]:
    """What cProfile wrote, the most expensive first."""
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]  # documented, not typed
    total = sum(found[2] for found in stats.values()) or 1.0
    spent = [
        Spent(f"{function} ({Path(file).name})", found[2] / total, found[3] / total)
        for (file, _line, function), found in stats.items()
    ]
    return sorted(spent, key=lambda one: one.own, reverse=True)


def told(spent: list[Spent], us_per_message: float) -> Iterator[str]:
    """The first lines of a profile, as text."""
    for one in spent[:SHOWN]:
        bar = "#" * round(one.own * 100)
        yield f"{one.own:6.1%} {one.own * us_per_message:6.2f} us  with callees {one.whole:6.1%}  {one.name}  {bar}"


async def profile(core: int, seconds: float) -> Iterator[str]:
    """Run our native side saturated and look."""
    spy = shutil.which("py-spy")
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        found = Path(folder) / "profile"
        side = Native(() if spy else ("--profile", str(found)))
        server = await side.start(Path(folder), core, PAIRS, 0)
        try:
            load = await paired(side)
            watching = await _spy(spy, server.pid, seconds, found) if spy else None
            us = figures(await load.saturate(server, seconds))["cpu_us_per_message"]
            if watching is not None:
                await watching.wait()
        finally:
            await server.stop()
        spent = from_stacks(found.read_text().splitlines()) if spy else from_profile(found)
        return told(spent, us)


async def _spy(spy: str, pid: int, seconds: float, out: Path) -> asyncio.subprocess.Process:
    """Samples of the threads that hold the interpreter."""
    options = ("--gil", "--nonblocking", "-r", str(_HZ), "-d", str(int(seconds)), "-f", "raw", "-o", str(out))
    null = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(spy, "record", *options, "-p", str(pid), stdout=null, stderr=null)
