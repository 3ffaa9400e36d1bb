"""A program in a real terminal: a pty with a size, a keyboard, and a glass that shows what was written."""

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.journeys.stage_glass import Glass
from tests.journeys.stage_until import PATIENCE_S, stage_until

CTRL_C: Final = "\x03"
CHAT: Final = (sys.executable, "-c", "import sotto.cli; sotto.cli.main()", "chat")
_ON_THIS_TERMINAL: Final = (
    sys.executable,
    "-c",
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])",
)
"""Makes the pty the controlling terminal, so that Ctrl-C is a signal where the program leaves it one."""
_OURS: Final = ("SOTTO_", "COVERAGE_", "PYTEST_", "VIRTUAL_ENV", "MAKE", "MFLAGS", "COLUMNS", "LINES", "PORT", "HOST")


@dataclass
class Terminal:
    """One window. Made by `terminal`."""

    glass: Glass
    process: asyncio.subprocess.Process
    _keyboard: int

    def types(self, text: str) -> None:
        """Press these keys."""
        os.write(self._keyboard, text.encode())

    def enters(self, text: str) -> None:
        """Write a line."""
        self.types(text + "\r")

    async def sees(self, *texts: str, patience_s: float = PATIENCE_S) -> None:
        """Until all of these are on the screen together."""

        def there() -> bool:
            shown = self.glass.text()
            return all(text in shown for text in texts)

        await self._until(there, f"the screen shows {texts}", patience_s)

    async def sees_any(self, *texts: str) -> None:
        """Until one of these is on the screen."""
        await self._until(lambda: any(text in self.glass.text() for text in texts), f"any of {texts}", PATIENCE_S)

    async def says(self, text: str, patience_s: float = PATIENCE_S) -> None:
        """Until this was written, wherever it is now."""
        await self._until(lambda: text in self.glass.said, f"it says {text!r}", patience_s)

    async def quits(self) -> int:
        """Press Ctrl-C; the exit code."""
        self.types(CTRL_C)
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)

    async def _until(self, holds: Callable[[], bool], what: str, patience_s: float) -> None:
        try:
            await stage_until(holds, what, patience_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.glass.text()}") from None


@asynccontextmanager
async def terminal(
    words: Sequence[str], folder: Path, columns: int = 80, rows: int = 24, **environ: str
) -> AsyncIterator[Terminal]:
    """Run a command in a window of that size; whatever of it is left at the end is killed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    process = await asyncio.create_subprocess_exec(
        *_ON_THIS_TERMINAL, *words, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environ},
    )  # fmt: skip
    os.close(theirs)
    glass = Glass(columns, rows)
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, _read, ours, glass, loop)
    try:
        yield Terminal(glass, process, ours)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        loop.remove_reader(ours)
        os.close(ours)


def _read(ours: int, glass: Glass, loop: asyncio.AbstractEventLoop) -> None:
    try:
        data = os.read(ours, 65_536)
    except OSError:  # EIO: nobody has the other end open any more
        data = b""
    if data:
        glass.feed(data)
    else:
        loop.remove_reader(ours)
