"""The use cases of a message: a send is checked, committed and handed over; an acknowledgement settles it."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from chatserver.audit.events import Event, Kind
from chatserver.care.views import Fault, View
from chatserver.clock import Clock
from chatserver.relay.connection import Connection
from chatserver.relay.deletions import Deletions
from chatserver.relay.directory import Directory
from chatserver.relay.entries import Entry, Held, Parcel, Place, Row
from chatserver.relay.franking import Stamp
from chatserver.relay.hub import Hub, Seat
from chatserver.relay.mailbox import Key
from chatserver.relay.mending import Mender
from chatserver.relay.pages import Pages
from chatserver.relay.spool import Spool
from chatserver.store.port import Failure, Store, StoreLost
from chatserver.tasks import Tasks
from chatserver.wire import errors, limits
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import Ack, Fleeting, Receipt, Send, Whisper

_FAULTS: Final[dict[Fault, Refusal]] = {
    Fault.BAD_BOX: errors.BAD_BOX,
    Fault.WRONG_DEVICES: errors.WRONG_DEVICES,
    Fault.STALE_KEY: errors.STALE_KEY,
}
_RETRY_S: Final = 1.0
_KINDS: Final = {True: Kind.REPEATED, False: Kind.SEND}


class Relay:
    """The walk of a message through this node. Owned by the composition root."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        stamp: Stamp,
        tasks: Tasks,
        spool: Spool,
        dropped: Callable[[str], None],
    ) -> None:
        self.clock = clock
        self.store = store
        self.tasks = tasks
        self.spool = spool
        self.dropped = dropped
        self.hub = Hub(clock)
        self.directory = Directory(store, clock, tasks)
        self.deletions = Deletions(store, clock, spool, self.hub, self.directory)
        self.pages = Pages(store, clock, tasks, self.hub, self.directory, self.deletions)
        self._views = self.directory.views
        self._delayed: dict[bytes, deque[Entry]] = {}  # committed sends that wait for their conversation's view
        self._stamp = stamp
        self._mender = Mender(store)
        spool.house = self

    # -- a send --------------------------------------------------------------------------------------------------

    def send(self, connection: Connection, frame: Send) -> None:
        """Accept a message, or say why not (PROTOCOL 5)."""
        seat = connection.seat
        if seat is None:
            return
        now_ms = self.clock.wall_ms()
        view = self._views.get(frame.scope)
        if view is None or now_ms >= view.good_until:
            self._after_load(connection, frame.scope, lambda found: self._send(seat, frame, found))
        else:
            self._send(seat, frame, view)

    def _send(self, seat: Seat, frame: Send, view: View) -> None:
        row = seat.window.rows.get(frame.n)
        if row is not None and self._known(seat, frame, row):
            return
        known = row.known if row is not None else _is_below(seat, frame.n)
        if seat.account not in view.roles:
            seat.connection.refuse(frame.n, errors.NOT_MEMBER, known=known)
        elif fault := view.fault_in(seat.device, frame.boxes, self.clock.wall_ms()):
            self._mend(seat, frame, view, fault, known=known)
        elif not self.spool.has_room():
            seat.connection.refuse(frame.n, errors.NOT_SAVED, known=known)
        else:
            self._accept(seat, frame, view, row)

    def _known(self, seat: Seat, frame: Send, row: Row) -> bool:
        """Whether the ledger already answers this send: its number is another message's, or it is under way."""
        if row.c != frame.c:
            seat.connection.refuse(frame.n, errors.NUMBER_REUSED, known=True)
            return True
        entry = self.spool.entries.get(Key(seat.device, frame.n))
        return entry is not None and not entry.unreadable

    def _accept(self, seat: Seat, frame: Send, view: View, row: Row | None) -> None:
        below = _is_below(seat, frame.n)
        if row is None:
            row = Row(frame.c, self.clock.wall_ms(), settled=False)
        entry = self._entry(seat, frame, view, row)
        if not entry.persons and (frame.scope != seat.account or not entry.boxes):
            seat.connection.refuse(frame.n, errors.NO_DEVICE, known=row.known or below)
            return
        entry.again = row.known or below
        seat.window.add(frame.n, row)
        self.spool.accept(entry, None if row.known else self._event(seat, frame, entry, _KINDS[below]))

    def _entry(self, seat: Seat, frame: Send, view: View, row: Row) -> Entry:
        entry = Entry(Key(seat.device, frame.n), seat.account, row, view)
        full: list[bytes] = []
        stamp = self._stamp
        at, c, scope, n = row.accepted_at, frame.c, frame.scope, frame.n
        t = stamp.over(scope, seat.account, seat.device, n, at, view.addressed(seat.device), c)
        for sealed in frame.boxes:
            device, box = sealed.device, sealed.box
            live = self.hub.is_live(device) or device in self.spool.unhanded
            if not live and self.directory.is_full(device, len(box)):
                full.append(device)
                continue
            parcel = Parcel(scope, seat.device, n, c, at, stamp.kid, t, sealed.key_no, box)
            entry.put(device, view.receivers[device].account, parcel, Place.HELD if live else Place.WITH)
        entry.full = tuple(full)
        left_out = {view.receivers[device].account for device in full} - entry.persons - {seat.account}
        entry.unreachable = (*view.unreachable(seat.account), *left_out)
        return entry

    def _event(self, seat: Seat, frame: Send, entry: Entry, kind: Kind) -> Event:
        live = entry.open - 1
        return Event(
            kind, entry.row.accepted_at, seat.account, seat.device, seat.session, object=frame.scope, n=frame.n,
            live=live, stored=len(entry.boxes) - live,
        )  # fmt: skip

    def _mend(self, seat: Seat, frame: Send, view: View, fault: Fault, *, known: bool) -> None:
        refusal = _FAULTS[fault]
        if fault is Fault.BAD_BOX:
            seat.connection.refuse(frame.n, refusal, known=known)
            return
        stale = view.stale_in(frame.boxes, self.clock.wall_ms()) if fault is Fault.STALE_KEY else None
        present = view.roles.keys()
        self.tasks.spawn("mend", self._mender.refuse(seat.connection, frame, refusal, stale, present, known=known))

    # -- what the spool asks -------------------------------------------------------------------------------------

    def hand_over(self, entry: Entry) -> None:
        """The commit is done. Policy is asked again: who left meanwhile gets nothing."""
        scope = entry.view.scope
        if scope in self._delayed:
            entry.open += 1  # it is not settled before it was handed over
            self._delayed[scope].append(entry)
        elif entry.view.valid:
            self._hand_over(entry)
        else:
            entry.open += 1
            self._delayed[scope] = deque((entry,))
            self.tasks.spawn("hand over", self._hand_over_anew(scope))

    async def _hand_over_anew(self, scope: bytes) -> None:
        """Those of one conversation whose view had to be read again, in their order."""
        waiting = self._delayed[scope]
        try:
            while waiting:
                entry = waiting[0]
                if not entry.view.valid and (view := await self._fresh(scope)) is not None:
                    entry.view = view
                elif entry.view.valid:
                    waiting.popleft()
                    self._hand_over(entry)
                    self.spool.landed(entry)
        finally:  # on a fault of ours, or at the end of the node, the store keeps what nobody was handed
            del self._delayed[scope]
            for entry in waiting:
                self._write_out(entry)

    def _write_out(self, entry: Entry) -> None:
        for held in entry.boxes:
            if held.place is Place.HELD:
                self.spool.handing(held)
                self.spool.write(held)
        self.spool.landed(entry)

    async def _fresh(self, scope: bytes) -> View | None:
        try:
            return self._views.get(scope) or await self.directory.load(scope)
        except StoreLost:
            await asyncio.sleep(_RETRY_S)
            return None

    def _hand_over(self, entry: Entry) -> None:
        receivers = entry.view.receivers
        for held in entry.boxes:
            live, parted = held.place is Place.HELD, held.device in self.spool.parted
            if live:
                self.spool.handing(held)
            if held.device not in receivers:
                self._withdraw(held)
            elif not live:
                self.stored(held)
            elif not parted and self._offer(held, held):
                self.spool.hold(held)
            else:
                self.spool.write(held)

    def _offer(self, held: Held, in_memory: Held | None) -> bool:
        """Hand a box over now. If a full window sends it to the store, what is in flight is written before it."""
        if self.hub.offer(held.device, held.parcel, in_memory):
            return True
        self._write_flights(held.device)
        return False

    def _write_flights(self, device: bytes) -> None:
        """What waits in the store must not overtake what is only in memory, should the socket end (DESIGN 3)."""
        seat = self.hub.seats.get(device)
        if seat is not None:
            self.spool.release(device, (flight.held for flight in seat.mailbox.flights() if flight.held is not None))

    def _withdraw(self, held: Held) -> None:
        if held.place is Place.HELD:
            self.spool.removed(held)
        else:
            self._count(held)
            self.deletions.withdraw(held)

    def _count(self, held: Held) -> None:
        if not held.entry.again:  # the row of a repeat may be there and counted
            self.directory.count(held.device, 1, len(held.parcel.box))

    def stored(self, held: Held) -> None:
        """A box became durable: hand it over now if its device is LIVE, else let a page find it."""
        self._count(held)
        seat = self.hub.seats.get(held.device)
        if seat is None:
            return
        if seat.mailbox.stored(Key(held.parcel.sender, held.parcel.n)):
            if held.entry.view.valid:
                self._offer(held, None)
            else:  # it was written late: who left meanwhile gets nothing, and a page asks that
                seat.mailbox.shut()
                self._write_flights(held.device)
        self.pages.advance(seat)

    def refuse(self, entry: Entry, failure: Failure) -> None:
        """Nothing was saved. If nobody knows whether that is so, the sender reads the ledger again by reconnecting."""
        seat = self.hub.seats.get(entry.key.sender)
        if seat is None:
            return
        if failure is Failure.UNKNOWN:
            seat.connection.end(errors.STORE_LOST)
        else:
            seat.connection.refuse(entry.key.n, errors.NOT_SAVED, known=entry.row.known)

    def tell(self, device: bytes, receipt: Receipt) -> bool:
        """A receipt for a sender; whether it is here."""
        return self.hub.tell(device, receipt)

    # -- an acknowledgement --------------------------------------------------------------------------------------

    def ack(self, connection: Connection, frame: Ack) -> None:
        """The device has committed what it opened, and kept what it could not open (PROTOCOL 6)."""
        seat = connection.seat
        if seat is None:
            return
        opened = seat.mailbox.ack(frame.opened)
        unreadable = seat.mailbox.ack(frame.unreadable)
        if opened is None or unreadable is None:
            connection.end(errors.UNKNOWN_DELIVERY)
            return
        spool = self.spool
        gone = [flight for flight in opened if flight.held is None or spool.opened(flight.held)]
        lost = [flight for flight in unreadable if flight.held is None or spool.unreadable(flight.held)]
        if gone or lost:
            self.deletions.acknowledged(seat, gone, lost)
        if seat.mailbox.waits:
            self.pages.advance(seat)

    # -- fleeting ------------------------------------------------------------------------------------------------

    def fleeting(self, connection: Connection, frame: Fleeting) -> None:
        """Hand a fleeting box to those who are LIVE now; it is never stored and never refused, only dropped."""
        seat = connection.seat
        if seat is None:
            return
        view = self._views.get(frame.scope)
        if view is None or self.clock.wall_ms() >= view.good_until:
            self._after_load(connection, frame.scope, lambda found: self._whisper(seat, frame, found))
        else:
            self._whisper(seat, frame, view)

    def _whisper(self, seat: Seat, frame: Fleeting, view: View) -> None:
        if seat.account not in view.roles:
            self.dropped("fleeting_not_member")
            return
        now_ms = self.clock.wall_ms()
        for sealed in frame.boxes:
            there = self.hub.seats.get(sealed.device)
            if len(sealed.box) not in limits.BOX_BYTES:
                self.dropped("fleeting_bad_box")
            elif sealed.device not in view.receivers or there is seat:
                self.dropped("fleeting_wrong_device")
            elif there is None or not self.hub.is_live(sealed.device) or there.connection.stuffed:
                self.dropped("fleeting_not_live")
            else:
                whisper = Whisper(frame.scope, seat.device, frame.n, frame.c, now_ms, sealed.key_no, sealed.box)
                there.connection.put(whisper)

    # -- misses --------------------------------------------------------------------------------------------------

    def _after_load(self, connection: Connection, scope: bytes, act: Callable[[View], None]) -> None:
        """Stop reading the socket until the view is there; a miss never refuses and never guesses."""
        connection.hold()
        self.tasks.spawn("load view", self._load(connection, scope, act))

    async def _load(self, connection: Connection, scope: bytes, act: Callable[[View], None]) -> None:
        try:
            view = await self.directory.load(scope)
        except StoreLost:
            connection.end(errors.STORE_LOST)
            return
        except BaseException:
            connection.end(errors.INTERNAL)  # it would be held for ever
            raise
        if connection.seat is not None:
            act(view)
        connection.resume()


def _is_below(seat: Seat, n: int) -> bool:
    """Whether n is below what the ledger remembers: then it may have been accepted, and must keep its number."""
    return n <= seat.window.highest - limits.SEND_WINDOW
