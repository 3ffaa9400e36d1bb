"""Life in a room: deliveries, slow and silent peers, the feed, the drain, fates and fleeting frames."""

import pytest

from chatserver.feed import Topic
from chatserver.wire import errors, limits
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import (
    Ack,
    Current,
    Deliver,
    Ended,
    Fates,
    FatesTold,
    Fleeting,
    Notice,
    Receipt,
    Refused,
    Sealed,
    Told,
    Whisper,
)
from tests.fakes.clock import EPOCH_MS
from tests.fakes.loop import in_virtual_time, later
from tests.fakes.people import ALL, ANN, BEN, CLEO, FOREIGN, PAIR, device
from tests.fakes.room import House, Peer, house, send
from tests.fakes.store import Fault

pytestmark = pytest.mark.pure

ann, ben, tablet, cleo = device(ANN), device(BEN), device(BEN, 1), device(CLEO)


async def two(there: House) -> tuple[Peer, Peer]:
    return await there.join(ann), await there.join(ben)


def ended_with(peer: Peer, refusal: Refusal) -> bool:
    """Closed with that code, and told why unless it does not read."""
    told = [frame.code for frame in peer.got(Ended)]
    return peer.transport.closed == (refusal.closes, refusal.code) and told in ([refusal.code], [])


# -- deliveries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ack", [Ack((2,)), Ack((1, 1)), Ack((1,), (1,)), Ack((), (7,))])
@in_virtual_time
async def test_an_unknown_delivery_number_ends_the_socket_and_loses_nothing(ack: Ack) -> None:
    async with house() as there:
        one, other = await two(there)
        await one.send(PAIR, 1)
        await other.say(ack)
        assert ended_with(other, errors.UNKNOWN_DELIVERY)
        again = await there.join(ben)
        await later(limits.HOLD_S)
        assert [frame.n for frame in again.got(Deliver)] == [1]


@in_virtual_time
async def test_a_reader_that_does_not_acknowledge_ends_as_slow_consumer_and_misses_nothing() -> None:
    async with house() as there:
        one, other = await two(there)
        await one.send(PAIR, 1)
        for _ in range(10):
            await later(1.0)
            other.connection.heard()
        assert other.transport.closed is None
        await later(2.0)
        assert ended_with(other, errors.SLOW_CONSUMER)
        assert one.transport.closed is None
        again = await there.join(ben)
        assert [frame.n for frame in again.got(Deliver)] == [1]


@in_virtual_time
async def test_a_reader_that_takes_no_bytes_grows_the_server_by_one_outbox_at_most() -> None:
    async with house() as there:
        one, other = await two(there)
        other.connection.pause_writing()
        other.transport.unsent = limits.OUTBOX_BYTES - 60_000
        for n in range(1, 4):
            await one.send(PAIR, n, box=bytes(limits.MAX_BOX_BYTES))
        assert ended_with(other, errors.SLOW_CONSUMER)
        assert there.dropped == ["outbox_full"]
        again = await there.join(ben)
        assert [frame.n for frame in again.got(Deliver)] == [1, 2, 3]
        await again.say(Ack((1, 2, 3)))
        assert [told.mark for told in one.got(Receipt)][-1] == "delivered"


@in_virtual_time
async def test_nothing_is_written_between_pause_and_resume() -> None:
    async with house() as there:
        one, other = await two(there)
        other.connection.pause_writing()
        writes = other.transport.writes
        await one.send(PAIR, 1)
        assert other.transport.writes == writes
        other.connection.resume_writing()
        assert [frame.n for frame in other.got(Deliver)] == [1]


@in_virtual_time
async def test_what_one_turn_brings_is_one_write() -> None:
    async with house() as there:
        one, other = await two(there)
        await one.send(PAIR, 1)
        writes = other.transport.writes
        await one.say(*(send(PAIR, n, ann) for n in range(2, 30)))
        assert len(other.got(Deliver)) == 29
        assert other.transport.writes == writes + 1


