"""What is accepted and not yet settled: commit first, then hand off, then receipt (DESIGN section 3).

An `Entry` is one accepted send. Each of its boxes is in one place: WITH the commit that accepts the send, HELD in
memory and handed to its device, WRITING, or SETTLED: acknowledged, durable, or withdrawn. When nothing of an entry is
HELD or WRITING its sender hears `safe`, or `delivered` if one device of each other person has opened it.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from chatserver.audit.events import Event
from chatserver.clock import Clock
from chatserver.relay.entries import Entry, Held, Place, Window
from chatserver.relay.mailbox import Key
from chatserver.store.changes import Accept, Change, FateOutcome, OpenFate, SettleFate, StoreBox, Unhold
from chatserver.store.port import Committed, Failure, Outcome, Store, Unit
from chatserver.store.rows import Accepted
from chatserver.wire import limits
from chatserver.wire.frames import Mark, Receipt

MAX_SPOOL_BYTES: Final = 256 * 1024 * 1024
_RETRY_S: Final = 1.0


class House(Protocol):
    """What the spool asks of the relay."""

    def hand_over(self, entry: Entry) -> None:
        """The commit that accepted `entry` is done: hand its HELD boxes over, offer its stored ones."""

    def stored(self, held: Held) -> None:
        """A box became durable."""

    def refuse(self, entry: Entry, failure: Failure) -> None:
        """The send was not accepted: nobody was handed anything."""

    def tell(self, device: bytes, receipt: Receipt) -> bool:
        """A receipt for a sender; whether it is connected here."""


class Spool:
    """Owned by the relay. `call_later` arms the one timer that writes what was held too long."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        call_later: Callable[[float, Callable[[], None]], object],
        hold_s: float = limits.HOLD_S,
    ) -> None:
        self.entries: dict[Key, Entry] = {}
        self.windows: dict[bytes, Window] = {}
        self.bytes = 0
        self.unhanded: dict[bytes, int] = {}
        """By device: HELD boxes whose own commit is under way. What follows them must be HELD too, or it would be
        stored before them if the device leaves meanwhile."""
        self.parted: set[bytes] = set()
        """Devices of `unhanded` whose socket ended or filled up meanwhile: what was in flight is being written, and so
        must these be."""
        self.house: House  # set by the relay
        self.emptied: Callable[[], object] = bool  # set by whoever waits for the last entry
        self._store = store
        self._clock = clock
        self._call_later = call_later
        self._hold_s = hold_s
        self._deadlines: deque[tuple[float, Held]] = deque()
        self._armed = False

    # -- accepting -----------------------------------------------------------------------------------------------

    def has_room(self) -> bool:
        """Whether memory may take another send."""
        return self.bytes < MAX_SPOOL_BYTES

    def accept(self, entry: Entry, event: Event | None) -> None:
        """Commit `entry`; nobody is handed anything before that is done."""
        self.entries[entry.key] = entry
        entry.row.settled = entry.row.told = False
        self.bytes += entry.size
        self.windows[entry.key.sender].open += 1
        for held in entry.boxes:
            if held.place is Place.HELD:
                self.unhanded[held.device] = self.unhanded.get(held.device, 0) + 1
        unit = Unit(tuple(self._accepting(entry)), (event,) if event else ())
        self._store.submit(unit, lambda outcome: self._accepted(entry, outcome))

    def _accepting(self, entry: Entry) -> Iterable[Change]:
        sender, n = entry.key
        row = entry.row
        yield Accept(sender, n % limits.SEND_WINDOW, n, row.c, row.accepted_at, entry.open - 1)
        pending: set[bytes] = set()
        for held in entry.boxes:
            if held.place is Place.WITH:
                yield self._store_box(held)
                pending.add(held.account)
        for account in pending & entry.persons:
            yield OpenFate(sender, n, account, FateOutcome.PENDING, row.accepted_at)

    def _accepted(self, entry: Entry, outcome: Outcome) -> None:
        if not isinstance(outcome, Committed):
            self._undo(entry)
            self.house.refuse(entry, outcome)
            return
        entry.row.known = True
        for held in entry.boxes:
            if held.place is Place.WITH:
                held.place = Place.SETTLED
        self.house.hand_over(entry)
        self.landed(entry)

    def handing(self, held: Held) -> None:
        """A HELD box is about to be handed over or written, in the order of its commit."""
        left = self.unhanded[held.device] - 1
        if left:
            self.unhanded[held.device] = left
        else:
            del self.unhanded[held.device]
            self.parted.discard(held.device)

    def _undo(self, entry: Entry) -> None:
        for held in entry.boxes:
            if held.place is Place.HELD:
                self.handing(held)
        entry.row.settled = entry.repeats
        if not entry.row.known:
            self.windows[entry.key.sender].rows.pop(entry.key.n, None)
        self._forget(entry)

    # -- holding and writing -------------------------------------------------------------------------------------

    def hold(self, held: Held) -> None:
        """`held` was handed over from memory: it is written if it is not acknowledged in time."""
        self._deadlines.append((self._clock.mono_s() + self._hold_s, held))
        if not self._armed:
            self._arm(self._hold_s)

    def _arm(self, delay: float) -> None:
        self._armed = True
        self._call_later(delay, self._tick)

    def _tick(self) -> None:
        now = self._clock.mono_s()
        deadlines = self._deadlines
        while deadlines and deadlines[0][0] <= now:
            held = deadlines.popleft()[1]
            if held.place is Place.HELD:
                self.write(held)
        self._armed = False
        if deadlines:
            self._arm(max(deadlines[0][0] - now, 0.001))

    def write(self, held: Held) -> None:
        """Make a HELD box durable now."""
        held.place = Place.WRITING
        entry = held.entry
        changes: list[Change] = [self._store_box(held)]
        if held.counted and self.entries.get(entry.key) is entry:  # one that took its place has counted anew
            changes.append(Unhold(*_slot(entry.key), boxes=1))
        if held.account in entry.persons:
            outcome = FateOutcome.OPENED if held.account in entry.opened else FateOutcome.PENDING
            changes.append(OpenFate(*entry.key, held.account, outcome, held.parcel.accepted_at))
        self._store.submit(Unit(tuple(changes)), lambda done: self._written(held, done))

    def _written(self, held: Held, outcome: Outcome) -> None:
        if not isinstance(outcome, Committed) and held.gone and held.account not in held.entry.opened:
            self._withdraw(held, FateOutcome.UNREADABLE)  # its deletion finds no row to say so
            return
        if not isinstance(outcome, Committed) and not held.gone:
            held.counted = held.counted and outcome is not Failure.UNKNOWN  # rather too many than too few
            held.place = Place.HELD
            self.hold(held)
            return
        held.place = Place.SETTLED
        if not held.gone:
            self.house.stored(held)
        self.landed(held.entry)

    def release(self, device: bytes, helds: Iterable[Held]) -> None:
        """The socket of `device` ended or is full: what is HELD goes into the next commit, in order."""
        if device in self.unhanded:
            self.parted.add(device)
        for held in helds:
            if held.place is Place.HELD:
                self.write(held)

    # -- settling ------------------------------------------------------------------------------------------------

    def opened(self, held: Held) -> bool:
        """The device acknowledged `held`; True if the box is, or will be, in the store and must be deleted there."""
        entry = held.entry
        first = held.account in entry.persons and held.account not in entry.opened
        if first:
            entry.opened.add(held.account)
        if held.place is not Place.HELD:
            held.gone = True
            return True
        held.place = Place.SETTLED
        if first and (entry.again or any(_waits_elsewhere(held, other) for other in entry.boxes)):
            fate = SettleFate(*entry.key, held.account, FateOutcome.OPENED, self._clock.wall_ms())
            self._store.submit(Unit((fate,)), _ignore)
        self.landed(entry)
        return False

    def heard(self, key: Key, account: bytes) -> None:
        """A device of `account` opened a box that came from the store while other boxes of that send are still open."""
        entry = self.entries.get(key)
        if entry is not None and account in entry.persons:
            entry.opened.add(account)

    def heard_unreadable(self, key: Key) -> None:
        """As `heard`, for a box that would not open: the sender may seal n again at once."""
        entry = self.entries.get(key)
        if entry is not None:
            entry.unreadable = True

    def unreadable(self, held: Held) -> bool:
        """As `opened`, for a box that would not open: the sender is told at once and seals n again.

        Of a box that must be deleted it is told by the deletion, so that it is told once.
        """
        held.entry.unreadable = True
        if held.place is not Place.HELD:
            held.gone = True
            return True
        self._tell(held, "unreadable")
        self._withdraw(held, FateOutcome.UNREADABLE)
        return False

    def removed(self, held: Held) -> None:
        """The device may no longer have this HELD box."""
        self._tell(held, "device_removed")
        self._withdraw(held, FateOutcome.DEVICE_REMOVED)

    def _tell(self, held: Held, mark: Mark) -> None:
        sender, n = held.entry.key
        self.house.tell(sender, Receipt(n, mark, self._clock.wall_ms(), (), (held.device,)))

    def _withdraw(self, held: Held, outcome: FateOutcome) -> None:
        # Without a row the fate of a live box would read as delivered, so its end is written before it is settled.
        held.place = Place.WRITING
        held.gone = True
        entry = held.entry
        if held.account not in entry.persons:
            self._withdrawn(held, outcome, Committed())
            return
        fate = OpenFate(*entry.key, held.account, outcome, self._clock.wall_ms())
        self._store.submit(Unit((fate,)), lambda done: self._withdrawn(held, outcome, done))

    def _withdrawn(self, held: Held, fate: FateOutcome, outcome: Outcome) -> None:
        if not isinstance(outcome, Committed):
            self._call_later(_RETRY_S, lambda: self._withdraw(held, fate))
            return
        held.place = Place.SETTLED
        self.landed(held.entry)

    def landed(self, entry: Entry) -> None:
        """One thing less is open; the last one receipts the entry."""
        entry.open -= 1
        if entry.open:
            return
        newest = self.entries.get(entry.key) is entry
        self._forget(entry)
        if newest:
            entry.row.settled = True
            for receipt in _receipts(entry, self._clock.wall_ms()):
                there = self.house.tell(entry.key.sender, receipt)
                entry.row.told = there and receipt.mark == "delivered"

    def _forget(self, entry: Entry) -> None:
        if self.entries.get(entry.key) is entry:
            del self.entries[entry.key]
            if not self.entries:
                self.emptied()
        self.bytes -= entry.size
        entry.boxes = []  # a box knows its entry: let go of the circle, so that nobody has to look for it
        window = self.windows[entry.key.sender]
        window.open -= 1
        self._drop_idle(entry.key.sender, window)

    # -- windows -------------------------------------------------------------------------------------------------

    def connect(self, device: bytes, rows: Iterable[Accepted]) -> Window:
        """The window of a sender that connects, brought up to what the store holds. Ends with `disconnect`."""
        window = self.windows.setdefault(device, Window())
        window.connected += 1
        window.merge(rows)
        return window

    def disconnect(self, device: bytes) -> None:
        """The sender left; its window stays while something of it is open."""
        window = self.windows.get(device)
        if window is not None:
            window.connected -= 1
            self._drop_idle(device, window)

    def _drop_idle(self, device: bytes, window: Window) -> None:
        if not window.connected and not window.open:
            self.windows.pop(device, None)

    @staticmethod
    def _store_box(held: Held) -> StoreBox:
        parcel = held.parcel
        expires_at = parcel.accepted_at + limits.BOX_TTL_S * 1000
        return StoreBox(
            held.device, parcel.sender, parcel.n, parcel.scope, parcel.c, parcel.accepted_at, parcel.kid, parcel.t,
            parcel.key_no, parcel.box, len(parcel.box), expires_at,
        )  # fmt: skip


def _receipts(entry: Entry, at: int) -> Iterable[Receipt]:
    n = entry.key.n
    delivered = bool(entry.persons) and entry.opened >= entry.persons
    if entry.unreachable or entry.full or not delivered:
        yield Receipt(n, "safe", at, entry.unreachable, entry.full)
    if delivered:
        yield Receipt(n, "delivered", at)


def _waits_elsewhere(held: Held, other: Held) -> bool:
    return other is not held and other.account == held.account and other.place is not Place.HELD


def _slot(key: Key) -> tuple[bytes, int, int]:
    return key.sender, key.n % limits.SEND_WINDOW, key.n


def _ignore(_outcome: Outcome) -> None:
    """A fate that could not be settled reads as pending: the sender repeats, and nothing is lost."""
