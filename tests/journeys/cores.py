"""The memory of a process at its end: the core that the kernel dumps, or, where it hands cores elsewhere, /proc."""

import re
import signal
from pathlib import Path

from tests.journeys.processes import Command

_PATTERN = Path("/proc/sys/kernel/core_pattern")
_LEAST_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 16 * 1024 * 1024
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(.*)")


def in_folder() -> str:
    """The name by which the kernel leaves a core beside the process's own files; empty if it hands cores elsewhere."""
    pattern = _PATTERN.read_text().strip()
    return pattern if pattern.isidentifier() else ""


async def core_of(command: Command) -> Path:
    """End the process by SIGABRT and give back its memory as a file. AssertionError if it cannot be had."""
    name = in_folder()
    memory = None if name else memory_of(command)
    assert await command.end(signal.SIGABRT) == -signal.SIGABRT
    core = memory or max(command.folder.glob(f"{name}*"), default=None)
    assert core is not None, "the kernel dumped no core"
    assert core.stat().st_size > _LEAST_BYTES, "that is no server's memory"
    return core


def memory_of(command: Command) -> Path:
    """Every readable mapping, as the kernel would have dumped it."""
    core = command.folder / "memory"
    with Path(f"/proc/{command.pid}/mem").open("rb") as memory, core.open("wb") as file:
        for line in Path(f"/proc/{command.pid}/maps").read_text().splitlines():
            mapping = _MAPPING.match(line)
            if mapping is None or mapping[3] in {"[vvar]", "[vsyscall]", "[vvar_vclock]"}:
                continue
            at, end = int(mapping[1], 16), int(mapping[2], 16)
            while at < end:
                memory.seek(at)
                chunk = memory.read(min(_CHUNK_BYTES, end - at))
                file.write(chunk)
                at += len(chunk) or end
    return core
