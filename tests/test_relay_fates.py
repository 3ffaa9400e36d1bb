"""What became of sends, what fills, and what is given back (DESIGN section 3: fate, quotas)."""

import pytest

from chatserver.audit.events import Kind
from chatserver.relay.entries import Row, Window
from chatserver.store.changes import FateOutcome
from chatserver.wire import limits
from chatserver.wire.frames import Deliver, Fates, FatesTold, Receipt, Told
from tests.fakes.people import ALL, BEN, PAIR
from tests.fakes.phone import Phone, Stage
from tests.fakes.scene import Scene
from tests.fakes.store import Fault

pytestmark = pytest.mark.pure

HOLD = limits.HOLD_S


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_was_opened_live_is_settled(scene: Scene) -> None:
    scene.join(scene.tablet, scene.others)
    scene.send()
    for phone in (scene.ben, scene.tablet, scene.others):
        scene.ack(phone)
    assert scene.ask(1) == Told(1, "settled")
    assert scene.ask(2) == Told(2, "unknown")


def test_a_send_under_way_is_open(scene: Scene) -> None:
    scene.send()
    assert scene.ask(1) == Told(1, "open")


def test_what_waits_in_the_store_is_pending_until_it_is_opened(scene: Scene) -> None:
    scene.ben.drop()
    scene.run()
    scene.send()
    assert scene.ask(1) == Told(1, "open", ((BEN.account, "pending"),))
    scene.join(scene.ben)
    scene.ack(scene.ben)
    assert scene.ask(1) == Told(1, "settled")


def test_after_a_crash_what_was_only_in_memory_is_unknown_and_comes_again(scene: Scene) -> None:
    scene.send()
    scene.ann.sent[1].stage = Stage.SAFE  # it asks, and does not repeat by itself
    scene.crash(applied=0)
    scene.join(scene.ann, scene.ben)
    answer = next(frame for frame in scene.ann.heard if isinstance(frame, FatesTold))
    assert answer.fates == (Told(1, "unknown"),)
    scene.ack(scene.ben)
    assert scene.ann.marks(1) == ["delivered"]


def test_a_write_in_doubt_does_not_hide_another_box_in_memory(scene: Scene) -> None:
    scene.send(ALL)
    assert scene.held(1) == 2
    scene.ben.drop()
    scene.node.store.apply(Fault.UNKNOWN_AFTER)
    assert scene.held(1) == 1, "Cleo's is only in memory"
    scene.node.store.tell()
    scene.node.timers.advance(HOLD)  # both are due; of the two writes Ben's is the one that is applied
    units = scene.node.store.queued
    bens = next(waiting for waiting in units if scene.ben.device in {change[0] for change in waiting.unit.changes})
    units.remove(bens)
    units.appendleft(bens)
    scene.crash(applied=1)
    assert (scene.cleo.device, scene.ann.device, 1) not in scene.shelf.mailbox
    assert scene.held(1) == 1


def test_the_boxes_of_a_send_that_was_sealed_again_are_counted_by_the_newer_one(scene: Scene) -> None:
    scene.send(ALL)
    scene.ben.ack([scene.ben.inbox.pop()], unreadable=True)
    scene.look()
    scene.node.timers.advance(HOLD - 0.01)
    scene.ann.repeat(1)
    scene.node.store.settle()
    assert scene.held(1) == 2
    scene.node.timers.advance(0.02)
    scene.node.store.settle()
    assert (scene.cleo.device, scene.ann.device, 1) in scene.shelf.mailbox, "her first box was written"
    assert scene.held(1) == 2, "and the second ones are both in memory"


def test_opened_live_beats_what_an_earlier_attempt_left(scene: Scene) -> None:
    scene.send()
    scene.ben.ack([scene.ben.inbox.pop()], unreadable=True)
    scene.run()
    assert scene.shelf.fates[scene.ann.device, 1, BEN.account] is FateOutcome.PENDING, "the tablet's box still waits"
    scene.join(scene.tablet)
    scene.tablet.ack([scene.tablet.inbox.pop()], unreadable=True)
    scene.run()
    assert scene.ask(1).persons == ((BEN.account, "unreadable"),)
    scene.ann.repeat(1)
    scene.run()
    scene.ack(scene.ben)
    assert scene.shelf.fates[scene.ann.device, 1, BEN.account] is FateOutcome.OPENED


def test_a_box_written_after_its_person_opened_elsewhere_is_opened(scene: Scene) -> None:
    scene.join(scene.tablet)
    scene.send()
    scene.ack(scene.ben)
    scene.wait(HOLD)
    assert scene.shelf.fates[scene.ann.device, 1, BEN.account] is FateOutcome.OPENED


def test_what_settles_while_fates_are_read_is_not_called_delivered(scene: Scene) -> None:
    scene.send()
    scene.ann.put(Fates((1,)))
    scene.node.timers.advance(HOLD)
    scene.node.store.settle()
    scene.run()
    answer = next(frame for frame in scene.ann.heard if isinstance(frame, FatesTold))
    assert answer.fates == (Told(1, "open"),)
    assert scene.ann.sent[1].stage is Stage.SAFE


