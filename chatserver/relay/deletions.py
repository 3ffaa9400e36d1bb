"""How a box leaves the store: acknowledged, expired or withdrawn, each with its event and its fate in one commit."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chatserver.audit.events import NOBODY, Event, Kind
from chatserver.clock import Clock
from chatserver.relay.directory import Directory
from chatserver.relay.entries import Held
from chatserver.relay.hub import Hub, Seat
from chatserver.relay.mailbox import Flight, Key
from chatserver.relay.spool import Spool
from chatserver.store.changes import Change, DeleteBox, FateOutcome, ReadFate, SettleFate
from chatserver.store.port import Committed, Outcome, Store, Unit
from chatserver.wire import limits
from chatserver.wire.frames import Mark, Receipt


class Gone(NamedTuple):
    """A box that is to be deleted, and why."""

    device: bytes
    account: bytes
    key: Key
    size: int
    outcome: FateOutcome


_MARKS: dict[FateOutcome, Mark] = {
    FateOutcome.UNREADABLE: "unreadable",
    FateOutcome.EXPIRED: "expired",
    FateOutcome.DEVICE_REMOVED: "device_removed",
}


class Deletions:
    """Owned by the relay."""

    def __init__(self, store: Store, clock: Clock, spool: Spool, hub: Hub, directory: Directory) -> None:
        self._store = store
        self._clock = clock
        self._spool = spool
        self._hub = hub
        self._directory = directory

    def acknowledged(self, seat: Seat, opened: Iterable[Flight[Held]], unreadable: Iterable[Flight[Held]]) -> None:
        """A device settled stored boxes."""
        opened, unreadable = list(opened), list(unreadable)
        for flight in opened:
            self._spool.heard(flight.key, seat.account)
        for flight in unreadable:
            self._spool.heard_unreadable(flight.key)
        gone = [Gone(seat.device, seat.account, f.key, f.size, FateOutcome.OPENED) for f in opened]
        gone += [Gone(seat.device, seat.account, f.key, f.size, FateOutcome.UNREADABLE) for f in unreadable]
        self.delete(gone, Kind.DRAINED, seat)

    def withdraw(self, held: Held) -> None:
        """Its device may not have a stored box any more."""
        size = len(held.parcel.box)
        gone = Gone(held.device, held.account, held.entry.key, size, FateOutcome.DEVICE_REMOVED)
        self.delete([gone], Kind.REMOVED)

    def delete(self, gone: Sequence[Gone], kind: Kind, seat: Seat | None = None) -> None:
        """Delete boxes, settle their fates and tell the senders who are here."""
        now = self._clock.wall_ms()
        account, device, session = (
            (seat.account, seat.device, seat.session) if seat else (NOBODY, gone[0].device, NOBODY)
        )
        event = Event(kind, now, account, device, session, count=len(gone))
        changes = tuple(change for box in gone for change in self._changes(box, now))
        self._store.submit(Unit(changes, (event,)), lambda outcome: self._deleted(gone, outcome))

    def _changes(self, box: Gone, now: int) -> Iterable[Change]:
        sender, n = box.key
        yield DeleteBox(box.device, sender, n)
        yield SettleFate(sender, n, box.account, box.outcome, now)
        yield ReadFate(sender, n % limits.SEND_WINDOW, n)

    def _deleted(self, gone: Sequence[Gone], outcome: Outcome) -> None:
        if not isinstance(outcome, Committed):
            return  # they are still there: the device will see them again, and its client drops what it has
        for index, box in enumerate(gone):
            deleted, fates = outcome.rows[2 * index], outcome.rows[2 * index + 1]
            self._directory.count(box.device, -len(deleted), -box.size * len(deleted))
            if box.key.sender in self._hub.seats:
                self._tell(box, fates)

    def _tell(self, box: Gone, fates: Sequence[tuple[object, ...]]) -> None:
        now = self._clock.wall_ms()
        sender, n = box.key
        if box.outcome is FateOutcome.OPENED:
            if all(outcome == FateOutcome.OPENED for account, outcome in fates if account):
                self._tell_delivered(box.key, now)
        elif box.outcome is FateOutcome.EXPIRED:
            if (box.account, FateOutcome.EXPIRED) in fates:  # else another device opened it, or may still
                self._hub.tell(sender, Receipt(n, "expired", now, (box.account,)))
        else:
            self._hub.tell(sender, Receipt(n, _MARKS[box.outcome], now, (), (box.device,)))

    def _tell_delivered(self, key: Key, now: int) -> None:
        """Once, and not while a box of that send is only in memory; below the window none can be."""
        window = self._spool.windows.get(key.sender)
        if window is None:
            return
        row = window.rows.get(key.n)
        if row is None:
            if key.n <= window.highest - limits.SEND_WINDOW:
                self._hub.tell(key.sender, Receipt(key.n, "delivered", now))
        elif row.settled and not row.told:
            row.told = self._hub.tell(key.sender, Receipt(key.n, "delivered", now))
