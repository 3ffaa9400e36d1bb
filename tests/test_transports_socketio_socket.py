"""A socket of Socket.IO as the relay holds it: one connection, strict events, bounded packets, and faults kept in."""

import asyncio
import json
import logging

import aiohttp
import pytest

from chatserver.wire import errors, limits
from chatserver.wire.frames import Active, ClientFrame
from tests.socketio_servers import SEPARATOR, House, parts, polled, serving, until
from tests.test_wire_frames import SEND
from tests.websocket_peers import Ear

PLACE = '{"_placeholder":true,"num":0}'


async def after(ear: Ear, ws: aiohttp.ClientWebSocketResponse) -> list[object]:
    """All that the relay is told of what was said so far."""
    await ws.send_str("1")
    await ear.ended.wait()
    return ear.told


async def told(house: House, *said: str | bytes) -> list[object]:
    ws, ear = await house.websocket()
    for part in said:
        await (ws.send_bytes(part) if isinstance(part, bytes) else ws.send_str(part))
    return await after(ear, ws)


async def test_an_event_with_attachments_is_one_frame() -> None:
    async with serving() as house:
        head, *attachments = parts(SEND)
        assert isinstance(head, str)
        assert await told(house, "4" + head, *attachments) == [SEND]


async def test_the_payload_of_the_connection_is_not_asked_for_and_not_looked_at() -> None:
    async with serving() as house:
        client, ear = await house.polling()
        await client.post('40{"token":"anything"}' + SEPARATOR + polled(Active()))
        (connected,) = await client.poll()
        assert json.loads(connected[2:])["sid"] != client.sid
        assert ear.told == [Active()]


@pytest.mark.parametrize("first", ['42["active"]', "40/admin,", "40/admin,{}", "41", "43[]", "44{}", "4", "4x"])
async def test_nothing_comes_before_the_connection(first: str) -> None:
    async with serving() as house:
        client, ear = await house.polling()
        await client.post(first)
        assert ear.told == ["malformed"]


@pytest.mark.parametrize("said", ["40", "40/admin,", '42["nope"]', '420["active"]', "43[]", "44{}", '42["active",1]'])
async def test_what_is_no_event_of_the_catalogue_is_malformed(said: str) -> None:
    async with serving() as house:
        assert await told(house, said) == ["malformed"]
        assert house.faults == []


async def test_a_message_is_counted_with_the_attachments_that_are_still_to_come() -> None:
    async with serving() as house:
        ws, ear = await house.websocket()
        await ws.send_str(f'4550-["send",{PLACE}]')
        for _ in range(5):
            await ws.send_bytes(bytes(40_000))
        refusal = errors.TOO_BIG
        assert json.loads((await ws.receive_str())[2:]) == ["bye", refusal.code, refusal.reason, refusal.retry]
        assert await ws.receive_str() == "41"
        assert (await ws.receive()).data == refusal.closes
        await ear.ended.wait()
        assert ear.told == []


async def test_attachments_that_are_never_completed_are_bounded_before_welcome() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ear.max_message_bytes = limits.MAX_FRAME_BYTES_BEFORE_WELCOME
        await client.post(f'4550-["send",{PLACE}]')
        for _ in range(5):
            await client.post("b" + "A" * 1_200)
        found = [json.loads(packet[2:])[1] for packet in await client.poll() if packet.startswith("42")]
        assert found == ["too_big"]
        assert ear.told == []


@pytest.mark.parametrize("first", ["40" + '{"x":"' + "y" * 5_000 + '"}', "4" + "0" * 5_000])
async def test_a_connection_with_a_large_payload_is_too_big(first: str) -> None:
    async with serving() as house:
        client, ear = await house.polling()
        ear.max_message_bytes = limits.MAX_FRAME_BYTES_BEFORE_WELCOME
        await client.post(first)
        assert '42["bye","too_big"' in (await client.poll())[0]


async def test_a_fault_of_ours_ends_this_socket_alone_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def fault(_ear: Ear, frame: ClientFrame) -> None:
        raise ZeroDivisionError(f"secret {frame}")

    async with serving() as house:
        other, neighbour = await house.websocket("b")
        client, ear = await house.connected("a")
        ear.on_frame = fault
        answer = await client.say(Active())
        said = await answer.text() + "".join(await client.poll())
        assert "internal" in said
        assert "secret" not in said + caplog.text
        assert [type(one) for one in house.faults] == [ZeroDivisionError]
        await other.send_str('42["active"]')
        assert await after(neighbour, other) == [Active()]


async def test_a_socket_is_lost_once_however_it_ends() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ear.transport.abort()
        ear.transport.abort()
        await client.post("1")
        assert (ear.lost_times, len(house.places)) == (1, 0)


async def test_a_poll_that_waits_goes_on_when_its_session_is_cut() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        poll = asyncio.ensure_future(client.poll())
        await until(lambda: client.session._polling)
        ear.transport.abort()
        assert await poll == ["6"]
