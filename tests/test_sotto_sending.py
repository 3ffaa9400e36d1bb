"""The sending queue: numbers, the window, refusals, fates; and a server that forgets, drops and restarts."""

import pytest

from chatserver.wire.frames import Told
from chatserver.wire.limits import SEND_WINDOW
from crypto.envelope import Content
from sotto.errors import QueueFull
from sotto.sending import MAX_MENDS, MAX_QUEUED, MAX_RESEALS, Outbox, Reaction
from sotto.state.records import Chain
from sotto.values import Stage
from tests.sotto_outbox import ONE, PERSON, TWO, item, number_all, outbox, receipt, refusal, send_all

pytestmark = pytest.mark.pure


def test_a_conversation_not_accepted_yet_sends_one_at_a_time() -> None:
    box = outbox(item(1), item(2), item(3, TWO))
    number_all(box)
    assert [one.n for one in box.sendable()] == [1, 3]
    box.sent(1)
    assert [one.n for one in box.sendable()] == [3]
    box.received(receipt(1, "safe"))
    assert [one.n for one in box.sendable()] == [2, 3]


def test_a_refusal_makes_a_conversation_careful_again() -> None:
    box = outbox(item(1), item(2), item(3))
    send_all(box)
    box.refused(refusal(1, "stale_key"))
    assert box.sendable() == []
    box.refused(refusal(2, "stale_key"))
    box.refused(refusal(3, "stale_key"))
    assert [one.n for one in box.sendable()] == [1]


def test_numbers_and_the_chain_follow_the_order_of_writing() -> None:
    box = outbox(item(1), item(2, TWO), item(3))
    first, other, second = number_all(box)
    assert [one.n for one in (first, other, second)] == [1, 2, 3]
    assert [one.seq for one in (first, other, second)] == [1, 1, 2]
    assert Content.decode(second.content).prev == first.c


def test_nothing_is_sent_twice_on_one_connection() -> None:
    box = outbox(item(1))
    assert send_all(box) == [1]
    assert box.sendable() == []


def test_what_was_not_answered_goes_again_under_its_number_with_the_same_content() -> None:
    box = outbox(item(1))
    (before,) = number_all(box)
    box.sent(1)
    box.disconnected()
    assert box.sendable() == [before]


def test_no_number_is_given_while_one_256_below_lacks_an_answer() -> None:
    box = outbox(*(item(number) for number in range(1, 400)))
    assert len(send_all(box)) == SEND_WINDOW
    for n in range(2, SEND_WINDOW + 1):
        box.received(receipt(n, "safe"))
    assert box.next_waiting() is None
    box.received(receipt(1, "safe"))
    assert len(send_all(box)) > 0


def test_delivered_ends_it_and_implies_safe() -> None:
    box = outbox(item(1))
    send_all(box)
    done = box.received(receipt(1, "delivered"))
    assert done is not None
    assert done.stage is Stage.DELIVERED
    assert len(box) == 0
    assert box.received(receipt(1, "safe")) is None


def test_changes_name_what_to_persist_and_then_are_empty() -> None:
    box = outbox(item(1))
    (numbered,) = number_all(box)
    changes = box.take_changes()
    assert changes.items == {1: numbered}
    assert changes.chains == {ONE: Chain(1, numbered.c)}
    assert changes.n == 1
    assert box.take_changes().items == {}


def test_a_queue_from_disk_repeats_what_had_a_number() -> None:
    box = outbox(item(1), item(2))
    numbered = number_all(box)
    again = Outbox(numbered, {ONE: Chain(2, numbered[1].c)}, 2)
    again.received(receipt(1, "safe"))
    assert [one.n for one in again.sendable()] == [2]


@pytest.mark.parametrize("code", ["wrong_devices", "stale_key"])
def test_a_wrong_set_or_key_asks_to_be_mended_and_keeps_its_number(code: str) -> None:
    box = outbox(item(1))
    send_all(box)
    assert box.refused(refusal(1, code)) is Reaction.MEND
    assert [one.n for one in box.sendable()] == [1]


def test_a_refusal_that_comes_back_after_every_mend_becomes_a_wait() -> None:
    box = outbox(item(1))
    number_all(box)
    reactions = []
    for _ in range(MAX_MENDS + 1):
        box.sent(1)
        reactions.append(box.refused(refusal(1, "wrong_devices")))
    assert reactions == [Reaction.MEND] * MAX_MENDS + [Reaction.HOLD]


