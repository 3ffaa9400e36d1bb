"""`sotto` in a process of a test's own, which can be asked from outside what it has loaded."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from chatserver.settings import Settings, load
from loadtests.chaos.server import free_port
from tests.journeys.patience import until

OPEN_THE_DOOR = {"TEST_OPENS_THE_DOOR": "1"}
_PROGRAM = Path(__file__).with_name("spied_sotto.py")


@dataclass
class Command:
    """One run. Its working directory is `folder`, where a core dump goes unless the kernel says otherwise."""

    folder: Path
    process: asyncio.subprocess.Process
    _told: Path = field(init=False)

    def __post_init__(self) -> None:
        self._told = self.folder / "modules.json"

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        return (self.folder / "stdout").read_text("utf-8")

    def complained(self) -> str:
        return (self.folder / "stderr").read_text("utf-8")

    def is_over(self) -> bool:
        return self.process.returncode is not None

    async def listens(self) -> str:
        """The address, once it answers."""
        await until(lambda: "Sotto listens on " in self.said() or self.is_over())
        assert not self.is_over(), self.complained()
        return self.said().partition("Sotto listens on ")[2].split()[0]

    async def modules(self) -> set[str]:
        """What the process has loaded by now."""
        self._told.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        await until(self._told.exists)
        return set(json.loads(self._told.read_text()))

    async def end(self, number: signal.Signals) -> int:
        """Signal it and wait; its exit code, negative for the signal that killed it."""
        if not self.is_over():
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 20)


def _written(folder: Path, name: str) -> BinaryIO:
    folder.mkdir(exist_ok=True)
    return (folder / name).open("wb")


@asynccontextmanager
async def sotto(*words: str, folder: Path, environ: Mapping[str, str] | None = None) -> AsyncIterator[Command]:
    """Run the command in `folder`, which is made; whatever of it is left at the end is killed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SOTTO_", "COVERAGE_"))}
    asked = {**kept, "TEST_TELLS_MODULES": str(folder / "modules.json"), **(environ or {})}
    with _written(folder, "stdout") as out, _written(folder, "stderr") as err:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(_PROGRAM), *words, cwd=folder, env=asked, stdin=asyncio.subprocess.DEVNULL,
            stdout=out, stderr=err,
        )  # fmt: skip
    command = Command(folder, process)
    try:
        yield command
    finally:
        await command.end(signal.SIGKILL)


def settings_for(data_dir: Path, **chosen: object) -> Settings:
    """What `sotto serve --data-dir ... --port ...` with this data directory will have, for a hand on its store."""
    return load({"data_dir": data_dir, "port": free_port(), **chosen}, environ={}, make_keys=True).settings


def serve_words(settings: Settings) -> tuple[str, ...]:
    """The command line of a server with these settings."""
    return ("serve", "--data-dir", str(settings.data_dir), "--port", str(settings.port))
