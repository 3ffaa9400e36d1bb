"""The mailbox of one connected device as a value machine: what is in flight, what may be handed over next.

States (DESIGN section 3): without a connection there is no machine, and boxes go to the store. DRAINING reads pages
of the store as acknowledgements free the window. LIVE begins with a page that returns short: everything committed
before that read began is in flight or gone, everything committed since is in `_late`, and what commits from now on is
handed over from memory, in the order of its commit. A full window goes back to DRAINING. Nothing numbered outlives
the connection: the mailbox is exactly what is unacknowledged.
"""

import enum
from collections.abc import Iterable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from chatserver.wire import limits

H = TypeVar("H")

_ROOM_TO_READ: Final = limits.DELIVERY_WINDOW_BOXES // 2
_S_PER_BYTE: Final = limits.DELIVERY_S_PER_4_KIB / 4096


class Phase(enum.Enum):
    """Where new boxes go: to the store, or from memory to the device."""

    DRAINING = "draining"
    LIVE = "live"


class Key(NamedTuple):
    """A message is (sender device, n)."""

    sender: bytes
    n: int


class Page(NamedTuple):
    """A read that the mailbox asks for."""

    after: int
    boxes: int
    bytes: int


class Flight(NamedTuple, Generic[H]):
    """A delivery that is not acknowledged. `held` is what the spool knows of a box that was handed from memory."""

    key: Key
    size: int
    deadline: float
    held: H | None


class Mailbox(Generic[H]):
    """Owned by the hub, one for each connected device."""

    __slots__ = ("_cursor", "_flights", "_in_flight", "_keys", "_late", "_number", "_owed", "_reading", "phase")

    def __init__(self) -> None:
        self.phase = Phase.DRAINING
        self._number = 0
        self._flights: dict[int, Flight[H]] = {}  # by delivery number, which only grows
        self._keys: dict[Key, int] = {}  # the newest flight of each message
        self._in_flight = 0  # bytes
        self._cursor = 0  # the last row of the store that was handed over
        self._reading = False
        self._late: set[Key] = set()  # committed while a page was being read
        self._owed: list[tuple[int, int]] = []  # (last delivery number, at) of each `current` that waits for acks

    @property
    def waits(self) -> bool:
        """Whether an acknowledgement may let something happen: a page to read, or a `current` to tell."""
        return self.phase is Phase.DRAINING or bool(self._owed)

    # -- draining ------------------------------------------------------------------------------------------------

    def wants(self) -> Page | None:
        """The page to read now, if any. After it `page` must be called, unless the connection ends."""
        room = limits.DELIVERY_WINDOW_BOXES - len(self._flights)
        room_bytes = limits.DELIVERY_WINDOW_BYTES - self._in_flight
        if self.phase is Phase.LIVE or self._reading or room_bytes <= 0:
            return None
        if self._flights and (room < _ROOM_TO_READ or room_bytes < limits.DELIVERY_WINDOW_BYTES // 2):
            return None
        self._reading = True
        self._late.clear()
        return Page(self._cursor, room, room_bytes)

    def page(self, keys: Sequence[Key], *, last: int | None, short: bool, at: int) -> list[int]:
        """Take the page that was asked for; which of its boxes (by index) to launch now, in order.

        `keys`: those that the device may still have. `last`: the last row read. `short`: nothing more is stored.
        `at`: when the read began, wall ms. A short page opens LIVE, unless something was committed meanwhile that
        the page does not show: then the next page will.
        """
        self._reading = False
        if last is not None:
            self._cursor = last
        fresh = [index for index, key in enumerate(keys) if key not in self._keys]
        if short and self._late <= set(keys):
            self.phase = Phase.LIVE
        if short:  # what is late was receipted after `at`
            self._owed.append((self._number + len(fresh), at))
        return fresh

    # -- handing over --------------------------------------------------------------------------------------------

    def offer(self, key: Key, size: int, held: H | None, now: float) -> int | None:
        """The delivery number under which this box goes out now, from memory; None: it must wait in the store."""
        if self.phase is not Phase.LIVE:
            return None
        if not self._has_room(size):
            self.phase = Phase.DRAINING
            return None
        return self.launch(key, size, held, now)

    def launch(self, key: Key, size: int, held: H | None, now: float) -> int:
        """Put a box in flight and number it."""
        self._number += 1
        self._in_flight += size
        deadline = now + limits.DELIVERY_GRACE_S + self._in_flight * _S_PER_BYTE
        self._flights[self._number] = Flight(key, size, deadline, held)
        self._keys[key] = self._number
        return self._number

    def _has_room(self, size: int) -> bool:
        if not self._flights:
            return True
        return (
            len(self._flights) < limits.DELIVERY_WINDOW_BOXES and self._in_flight + size <= limits.DELIVERY_WINDOW_BYTES
        )

    def stored(self, key: Key) -> bool:
        """A box for this device became durable; whether it should be offered now."""
        if key in self._keys:
            return False
        if self._reading:
            self._late.add(key)
        return self.phase is Phase.LIVE

    def shut(self) -> None:
        """Back to pages: something was stored that only a page may hand over."""
        self.phase = Phase.DRAINING

    # -- acknowledgements ----------------------------------------------------------------------------------------

    def ack(self, numbers: Iterable[int]) -> list[Flight[H]] | None:
        """The flights that land; None if one of the numbers is not in flight: then the connection has to end."""
        landed: list[Flight[H]] = []
        for number in numbers:
            flight = self._flights.pop(number, None)
            if flight is None:
                return None
            self._in_flight -= flight.size
            if self._keys.get(flight.key) == number:  # a repeat of it may be in flight as well
                del self._keys[flight.key]
            landed.append(flight)
        return landed

    def owe_current(self, at: int) -> None:
        """Say `current` again once what is in flight now is acknowledged; while draining, the drain's end says it."""
        if self.phase is Phase.LIVE:
            self._owed.append((self._number, at))

    def current(self) -> int | None:
        """The `at` of the newest `current` that is due, if one is."""
        if not self._owed:
            return None
        oldest = next(iter(self._flights), self._number + 1)
        due = [at for number, at in self._owed if number < oldest]
        if not due:
            return None
        self._owed = self._owed[len(due) :]
        return due[-1]

    def overdue(self, now: float) -> bool:
        """Whether a delivery has been unacknowledged for too long; the oldest is not always the first to be late."""
        return any(now >= flight.deadline for flight in self._flights.values())

    def flights(self) -> list[Flight[H]]:
        """What is in flight, oldest first: for the end of the connection."""
        return list(self._flights.values())