def test_a_conversation_that_cannot_go_on_gives_its_numbers_back() -> None:
    box = outbox(item(1), item(2), item(3, TWO))
    send_all(box)
    box.refused(refusal(2, "no_device"))
    assert box.refused(refusal(1, "no_device")) is Reaction.HOLD
    box.stop(ONE)
    assert [one.n for one in box.of(ONE)] == [0, 0]
    assert box.take_changes().chains[ONE] == Chain()
    box.go_on(ONE)
    assert [one.n for one in number_all(box)] == [4, 5]


def test_a_number_that_the_server_knows_is_never_given_back() -> None:
    box = outbox(item(1))
    send_all(box)
    box.refused(refusal(1, "stale_key", known=True))
    box.stop(ONE)
    assert [one.n for one in box.of(ONE)] == [1]


def test_a_number_on_the_wire_is_not_given_back() -> None:
    box = outbox(item(1), item(2))
    send_all(box)
    box.refused(refusal(1, "no_device"))
    box.stop(ONE)
    assert [one.n for one in box.of(ONE)] == [1, 2]


def test_what_could_not_be_saved_keeps_its_number_because_it_may_have_been() -> None:
    box = outbox(item(1))
    send_all(box)
    assert box.refused(refusal(1, "not_saved")) is Reaction.HOLD
    box.stop(ONE)
    assert [one.n for one in box.of(ONE)] == [1]


def test_a_final_refusal_is_told_and_leaves_no_hole_where_that_is_possible() -> None:
    box = outbox(item(1), item(2))
    send_all(box)
    box.refused(refusal(2, "not_member", retry=False))
    assert box.refused(refusal(1, "not_member", retry=False)) is Reaction.FAILED
    changes = box.take_changes()
    assert {one.stage for one in changes.items.values()} == {Stage.FAILED}
    assert changes.chains[ONE] == Chain()


def test_a_reused_number_is_final() -> None:
    box = outbox(item(1))
    send_all(box)
    assert box.refused(refusal(1, "number_reused", retry=False, known=True)) is Reaction.FAILED
    assert len(box) == 0


def test_an_answer_to_an_unknown_number_changes_nothing() -> None:
    box = outbox(item(1))
    assert box.refused(refusal(9, "not_member", retry=False)) is Reaction.NONE
    assert box.received(receipt(9, "delivered")) is None


def test_unreadable_seals_the_same_content_again_and_not_for_ever() -> None:
    box = outbox(item(1))
    (before,) = number_all(box)
    box.sent(1)
    for _ in range(MAX_RESEALS):
        box.received(receipt(1, "unreadable"))
        (again,) = box.sendable()
        assert (again.n, again.content, again.c) == (1, before.content, before.c)
        box.sent(1)
    last = box.received(receipt(1, "unreadable"))
    assert last is not None
    assert last.stage is Stage.UNREADABLE
    assert box.sendable() == []


def test_after_a_return_the_fates_of_safe_messages_are_asked() -> None:
    box = outbox(item(1), item(2), item(3))
    send_all(box)
    box.received(receipt(2, "safe"))
    box.disconnected()
    assert box.welcomed(new_epoch=False) == [2]
    assert [one.n for one in box.sendable()] == [1]


def test_after_a_restore_everything_not_delivered_is_repeated() -> None:
    box = outbox(item(1), item(2), item(3))
    send_all(box)
    box.received(receipt(1, "delivered"))
    box.received(receipt(2, "safe"))
    box.disconnected()
    assert box.welcomed(new_epoch=True) == []
    assert send_all(box) == [2, 3]


@pytest.mark.parametrize(
    ("state", "fates", "stage"),
    [
        ("unknown", (), Stage.QUEUED),
        ("open", ((PERSON, "pending"),), Stage.SAFE),
        ("open", ((PERSON, "withheld"),), Stage.WITHHELD),
        ("settled", (), Stage.DELIVERED),
        ("settled", ((PERSON, "opened"),), Stage.DELIVERED),
        ("settled", ((PERSON, "expired"),), Stage.EXPIRED),
        ("settled", ((PERSON, "device_removed"),), Stage.LOST),
        ("settled", ((PERSON, "unreachable"),), Stage.LOST),
        ("settled", ((PERSON, "unreadable"),), Stage.SAFE),
    ],
)
def test_a_fate_decides(state: str, fates: tuple[tuple[bytes, str], ...], stage: Stage) -> None:
    box = outbox(item(1))
    send_all(box)
    box.received(receipt(1, "safe"))
    told = box.told(Told(1, state, fates))  # type: ignore[arg-type]  # the table's own words
    assert told is not None
    assert told.stage is stage


def test_a_full_queue_takes_nothing() -> None:
    box = outbox(*(item(number) for number in range(1, MAX_QUEUED + 1)))
    with pytest.raises(QueueFull):
        box.add(item(MAX_QUEUED + 1))