def test_fates_are_answered_one_question_at_a_time(scene: Scene) -> None:
    for n in range(1, 50):
        scene.ann.put(Fates((n,)))
    assert len(scene.node.tasks.waiting) == 1
    scene.run()
    assert sum(isinstance(frame, FatesTold) for frame in scene.ann.heard) == 49


def test_a_fate_that_the_client_knows_is_dropped(scene: Scene) -> None:
    scene.ben.drop()
    scene.send()
    assert scene.shelf.fates
    scene.ann.put(Fates((), (1,)))
    scene.run()
    assert scene.shelf.fates == {}


def expire(scene: Scene) -> None:
    scene.clock.now += limits.BOX_TTL_S + 1
    scene.node.tasks.spawn("expire", scene.node.sweep.expire())
    scene.run()


def test_expiry_undelivered_is_told(scene: Scene) -> None:
    scene.ben.drop()
    scene.run()
    scene.send()
    expire(scene)
    assert scene.ann.marks(1) == ["safe", "expired"]
    scene.join(scene.ann)
    assert scene.ask(1) == Told(1, "settled", ((BEN.account, "expired"),))
    assert [event.kind for event in scene.shelf.events][-1] is Kind.EXPIRED
    assert scene.shelf.mailbox == {}


def test_expiry_on_a_forgotten_tablet_is_no_news(scene: Scene) -> None:
    scene.send()
    scene.ack(scene.ben)
    expire(scene)
    assert scene.ann.marks(1) == ["delivered"]


# -- quotas and memory ----------------------------------------------------------------------------------------------


def fill(scene: Scene, phone: Phone) -> None:
    scene.send()
    scene.node.relay.directory.count(phone.device, limits.MAILBOX_BOXES, 0)


def test_a_full_device_is_skipped_and_named(scene: Scene) -> None:
    fill(scene, scene.tablet)
    scene.send()
    scene.ack(scene.ben)
    assert [frame for frame in scene.ann.heard if isinstance(frame, Receipt) and frame.n == 2] == [
        Receipt(2, "safe", scene.clock.wall_ms(), (), (scene.tablet.device,)),
        Receipt(2, "delivered", scene.clock.wall_ms()),
    ]


def test_a_person_all_of_whose_devices_are_full_is_unreachable(scene: Scene) -> None:
    scene.ben.drop()
    fill(scene, scene.ben)
    scene.node.relay.directory.count(scene.tablet.device, limits.MAILBOX_BOXES, 0)
    scene.ann.send(ALL)
    scene.run()
    scene.ack(scene.cleo)
    (safe,) = [
        frame for frame in scene.ann.heard if isinstance(frame, Receipt) and (frame.n, frame.mark) == (2, "safe")
    ]
    assert safe.persons == (BEN.account,)
    assert set(safe.devices) == {scene.ben.device, scene.tablet.device}


def test_a_mailbox_that_only_seemed_full_is_counted_anew(scene: Scene) -> None:
    fill(scene, scene.tablet)
    scene.send()
    scene.send()
    assert (scene.tablet.device, scene.ann.device, 2) not in scene.shelf.mailbox
    assert (scene.tablet.device, scene.ann.device, 3) in scene.shelf.mailbox


def test_repeats_of_one_message_do_not_fill_a_mailbox(scene: Scene) -> None:
    scene.send()
    scene.ack(scene.ben)
    before = scene.node.relay.directory.sizes[scene.tablet.device].boxes
    for _ in range(20):
        scene.ann.repeat(1)
        scene.run()
        scene.ack(scene.ben)
    assert scene.node.relay.directory.sizes[scene.tablet.device].boxes == before == 1


def test_what_expired_is_given_back(scene: Scene) -> None:
    scene.ben.drop()
    scene.run()
    scene.send()
    expire(scene)
    sizes = scene.node.relay.directory.sizes
    assert {(sizes[phone.device].boxes, sizes[phone.device].bytes) for phone in (scene.ben, scene.tablet)} == {(0, 0)}


def test_memory_returns_to_zero(scene: Scene) -> None:
    for _ in range(3):
        scene.send(ALL)
    scene.ack(scene.ben)
    scene.check_memory()


def test_a_window_keeps_256_numbers_whatever_jump_they_make() -> None:
    window = Window()
    for n in (*range(1, 301), 1_000, 5_000, 5_001, 4_999):
        window.add(n, Row(bytes(32), 0, settled=True))
    assert sorted(window.rows) == [4_999, 5_000, 5_001]
    assert window.highest == 5_001


def test_a_window_slides_by_one() -> None:
    window = Window()
    for n in range(1, 1_001):
        window.add(n, Row(bytes(32), 0, settled=True))
        assert len(window.rows) == min(n, limits.SEND_WINDOW)
    assert min(window.rows) == 1_001 - limits.SEND_WINDOW


def test_deliveries_say_what_the_send_said(scene: Scene) -> None:
    scene.send()
    (frame,) = scene.ben.inbox
    assert isinstance(frame, Deliver)
    assert (frame.number, frame.scope, frame.sender, frame.n, frame.key_no) == (1, PAIR, scene.ann.device, 1, 1)
    assert (frame.c, frame.kid, len(frame.t)) == (scene.ann.sent[1].c, 1, 32)
