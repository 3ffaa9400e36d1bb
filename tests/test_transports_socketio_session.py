"""A polled session: in order, bounded, and read to its end."""

import asyncio

import pytest

from chatserver.transports.socketio_session import MAX_PACKETS_PER_POLL
from chatserver.transports.websocket import CLOSE_WAIT_S, HIGH_WATER_BYTES
from chatserver.wire import limits
from chatserver.wire.frames import Ack, Active, Current
from tests.socketio_servers import BOX, SEPARATOR, bye, polled, serving, until, write
from tests.websocket_peers import Clock


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
        assert await first == [bye("protocol_error"), "41"]
        assert await client.poll() == ["1"]
        assert ear.lost_times == 1


async def test_a_body_beside_a_body_ends_the_session() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ear.transport.pause_reading()
        first = asyncio.ensure_future(client.say(Active()))
        await until(lambda: client.session._posting)
        await client.say(Active())
        await first
        assert await client.poll() == [bye("protocol_error"), "41"]
        assert await client.poll() == ["1"]
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


async def test_an_ending_is_read_by_the_next_poll() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        write(ear, Current(1))
        ear.transport.close(4403, "session_ended")
        assert ear.lost_times == 0
        assert await client.poll() == ['42["current",1]', "41"]
        assert await client.poll() == ["1"]
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
        assert await client.poll() == [bye("slow_consumer")]
        assert await client.poll() == ["1"]


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
