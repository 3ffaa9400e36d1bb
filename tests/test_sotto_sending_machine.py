"""The sending queue against a server that forgets, drops and restarts."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatserver.wire.frames import Receipt, Refused
from chatserver.wire.limits import SEND_WINDOW
from crypto.envelope import Content
from sotto.sending import Outbox, Reaction
from sotto.state.records import Chain, Outgoing
from sotto.values import Stage
from tests.sotto_outbox import ONE, TWO, item, number_all, receipt, refusal

pytestmark = pytest.mark.pure


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
