"""What the spool knows: a box on its way, the send that it belongs to, and the numbers of a sender. Values alone."""

import enum
from collections.abc import Iterable
from typing import NamedTuple

from chatserver.care.views import View
from chatserver.relay.mailbox import Key
from chatserver.store.rows import Accepted
from chatserver.wire import limits


class Place(enum.Enum):
    """Where a box is."""

    WITH = "with"
    HELD = "held"
    WRITING = "writing"
    SETTLED = "settled"


class Parcel(NamedTuple):
    """One box on its way, with everything that its delivery says."""

    scope: bytes
    sender: bytes
    n: int
    c: bytes
    accepted_at: int
    kid: int
    t: bytes
    key_no: int
    box: bytes


class Held:
    """One box of an entry. Owned by the spool."""

    __slots__ = ("account", "counted", "device", "entry", "gone", "parcel", "place")

    def __init__(self, entry: "Entry", device: bytes, account: bytes, parcel: Parcel, place: Place) -> None:
        self.entry = entry
        self.device = device
        self.account = account
        self.parcel = parcel
        self.place = place
        self.gone = False  # acknowledged or withdrawn while WRITING: its deletion is queued behind the write
        self.counted = True  # surely among those that the ledger counts as only in memory


class Row:
    """A number of the ledger, as memory knows it.

    `known`: the store holds it too. `settled`: no box of it is only in memory. `told`: its sender heard `delivered`.
    """

    __slots__ = ("accepted_at", "c", "known", "settled", "told")

    def __init__(self, c: bytes, accepted_at: int, *, settled: bool, known: bool = False) -> None:
        self.c = c
        self.accepted_at = accepted_at
        self.settled = settled
        self.known = known
        self.told = False


class Window:
    """The last 256 numbers of a sending device. Owned by the spool; kept while it is connected or entries are open."""

    __slots__ = ("connected", "highest", "open", "rows")

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.highest = 0
        self.open = 0
        self.connected = 0  # sockets of the device that are greeted, or being greeted

    def add(self, n: int, row: Row) -> None:
        """Take a number; those that leave the window are forgotten."""
        if n > self.highest:
            lowest = self.highest - limits.SEND_WINDOW + 1
            for old in range(lowest, min(n - limits.SEND_WINDOW, self.highest) + 1):
                self.rows.pop(old, None)
            self.highest = n
        if n > self.highest - limits.SEND_WINDOW:
            self.rows[n] = row

    def merge(self, rows: Iterable[Accepted]) -> None:
        """Take what the store holds; what memory knows better stays."""
        for row in rows:
            if row.n not in self.rows:
                self.add(row.n, Row(row.c, row.accepted_at, settled=row.held == 0, known=True))


class Entry:
    """One accepted send. Owned by the spool."""

    __slots__ = (
        "account",
        "again",
        "boxes",
        "full",
        "key",
        "open",
        "opened",
        "persons",
        "repeats",
        "row",
        "size",
        "unreachable",
        "unreadable",
        "view",
    )

    def __init__(self, key: Key, account: bytes, row: Row, view: View) -> None:
        self.key = key
        self.view = view  # by which it was accepted
        self.account = account  # of the sender
        self.row = row
        self.boxes: list[Held] = []
        self.size = 0  # bytes of its boxes
        self.open = 1  # boxes HELD or WRITING, and one for the commit that accepts it
        self.repeats = row.settled  # whether the number was settled before: then it stays so if this fails
        self.again = row.known  # rows of an earlier attempt may be in the store
        self.persons: set[bytes] = set()  # everybody else who has a box
        self.opened: set[bytes] = set()  # those of them who opened one
        self.unreachable: tuple[bytes, ...] = ()
        self.full: tuple[bytes, ...] = ()
        self.unreadable = False  # a device could not open its box: the sender will seal n again

    def put(self, device: bytes, account: bytes, parcel: Parcel, place: Place) -> None:
        """Add a box."""
        self.boxes.append(Held(self, device, account, parcel, place))
        self.size += len(parcel.box)
        if place is Place.HELD:
            self.open += 1
        if account != self.account:
            self.persons.add(account)
