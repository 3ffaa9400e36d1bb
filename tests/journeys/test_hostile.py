"""Hostile clients: every refusal has a test that reaches it, floods are refused by name, the process lives."""

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from chatserver.wire import errors, frames
from loadtests.actors import Device
from loadtests.chaos.server import Organisation, Server
from tests.fuzz import test_websocket_streams as streams
from tests.journeys.stage_house import House
from tests.journeys.stage_raw import Raw
from tests.journeys.stage_refusals import CANARY, CAUSES, Trespass, trespassing
from tests.journeys.stage_until import stage_until
from tests.websocket_peers import close_frame, request

ROOT: Final = Path(__file__).parents[2]
NONSENSE: Final = 100
LEAK_BYTES: Final = 8 * 1024 * 1024
"""What three sieges may leave behind a first one: pieces in the allocator, and no more for each further siege."""
ELSEWHERE: Final = {
    "device_removed": "tests/test_relay_room_life.py::"
    "test_a_removed_device_a_disabled_account_and_an_ended_session_lose_their_sockets",
    "slow_consumer": "tests/journeys/test_slow.py::"
    "test_stalled_readers_cost_their_cap_miss_nothing_and_nobody_else_notices",
    "silent": "tests/test_relay_room_life.py::test_a_silent_peer_is_pinged_and_then_ended",
    "store_lost": "tests/journeys/test_faults.py::"
    "test_when_nobody_knows_the_sender_comes_back_and_the_repeat_is_one_message",
    "internal": "tests/test_http_app.py::test_a_fault_tells_the_peer_nothing",
    "not_saved": "tests/journeys/test_faults.py::"
    "test_a_batch_that_was_not_saved_reached_nobody_and_its_repeat_is_one_message",
    "too_many_devices": "tests/test_care_conversations.py::"
    "test_a_member_that_comes_in_between_leaves_no_room_for_a_device",
}
"""Refusals that a client cannot bring about over a socket in a moment, and the test that reaches each."""


@pytest.fixture
async def trespass(tmp_path: Path) -> AsyncIterator[Trespass]:
    home = House(tmp_path)
    await home.start()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        made = await trespassing(home, http)
        yield made
        await made.sender.leave()
        await home.close()


@pytest.mark.parametrize("code", CAUSES)
async def test_each_refusal_is_reached_and_echoes_nothing(
    trespass: Trespass, code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    assert await CAUSES[code](trespass) == code
    told = capfd.readouterr()
    assert CANARY not in told.out + told.err
    assert all(CANARY.encode() not in repr(frame).encode() for frame in trespass.sender.heard)
    if trespass.home.runs:
        async with trespass.http.get(trespass.home.url + "/healthz") as answer:
            assert answer.status == 200


def test_every_refusal_of_the_catalogue_is_reached_by_a_test() -> None:
    assert set(CAUSES) | set(ELSEWHERE) == set(errors.CATALOGUE)
    assert not set(CAUSES) & set(ELSEWHERE)
    for code, place in ELSEWHERE.items():
        file, _, name = place.partition("::")
        text = (ROOT / file).read_text("utf-8")
        found = re.search(rf"^(async )?def {name}\(.*?(?=^(async )?def |\Z)", text, re.DOTALL | re.MULTILINE)
        assert found is not None, place
        assert code in text or code.upper() in text, place


def test_a_hundred_thousand_frames_and_streams_are_fuzzed_in_every_run() -> None:
    frames_text = (ROOT / "tests/test_wire_frames.py").read_text("utf-8")
    counts = [int(count.replace("_", "")) for count in re.findall(r"count ?= ?([0-9_]+)", frames_text)]
    assert sum(counts) + len(streams.SEEDS) * streams.STREAMS_PER_SEED >= 160_000


async def test_a_process_under_floods_and_garbage_lives_and_its_memory_returns(tmp_path: Path) -> None:
    server = Server(tmp_path)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        async with Organisation(server.settings) as organisation:
            code = await organisation.invite()
        await server.start(http)
        device = Device(server.url, http, "member")
        await device.join(code)
        rng = random.Random(8)  # noqa: S311  a run repeats from its seed
        await _besiege(server, device, rng)
        before = _resident(server)
        for _ in range(3):
            await _besiege(server, device, rng)
        await stage_until(lambda: _resident(server) - before <= LEAK_BYTES, "the memory returns")
        async with http.get(server.url + "/healthz") as answer:
            assert answer.status == 200
        assert await server.stop() == 0
    assert CANARY not in (tmp_path / "server.log").read_text()


async def _besiege(server: Server, device: Device, rng: random.Random) -> None:
    """Half-open connections, sockets without a hello, broken streams, and a member who says what is not allowed."""
    await asyncio.gather(*(_half_open(server, rng) for _ in range(300)))
    await asyncio.gather(*(_garbage(server, rng) for _ in range(300)))
    member = await Raw(device).live()
    for frame in _nonsense(rng, device):
        await member.put(frame)
    await member.until(lambda: len(member.of(frames.Refused)) == NONSENSE, "every send was refused")
    assert {refusal.code for refusal in member.of(frames.Refused)} == {"not_member"}
    await member.leave()


async def _half_open(server: Server, rng: random.Random) -> None:
    """A connection that says half of what it wants, and goes."""
    head = request(origin=f"https://{CANARY}")
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head[: rng.randrange(1, len(head) - 1)])
    await writer.drain()
    writer.transport.abort()


async def _garbage(server: Server, rng: random.Random) -> None:
    """An upgraded socket that brings a broken stream; whatever it is, the server ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    writer.write(streams.stream(rng) + close_frame(1000, CANARY.encode()))
    writer.write_eof()
    with contextlib.suppress(ConnectionError):
        assert CANARY.encode() not in await reader.read()
    writer.transport.abort()


def _nonsense(rng: random.Random, device: Device) -> list[frames.ClientFrame]:
    """Well-formed frames about conversations, devices and numbers that are not there."""
    some = rng.randbytes
    sends: list[frames.ClientFrame] = [
        frames.Send(some(16), n, some(32), (frames.Sealed(device.id, 1, some(544)),)) for n in range(1, NONSENSE + 1)
    ]
    whispers = [frames.Fleeting(some(16), n, some(32), (frames.Sealed(some(16), 1, some(544)),)) for n in range(1, 200)]
    fates = [frames.Fates((rng.randrange(1, 2**53),), (rng.randrange(1, 2**53),)) for _ in range(100)]
    return [*sends, *whispers, *fates]


def _resident(server: Server) -> int:
    """Bytes of the server's memory (proc(5): statm counts pages of 4 KiB)."""
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * 4_096
