"""A node, its store and everybody's phones; every frame to a phone is held against the promises of DESIGN section 3."""

from chatserver.audit.events import Kind
from chatserver.relay.mailbox import Key
from chatserver.wire import limits
from chatserver.wire.frames import Current, Deliver, FatesTold, Receipt, Refused, ServerFrame
from tests.fakes import people
from tests.fakes.clock import EPOCH_MS, FakeClock
from tests.fakes.node import Node
from tests.fakes.people import ANN, BEN, CLEO
from tests.fakes.phone import Phone, Stage, key_of

DEVICES = tuple(people.device(one, at) for one in (ANN, BEN, CLEO) for at in range(len(one.device_keys)))
MAX_ROUNDS = 12


class House:
    """Goes on step by step; what breaks a promise raises at once."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.shelf = people.shelf()
        self.node = Node(self.shelf, self.clock)
        self.phones = {device: Phone(device, people.ACCOUNTS[device]) for device in DEVICES}
        self.receipted: dict[Key, int] = {}  # when it was first said safe
        self.skipped: set[tuple[Key, bytes]] = set()  # devices and persons that a receipt named as left out
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
        self.skipped |= {(key, left_out) for left_out in (*receipt.devices, *receipt.persons)}
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
            if (key, device) not in self.skipped
            and key not in self.phones[device].acked | self.phones[device].refused.keys()
            and (device, *key) not in self.shelf.mailbox
        }

    def unopened_by(self, key: Key) -> set[bytes]:
        """Persons of whom no device acknowledged that it opened it."""
        scope, own = self.phones[key.sender].sent[key.n].scope, self.phones[key.sender].account
        there = {one.account for one in people.TALKS[scope]} - {own}
        skipped = {account for account in there if (key, account) in self.skipped}
        return there - skipped - {phone.account for phone in self.phones.values() if key in phone.acked}

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
            if told.state == "open":
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
