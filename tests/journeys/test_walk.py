"""The walk of one message through the server (DESIGN section 2): how long it is, and what it leaves behind."""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import apsw
import pytest

import chatserver
from chatserver.app import Node
from chatserver.settings import Settings, load
from chatserver.wire import frames
from loadtests.chaos.server import free_port
from tests.journeys.pairs import Pair, pair

HOUSE = Path(chatserver.__file__).parent
MOST_FILES = 9
NOT_COUNTED = ("store/", "audit/", "wire/", "relay/franking.py", "relay/entries.py", "clock.py")
"""What the walk asks on its way, types, and time, which is an input."""
LANDMARKS = {"transports/incoming.py", "relay/relay.py", "relay/spool.py", "relay/mailbox.py"}


def settings_in(folder: Path) -> Settings:
    """A box may wait for its acknowledgement as long as the settings allow, however busy this machine is."""
    chosen = {"data_dir": folder, "port": free_port(), "hold_ms": 5_000}
    return load(chosen, environ={}, make_keys=True).settings


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Pair]:
    settings = settings_in(tmp_path)
    node = Node(settings)
    port = await node.start()
    try:
        async with pair(settings, f"http://127.0.0.1:{port}") as met:
            for task in [task for task in node.tasks._running if task.get_name() in {"feed", "sweep"}]:
                task.cancel()  # what runs by the clock, not for a message
            await asyncio.sleep(0)
            await met.say()
            yield met
    finally:
        await node.stop()


@contextmanager
def files_walked() -> Iterator[set[str]]:
    """The server's files of which a function runs in this thread meanwhile."""
    files: set[str] = set()

    def look(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(HOUSE):
            files.add(str(path.relative_to(HOUSE)))

    sys.setprofile(look)
    try:
        yield files
    finally:
        sys.setprofile(None)


@contextmanager
def tasks_made() -> Iterator[list[str]]:
    """Every task that anybody makes on this loop meanwhile."""
    made: list[str] = []
    loop = asyncio.get_running_loop()

    def make(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(getattr(work, "__qualname__", repr(type(work))))
        return asyncio.Task(work, loop=loop, **options)

    loop.set_task_factory(make)
    try:
        yield made
    finally:
        loop.set_task_factory(None)


async def test_a_message_crosses_at_most_nine_files_from_socket_to_socket(two: Pair) -> None:
    with files_walked() as files:
        await two.say()
    walk = {file for file in files if not file.startswith(NOT_COUNTED)}
    assert len(walk) <= MOST_FILES, sorted(walk)
    assert walk >= LANDMARKS, "the trace missed a part of the walk"


async def test_no_task_is_made_for_a_message(two: Pair) -> None:
    with tasks_made() as tasks:
        await two.say()
    assert tasks == []


async def test_a_task_that_is_made_is_seen() -> None:
    async def nothing() -> None:
        """Be a task."""

    work: Coroutine[Any, Any, None] = nothing()
    with tasks_made() as tasks:
        await asyncio.get_running_loop().create_task(work)
    assert len(tasks) == 1


async def test_a_live_conversation_acknowledged_in_time_leaves_no_mailbox_row(two: Pair, tmp_path: Path) -> None:
    for _ in range(20):
        await two.say()
    assert (rows(tmp_path), rows_ever(tmp_path)) == (0, 0)


async def test_a_box_for_somebody_who_is_away_is_a_row_until_it_is_acknowledged(two: Pair, tmp_path: Path) -> None:
    await two.reading.close()
    await two.sending.send(two.sender.message(two.scope, [two.reader]))
    await two.sending.until(frames.Receipt)
    assert (rows(tmp_path), rows_ever(tmp_path)) == (1, 1)
    two.reader.token = ""
    await two.reader.sign_in()
    socket = await two.reader.connect()
    delivered = await socket.until(frames.Deliver)
    await socket.send(frames.Ack((delivered.number,)))
    receipt = await two.sending.until(frames.Receipt)
    assert receipt.mark == "delivered"
    assert (rows(tmp_path), rows_ever(tmp_path)) == (0, 1)


def rows(folder: Path) -> int:
    return number(folder, "select count(*) from mailbox")


def rows_ever(folder: Path) -> int:
    """The highest number that a row of the mailbox ever had: SQLite never gives one twice."""
    return number(folder, "select coalesce(max(seq), 0) from sqlite_sequence where name = 'mailbox'")


def number(folder: Path, query: str) -> int:
    # The server's own SQLite: a second library in this process would break its locks.
    with closing(apsw.Connection(str(folder / "sotto.db"), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        ((found,),) = database.execute(query).fetchall()
        assert isinstance(found, int)
        return found
