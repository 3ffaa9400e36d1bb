"""Who sits here: the devices connected to this node, and the hand-over of boxes to them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chatserver.clock import Clock
from chatserver.relay.connection import Connection
from chatserver.relay.entries import Held, Parcel, Window
from chatserver.relay.mailbox import Flight, Key, Mailbox, Phase
from chatserver.wire.frames import Deliver, ServerFrame


@dataclass(slots=True, eq=False)
class Seat:
    """A greeted device on this node."""

    connection: Connection
    account: bytes
    device: bytes
    session: bytes
    generation: int
    """Of the device row: a higher one is a newer claim."""
    window: Window
    """The numbers it sends under. Owned by the spool."""
    mailbox: Mailbox[Held] = field(default_factory=Mailbox)
    current_due: float = 0.0
    """When `current` is owed again (monotonic seconds); 0 if it is not."""
    touched_at: float = 0.0
    """When its activity was last written (monotonic seconds)."""


class Hub:
    """Owned by the relay."""

    def __init__(self, clock: Clock) -> None:
        self.seats: dict[bytes, Seat] = {}
        self._by_account: dict[bytes, list[Seat]] = {}
        self._clock = clock

    def is_live(self, device: bytes) -> bool:
        """Whether boxes for this device are handed over from memory now."""
        seat = self.seats.get(device)
        return seat is not None and seat.mailbox.phase is Phase.LIVE

    def offer(self, device: bytes, parcel: Parcel, held: Held | None) -> bool:
        """Hand a box over from memory, if its device is LIVE and has room."""
        seat = self.seats.get(device)
        if seat is None:
            return False
        key = Key(parcel.sender, parcel.n)
        number = seat.mailbox.offer(key, len(parcel.box), held, self._clock.mono_s())
        if number is None:
            return False
        seat.connection.put(Deliver(number, *parcel))
        return True

    def hand(self, seat: Seat, parcels: Iterable[Parcel]) -> None:
        """Hand over what a page of the store held."""
        now = self._clock.mono_s()
        for parcel in parcels:
            number = seat.mailbox.launch(Key(parcel.sender, parcel.n), len(parcel.box), None, now)
            seat.connection.put(Deliver(number, *parcel))

    def tell(self, device: bytes, frame: ServerFrame) -> bool:
        """Say something to a device, if it is here."""
        seat = self.seats.get(device)
        if seat is None:
            return False
        seat.connection.put(frame)
        return True

    def tell_accounts(self, accounts: Iterable[bytes], frame: ServerFrame) -> None:
        """Say something to every device here of these accounts."""
        for account in accounts:
            for seat in self.of_account(account):
                seat.connection.put(frame)

    def of_account(self, account: bytes) -> list[Seat]:
        """The seats of one account."""
        return list(self._by_account.get(account, ()))

    def take(self, seat: Seat) -> None:
        """A device sits down."""
        self.seats[seat.device] = seat
        self._by_account.setdefault(seat.account, []).append(seat)

    def leave(self, seat: Seat) -> list[Flight[Held]]:
        """A device gets up; what was in flight to it, oldest first."""
        if self.seats.get(seat.device) is seat:
            del self.seats[seat.device]
        beside = self._by_account[seat.account]
        beside.remove(seat)
        if not beside:
            del self._by_account[seat.account]
        return seat.mailbox.flights()
