"""The sending queue: numbers, the window, refusals, fates; and a server that forgets, drops and restarts."""

from dataclasses import dataclass, field
from hashlib import blake2b

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatserver.wire.frames import Receipt, Refused, Told
from chatserver.wire.limits import SEND_WINDOW
from crypto.envelope import Committed, Content, commit
from crypto.keys import FrameClass
from sotto.errors import QueueFull
from sotto.sending import MAX_MENDS, MAX_QUEUED, MAX_RESEALS, Outbox, Reaction
from sotto.state.records import Chain, Outgoing
from sotto.values import Stage

pytestmark = pytest.mark.pure

DEVICE = b"d" * 16
ONE, TWO = b"1" * 16, b"2" * 16
PERSON = b"p" * 16


def repeatable(size: int) -> bytes:
    return blake2b(b"kf", digest_size=size).digest()


def committed(item: Outgoing, n: int, seq: int, prev: bytes) -> Committed:
    content = Content(item.kind, seq, item.queued_at, prev, bytes(32), item.body)
    return commit(FrameClass.MESSAGE, item.scope, DEVICE, n, content, random=repeatable)


def item(number: int, scope: bytes = ONE) -> Outgoing:
    return Outgoing(number, scope, 1, f"text {number}".encode(), 1_000 + number, number << 16)


def outbox(*items: Outgoing, n: int = 0) -> Outbox:
    made = Outbox([], {}, n)
    for one in items:
        made.add(one)
    return made


def number_all(box: Outbox) -> list[Outgoing]:
    numbered = []
    while (waiting := box.next_waiting()) is not None:
        numbered.append(box.number(waiting, committed))
    return numbered


def send_all(box: Outbox) -> list[int]:
    """Number and send everything, in conversations that the server accepted already."""
    box._proven.update((ONE, TWO))
    number_all(box)
    ready = [one.n for one in box.sendable()]
    for n in ready:
        box.sent(n)
    return ready


def refusal(n: int, code: str, *, retry: bool = True, known: bool = False) -> Refused:
    return Refused(n, code, "", retry, known)


def receipt(n: int, mark: str) -> Receipt:
    return Receipt(n, mark, 5)  # type: ignore[arg-type]  # any mark, as the case says


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


@dataclass
class Ledger:
    """The far side: what it accepted, by number, and which conversations it refuses now."""

    accepted: dict[int, Outgoing] = field(default_factory=dict)  # in the order of acceptance
    closed: set[bytes] = field(default_factory=set)

    def answer(self, sent: Outgoing) -> Receipt | Refused:
        known = sent.n in self.accepted
        if known and self.accepted[sent.n].c != sent.c:
            return refusal(sent.n, "number_reused", retry=False, known=True)
        if sent.scope in self.closed:
            return refusal(sent.n, "no_device", known=known)
        self.accepted[sent.n] = sent
        return receipt(sent.n, "safe")


class Conversations(RuleBasedStateMachine):
    """Two conversations over a line that breaks: each message is accepted once, in order, in an unbroken chain."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Outbox([], {}, 0)
        self.far = Ledger()
        self.line: list[Outgoing] = []
        self.items: dict[int, Outgoing] = {}
        self.chains: dict[bytes, Chain] = {}
        self.n = 0
        self.written = 0

    def persist(self) -> None:
        changes = self.box.take_changes()
        self.n = changes.n
        self.chains |= changes.chains
        for number, one in changes.items.items():
            assert one.stage is not Stage.FAILED
            self.items[number] = one

    @rule(scope=st.sampled_from([ONE, TWO]))
    def write(self, scope: bytes) -> None:
        self.written += 1
        self.box.add(item(self.written, scope))
        self.persist()

    @rule()
    def transmit(self) -> None:
        number_all(self.box)
        self.persist()
        for one in self.box.sendable():
            self.box.sent(one.n)
            self.line.append(one)

    @precondition(lambda self: self.line)
    @rule(heard=st.booleans())
    def arrive(self, heard: bool) -> None:
        sent = self.line.pop(0)
        answer = self.far.answer(sent)
        if not heard:
            self.break_line()
        elif isinstance(answer, Receipt):
            self.box.received(answer)
        elif self.box.refused(answer) is Reaction.HOLD:
            self.box.stop(sent.scope)
        self.persist()

    @rule()
    def break_line(self) -> None:
        self.line.clear()
        self.box.disconnected()
        self.box.welcomed(new_epoch=False)

    @rule()
    def restart(self) -> None:
        self.line.clear()
        kept = [one for one in self.items.values() if one.stage in (Stage.QUEUED, Stage.SAFE)]
        self.box = Outbox(kept, dict(self.chains), self.n)

    @rule(scope=st.sampled_from([ONE, TWO]), closed=st.booleans())
    def close(self, scope: bytes, closed: bool) -> None:
        (self.far.closed.add if closed else self.far.closed.discard)(scope)
        if not closed:
            self.box.go_on(scope)

    @invariant()
    def what_was_accepted_is_an_unbroken_chain(self) -> None:
        for scope in (ONE, TWO):
            chain = sorted((one for one in self.far.accepted.values() if one.scope == scope), key=lambda one: one.seq)
            assert len({one.seq for one in chain}) == len(chain)
            assert len({one.item for one in chain}) == len(chain)
            assert [one.item for one in chain] == sorted(one.item for one in chain)
            by_seq = {one.seq: one for one in chain}
            for one in chain:
                before = by_seq.get(one.seq - 1)
                assert before is None or Content.decode(one.content).prev == before.c

    @invariant()
    def no_device_begins_in_the_middle(self) -> None:
        for scope in (ONE, TWO):
            order = [one.seq for one in self.far.accepted.values() if one.scope == scope]
            assert not order or order[0] == 1

    @invariant()
    def the_window_holds(self) -> None:
        unsafe = [one.n for one in self.items.values() if one.n and one.stage is Stage.QUEUED]
        assert not unsafe or self.n - min(unsafe) < SEND_WINDOW

    def teardown(self) -> None:
        self.far.closed.clear()
        for scope in (ONE, TWO):
            self.box.go_on(scope)
        self.break_line()
        self.transmit()
        while self.line:
            self.arrive(heard=True)
            self.transmit()
        assert {one.item for one in self.far.accepted.values()} == set(range(1, self.written + 1))


Conversations.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_a_line_that_breaks_loses_and_doubles_nothing = Conversations.TestCase
