"""The full-screen chat on a real server: what a person types, and what the screen then shows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from sotto.chat.lines import lines_of
from sotto.chat.screen import Screen
from sotto.client import Client
from sotto.values import Link
from tests.sotto_house import PASSWORD, PATIENCE_S, House, eventually, house, knows, until

NARROW = 40


class Terminal(DummyOutput):
    """A terminal of 40 columns that shows nothing."""

    def get_size(self) -> Size:
        return Size(rows=12, columns=NARROW)


class Seat:
    """A person before a screen."""

    def __init__(self, screen: Screen, keys: PipeInput) -> None:
        self.screen, self._keys = screen, keys
        self.drawn = asyncio.Event()
        screen._app.after_render += lambda _: self.drawn.set()

    def types(self, text: str) -> None:
        self._keys.send_text(text)

    def sees(self) -> str:
        """Title, lines and status."""
        lines = ["".join(text for _, text in line) for line in self.screen._lines(NARROW)]
        return "\n".join([self.screen._title(), *lines, self.screen._status(), self.screen._prompt()])

    async def until_seen(self, text: str) -> str:
        await eventually(lambda: text in self.sees(), self.drawn)
        return self.sees()


@asynccontextmanager
async def seated(client: Client, wanted: str = "") -> AsyncIterator[Seat]:
    with create_pipe_input() as keys, create_app_session(input=keys, output=Terminal()):
        screen = Screen(client, wanted, keyboard=keys, terminal=Terminal())
        running = asyncio.create_task(screen.run())
        yield Seat(screen, keys)
        keys.send_text("\x03")
        async with asyncio.timeout(PATIENCE_S):
            await running


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


async def test_two_people_type_and_read(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        await home.together(river, sage)
        async with seated(river) as one, seated(sage) as two:
            await one.until_seen("can read")
            one.types("good morning\r")
            await two.until_seen("good morning")
            two.types("and to you\r")
            await one.until_seen("and to you")
            seen = await one.until_seen("you · read")
            assert all(len(line) <= NARROW for line in seen.splitlines())


async def test_without_a_conversation_the_screen_says_so_and_opens_it_when_it_comes(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage, seated(river) as one:
        await one.until_seen("There is no conversation yet.")
        await home.together(river, sage)
        await one.until_seen("2 can read")


async def test_lines_typed_in_one_go_are_messages_of_their_own(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        await home.together(river, sage)
        async with seated(river) as one, seated(sage) as two:
            await one.until_seen("can read")
            one.types("first\rsecond\r/who\r")
            await one.until_seen("2 people can read this")
            seen = await two.until_seen("second")
            assert [line.strip() for line in seen.splitlines()].count("first") == 1


async def test_a_draft_is_there_at_the_next_start(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        async with seated(river) as one:
            await one.until_seen("can read")
            one.types("half a thought")
            await eventually(lambda: one.screen._buffer.text == "half a thought", one.drawn)
        async with seated(river) as again:
            await eventually(lambda: again.screen._buffer.text == "half a thought", again.drawn)
        assert river.draft(scope) == "half a thought"


async def test_the_server_going_away_is_said_with_a_countdown(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        await home.together(river, sage)
        async with seated(river) as one:
            await one.until_seen("connected")
            await one.until_seen("can read")
            await home.stop()
            await one.until_seen("offline")
            one.types("later\r")
            await one.until_seen("you · queued")
            await one.until_seen("1 waiting")


async def test_somebody_added_stands_out_until_approved(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage, await home.join("Reed") as reed:
        scope = await home.together(river, sage)
        await knows(river, scope)
        async with seated(river) as one:
            await one.until_seen("can read")
            await home.add(scope, reed)
            await one.until_seen("WAITING FOR YOU")
            one.types("/approve\r")
            await one.until_seen("NOT APPROVED BY YOU")
            one.types("/approve\r")
            await one.until_seen("Approved.")
            assert "WAITING FOR YOU" not in one.sees()


async def test_a_safety_number_must_be_seen_before_it_is_verified(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        await home.together(river, sage)
        async with seated(river) as one, seated(sage) as two:
            await one.until_seen("can read")
            one.types("hello\r")
            await two.until_seen("hello")
            one.types("/verify sage\r")
            await one.until_seen("Compare /safety first")
            one.types("/safety\r/verify sage\r")
            await one.until_seen("Sage is verified.")


async def test_a_session_that_ended_asks_for_the_password_and_goes_on(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        await home.together(river, sage)
        async with seated(river) as one:
            await one.until_seen("can read")
            await until(lambda: river.link.link is Link.CURRENT, river)
            await river.sign_out()
            await one.until_seen("password: ")
            one.types("wrong wrong wrong wrong\r")
            await one.until_seen("The name or the password is wrong.")
            one.types(PASSWORD + "\r")
            await one.until_seen("Signed in.")
            await one.until_seen("connected")
            assert PASSWORD not in one.sees()


async def test_what_others_wrote_cannot_act_on_the_terminal(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(sage, scope)
        async with seated(river) as one:
            await one.until_seen("can read")
            await sage.send(scope, "\x1b[2J\u202ehidden")
            seen = await one.until_seen("hidden")
            assert "\x1b" not in seen
            assert "\u202e" not in seen
            assert one.screen._room is not None
            assert lines_of(one.screen._room, NARROW, None)
