"""A room: who gets in, and which sends are not accepted."""

import pytest

from chatserver.store.rows import Bundle
from chatserver.wire import errors, limits
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import (
    NO_EPOCH,
    Ack,
    Active,
    Bye,
    Current,
    Deliver,
    Ended,
    Receipt,
    Refused,
    Welcome,
)
from tests.fakes.loop import in_virtual_time, later
from tests.fakes.node import hello
from tests.fakes.people import ALL, ANN, BEN, CLEO, FOREIGN, PAIR, bundle_row, device
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


# -- hello ----------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_message_walks_from_hello_to_delivered() -> None:
    async with house() as there:
        one, other = await two(there)
        welcome = one.last(Welcome)
        assert (welcome.highest_n, welcome.epoch, welcome.limits.send_window) == (0, NO_EPOCH, 256)
        assert len(one.got(Current)) == 1
        await one.send(PAIR, 1)
        (frame,) = other.got(Deliver)
        assert (frame.number, frame.scope, frame.sender, frame.n, frame.c) == (1, PAIR, ann, 1, (1).to_bytes(32, "big"))
        assert one.got(Receipt) == []
        await other.say(Ack((1,)))
        assert [(told.n, told.mark) for told in one.got(Receipt)] == [(1, "delivered")]
        again = await there.join(ann)
        assert again.last(Welcome).highest_n == 1


@in_virtual_time
async def test_a_refused_hello_is_told_and_ends_the_socket() -> None:
    async with house() as there:
        there.answer = errors.HELLO_REFUSED
        peer = await there.join(ann)
        assert ended_with(peer, errors.HELLO_REFUSED)
        assert peer.got(Welcome) == []
        assert there.room.connections == set()


@in_virtual_time
async def test_an_end_that_came_while_the_hello_was_checked_is_not_missed() -> None:
    async with house() as there:
        there.ended = errors.SESSION_ENDED
        assert ended_with(await there.join(ann), errors.SESSION_ENDED)


@in_virtual_time
async def test_a_socket_that_says_nothing_is_ended_after_five_seconds() -> None:
    async with house() as there:
        peer = there.open(ann)
        await later(limits.HELLO_TIMEOUT_S - 0.5)
        assert peer.transport.closed is None
        await later(1.5)
        assert ended_with(peer, errors.HELLO_LATE)


@in_virtual_time
async def test_a_frame_before_welcome_waits_for_it_and_one_before_hello_ends_the_socket() -> None:
    async with house() as there:
        await there.join(ben)
        early = there.open(ann)
        await early.say(hello(ann), send(PAIR, 1, ann))
        assert early.got(Refused) == []
        assert len(there.shelf.events) == 1
        rude = there.open(cleo)
        await rude.say(Active())
        assert ended_with(rude, errors.OUT_OF_ORDER)
        assert rude.connection.max_message_bytes == limits.MAX_FRAME_BYTES_BEFORE_WELCOME
        assert early.connection.max_message_bytes == limits.MAX_FRAME_BYTES


@in_virtual_time
async def test_the_newer_socket_of_a_device_replaces_the_older() -> None:
    async with house() as there:
        one, old = await two(there)
        await one.send(PAIR, 1)
        new = await there.join(ben)
        assert ended_with(old, errors.REPLACED)
        assert [(frame.number, frame.n) for frame in new.got(Deliver)] == [(1, 1)], (
            "what was unacknowledged comes again"
        )
        await new.say(Ack((1,)))
        assert one.got(Receipt)[-1].mark == "delivered"
        assert (ben, ann, 1) not in there.shelf.mailbox


@in_virtual_time
async def test_goodbye_is_answered() -> None:
    async with house() as there:
        peer = await there.join(ann)
        await peer.say(Bye())
        assert ended_with(peer, errors.SIGNED_OFF)


@in_virtual_time
async def test_bytes_that_were_no_frame_end_the_socket() -> None:
    async with house() as there:
        peer = await there.join(ann)
        peer.connection.malformed()
        await later(0.01)
        assert ended_with(peer, errors.MALFORMED)


# -- sends that are not accepted ------------------------------------------------------------------------------------


@in_virtual_time
async def test_an_unknown_conversation_and_a_foreign_one_are_refused_alike() -> None:
    async with house() as there:
        peer = await there.join(ann)
        await peer.send(bytes(16), 1, to=[ben])
        await peer.send(FOREIGN, 1, to=[cleo])
        unknown, foreign = peer.got(Refused)
        assert unknown == foreign == Refused(1, "not_member", errors.NOT_MEMBER.reason, False)
        assert peer.transport.closed is None


