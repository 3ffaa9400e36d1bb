"""The one sweep a second, instead of a timer for each connection: clocks, heartbeats, slow readers, expiry."""

from collections.abc import Callable, Collection
from typing import Final

from chatserver.audit.events import Kind
from chatserver.clock import Clock
from chatserver.relay.connection import Connection
from chatserver.relay.deletions import Deletions, Gone
from chatserver.relay.hub import Seat
from chatserver.relay.mailbox import Key
from chatserver.relay.pages import Pages
from chatserver.store.changes import DropOldFates, DropOldLinks, DropTickets, FateOutcome, TouchSession
from chatserver.store.port import Outcome, Store, StoreLost, Unit
from chatserver.store.queries import ExpiredBoxes
from chatserver.wire import errors, limits

SWEEP_S: Final = 1.0
EXPIRE_EVERY_S: Final = 10.0
_EXPIRE_AT_ONCE: Final = 500


class Sweep:
    """Owned by the relay room; run by the composition root."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        pages: Pages,
        deletions: Deletions,
        dropped: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._dropped = dropped
        self._store = store
        self._clock = clock
        self._pages = pages
        self._deletions = deletions

    def run(self, connections: Collection[Connection]) -> None:
        """Look at every socket once."""
        now = self._clock.mono_s()
        for connection in list(connections):
            overdue = connection.session.overdue(now)
            if overdue is not None:
                connection.end(overdue)
            elif not self._silent(connection) and connection.seat is not None:
                self._seated(connection.seat, now)

    def _silent(self, connection: Connection) -> bool:
        connection.quiet_s += 1
        if connection.quiet_s >= 2 * limits.HEARTBEAT_S:
            connection.end(errors.SILENT)
            return True
        if connection.quiet_s == limits.HEARTBEAT_S:
            connection.ping()
        return False

    def _seated(self, seat: Seat, now: float) -> None:
        if seat.mailbox.overdue(now):
            self._dropped("delivery_overdue")
            seat.connection.end(errors.SLOW_CONSUMER)
            return
        if seat.current_due and now >= seat.current_due:
            seat.current_due = 0.0
            seat.mailbox.owe_current(self._clock.wall_ms())
            self._pages.advance(seat)
        self._touch(seat, now)

    def _touch(self, seat: Seat, now: float) -> None:
        clocks = seat.connection.session.clocks
        if clocks is None or clocks.active_at <= seat.touched_at or now - seat.touched_at < limits.ACTIVE_EVERY_S:
            return
        seat.touched_at = now
        at = self._clock.wall_ms() - int((now - clocks.active_at) * 1000)
        self._store.submit(Unit((TouchSession(seat.session, at),)), _ignore)

    async def expire(self) -> None:
        """Delete what outlived its time, and tell senders who are here."""
        now = self._clock.wall_ms()
        old_fates = now - limits.FATE_TTL_S * 1000
        try:
            rows = await self._store.read(ExpiredBoxes(now, _EXPIRE_AT_ONCE))
        except StoreLost:
            return
        gone = [Gone(row.device, row.account, Key(row.sender, row.n), row.size, FateOutcome.EXPIRED) for row in rows]
        if gone:
            self._deletions.delete(gone, Kind.EXPIRED)
        self._store.submit(Unit((DropTickets(now), DropOldLinks(now), DropOldFates(old_fates))), _ignore)


def _ignore(_outcome: Outcome) -> None:
    """What could not be written now is written with the next sweep."""
