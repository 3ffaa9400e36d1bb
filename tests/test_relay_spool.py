"""The promises of DESIGN section 3, held by the real relay over a store that fails and a node that dies."""

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatserver.audit.events import Kind
from chatserver.relay.mailbox import Key
from chatserver.wire import limits
from chatserver.wire.frames import Current, Deliver, FatesTold, Receipt, Refused, ServerFrame
from tests.fakes import people
from tests.fakes.clock import EPOCH_MS, FakeClock
from tests.fakes.node import Node
from tests.fakes.people import ANN, BEN, CLEO
from tests.fakes.phone import Phone, Stage, copy_of, key_of
from tests.fakes.store import Fault

pytestmark = pytest.mark.pure

DEVICES = tuple(people.device(one, at) for one in (ANN, BEN, CLEO) for at in range(len(one.device_keys)))
FAILURES = tuple(fault for fault in Fault if fault is not Fault.NONE)
MAX_ROUNDS = 12


class House:
    """A node, its store and everybody's phones; every frame to a phone is held against the promises."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.shelf = people.shelf()
        self.node = Node(self.shelf, self.clock)
        self.phones = {device: Phone(device, people.ACCOUNTS[device]) for device in DEVICES}
        self.receipted: dict[Key, int] = {}  # when it was first said safe
        self.clean = True  # no failure and no crash so far

    # -- the world goes on ---------------------------------------------------------------------------------------

    def look(self) -> None:
        """Write what waits, and let every phone read."""
        self.node.timers.advance(0.0)
        for phone in self.phones.values():
            if phone.transport is None:
                continue
            for frame in phone.transport.take():
                self.check(phone, frame)
                phone.take(frame)
            if phone.transport.closed is not None:
                phone.forget()
        self.node.timers.advance(0.0)

    def run(self) -> None:
        """Until nobody can go on without time or a person."""
        node = self.node
        self.look()
        while node.store.queued or node.store.untold or node.tasks.waiting or node.timers.next_due() == 0.0:
            node.run()
            self.look()

    def crash(self, applied: int) -> None:
        """The node dies: of the units that wait the first ones were written, and nobody heard of them."""
        for _ in range(min(applied, len(self.node.store.queued))):
            self.node.store.apply()
        self.node.tasks.end()
        for phone in self.phones.values():
            phone.forget()
        self.node = Node(self.shelf, self.clock)
        self.clean = False

    # -- promises ------------------------------------------------------------------------------------------------

    def events_of(self, key: Key) -> int:
        return sum((event.kind, event.device, event.n) == (Kind.SEND, *key) for event in self.shelf.events)

    def check(self, phone: Phone, frame: ServerFrame) -> None:
        match frame:
            case Deliver():
                self._delivered_after_its_commit(phone, frame)
            case Receipt():
                self._receipt_is_true(phone, frame)
            case Current():
                self._current_is_true(phone, frame)
            case FatesTold():
                self._fates_are_true(phone, frame)
            case Refused():
                assert frame.code == "not_saved"

    def _delivered_after_its_commit(self, phone: Phone, frame: Deliver) -> None:
        assert self.events_of(key_of(frame)) == 1, "handed over before its commit"
        assert frame.box[32:48] == phone.device, "somebody else's box"
        assert frame.c == self.phones[frame.sender].sent[frame.n].c

    def _receipt_is_true(self, phone: Phone, receipt: Receipt) -> None:
        key = Key(phone.device, receipt.n)
        if receipt.mark == "safe":
            assert self.events_of(key) == 1, "a receipt without its one event"
            self.receipted.setdefault(key, EPOCH_MS + round(self.clock.now * 1000))
            assert self.not_kept(key) == set(), "safe, and a box is neither acknowledged nor durable"
        elif receipt.mark == "delivered":
            assert self.events_of(key) == 1
            self.receipted.setdefault(key, EPOCH_MS + round(self.clock.now * 1000))
            assert self.not_kept(key) == set()
            assert self.unopened_by(key) == set(), "delivered, and a person opened nothing"

    def not_kept(self, key: Key) -> set[bytes]:
        """Devices that have not acknowledged their box, and for which no box is stored."""
        there = people.others(self.phones[key.sender].sent[key.n].scope, key.sender)
        return {
            device
            for device in there
            if key not in self.phones[device].acked | self.phones[device].refused.keys()
            and (device, *key) not in self.shelf.mailbox
        }

    def unopened_by(self, key: Key) -> set[bytes]:
        """Persons of whom no device acknowledged that it opened it."""
        scope, own = self.phones[key.sender].sent[key.n].scope, self.phones[key.sender].account
        there = {one.account for one in people.TALKS[scope]} - {own}
        return there - {phone.account for phone in self.phones.values() if key in phone.acked}

    def _current_is_true(self, phone: Phone, frame: Current) -> None:
        for key, at in self.receipted.items():
            concerned = phone.device in people.others(self.phones[key.sender].sent[key.n].scope, key.sender)
            if concerned and at < frame.at:
                assert key in phone.acked | phone.refused.keys(), "current before everything receipted was acknowledged"

    def _fates_are_true(self, phone: Phone, frame: FatesTold) -> None:
        for told in frame.fates:
            key = Key(phone.device, told.n)
            if told.state == "settled" and not told.persons:
                assert self.unopened_by(key) == set(), "a fate says delivered, and a person opened nothing"
            if told.state != "unknown":
                assert self.not_kept(key) == set() or key in self.node.spool.entries

    # -- the end -------------------------------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """Everybody comes back and does what a client does, until nothing is left to do."""
        for _ in range(MAX_ROUNDS):
            for phone in self.phones.values():
                phone.connect(self.node)
            self._talk()
            if all(
                message.stage is Stage.DELIVERED for phone in self.phones.values() for message in phone.sent.values()
            ):
                return

    def _talk(self) -> None:
        for _ in range(6):
            self.run()
            for phone in self.phones.values():
                phone.open(10_000)
                phone.ack(phone.unacked.copy())
                phone.unacked.clear()
                for n in sorted(phone.reseal):
                    phone.repeat(n)
            self.node.timers.advance(limits.HOLD_S)

    def check_rest(self) -> None:
        for phone in self.phones.values():
            for n, message in phone.sent.items():
                key = Key(phone.device, n)
                assert message.stage is Stage.DELIVERED
                assert self.unopened_by(key) == set()
                assert self.events_of(key) == 1
                for device in people.others(message.scope, phone.device):
                    assert key in self.phones[device].acked | self.phones[device].refused.keys(), (
                        "a safe box never came"
                    )
            assert len(phone.opened) == len(set(phone.opened))
        assert self.shelf.mailbox == {}
        self.check_memory()

    def check_memory(self) -> None:
        spool = self.node.spool
        for phone in self.phones.values():
            phone.drop()
        self.run()
        assert (spool.entries, spool.bytes, spool.unhanded, spool.windows) == ({}, 0, {}, {})
        self.node.timers.advance(2 * limits.HOLD_S)
        assert not spool._deadlines


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
