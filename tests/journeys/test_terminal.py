"""`sotto chat` in real terminals: two people chat, nothing is lost, and what others write never acts on a screen."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from loadtests.chaos.server import free_port
from tests.journeys.processes import Command, sotto
from tests.journeys.stage_glass import Glass
from tests.journeys.stage_terminal import CHAT, Terminal, terminal

SCRIPT_S: Final = 40.0
EVIL: Final = "\x1b[2J\x1b]0;owned\x07\x1b[31mred \u202etxt.exe \x07\x9b2J\u2066hidden"
TOWER: Final = "a" + "\u0301" * 20_000
NARROW: Final = 40


@dataclass
class Demo:
    """A demo organisation, its server, and whoever sits before a terminal. Owned by the test."""

    folder: Path
    port: int = field(default_factory=free_port)
    command: Command | None = None
    _life: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        words = ("demo", "--data-dir", str(self.folder / "data"), "--port", str(self.port))
        self.command = await self._life.enter_async_context(sotto(*words, folder=self.folder / "run"))
        await self.command.listens()

    async def stop(self) -> None:
        assert self.command is not None
        assert await self.command.end(signal.SIGINT) == 0

    async def close(self) -> None:
        await self._life.aclose()

    def words(self, who: str) -> tuple[str, ...]:
        return (*CHAT, "--demo", who, "--data-dir", str(self.folder / "data"))

    async def sits(self, who: str, columns: int = 80) -> Terminal:
        """Somebody opens the chat in a window of their own."""
        return await self._life.enter_async_context(terminal(self.words(who), self.folder, columns))

    async def pair(self, columns: int = 80) -> tuple[Terminal, Terminal]:
        """The patient and the mentor, each in their conversation."""
        river, sage = await self.sits("patient", columns), await self.sits("mentor", columns)
        await river.sees("Sage (mentor)", "connected")
        await sage.sees("River (patient)", "connected")
        return river, sage

    async def runs(self, who: str, typed: str, *options: str) -> str:
        """A script that pipes text through the chat; what it printed."""
        process = await asyncio.create_subprocess_exec(
            *self.words(who), *options, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(process.communicate(typed.encode()), SCRIPT_S)
        assert process.returncode == 0
        return out.decode()


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    made = Demo(tmp_path)
    await made.start()
    yield made
    await made.close()


async def test_two_terminals_chat_both_ways_and_show_how_far_each_message_came(demo: Demo) -> None:
    river, sage = await demo.pair()
    river.enters("Did you sleep?")
    await sage.sees("Did you sleep?")
    sage.enters("Six hours.")
    await river.sees("Six hours.", "Did you sleep?")
    await river.sees_any("you · delivered", "you · read")
    assert await sage.quits() == 0
    await sage.says("Everything was sent. Goodbye.")
    river.enters("For when you are back.")
    await river.sees("For when you are back.", "safe")
    again = await demo.sits("mentor")
    await again.sees("Did you sleep?", "Six hours.", "For when you are back.")
    await river.sees("delivered")
    for window in (river, sage, again):
        assert window.glass.strange == []


async def test_a_server_that_stops_and_starts_in_between_loses_nothing(demo: Demo) -> None:
    river, sage = await demo.pair()
    river.enters("before")
    await sage.sees("before")
    await demo.stop()
    await river.sees("offline")
    river.enters("meanwhile")
    await river.sees("meanwhile", "queued", "1 waiting")
    await demo.start()
    await river.sees("meanwhile", "delivered", "connected")
    await sage.sees("before", "meanwhile")


async def test_leaving_with_ctrl_c_in_mid_message_keeps_queue_draft_and_history(demo: Demo) -> None:
    river, sage = await demo.pair()
    river.enters("first")
    await sage.sees("first")
    await demo.stop()
    await river.sees("offline")
    river.enters("never sent yet")
    await river.sees("never sent yet", "queued")
    river.types("half a tho")
    await river.sees("> half a tho")
    assert await river.quits() == 0
    await river.says("1 message is waiting on this device")
    await demo.start()
    again = await demo.sits("patient")
    await again.sees("first", "never sent yet", "> half a tho", "delivered")
    await sage.sees("first", "never sent yet")


async def test_forty_columns_are_enough(demo: Demo) -> None:
    river, sage = await demo.pair(NARROW)
    text = "A line that is longer than the forty columns of this small window."
    river.enters(text)
    await sage.sees("A line that is", "small window.", "connected")
    shown = " ".join(line.strip() for line in sage.glass.text().splitlines())
    assert text in shown
    assert sage.glass.text().splitlines()[-1].startswith(">")
    assert river.glass.strange == sage.glass.strange == []


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "\x1b[5S", "\x1bc", "\x9b2J", "\u202e", "\x07"])
def test_the_glass_sees_text_that_acts(text: str) -> None:
    glass = Glass(NARROW, 4)
    glass.feed(f"\x1b[?1049h\x1b[H\x1b[1mshown {text}".encode())
    assert "shown" in glass.text()
    assert glass.strange != []


async def test_what_others_write_never_acts_on_the_screen(demo: Demo) -> None:
    river, sage = await demo.pair()
    assert await sage.quits() == 0
    await demo.runs("mentor", f"{EVIL}\n{TOWER}\nafter all that\n", "--plain")
    await river.sees("\u241b[2J", "\u241b[31mred", "<U+202E>txt.exe", "<U+2066>hidden")
    await river.sees("after all that", "Sage (mentor)", "connected")
    assert river.glass.strange == []
    assert river.glass.said.count("\u0301") <= 8 * river.glass.rows
    river.enters("still usable")
    await river.sees("still usable", "safe")


async def test_plain_mode_is_made_for_scripts(demo: Demo) -> None:
    river, sage = await demo.pair()
    assert await sage.quits() == 0
    printed = await demo.runs("mentor", "from a script\n/who\n", "--plain")
    lines = printed.splitlines()
    assert lines[-1] == "Everything was sent. Goodbye."
    assert any(line.endswith("you: from a script") for line in lines)
    assert "* delivered" in lines
    assert "2 people can read this (support):" in lines
    assert "\x1b" not in printed
    await river.sees("from a script")
    river.enters("for the script")
    await river.sees("for the script", "safe")
    events = [json.loads(line) for line in (await demo.runs("mentor", "and as JSON\n", "--json")).splitlines()]
    assert {"linkchanged", "stagechanged"} <= {event["type"] for event in events}
    arrived = [event["message"]["text"] for event in events if event["type"] == "arrived"]
    assert arrived == ["for the script"]
    await river.sees("and as JSON")
