"""The promises of DESIGN section 3, each by itself: commit first, hand off, receipt."""

import pytest

from chatserver.feed import Entry, Topic
from chatserver.relay.mailbox import Key
from chatserver.store.changes import FateOutcome, StoreBox
from chatserver.wire import limits
from chatserver.wire.frames import Ended, Refused
from tests.fakes.people import ALL, CLEO, PAIR, member
from tests.fakes.scene import Scene
from tests.fakes.store import Fault

pytestmark = pytest.mark.pure

SAID = [Fault.GUARD, Fault.DATA, Fault.BUSY, Fault.FULL, Fault.LOST]
UNSAID = [Fault.UNKNOWN_BEFORE, Fault.UNKNOWN_AFTER]
HOLD = limits.HOLD_S


@pytest.fixture
def scene() -> Scene:
    return Scene()


# -- commit first ---------------------------------------------------------------------------------------------------


def test_nobody_is_handed_anything_before_the_commit(scene: Scene) -> None:
    scene.ann.send(ALL)
    scene.look()
    while scene.node.tasks.waiting:  # the view is loaded
        scene.node.tasks.finish()
    scene.look()
    assert scene.ben.inbox == []
    scene.node.store.apply()
    scene.look()
    assert scene.ben.inbox == [], "written, but not known to be"
    scene.node.store.tell()
    scene.look()
    assert [frame.n for frame in scene.ben.inbox] == [1]
    assert [frame.n for frame in scene.cleo.inbox] == [1]


@pytest.mark.parametrize("fault", SAID)
def test_a_commit_that_fails_is_refused_retryably_and_nobody_saw_a_byte(scene: Scene, fault: Fault) -> None:
    scene.send()
    scene.ann.send(PAIR)
    scene.ann.send(PAIR)
    scene.node.store.apply(fault)
    scene.run()
    assert [frame.n for frame in scene.ben.inbox] == [1, 3], "its neighbour is untouched"
    (refusal,) = [frame for frame in scene.ann.heard if isinstance(frame, Refused)]
    assert (refusal.n, refusal.code, refusal.retry, refusal.known) == (2, "not_saved", True, False)
    scene.ann.repeat(2)
    scene.run()
    assert [frame.n for frame in scene.ben.inbox] == [1, 3, 2]
    assert scene.events_of(Key(scene.ann.device, 2)) == 1


@pytest.mark.parametrize("fault", UNSAID)
def test_after_an_unknown_outcome_the_sender_comes_back_and_its_repeat_is_answered_rightly(
    scene: Scene, fault: Fault
) -> None:
    scene.send()
    key = scene.ann.send(PAIR)
    scene.node.store.apply(fault)
    scene.run()
    assert isinstance(scene.ann.heard[-1], Ended)
    assert (scene.ann.heard[-1].code, scene.ann.heard[-1].retry) == ("store_lost", True)
    assert scene.ann.connection is None
    scene.join(scene.ann)
    scene.ack(scene.ben)
    assert scene.ann.marks(2) == ["delivered"]
    assert scene.events_of(key) == 1


def test_a_repeat_makes_no_second_event_and_suppresses_no_box(scene: Scene) -> None:
    key = scene.send()
    scene.ack(scene.ben)
    scene.ann.repeat(1)
    scene.run()
    assert scene.events_of(key) == 1
    assert [frame.n for frame in scene.ben.inbox] == [1]
    scene.ack(scene.ben)
    assert scene.ann.marks(1) == ["delivered", "delivered"]
    assert scene.ben.opened == [key]


def test_a_repeat_of_what_is_under_way_is_answered_by_the_receipt_alone(scene: Scene) -> None:
    scene.send()
    scene.ann.repeat(1)
    scene.run()
    assert [frame.n for frame in scene.ben.inbox] == [1]
    scene.ack(scene.ben)
    assert scene.ann.marks(1) == ["delivered"]


# -- hand off -------------------------------------------------------------------------------------------------------


def test_a_live_conversation_leaves_no_box_on_the_disk(scene: Scene) -> None:
    scene.join(scene.others, scene.tablet)
    for _ in range(5):
        scene.send(ALL)
        scene.wait(HOLD / 2)
        for phone in (scene.ben, scene.tablet, scene.cleo, scene.others):
            scene.ack(phone)
    scene.wait(2 * HOLD)
    assert scene.shelf.seq == 0, "no row was ever written"
    assert [scene.ann.marks(n) for n in range(1, 6)] == [["delivered"]] * 5


def test_a_box_that_is_not_acknowledged_is_written_after_250_ms(scene: Scene) -> None:
    key = scene.send()
    scene.wait(HOLD - 0.001)
    assert (scene.ben.device, *key) not in scene.shelf.mailbox
    assert scene.ann.marks(1) == []
    scene.wait(0.002)
    assert (scene.ben.device, *key) in scene.shelf.mailbox
    assert scene.ann.marks(1) == ["safe"]
    scene.ack(scene.ben)
    assert scene.ann.marks(1) == ["safe", "delivered"]
    assert (scene.ben.device, *key) not in scene.shelf.mailbox


def test_a_box_is_written_at_once_when_its_socket_ends(scene: Scene) -> None:
    scene.send()
    scene.send()
    scene.ben.drop()
    scene.run()
    rows = sorted(row for (device, *_), (row, _) in scene.shelf.mailbox.items() if device == scene.ben.device)
    assert [row.n for row in rows] == [1, 2]
    assert scene.ann.marks(2) == ["safe"]


