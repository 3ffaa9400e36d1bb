"""Engine.IO as we serve it: bounds on everything, endings that are read, and what is assumed of the library."""

import asyncio
import json

import aiohttp
import pytest
from aiohttp import WSMsgType

from chatserver.transports import socketio_engine
from chatserver.transports.socketio_engine import MAX_PACKETS_PER_BODY, MAX_PACKETS_PER_POLL, max_body_bytes
from chatserver.transports.websocket import CLOSE_WAIT_S, HIGH_WATER_BYTES
from chatserver.wire import errors, limits
from chatserver.wire.frames import Ack, Active, Bye, Current, Deliver
from tests.socketio_servers import SEPARATOR, Client, House, polled, serving, until
from tests.websocket_peers import Clock, Ear

BOX = Deliver(1, bytes(16), bytes(16), 2, bytes(32), 3, 4, bytes(32), 5, bytes(16_672))


def write(ear: Ear, *frames: Current | Deliver) -> None:
    ear.transport.write([ear.transport.encode(frame) for frame in frames])


async def opened(house: House) -> dict[str, object]:
    answer = await house.client().get()
    found: dict[str, object] = json.loads((await answer.text())[1:])
    return found


def bye(code: str) -> str:
    refusal = errors.CATALOGUE[code]
    return "42" + json.dumps(["bye", code, refusal.reason, refusal.retry], separators=(",", ":"))


# -- the handshake -----------------------------------------------------------------------------------------------------


async def test_the_opening_says_the_limits_of_the_wire() -> None:
    async with serving() as house:
        opening = await opened(house)
        assert opening.pop("sid")
        assert opening == {
            "upgrades": ["websocket"],
            "pingInterval": limits.HEARTBEAT_S * 1000,
            "pingTimeout": limits.HEARTBEAT_S * 1000,
            "maxPayload": max_body_bytes(limits.MAX_FRAME_BYTES),
        }


async def test_no_default_of_the_library_came_back() -> None:
    async with serving() as house:
        engine = house.server.eio
        assert (engine.http_compression, engine.cors_credentials, engine.cookie) == (False, False, None)
        assert (engine.async_handlers, house.server.async_handlers, engine.start_service_task) == (False, False, False)
        assert callable(engine.cors_allowed_origins)
        assert house.server.namespaces == ["/"]


async def test_an_answer_is_not_compressed() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        write(ear, BOX)
        answer = await client.get({"Accept-Encoding": "gzip, deflate"})
        assert "Content-Encoding" not in answer.headers
        assert len(await answer.read()) > len(BOX.box)


async def test_compression_of_a_websocket_is_not_agreed_to() -> None:
    async with serving() as house:
        ws = await house.client().ws(compress=15)
        assert ws.compress == 0


# -- polling -----------------------------------------------------------------------------------------------------------


async def test_events_come_with_the_polls_in_their_order() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        write(ear, *map(Current, range(200)))
        found: list[str] = []
        while len(found) < 200:
            packets = await client.poll()
            assert len(packets) <= MAX_PACKETS_PER_POLL
            found += packets
        assert found == [f'42["current",{at}]' for at in range(200)]


async def test_a_poll_waits_for_the_first_event() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        poll = asyncio.ensure_future(client.poll())
        await until(lambda: client.session._polling)
        write(ear, Current(1))
        assert await poll == ['42["current",1]']


async def test_the_events_of_a_body_are_heard_in_their_order() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        await client.post(SEPARATOR.join(polled(Ack((n,))) for n in range(1, 201)))
        assert ear.told == [Ack((n,)) for n in range(1, 201)]


async def test_a_poll_beside_a_poll_ends_the_session() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        first = asyncio.ensure_future(client.poll())
        await until(lambda: client.session._polling)
        await client.poll()
        assert await first == [bye("protocol_error"), "41", "1"]
        assert ear.lost_times == 1


async def test_a_body_beside_a_body_ends_the_session() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ear.transport.pause_reading()
        first = asyncio.ensure_future(client.say(Active()))
        await until(lambda: client.session._posting)
        await client.say(Active())
        await first
        assert await client.poll() == [bye("protocol_error"), "41", "1"]
        assert ear.told == []


async def test_a_body_is_not_read_while_reading_is_paused() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ear.transport.pause_reading()
        said = asyncio.ensure_future(client.say(Active()))
        await until(lambda: client.session._posting)
        assert ear.told == []
        ear.transport.resume_reading()
        assert (await said).status == 200
        assert ear.told == [Active()]


