"""Line mode: the same chat for screen readers, scripts and pipes."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sotto.chat.plain import Plain
from tests.sotto_house import PATIENCE_S, House, eventually, house, knows


class Pipe:
    """Both ends of a run: lines to type, and what was written."""

    def __init__(self) -> None:
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()
        self.written: list[str] = []
        self._changed = asyncio.Event()

    def write(self, line: str) -> None:
        self.written.append(line)
        self._changed.set()

    def types(self, line: str | None) -> None:
        self._typed.put_nowait(line)

    async def lines(self) -> AsyncIterator[str]:
        while (line := await self._typed.get()) is not None:
            yield line

    async def until(self, text: str) -> str:
        await eventually(lambda: any(text in line for line in self.written), self._changed)
        return next(line for line in self.written if text in line)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


async def test_a_script_says_something_and_ends_when_it_is_safe(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        pipe = Pipe()
        for line in ("hello from a script", "/who", None):
            pipe.types(line)
        async with asyncio.timeout(PATIENCE_S):
            await Plain(river, "", pipe.write, as_json=False).run(pipe.lines())
        assert pipe.written[-1] == "Everything was sent. Goodbye."
        assert any(line.endswith("you: hello from a script") for line in pipe.written)
        assert "2 people can read this (support):" in pipe.written


async def test_what_others_say_is_a_line(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(sage, scope)
        pipe = Pipe()
        running = asyncio.create_task(Plain(river, "", pipe.write, as_json=False).run(pipe.lines()))
        await sage.send(scope, "two\nlines \x1b[31m")
        assert (await pipe.until("Sage: two")).endswith("Sage: two")
        assert await pipe.until("lines") == "    lines ␛[31m"
        pipe.types("/quit")
        await running


async def test_json_is_one_object_a_line_with_ids_in_hexadecimal(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        await knows(sage, scope)
        pipe = Pipe()
        running = asyncio.create_task(Plain(river, "sage", pipe.write, as_json=True).run(pipe.lines()))
        await sage.send(scope, "hello")
        found = json.loads(await pipe.until('"arrived"'))
        assert found["message"]["text"] == "hello"
        assert bytes.fromhex(found["message"]["conversation"]) == scope
        pipe.types(None)
        await running
        assert all(json.loads(line) for line in pipe.written)


async def test_several_conversations_are_offered_by_number(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage, await home.join("Reed") as reed:
        await home.together(river, sage)
        scope = await home.together(river, reed)
        await knows(river, scope)
        pipe = Pipe()
        running = asyncio.create_task(Plain(river, "", pipe.write, as_json=False).run(pipe.lines()))
        await pipe.until("Choose a conversation")
        pipe.types("/open 2")
        await pipe.until("With Reed")
        pipe.types("/open 9")
        await pipe.until("There is no such conversation")
        pipe.types("/nothing")
        await pipe.until("There is no /nothing.")
        pipe.types("/quit")
        await running
