"""The mailbox of a connected device: nothing that was committed is forgotten, whatever the order of things."""

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatserver.relay.mailbox import Key, Mailbox, Page, Phase
from chatserver.wire import limits
from tests.fakes.device import Device

pytestmark = pytest.mark.pure

SENDERS = (b"a" * 16, b"b" * 16)
SIZES = sorted(limits.BOX_BYTES)
WINDOW, WINDOW_BYTES = limits.DELIVERY_WINDOW_BOXES, limits.DELIVERY_WINDOW_BYTES


class MailboxMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.device = Device()
        self.sent: Counter[bytes] = Counter()
        self.applied: list[Key] = []  # rows whose commit is durable and not yet told

    def _next(self, sender: bytes) -> Key:
        self.sent[sender] += 1
        return Key(sender, self.sent[sender])

    @rule(sender=st.sampled_from(SENDERS), size=st.sampled_from(SIZES), count=st.sampled_from((1, 1, 2, 3, 9, 140)))
    def a_message_is_accepted(self, sender: bytes, size: int, count: int) -> None:
        for _ in range(count):
            self.device.accept(self._next(sender), size)

    @rule(sender=st.sampled_from(SENDERS), size=st.sampled_from(SIZES))
    def a_row_is_written_and_its_commit_not_yet_told(self, sender: bytes, size: int) -> None:
        key = self._next(sender)
        self.device.shelf.put(key, size)
        self.applied.append(key)

    @precondition(lambda self: self.applied)
    @rule()
    def that_commit_is_told(self) -> None:
        self.device.tick()
        self.device.stored(self.applied.pop(0))

    @precondition(lambda self: self.device.reading)
    @rule(fresh=st.booleans())
    def a_page_comes_back(self, fresh: bool) -> None:
        self.device.finish(fresh=fresh)

    @precondition(lambda self: self.device.held)
    @rule(pick=st.integers(0, 300))
    def a_held_box_is_written(self, pick: int) -> None:
        numbers = list(self.device.held)
        self.device.write(numbers[pick % len(numbers)])

    @precondition(lambda self: self.device.flying)
    @rule(picks=st.lists(st.integers(0, 300), min_size=1, max_size=4))
    def some_are_acknowledged(self, picks: list[int]) -> None:
        numbers = list(self.device.flying)
        self.device.ack(*dict.fromkeys(numbers[pick % len(numbers)] for pick in picks))

    @precondition(lambda self: self.device.flying)
    @rule(share=st.sampled_from((1, 2, 3)))
    def many_are_acknowledged(self, share: int) -> None:
        numbers = list(self.device.flying)
        self.device.ack(*numbers[: -(-len(numbers) // share)])

    @rule()
    def current_is_owed_again(self) -> None:
        self.device.tick()
        self.device.mailbox.owe_current(self.device.now)
        self.device.advance()

    @rule()
    def the_connection_ends_and_comes_back(self) -> None:
        self.device.disconnect()
        self.device.connect()

    @invariant()
    def the_window_holds(self) -> None:
        sizes = [size for _, size in self.device.flying.values()]
        assert len(sizes) <= WINDOW
        assert sum(sizes) < WINDOW_BYTES + limits.MAX_BOX_BYTES

    @invariant()
    def live_knows_everything_that_was_committed(self) -> None:
        if self.device.phase() is Phase.LIVE:
            flying = {key for key, _ in self.device.flying.values()}
            assert self.device.committed.keys() - self.device.acked <= flying

    @invariant()
    def nothing_that_was_committed_is_forgotten(self) -> None:
        flying = {key for key, _ in self.device.flying.values()}
        for key in self.device.committed.keys() - self.device.acked - flying:
            row = self.device.shelf.rows[key]
            reading = self.device.reading
            read_later = row.seq > (reading.asked.after if reading else self.device.mailbox._cursor)
            assert read_later, "a row behind the cursor is in flight or acknowledged"

    @invariant()
    def a_mailbox_with_room_reads_on(self) -> None:
        device = self.device
        if device.phase() is Phase.DRAINING and not device.flying:
            assert device.reading is not None

    def teardown(self) -> None:
        for key in self.applied:
            self.device.stored(key)
        self.device.drain()
        assert self.device.phase() is Phase.LIVE
        assert self.device.committed.keys() == self.device.acked
        assert not self.device.shelf.rows


TestMailbox = MailboxMachine.TestCase


def live() -> Device:
    device = Device()
    device.drain()
    assert device.phase() is Phase.LIVE
    return device


def key(n: int) -> Key:
    return Key(SENDERS[0], n)


def filled(count: int, size: int = SIZES[0]) -> Device:
    device = Device()
    for n in range(1, count + 1):
        device.shelf.put(key(n), size)
        device.committed[key(n)] = (size, 0)
    device.connect()
    return device


@pytest.mark.parametrize("size", SIZES)
def test_two_thousand_boxes_drain_with_one_acknowledgement_at_a_time(size: int) -> None:
    device = filled(2_000, size)
    device.reads = 0
    device.drain()
    assert device.phase() is Phase.LIVE
    assert device.handed == [key(n) for n in range(1, 2_001)]
    in_a_window = min(WINDOW, WINDOW_BYTES // size)
    assert device.reads <= 2_000 // (in_a_window // 2) + 3


def test_a_slow_phone_drains_while_messages_keep_coming() -> None:
    device = filled(500)
    for n in range(501, 1_001):
        device.accept(key(n), SIZES[0])
        if device.reading:
            device.finish(fresh=False)
        for number in list(device.flying)[:2]:
            device.ack(number)
    device.drain()
    assert device.handed == [key(n) for n in range(1, 1_001)]


def test_what_is_live_goes_out_in_the_order_of_its_commit() -> None:
    device = live()
    for n in range(1, 50):
        device.accept(key(n), SIZES[0])
    assert device.handed == [key(n) for n in range(1, 50)]
    assert device.shelf.rows == {}


def test_a_window_full_by_count_goes_back_to_the_store_and_loses_nothing() -> None:
    device = live()
    for n in range(1, WINDOW + 3):
        device.accept(key(n), SIZES[0])
    assert device.phase() is Phase.DRAINING
    assert len(device.flying) == WINDOW
    device.drain()
    assert device.handed == [key(n) for n in range(1, WINDOW + 3)]
    assert device.phase() is Phase.LIVE


def test_a_window_full_by_bytes_goes_back_to_the_store() -> None:
    device = live()
    for n in range(1, 8):
        device.accept(key(n), limits.MAX_BOX_BYTES)
    assert device.phase() is Phase.DRAINING
    assert sum(size for _, size in device.flying.values()) <= WINDOW_BYTES
    device.drain()
    assert device.handed == [key(n) for n in range(1, 8)]


def test_the_largest_box_always_fits_an_empty_window() -> None:
    device = live()
    device.accept(key(1), limits.MAX_BOX_BYTES)
    assert list(device.flying) == [1]


def test_what_was_committed_while_a_page_was_read_keeps_live_shut() -> None:
    device = Device()
    assert device.reading is not None
    device.accept(key(1), SIZES[0])
    device.finish(fresh=False)
    assert device.phase() is Phase.DRAINING
    device.finish(fresh=False)
    assert device.phase() is Phase.LIVE
    assert device.handed == [key(1)]


def test_current_waits_for_every_acknowledgement_of_its_drain() -> None:
    device = filled(3)
    said: list[int] = []
    device.told_current = said.append
    device.finish(fresh=False)
    device.ack(3)
    device.ack(1)
    assert said == []
    device.ack(2)
    assert len(said) == 1


def test_current_that_is_owed_while_live_waits_for_what_is_in_flight() -> None:
    device = live()
    device.accept(key(1), SIZES[0])
    said: list[int] = []
    device.told_current = said.append
    device.mailbox.owe_current(77)
    device.accept(key(2), SIZES[0])
    device.advance()
    assert said == []
    device.ack(1)
    assert said == [77]


def test_of_several_that_are_due_only_the_newest_current_is_told() -> None:
    device = live()
    said: list[int] = []
    device.told_current = said.append
    device.mailbox.owe_current(76)
    device.mailbox.owe_current(77)
    device.advance()
    device.advance()
    assert said == [77]


def test_an_unknown_number_is_not_acknowledged() -> None:
    device = live()
    device.accept(key(1), SIZES[0])
    assert device.mailbox.ack([1, 1]) is None
    assert device.mailbox.ack([2]) is None


def test_one_page_is_read_at_a_time() -> None:
    mailbox: Mailbox[None] = Mailbox()
    assert mailbox.wants() == Page(0, WINDOW, WINDOW_BYTES)
    assert mailbox.wants() is None


def test_a_mailbox_that_never_rests_still_becomes_current() -> None:
    device = Device()
    said: list[int] = []
    device.told_current = said.append
    for n in range(1, 20):
        device.accept(key(n), SIZES[0])
        device.finish(fresh=False)
        device.ack(*device.flying)
        assert device.phase() is Phase.DRAINING
    assert len(said) > 10
    assert said == sorted(said)


def test_a_delivery_is_overdue_after_ten_seconds_and_one_for_each_4_kib_before_it() -> None:
    mailbox: Mailbox[None] = Mailbox()
    size = limits.MAX_BOX_BYTES
    mailbox.launch(key(1), size, None, 100.0)
    mailbox.launch(key(2), size, None, 100.0)
    first = 100.0 + 10.0 + size / 4096
    assert not mailbox.overdue(first - 0.01)
    assert mailbox.overdue(first)
    mailbox.ack([1])
    assert not mailbox.overdue(first)
    assert mailbox.overdue(100.0 + 10.0 + 2 * size / 4096)


def test_an_old_delivery_with_much_before_it_does_not_excuse_a_young_one() -> None:
    mailbox: Mailbox[None] = Mailbox()
    for n in range(1, 6):
        mailbox.launch(key(n), limits.MAX_BOX_BYTES, None, 0.0)
    mailbox.launch(key(6), 544, None, 0.0)
    mailbox.ack(range(1, 6))
    mailbox.launch(key(7), 544, None, 1.0)
    assert not mailbox.overdue(11.0)
    assert mailbox.overdue(1.0 + 10.0 + 2 * 544 / 4096)


def test_an_empty_mailbox_is_never_overdue() -> None:
    assert not Mailbox[None]().overdue(1e9)


def test_a_repeat_in_flight_beside_the_first_delivery_is_still_in_flight_when_that_lands() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.wants()
    mailbox.page([], last=None, short=True, at=0)
    assert mailbox.offer(key(1), 544, "first", 0.0) == 1
    assert mailbox.offer(key(1), 544, "repeat", 0.0) == 2
    mailbox.ack([1])
    assert not mailbox.stored(key(1)), "it is in flight, and need not be offered again"