async def test_a_reader_that_stalls_is_held_back_and_counted_until_it_polls() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        written = 0
        while "pause" not in ear.told:
            write(ear, BOX)
            written += 1
        assert HIGH_WATER_BYTES < ear.transport.buffered_bytes() < HIGH_WATER_BYTES + 2 * len(BOX.box)
        await client.poll()
        taken = ear.transport.buffered_bytes()
        assert taken > HIGH_WATER_BYTES, "what a poll took counts until the next: it may not have arrived"
        while "resume" not in ear.told:
            await client.poll()
        assert ear.told == ["pause", "resume"]
        assert ear.transport.buffered_bytes() < HIGH_WATER_BYTES
        assert written > 10


async def test_a_body_beyond_the_limit_is_not_read_and_ends_the_session() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        limit = max_body_bytes(ear.max_message_bytes)
        assert (await client.post(b"4" * (limit + 1))).status == 413
        assert await client.poll() == [bye("too_big"), "41", "1"]
        assert ear.told == []


async def test_a_body_is_small_before_welcome() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ear.max_message_bytes = limits.MAX_FRAME_BYTES_BEFORE_WELCOME
        assert (await client.post(b"4" * (max_body_bytes(4_096) + 1))).status == 413
        assert await client.poll() == [bye("too_big"), "41", "1"]


MALFORMED = {
    "no packet": "",
    "a packet of the server's": "0",
    "no kind": "x",
    "an upgrade without a probe": "5",
    "a probe": "2probe",
    "a pong with more": "3x",
    "a wrong base64": "b====",
    "a lax base64": "bQUJ D",
    "JSONP": "d=4",
    "too many packets": SEPARATOR.join("3" * (MAX_PACKETS_PER_BODY + 1)),
    "an empty packet among others": "3" + SEPARATOR + SEPARATOR + "3",
}


@pytest.mark.parametrize("what", MALFORMED)
async def test_a_body_that_is_no_engine_io_is_malformed(what: str) -> None:
    async with serving() as house:
        client, ear = await house.connected()
        await client.post(MALFORMED[what])
        assert ear.told[:1] == ["malformed"]
        assert house.faults == []


async def test_a_body_that_is_no_text_is_malformed() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        await client.post(b"4\xff\xfe")
        assert ear.told == ["malformed"]


# -- the end -----------------------------------------------------------------------------------------------------------


async def test_an_ending_is_read_by_the_next_poll() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        write(ear, Current(1))
        ear.transport.close(4403, "session_ended")
        assert ear.lost_times == 0
        assert await client.poll() == ['42["current",1]', "41", "1"]
        assert (ear.lost_times, len(house.places)) == (1, 0)
        assert (await client.get()).status == 401


async def test_an_ending_that_allows_to_come_again_does_not_disconnect_a_stock_client() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ear.transport.close(4500, "resume_elsewhere")
        assert await client.poll() == ["1"]


async def test_a_slow_consumer_is_told_so() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ear.transport.close(4501, "slow_consumer")
        assert await client.poll() == [bye("slow_consumer"), "1"]


async def test_an_ending_that_nobody_reads_is_forgotten_in_time() -> None:
    async with serving(clock=Clock()) as house:
        client, ear = await house.connected()
        write(ear, *[BOX] * 10)
        ear.transport.close(4501, "slow_consumer")
        assert house.clock is not None
        assert house.clock.seconds[-1] == CLOSE_WAIT_S
        house.clock.strike()
        assert (ear.lost_times, len(house.places), house.server.eio.sockets) == (1, 0, {})
        assert (await client.get()).status == 401


async def test_nothing_is_written_after_the_end() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ear.transport.close(4500, "resume_elsewhere")
        write(ear, Current(1))
        ear.transport.close(4403, "session_ended")
        assert await client.poll() == ["1"]


@pytest.mark.parametrize("goodbye", ["1", "41"], ids=["Engine.IO", "Socket.IO"])
async def test_a_client_that_leaves_is_lost_once(goodbye: str) -> None:
    async with serving() as house:
        client, ear = await house.connected()
        await client.post(goodbye + SEPARATOR + polled(Active()))
        assert (ear.told, ear.lost_times, house.server.eio.sockets) == ([], 1, {})


# -- signs of life -----------------------------------------------------------------------------------------------------


async def test_a_ping_is_asked_a_heartbeat_after_each_pong_and_by_the_loops_clock() -> None:
    async with serving(clock=Clock()) as house:
        client, ear = await house.connected()
        assert house.clock is not None
        assert house.clock.seconds == [limits.HEARTBEAT_S]
        house.clock.strike()
        assert await client.poll() == ["2"]
        heard = ear.heard_times
        await client.post(SEPARATOR.join("3" * 50))
        assert house.clock.seconds == [limits.HEARTBEAT_S] * 2, "fifty pongs are one sign of life"
        assert ear.heard_times > heard


# -- WebSocket ---------------------------------------------------------------------------------------------------------


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


# -- from polling to WebSocket -----------------------------------------------------------------------------------------


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
    monkeypatch.setattr(socketio_engine, "PROBE_S", 0.0)
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
