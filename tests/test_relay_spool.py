"""The promises of DESIGN section 3, held by the real relay over a store that fails and a node that dies."""

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatserver.audit.events import Kind
from tests.fakes import people
from tests.fakes.house import DEVICES, House
from tests.fakes.phone import Phone, copy_of, key_of
from tests.fakes.store import Fault

pytestmark = pytest.mark.pure

FAILURES = tuple(fault for fault in Fault if fault is not Fault.NONE)


class SpoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.house = House()

    def phone(self, pick: int) -> Phone:
        return self.house.phones[DEVICES[pick % len(DEVICES)]]

    @initialize(there=st.lists(st.integers(0, 4), max_size=5, unique=True))
    def some_are_there(self, there: list[int]) -> None:
        for pick in there:
            self.phone(pick).connect(self.house.node)
        self.house.run()

    @rule(pick=st.integers(0, 4), scope=st.sampled_from((people.ALL, people.PAIR)), count=st.integers(1, 3))
    def somebody_sends(self, pick: int, scope: bytes, count: int) -> None:
        phone = self.phone(pick)
        if phone.welcomed and phone.account in {one.account for one in people.TALKS[scope]}:
            for _ in range(count):
                phone.send(scope)

    @rule(pick=st.integers(0, 4))
    def somebody_repeats(self, pick: int) -> None:
        phone = self.phone(pick)
        for n in phone.not_safe():
            phone.repeat(n)

    @rule(pick=st.integers(0, 4))
    def somebody_seals_again(self, pick: int) -> None:
        phone = self.phone(pick)
        for n in sorted(phone.reseal):
            phone.repeat(n)

    @rule()
    def frames_arrive(self) -> None:
        self.house.look()

    @rule(pick=st.integers(0, 4), count=st.integers(1, 5))
    def somebody_opens(self, pick: int, count: int) -> None:
        self.phone(pick).open(count)

    @rule(pick=st.integers(0, 4), which=st.lists(st.integers(0, 20), min_size=1, max_size=4))
    def somebody_acknowledges(self, pick: int, which: list[int]) -> None:
        phone = self.phone(pick)
        chosen = [phone.unacked[at] for at in sorted(set(which), reverse=True) if at < len(phone.unacked)]
        for frame in chosen:
            phone.unacked.remove(frame)
        if chosen:
            phone.ack(chosen)

    @rule(pick=st.integers(0, 4))
    def somebody_cannot_open(self, pick: int) -> None:
        phone = self.phone(pick)
        if phone.inbox and copy_of(phone.inbox[0]) < 2 and key_of(phone.inbox[0]) not in phone.opened:
            phone.ack([phone.inbox.pop(0)], unreadable=True)
            self.house.clean = False

    @rule(pick=st.integers(0, 4))
    def somebody_comes(self, pick: int) -> None:
        self.phone(pick).connect(self.house.node)

    @rule(pick=st.integers(0, 4))
    def somebody_goes(self, pick: int) -> None:
        self.phone(pick).drop()

    @precondition(lambda self: self.house.node.store.queued)
    @rule(count=st.integers(1, 6))
    def the_store_writes(self, count: int) -> None:
        for _ in range(min(count, len(self.house.node.store.queued))):
            self.house.node.store.apply()

    @precondition(lambda self: self.house.node.store.queued)
    @rule(fault=st.sampled_from(FAILURES))
    def the_store_fails(self, fault: Fault) -> None:
        self.house.node.store.apply(fault)
        self.house.clean = False

    @precondition(lambda self: self.house.node.store.untold)
    @rule(count=st.integers(1, 6))
    def the_store_tells(self, count: int) -> None:
        for _ in range(min(count, len(self.house.node.store.untold))):
            self.house.node.store.tell()

    @precondition(lambda self: self.house.node.tasks.waiting)
    @rule(pick=st.integers(0, 5))
    def a_read_comes_back(self, pick: int) -> None:
        waiting = self.house.node.tasks.waiting
        self.house.node.tasks.finish(pick % len(waiting))

    @rule(seconds=st.sampled_from((0.01, 0.1, 0.26, 1.1)))
    def time_passes(self, seconds: float) -> None:
        self.house.node.timers.advance(seconds)

    @rule()
    def everything_runs(self) -> None:
        self.house.run()

    @rule(applied=st.integers(0, 8))
    def the_node_dies(self, applied: int) -> None:
        self.house.crash(applied)

    @invariant()
    def no_send_has_two_events(self) -> None:
        sends = Counter((event.device, event.n) for event in self.house.shelf.events if event.kind is Kind.SEND)
        assert all(count == 1 for count in sends.values())

    @invariant()
    def memory_is_counted(self) -> None:
        spool = self.house.node.spool
        assert spool.bytes >= sum(len(held.parcel.box) for entry in spool.entries.values() for held in entry.boxes)

    @invariant()
    def without_failures_the_order_of_each_sender_is_kept(self) -> None:
        if not self.house.clean:
            return
        for phone in self.house.phones.values():
            for sender in DEVICES:
                numbers = [key.n for key in phone.opened if key.sender == sender]
                assert numbers == sorted(numbers)

    def teardown(self) -> None:
        self.house.come_to_rest()
        self.house.check_rest()


TestSpool = SpoolMachine.TestCase
