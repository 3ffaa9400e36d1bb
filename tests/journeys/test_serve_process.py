"""`sotto serve` and `sotto demo` as processes: what they load, what they say, and how they end."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from chatserver.demo import PEOPLE
from chatserver.settings import Settings
from chatserver.wire import frames
from tests.journeys.pairs import pair
from tests.journeys.patience import until
from tests.journeys.processes import OPEN_THE_DOOR, Command, serve_words, settings_for, sotto
from tests.test_layers import SEALED, within

FORBIDDEN = (*SEALED, "aiortc", "sotto.client", "sotto.core", "sotto.chat")


class Served(NamedTuple):
    settings: Settings
    command: Command
    url: str


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    settings = settings_for(tmp_path / "data")
    async with sotto(*serve_words(settings), folder=tmp_path / "run") as command:
        yield Served(settings, command, await command.listens())


def forbidden(modules: set[str]) -> set[str]:
    """Those that could open a box, or belong to a client."""
    return {name for name in modules if any(within(name, place) for place in FORBIDDEN)}


async def test_a_server_that_carried_messages_has_loaded_nothing_that_opens_them(served: Served) -> None:
    async with pair(served.settings, served.url) as two:
        await two.say()
        await two.reading.close()
        await two.sending.send(two.sender.message(two.scope, [two.reader]))
        await two.sending.until(frames.Receipt)
    modules = await served.command.modules()
    assert "chatserver.relay.relay" in modules
    assert forbidden(modules) == set()


async def test_the_same_look_sees_a_door_that_was_opened(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    async with sotto(*serve_words(settings), folder=tmp_path / "run", environ=OPEN_THE_DOOR) as command:
        await command.listens()
        assert "crypto.envelope" in forbidden(await command.modules())


async def test_health_is_answered_with_200(served: Served) -> None:
    async with aiohttp.ClientSession() as http, http.get(served.url + "/healthz") as answer:
        assert answer.status == 200


async def test_any_free_port_is_taken_and_told(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", port=0)
    async with sotto(*serve_words(settings), folder=tmp_path / "run") as command:
        url = await command.listens()
        assert not url.endswith(":0")
        async with pair(settings, url) as two:  # who says hello names the address by which they came
            await two.say()


async def test_a_taken_port_is_said_plainly(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("serve", "--data-dir", str(tmp_path / "data"), "--port", str(port))
        async with sotto(*words, folder=tmp_path / "run") as command:
            await until(command.is_over)
            assert await command.process.wait() == os.EX_UNAVAILABLE
            sentence = f"sotto: Port {port} on 127.0.0.1 is taken: stop what uses it, or choose another with --port."
            assert command.complained().splitlines()[-1] == sentence
            assert "Traceback" not in command.complained()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_server_that_is_told_to_stop_drains_and_says_what_it_did(
    served: Served, number: signal.Signals, tmp_path: Path
) -> None:
    async with pair(served.settings, served.url) as two:
        await two.say()
        unanswered = two.sender.message(two.scope, [two.reader])
        await two.sending.send(unanswered)
        await two.reading.until(frames.Deliver)
        code, *ends = await asyncio.gather(
            served.command.end(number), two.sending.until(frames.Ended), two.reading.until(frames.Ended)
        )
        assert (code, [end.code for end in ends]) == (os.EX_OK, ["resume_elsewhere"] * 2)
        said = served.command.said()
        assert "Draining: sockets are told to come back, what is in memory is written." in said
        assert "Stopped. 2 sockets told to resume;" in said
        async with sotto(*serve_words(served.settings), folder=tmp_path / "again") as again:
            await again.listens()
            kept = await (await two.reader.connect()).until(frames.Deliver)
            assert kept.box == unanswered.boxes[0].box


async def test_a_second_server_on_the_same_data_is_refused_with_one_sentence(served: Served, tmp_path: Path) -> None:
    words = ("serve", "--data-dir", str(served.settings.data_dir), "--port", "0")
    async with sotto(*words, folder=tmp_path / "second") as second:
        await until(second.is_over)
        assert await second.process.wait() == os.EX_UNAVAILABLE
        (sentence,) = second.complained().splitlines()
        assert sentence.startswith("sotto: Another server uses the store ")
        assert sentence.endswith(": stop it first.")
    async with pair(served.settings, served.url) as two:
        await two.say()


async def test_the_demo_says_one_line_for_each_person_and_the_same_ones_again(tmp_path: Path) -> None:
    lines = [await _demo_lines(tmp_path, turn) for turn in ("first", "second")]
    assert lines[0] == lines[1]
    assert len(lines[0]) == len(PEOPLE)
    for (role, alias), line in zip(PEOPLE.items(), lines[0], strict=True):
        assert line.startswith(f"{alias} ({role})")
        assert f" chat --demo {role}" in line


async def _demo_lines(folder: Path, turn: str) -> list[str]:
    words = ("demo", "--data-dir", str(folder / "data"), "--port", "0")
    async with sotto(*words, folder=folder / turn) as command:
        await command.listens()
        await until(lambda: "Ctrl-C" in command.said())
        lines = [line.strip() for line in command.said().splitlines() if " chat --demo " in line]
        assert await command.end(signal.SIGINT) == os.EX_OK
        return lines