@in_virtual_time
async def test_a_phone_with_two_thousand_boxes_drains_one_acknowledgement_at_a_time() -> None:
    async with house() as there:
        one = await there.join(ann)
        for n in range(1, 2_001):
            one.connection.received(send(PAIR, n, ann))
            if n % 40 == 0:
                await later(1.0)
                one.connection.heard()
        phone = await there.join(ben)
        taken = 0
        while taken < len(phone.got(Deliver)):
            for number in range(taken + 1, len(phone.got(Deliver)) + 1):
                phone.connection.received(Ack((number,)))
                taken = number
            await later(0.02)
        assert [frame.n for frame in phone.got(Deliver)] == list(range(1, 2_001))
        assert len(phone.got(Current)) == 1


# -- silence, clocks, the feed --------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_silent_peer_is_pinged_and_then_ended() -> None:
    async with house() as there:
        peer = await there.join(ann)
        await later(limits.HEARTBEAT_S + 1)
        assert peer.transport.pings == 1
        peer.connection.heard()
        await later(limits.HEARTBEAT_S + 1)
        assert (peer.transport.pings, peer.transport.closed) == (2, None)
        await later(limits.HEARTBEAT_S + 1)
        assert ended_with(peer, errors.SILENT)


@in_virtual_time
async def test_an_idle_session_ends_though_its_machine_talks() -> None:
    async with house() as there:
        peer = await there.join(ann)
        for _ in range(30 * 6 - 1):
            await later(10.0)
            peer.connection.heard()
            peer.connection.received(Fates(()))
        assert peer.transport.closed is None
        await later(15.0)
        assert ended_with(peer, errors.SESSION_ENDED)


@in_virtual_time
async def test_who_leaves_between_accept_and_hand_over_gets_nothing() -> None:
    async with house() as there:
        one, other = await two(there)
        third = await there.join(cleo)
        await one.send(ALL, 1)
        await third.say(Ack((1,)))
        await other.say(Ack((1,)))
        one.connection.received(send(ALL, 2, ann))
        await there.remove(ALL, CLEO.account)
        await later(1.0)
        assert [frame.n for frame in third.got(Deliver)] == [1]
        assert [frame.n for frame in other.got(Deliver)] == [1, 2]
        gone = [told for told in one.got(Receipt) if told.mark == "device_removed"]
        assert [told.devices for told in gone] == [(cleo,)]
        assert (cleo, ann, 2) not in there.shelf.mailbox


@in_virtual_time
async def test_who_left_is_not_given_what_is_written_late() -> None:
    async with house() as there:
        one, third = await there.join(ann), await there.join(cleo)
        await one.send(ALL, 1)
        third.connection.lost()
        await there.remove(ALL, CLEO.account)
        back = await there.join(cleo)
        await later(1.0)
        assert back.got(Deliver) == []
        assert (cleo, ann, 1) not in there.shelf.mailbox


@in_virtual_time
async def test_a_change_of_members_is_told_to_those_it_concerns() -> None:
    async with house() as there:
        one, third = await there.join(ann), await there.join(cleo)
        await there.changed(Topic.MEMBERS, PAIR)
        assert one.got(Notice) == [Notice("members", PAIR)]
        assert third.got(Notice) == []


@in_virtual_time
async def test_new_keys_are_told_and_current_comes_again_after_a_quarter_of_an_hour() -> None:
    async with house() as there:
        one, other = await two(there)
        await there.changed(Topic.KEYS, BEN.account)
        assert one.got(Notice) == other.got(Notice) == [Notice("keys", BEN.account)]
        for _ in range(90):
            await later(10.0)
            one.connection.heard()
            other.connection.heard()
        await later(2.0)
        assert (len(one.got(Current)), len(other.got(Current))) == (1, 2)


@in_virtual_time
async def test_a_removed_device_a_disabled_account_and_an_ended_session_lose_their_sockets() -> None:
    async with house() as there:
        one, other = await two(there)
        third = await there.join(cleo)
        del there.shelf.devices[ann]
        await there.changed(Topic.LIST, ANN.account)
        await there.changed(Topic.DISABLED, BEN.account)
        await there.changed(Topic.SESSION, cleo)
        assert ended_with(one, errors.DEVICE_REMOVED)
        assert ended_with(other, errors.ACCOUNT_DISABLED)
        assert ended_with(third, errors.SESSION_ENDED)


@in_virtual_time
async def test_a_node_that_cannot_follow_the_feed_closes_its_sockets() -> None:
    async with house() as there:
        one, other = await two(there)
        there.room.blind()
        assert ended_with(one, errors.STORE_LOST)
        assert ended_with(other, errors.STORE_LOST)
        assert there.room.connections == set()


