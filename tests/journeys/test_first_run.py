"""A fresh clone, `make run` with Python alone, the printed lines in two terminals: they chat, and nothing goes missing.

This takes as long as the environment takes to be made from the locks.
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from loadtests.chaos.server import free_port
from tests.journeys.stage_terminal import Terminal, terminal

ROOT: Final = Path(__file__).parents[2]
MADE_S: Final = 300.0
WIDE: Final = 120
LINE: Final = re.compile(r"^  (\w+) \((\w+)\) +(\S.*?)\s*$", re.MULTILINE)

pytestmark = pytest.mark.timeout(2 * MADE_S)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The repository as somebody gets it who has just heard of it."""
    folder = tmp_path_factory.mktemp("first") / "sotto"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)  # noqa: S603, S607  fixed words
    yield folder
    shutil.rmtree(folder)  # an environment is too large to be kept


@dataclass
class Run:
    """`make run` in one window. `lines`: who, and the command that opens their chat."""

    window: Terminal
    url: str
    lines: dict[str, list[str]]


@asynccontextmanager
async def make_run(clone: Path, port: int) -> AsyncIterator[Run]:
    async with terminal(["make", "run"], clone, WIDE, 40, PORT=str(port)) as window:
        await window.says("Ctrl-C stops the server", MADE_S)
        found = LINE.findall(window.glass.said.replace("\r", ""))
        yield Run(window, f"http://127.0.0.1:{port}", {role: shlex.split(line) for _, role, line in found})


async def test_a_fresh_clone_runs_and_two_terminals_chat_over_a_restart(clone: Path) -> None:
    port = free_port()
    async with AsyncExitStack() as windows:
        async with make_run(clone, port) as run:
            assert set(run.lines) == {"patient", "mentor", "clinician", "coordinator"}
            assert f"Sotto listens on {run.url}" in run.window.glass.said
            async with aiohttp.ClientSession() as http, http.get(run.url + "/healthz") as answer:
                assert answer.status == 200
            river = await windows.enter_async_context(terminal(run.lines["patient"], clone))
            sage = await windows.enter_async_context(terminal(run.lines["mentor"], clone))
            await river.sees("Sage (mentor)", "connected")
            await sage.sees("River (patient)", "connected")
            river.enters("Hello from the first terminal.")
            await sage.sees("Hello from the first terminal.")
            sage.enters("And from the second.")
            await river.sees("Hello from the first terminal.", "And from the second.")
            await run.window.quits()
            await run.window.says("Draining: sockets are told to come back")
            await run.window.says("Stopped. 2 sockets told to resume;")
        await river.sees("offline")
        river.enters("While nobody was there.")
        await river.sees("While nobody was there.", "queued")
        async with make_run(clone, port) as again:
            await river.sees("While nobody was there.", "connected")
            await sage.sees("Hello from the first terminal.", "And from the second.", "While nobody was there.")
            await river.sees_any("delivered", "read")
            assert "sotto chat --demo patient" in again.window.glass.said


async def test_a_taken_port_is_said_plainly(clone: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with terminal(["make", "run"], clone, WIDE, 40, PORT=str(port)) as window:
            await window.says(f"sotto: Port {port} on 127.0.0.1 is taken: stop what uses it", MADE_S)
            assert await window.process.wait() not in (os.EX_OK, None)
        assert "Traceback" not in window.glass.said