def test_an_acknowledgement_while_it_is_written_ends_without_a_row(scene: Scene) -> None:
    key = scene.send()
    scene.node.timers.advance(HOLD)
    scene.ben.open(1)
    scene.ben.ack(scene.ben.unacked)
    assert isinstance(scene.node.store.queued[0].unit.changes[0], StoreBox)
    scene.run()
    assert (scene.ben.device, *key) not in scene.shelf.mailbox
    assert scene.ann.marks(1) == ["delivered"]


def test_a_write_that_fails_is_repeated_until_it_holds(scene: Scene) -> None:
    scene.send()
    for fault in (*SAID, *UNSAID):
        scene.node.timers.advance(HOLD)
        scene.node.store.apply(fault)
        scene.node.store.tell()
        scene.look()
        assert scene.ann.marks(1) == []
    scene.wait(HOLD)
    assert scene.ann.marks(1) == ["safe"]


def test_a_box_behind_one_that_is_still_held_does_not_overtake_it_into_the_store(scene: Scene) -> None:
    scene.send()
    scene.ack(scene.ben)
    scene.ann.send(PAIR)
    scene.ben.drop()
    scene.ann.send(PAIR)
    scene.run()
    scene.join(scene.ben)
    assert [frame.n for frame in scene.ben.inbox] == [2, 3]


def test_a_quick_return_does_not_turn_the_order_round(scene: Scene) -> None:
    scene.send()
    scene.ann.send(PAIR)
    scene.node.store.apply()  # durable, not yet told
    scene.ben.connect(scene.node)
    while scene.node.tasks.waiting:
        scene.node.tasks.finish()
    scene.run()
    assert [frame.n for frame in scene.ben.inbox] == [1, 2]


# -- receipt --------------------------------------------------------------------------------------------------------


def test_safe_waits_for_every_box(scene: Scene) -> None:
    scene.send(ALL)
    scene.ack(scene.ben)
    assert scene.ann.marks(1) == []
    scene.wait(HOLD)
    assert scene.ann.marks(1) == ["safe"]


def test_delivered_waits_for_one_device_of_each_other_person(scene: Scene) -> None:
    scene.join(scene.others)
    scene.send(ALL)
    scene.ack(scene.others)
    scene.ack(scene.ben)
    scene.wait(HOLD)
    assert scene.ann.marks(1) == ["safe"]
    scene.ack(scene.cleo)
    assert scene.ann.marks(1) == ["safe", "delivered"]
    assert (scene.tablet.device, scene.ann.device, 1) in scene.shelf.mailbox, "Ben's tablet is still to come"


def test_ones_own_devices_do_not_count(scene: Scene) -> None:
    scene.ben.drop()
    scene.join(scene.others)
    scene.send()
    scene.ack(scene.others)
    assert scene.ann.marks(1) == ["safe"]


def test_delivered_is_told_though_a_stored_box_was_opened_before_the_last_live_one(scene: Scene) -> None:
    scene.cleo.drop()
    scene.run()
    scene.send(ALL)
    scene.join(scene.cleo)
    scene.ack(scene.cleo)
    scene.ack(scene.ben)
    assert scene.ann.marks(1) == ["delivered"]


def test_unreadable_is_told_at_once_and_the_reseal_goes_out(scene: Scene) -> None:
    scene.send(ALL)
    scene.ben.ack([scene.ben.inbox.pop()], unreadable=True)
    scene.look()
    assert scene.ann.marks(1) == ["unreadable"]
    scene.ann.repeat(1)
    scene.run()
    scene.ack(scene.ben)
    scene.ack(scene.cleo)
    assert scene.ann.marks(1)[-1] == "delivered"
    assert scene.events_of(Key(scene.ann.device, 1)) == 1


def test_a_reseal_is_not_swallowed_though_the_unreadable_box_came_from_the_store(scene: Scene) -> None:
    scene.ben.drop()
    scene.run()
    scene.send(ALL)
    scene.join(scene.ben)
    scene.ben.ack([scene.ben.inbox.pop()], unreadable=True)
    scene.run()
    assert scene.ann.marks(1) == ["unreadable"], "Cleo's box is still held"
    scene.ann.repeat(1)
    scene.run()
    assert len(scene.ben.inbox) == 1


def test_unreadable_is_told_once_though_the_box_is_being_written(scene: Scene) -> None:
    scene.send(ALL)
    scene.node.timers.advance(HOLD)
    scene.cleo.ack([scene.cleo.inbox.pop()], unreadable=True)
    scene.run()
    assert scene.ann.marks(1).count("unreadable") == 1
    assert scene.shelf.fates[scene.ann.device, 1, CLEO.account] is FateOutcome.UNREADABLE


def test_unreadable_is_remembered_though_its_write_failed(scene: Scene) -> None:
    scene.send(ALL)
    scene.ack(scene.ben)
    scene.node.timers.advance(HOLD)
    scene.cleo.ack([scene.cleo.inbox.pop()], unreadable=True)
    scene.node.store.apply(Fault.FULL)
    scene.run()
    assert scene.shelf.fates[scene.ann.device, 1, CLEO.account] is FateOutcome.UNREADABLE
    assert scene.ask(1).persons == ((CLEO.account, "unreadable"),)


def test_who_left_is_not_offered_what_is_written_late(scene: Scene) -> None:
    scene.send(ALL)
    scene.cleo.connect(scene.node)  # the old socket's box waits to be written
    while scene.node.tasks.waiting:
        scene.node.tasks.finish()
    assert scene.node.relay.hub.is_live(scene.cleo.device)
    scene.shelf.members[ALL][CLEO.account] = member(ALL, CLEO.account, left_at=1)
    scene.node.watcher.forget((Entry(Topic.MEMBERS, ALL),))
    scene.run()
    assert scene.cleo.inbox == []
    assert scene.node.relay.hub.is_live(scene.cleo.device)
    assert (scene.cleo.device, scene.ann.device, 1) not in scene.shelf.mailbox