@pytest.mark.parametrize("to", [[], [ben], [ben, tablet, cleo], [ben, ben, tablet], [ben, tablet, ann]])
@in_virtual_time
async def test_a_wrong_set_of_devices_is_refused_with_the_signed_lists(to: list[bytes]) -> None:
    async with house() as there:
        peer = await there.join(ann)
        await peer.send(PAIR, 1, to=to)
        refusal = peer.last(Refused)
        assert (refusal.n, refusal.code, refusal.retry, refusal.known) == (1, "wrong_devices", True, False)
        assert dict(refusal.lists) == {ANN.account: ANN.signed, BEN.account: BEN.signed}
        assert dict(refusal.bundles)[tablet] == BEN.bundle(1).encode()
        assert there.shelf.events == []
        await peer.send(PAIR, 1)
        assert len(there.shelf.events) == 1, "mended in one round trip"


@in_virtual_time
async def test_the_lists_that_mend_leave_out_who_may_not_be_named() -> None:
    async with house() as there:
        members = there.shelf.members[ALL]
        members[CLEO.account] = members[CLEO.account]._replace(disabled_at=1)
        peer = await there.join(ann)
        await peer.send(ALL, 1)
        refusal = peer.last(Refused)
        assert {account for account, _ in refusal.lists} == {ANN.account, BEN.account}
        assert {to for to, _ in refusal.bundles} == {device(ANN), device(ANN, 1), ben, tablet}
        await peer.send(ALL, 1, to=[device(ANN, 1), ben, tablet])
        assert len(there.shelf.events) == 1


def rotated(there: House, replaced_at: int) -> list[Bundle]:
    bundles = [bundle_row(BEN, 0, 2), bundle_row(BEN, 0, 1, replaced_at)]
    there.shelf.bundles[ben] = bundles
    return bundles


@in_virtual_time
async def test_a_stale_key_is_refused_with_the_bundle_that_mends_it() -> None:
    async with house() as there:
        newest, _ = rotated(there, there.clock.wall_ms() - 600_000)
        peer = await there.join(ann)
        await peer.send(PAIR, 1)
        refusal = peer.last(Refused)
        assert (refusal.code, refusal.retry, refusal.lists) == ("stale_key", True, ())
        assert refusal.bundles == ((ben, newest.body),)


@in_virtual_time
async def test_a_replaced_key_still_passes_for_ten_minutes() -> None:
    async with house() as there:
        rotated(there, there.clock.wall_ms() - 590_000)
        peer = await there.join(ann)
        await peer.send(PAIR, 1)
        assert peer.got(Refused) == []
        assert len(there.shelf.events) == 1


@in_virtual_time
async def test_a_number_of_another_message_is_refused() -> None:
    async with house() as there:
        one, other = await two(there)
        await one.send(PAIR, 1)
        await one.send(PAIR, 1, c=b"x" * 32)
        assert one.got(Refused) == [Refused(1, "number_reused", errors.NUMBER_REUSED.reason, False, True)]
        await other.say(Ack((1,)))
        again = await there.join(ann)
        await again.send(PAIR, 1, c=b"x" * 32)
        assert again.last(Refused).code == "number_reused"
        assert len(other.got(Deliver)) == 1


@in_virtual_time
async def test_with_nobody_who_can_receive_a_send_is_refused_and_its_number_is_free() -> None:
    async with house() as there:
        for each in (ben, tablet):
            there.shelf.bundles[each] = []
        peer = await there.join(ann)
        await peer.send(PAIR, 1, to=[device(ANN, 1)])
        assert peer.last(Refused) == Refused(1, "no_device", errors.NO_DEVICE.reason, True, False)
        assert there.shelf.events == []
        assert there.shelf.accepted == {}


@in_virtual_time
async def test_a_person_without_a_device_is_named_unreachable() -> None:
    async with house() as there:
        there.shelf.bundles[cleo] = []
        one, other = await two(there)
        await one.send(ALL, 1, to=[device(ANN, 1), ben, tablet])
        await other.say(Ack((1,)))
        safe, delivered = one.got(Receipt)
        assert (safe.mark, safe.persons) == ("safe", (CLEO.account,))
        assert delivered.mark == "delivered"


@in_virtual_time
async def test_a_box_of_no_bucket_is_refused() -> None:
    async with house() as there:
        peer = await there.join(ann)
        await peer.send(PAIR, 1, box=bytes(545))
        assert peer.last(Refused) == Refused(1, "bad_box", errors.BAD_BOX.reason, False)


@in_virtual_time
async def test_below_the_window_a_number_counts_as_known() -> None:
    async with house() as there:
        peer = await there.join(ann)
        await peer.send(PAIR, 1_000)
        await peer.send(PAIR, 1, to=[ben])
        assert (peer.last(Refused).code, peer.last(Refused).known) == ("wrong_devices", True)


@in_virtual_time
async def test_a_commit_that_fails_is_refused_and_the_socket_lives() -> None:
    async with house() as there:
        one, other = await two(there)
        there.store.fault = Fault.FULL
        await one.send(PAIR, 1)
        assert one.last(Refused).code == "not_saved"
        there.store.fault = Fault.NONE
        await one.send(PAIR, 1)
        assert [frame.n for frame in other.got(Deliver)] == [1]
