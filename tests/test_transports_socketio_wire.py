"""The WebSocket under Engine.IO, from the start or after polling."""

import asyncio

import aiohttp
import pytest
from aiohttp import WSMsgType

from chatserver.transports import socketio_session
from chatserver.transports.websocket import HIGH_WATER_BYTES
from chatserver.wire import limits
from chatserver.wire.frames import Ack, Active, Bye, Current
from tests.socketio_servers import BOX, Client, bye, serving, until, write
from tests.websocket_peers import Clock


async def test_a_websocket_carries_events_both_ways_in_their_order() -> None:
    async with serving() as house:
        ws, ear = await house.websocket()
        for n in range(1, 201):
            await ws.send_str(f'42["ack",[{n}]]')
        write(ear, *map(Current, range(200)))
        assert [await ws.receive_str() for _ in range(200)] == [f'42["current",{at}]' for at in range(200)]
        await until(lambda: len(ear.told) == 200)
        assert ear.told == [Ack((n,)) for n in range(1, 201)]


async def test_a_websocket_ends_with_the_code_of_the_catalogue() -> None:
    async with serving() as house:
        ws, ear = await house.websocket()
        ear.transport.close(4501, "slow_consumer")
        assert await ws.receive_str() == bye("slow_consumer")
        message = await ws.receive()
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4501, "slow_consumer")
        await ear.ended.wait()
        assert (ear.lost_times, len(house.places)) == (1, 0)


async def test_a_websocket_that_is_dropped_is_lost_once() -> None:
    async with serving() as house:
        ws, ear = await house.websocket()
        await ws.close()
        await ear.ended.wait()
        assert (ear.lost_times, house.server.eio.sockets) == (1, {})


@pytest.mark.parametrize("text", ["", "x", "0", "2", "2probe", "5", "6", "b4oCc", "3x"])
async def test_a_text_that_is_no_packet_of_a_client_is_malformed(text: str) -> None:
    async with serving() as house:
        ws, ear = await house.websocket()
        await ws.send_str(text)
        await ws.send_str("1")
        await ear.ended.wait()
        assert ear.told == ["malformed"]


async def test_a_websocket_message_above_the_limit_ends_it() -> None:
    async with serving() as house:
        ws, ear = await house.websocket()
        await ws.send_bytes(bytes(limits.MAX_FRAME_BYTES + 100))
        assert (await ws.receive()).data == 1009
        await ear.ended.wait()
        assert ear.told == []


async def test_a_websocket_is_not_read_while_reading_is_paused() -> None:
    async with serving() as house:
        ws, ear = await house.websocket()
        ear.transport.pause_reading()
        await ws.send_str('42["active"]')
        await ws.send_str('42["bye"]')
        write(ear, Current(1))
        assert await ws.receive_str() == '42["current",1]'
        assert len(ear.told) <= 1, "one message was under way"
        ear.transport.resume_reading()
        await until(lambda: len(ear.told) == 2)
        assert ear.told == [Active(), Bye()]


async def test_a_websocket_that_is_not_read_is_held_back_and_goes_on_when_it_is() -> None:
    async with serving() as house:
        ws, ear = await house.websocket()
        assert ws._response is not None
        connection = ws._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.pause_reading()
        written = 0
        while "pause" not in ear.told:
            write(ear, BOX)
            written += 1
            await asyncio.sleep(0)
        assert ear.transport.buffered_bytes() < 2 * HIGH_WATER_BYTES
        connection.transport.resume_reading()
        for _ in range(6 * written):
            await ws.receive()
        await until(lambda: "resume" in ear.told)
        assert ear.told == ["pause", "resume"]


async def test_an_unread_websocket_that_is_ended_is_cut_in_time() -> None:
    async with serving(clock=Clock()) as house:
        ws, ear = await house.websocket()
        assert ws._response is not None
        assert ws._response.connection is not None
        assert ws._response.connection.transport is not None
        ws._response.connection.transport.pause_reading()
        while "pause" not in ear.told:
            write(ear, BOX)
            await asyncio.sleep(0)
        ear.transport.close(4501, "slow_consumer")
        assert house.clock is not None
        house.clock.strike()
        await ear.ended.wait()
        assert (ear.lost_times, len(house.places)) == (1, 0)


async def probed(client: Client) -> aiohttp.ClientWebSocketResponse:
    ws = await client.ws()
    await ws.send_str("2probe")
    assert await ws.receive_str() == "3probe"
    return ws


async def test_an_upgrade_keeps_the_order_of_what_was_written() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        poll = asyncio.ensure_future(client.poll())
        await until(lambda: client.session._polling)
        ws = await probed(client)
        assert await poll == ["6"], "the poll that waited is answered, so that the client goes on"
        write(ear, Current(1), Current(2))
        await ws.send_str("5")
        assert [await ws.receive_str(), await ws.receive_str()] == ['42["current",1]', '42["current",2]']
        write(ear, Current(3))
        assert await ws.receive_str() == '42["current",3]'
        await ws.send_str('42["active"]')
        await ws.send_str("1")
        await ear.ended.wait()
        assert (ear.told, ear.lost_times) == ([Active()], 1)


async def test_what_was_upgraded_is_not_polled_any_more() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ws = await probed(client)
        await ws.send_str("5")
        write(ear, Current(1))
        await ws.receive_str()
        assert (await client.get()).status == 400
        assert (await client.say(Active())).status == 400
        with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
            await client.ws()
        assert ear.told == []


@pytest.mark.parametrize("words", [["5"], ["42[]"], ["2probe", "42[]"], ["2probe", "2probe"]])
async def test_a_probe_that_fails_costs_the_session_nothing(words: list[str]) -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ws = await client.ws()
        for word in words:
            await ws.send_str(word)
        while (await ws.receive()).type is not WSMsgType.CLOSE:
            pass
        write(ear, Current(1))
        assert await client.poll() == ['42["current",1]']
        assert (ear.told, ear.lost_times) == ([], 0)


async def test_a_probe_that_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socketio_session, "PROBE_S", 0.0)
    async with serving() as house:
        client, ear = await house.connected()
        ws = await client.ws()
        assert (await ws.receive()).type is WSMsgType.CLOSE
        write(ear, Current(1))
        assert await client.poll() == ['42["current",1]']


async def test_probes_leave_nothing_waiting() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        before = ear.transport.buffered_bytes()
        for _ in range(20):
            ws = await probed(client)
            await ws.close()
        assert ear.transport.buffered_bytes() == before


async def test_one_websocket_at_a_time_is_tried() -> None:
    async with serving() as house:
        client, _ = await house.connected()
        first = await probed(client)
        second = await client.ws()
        await second.send_str("2probe")
        assert (await second.receive()).type is WSMsgType.CLOSE
        await first.send_str("5")
        await first.send_str("3")
        assert not first.closed
