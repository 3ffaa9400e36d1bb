"""What became of sends: the answer to a sender that was away (PROTOCOL 7)."""

from collections.abc import Iterable, Sequence
from typing import Final

from chatserver.relay.connection import Connection
from chatserver.relay.hub import Seat
from chatserver.relay.mailbox import Key
from chatserver.relay.spool import Spool
from chatserver.store.changes import DropFate, FateOutcome
from chatserver.store.port import Outcome, Store, StoreLost, Unit
from chatserver.store.queries import FatesOf
from chatserver.store.rows import FateRow
from chatserver.tasks import Tasks
from chatserver.wire import errors, limits
from chatserver.wire.frames import Fate, Fates, FatesTold, Told

_TOLD_AT_ONCE: Final = 128
"""With 32 persons pending each, so many fit into a frame."""
_NAMES: Final[dict[int, Fate]] = {
    FateOutcome.PENDING: "pending",
    FateOutcome.OPENED: "opened",
    FateOutcome.UNREADABLE: "unreadable",
    FateOutcome.EXPIRED: "expired",
    FateOutcome.WITHHELD: "withheld",
    FateOutcome.DEVICE_REMOVED: "device_removed",
}


class Teller:
    """Owned by the relay room."""

    def __init__(self, store: Store, tasks: Tasks, spool: Spool) -> None:
        self._store = store
        self._tasks = tasks
        self._spool = spool

    def fates(self, connection: Connection, frame: Fates) -> None:
        """Forget what the client settled, tell what it asks."""
        seat = connection.seat
        if seat is None:
            return
        if frame.settled:
            self._store.submit(Unit(tuple(DropFate(seat.device, n) for n in frame.settled)), _ignore)
        if frame.ask:
            connection.hold()  # one question at a time: a client cannot fill the store with reads
            self._tasks.spawn("fates", self._tell(seat, sorted(set(frame.ask))))

    async def _tell(self, seat: Seat, numbers: Sequence[int]) -> None:
        under_way = {n for n in numbers if self._is_open(seat, n)}
        rows: dict[int, list[FateRow]] = {}
        try:
            for low, high in _spans(numbers):
                for row in await self._store.read(FatesOf(seat.device, low, high)):
                    rows.setdefault(row.n, []).append(row)
        except StoreLost:
            seat.connection.end(errors.STORE_LOST)
            return
        # What was settled while the rows were read may have rows that this read did not see: its receipt tells it.
        under_way |= {n for n in numbers if self._is_open(seat, n)}
        told = [Told(n, "open") if n in under_way else self._told(seat, n, rows.get(n, ())) for n in numbers]
        for start in range(0, len(told), _TOLD_AT_ONCE):
            seat.connection.put(FatesTold(tuple(told[start : start + _TOLD_AT_ONCE])))
        seat.connection.resume()

    def _is_open(self, seat: Seat, n: int) -> bool:
        return Key(seat.device, n) in self._spool.entries

    def _told(self, seat: Seat, n: int, rows: Iterable[FateRow]) -> Told:
        window = seat.window
        row = window.rows.get(n)
        settled = row.settled if row is not None else n <= window.highest - limits.SEND_WINDOW
        if not settled:
            return Told(n, "unknown")
        outcomes = [(fate.account, _NAMES[fate.outcome]) for fate in rows if fate.outcome != FateOutcome.OPENED]
        pending = any(outcome == "pending" for _, outcome in outcomes)
        return Told(n, "open" if pending else "settled", tuple(outcomes))


def _spans(numbers: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Ranges that hold the sorted numbers, none of them wider than a few windows."""
    low = high = numbers[0]
    for n in numbers[1:]:
        if n - low > 4 * limits.SEND_WINDOW:
            yield low, high
            low = n
        high = n
    yield low, high


def _ignore(_outcome: Outcome) -> None:
    """A fate that could not be dropped now goes when it is settled again, or after its time."""