@in_virtual_time
async def test_a_store_that_cannot_be_read_ends_the_socket_that_needs_it() -> None:
    async with house() as there:
        one, other = await two(there)
        there.store.blind = True
        await one.send(PAIR, 1)
        assert ended_with(one, errors.STORE_LOST)
        assert other.transport.closed is None
        assert ended_with(await there.join(cleo), errors.STORE_LOST)


# -- drain ----------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_drain_sends_everybody_elsewhere_and_writes_what_is_in_memory() -> None:
    async with house() as there:
        one, other = await two(there)
        await one.send(PAIR, 1)
        drained = await there.room.drain(timeout_s=5.0)
        assert drained == (2, 1, 0)
        assert ended_with(one, errors.RESUME_ELSEWHERE)
        assert ended_with(other, errors.RESUME_ELSEWHERE)
        assert (ben, ann, 1) in there.shelf.mailbox


@in_virtual_time
async def test_a_drain_that_cannot_write_says_so() -> None:
    async with house() as there:
        one, _ = await two(there)
        await one.send(PAIR, 1)
        there.store.fault = Fault.FULL
        assert await there.room.drain(timeout_s=5.0) == (2, 1, 1)


# -- fates and fleeting ---------------------------------------------------------------------------------------------


@in_virtual_time
async def test_fates_tell_what_became_of_each_send() -> None:
    async with house() as there:
        one, other = await two(there)
        await one.send(PAIR, 1)
        await other.say(Ack((1,)))
        await one.send(ALL, 2)
        await one.say(Fates((1, 2, 3)))
        await later(0.5)
        assert one.last(FatesTold).fates == (Told(1, "settled"), Told(2, "open"), Told(3, "unknown"))


@in_virtual_time
async def test_expiry_is_told() -> None:
    async with house() as there:
        one = await there.join(ann)
        await one.send(PAIR, 1)
        for key, (row, _) in there.shelf.mailbox.items():
            there.shelf.mailbox[key] = (row, EPOCH_MS)
        await later(11.0)
        assert [told.mark for told in one.got(Receipt)] == ["safe", "expired"]
        assert one.got(Receipt)[-1].persons == (BEN.account,)


@in_virtual_time
async def test_fleeting_goes_to_who_is_live_and_is_dropped_by_name_for_all_others() -> None:
    async with house() as there:
        one, other = await two(there)
        to = [Sealed(each, 1, bytes(544)) for each in (ben, tablet, cleo, ann)]
        await one.say(Fleeting(PAIR, 9, bytes(32), (*to, Sealed(ben, 1, bytes(545)))))
        (heard,) = other.got(Whisper)
        assert (heard.scope, heard.sender, heard.n) == (PAIR, ann, 9)
        assert sorted(there.dropped) == [
            "fleeting_bad_box",
            "fleeting_not_live",
            "fleeting_wrong_device",
            "fleeting_wrong_device",
        ]
        await one.say(Fleeting(FOREIGN, 10, bytes(32), ()))
        assert there.dropped[-1] == "fleeting_not_member"
        assert there.shelf.events == []


@in_virtual_time
async def test_a_flood_is_slowed_and_every_message_of_it_arrives() -> None:
    async with house() as there:
        one, other = await two(there)
        for n in range(1, 401):
            one.connection.received(send(PAIR, n, ann))
        await later(0.1)
        paused = not one.transport.reading
        await later(4.0)
        assert paused
        assert one.transport.reading
        assert one.got(Refused) == []
        assert len(there.shelf.events) == 400
        assert [frame.n for frame in other.got(Deliver)] == list(range(1, 257)), "the rest waits for room"


@in_virtual_time
async def test_what_waited_when_the_peer_stopped_reading_is_not_written_at_the_end_of_the_turn() -> None:
    async with house() as there:
        peer = await there.join(ann)
        writes = peer.transport.writes
        peer.connection.put(Current(1))
        peer.connection.pause_writing()
        await later(0.01)
        assert peer.transport.writes == writes
        peer.connection.end(errors.SESSION_ENDED)
        assert peer.transport.writes == writes
        assert peer.transport.closed == (errors.SESSION_ENDED.closes, "session_ended")
