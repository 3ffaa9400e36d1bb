"""A server process of the bench's own: started on one core, weighed from outside, ended by its id."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = resource.getpagesize()
_READY_S: Final = 20.0
_END_S: Final = 15.0

# Fields of /proc/PID/stat after the command's name, which may hold spaces (proc(5)).
_PPID: Final = 1
_UTIME: Final = 11
_CUTIME: Final = 13
_RSS_PAGES: Final = 21


class Weight(NamedTuple):
    """What a process and everything below it have used: CPU seconds (user and system), resident bytes."""

    cpu_s: float
    rss_bytes: int


class Stat(NamedTuple):
    """One process: its parent, ticks (with those of its threads and of children it has buried), resident pages."""

    pid: int
    parent: int
    ticks: int
    pages: int


def parse_stat(text: str) -> Stat:
    """A line of /proc/PID/stat."""
    pid = int(text.split(" ", 1)[0])
    fields = text.rpartition(")")[2].split()
    ticks = sum(int(field) for field in fields[_UTIME : _CUTIME + 2])
    return Stat(pid, int(fields[_PPID]), ticks, int(fields[_RSS_PAGES]))


def _all() -> Iterator[Stat]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                yield parse_stat((folder / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked


def family(root: int, stats: Mapping[int, Stat]) -> list[Stat]:
    """A process and all its descendants."""
    found = [stats[root]] if root in stats else []
    for stat in found:
        found += [child for child in stats.values() if child.parent == stat.pid]
    return found


def weigh(root: int) -> Weight:
    """A process with everything below it, now. CPU is counted in ticks of 10 ms."""
    whole = family(root, {stat.pid: stat for stat in _all()})
    ticks, pages = sum(stat.ticks for stat in whole), sum(stat.pages for stat in whole)
    return Weight(ticks / _TICKS_PER_S, pages * _PAGE_BYTES)


def own_cpu_s() -> float:
    """What the generator itself has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cores() -> tuple[int, int]:
    """The core of the servers and that of the generator: two different ones if this machine has two."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def many_files() -> None:
    """As many sockets as this account may open."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Server:
    """A process that prints `listening on PORT` once it serves. Owned by the round that started it."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, log: Path) -> None:
        self._process = process
        self._log = log
        self.port = port

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def weigh(self) -> Weight:
        """The server and its children."""
        if self._process.returncode is not None:
            raise ServerDiedError(_tail(self._log))
        return weigh(self.pid)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough."""
        if self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), _END_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class ServerDiedError(Exception):
    """A server ended, or never listened; carries the end of what it printed."""


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2_000:]


async def start(command: list[str], core: int, log: Path, cwd: Path) -> Server:
    """Start a server on one core and wait until it listens."""
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *_pinned(core), *command, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd
        )
    try:
        return Server(process, await _port(process, log), log)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise


def _pinned(core: int) -> list[str]:
    """Set the affinity in the child, then become the server: every thread it starts inherits it."""
    code = f"import os, sys; os.sched_setaffinity(0, {{{core}}}); os.execvp(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", code]


async def _port(process: asyncio.subprocess.Process, log: Path) -> int:
    async with asyncio.timeout(_READY_S):
        while (port := listening_in(_tail(log))) is None:
            if process.returncode is not None:
                raise ServerDiedError(_tail(log))
            await asyncio.sleep(0.02)
    return port


def listening_in(text: str) -> int | None:
    """The port that a server said it listens on."""
    for line in text.splitlines(keepends=True):
        said, found, port = line.partition("listening on ")
        if found and port.endswith("\n") and not said.strip():
            return int(port)
    return None
