"""Draining: pages of the store are read as acknowledgements free the window, and `current` is told at the end."""

from collections.abc import Sequence

from chatserver.audit.events import Kind
from chatserver.care.views import View
from chatserver.clock import Clock
from chatserver.relay.deletions import Deletions, Gone
from chatserver.relay.directory import Directory
from chatserver.relay.entries import Parcel
from chatserver.relay.hub import Hub, Seat
from chatserver.relay.mailbox import Key, Page
from chatserver.store.changes import FateOutcome
from chatserver.store.port import Store, StoreLost
from chatserver.store.queries import MailboxPage
from chatserver.store.rows import StoredBox
from chatserver.tasks import Tasks
from chatserver.wire import errors
from chatserver.wire.frames import Current


class Pages:
    """Owned by the relay."""

    def __init__(
        self, store: Store, clock: Clock, tasks: Tasks, hub: Hub, directory: Directory, deletions: Deletions
    ) -> None:
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._hub = hub
        self._directory = directory
        self._deletions = deletions

    def advance(self, seat: Seat) -> None:
        """Say `current` if it is due, and read on if there is room."""
        mailbox = seat.mailbox
        at = mailbox.current()
        if at is not None:
            seat.connection.put(Current(at))
        page = mailbox.wants()
        if page is not None:
            self._tasks.spawn("page", self._read(seat, page))

    async def _read(self, seat: Seat, page: Page) -> None:
        at = self._clock.wall_ms()
        try:
            rows = await self._store.read(MailboxPage(seat.device, page.after, page.boxes, page.bytes))
            views = await self._views_of(rows)
        except StoreLost:
            seat.connection.end(errors.STORE_LOST)
            return
        except BaseException:
            seat.connection.end(errors.INTERNAL)  # its mailbox would stand still for ever
            raise
        if seat.connection.seat is not seat:
            return
        short = len(rows) < page.boxes and sum(len(row.box) for row in rows) < page.bytes
        allowed = self._allowed(seat, rows, views)
        last = rows[-1].seq if rows else None
        fresh = seat.mailbox.page([Key(row.sender, row.n) for row in allowed], last=last, short=short, at=at)
        self._hub.hand(seat, [_parcel(allowed[index]) for index in fresh])
        self.advance(seat)

    async def _views_of(self, rows: Sequence[StoredBox]) -> dict[bytes, View]:
        """Valid views of all their conversations, at one moment."""
        views: dict[bytes, View] = {}
        while missing := [row.scope for row in rows if row.scope not in views or not views[row.scope].valid]:
            scope = missing[0]
            views[scope] = self._directory.views.get(scope) or await self._directory.load(scope)
        return views

    def _allowed(self, seat: Seat, rows: Sequence[StoredBox], views: dict[bytes, View]) -> Sequence[StoredBox]:
        """The boxes of conversations that the account is still in; the others are deleted."""
        allowed = [row for row in rows if seat.account in views[row.scope].roles]
        if len(allowed) < len(rows):
            refused = [row for row in rows if seat.account not in views[row.scope].roles]
            self._deletions.delete([_withdrawn(seat, row) for row in refused], Kind.REMOVED, seat)
        return allowed


def _withdrawn(seat: Seat, row: StoredBox) -> Gone:
    return Gone(seat.device, seat.account, Key(row.sender, row.n), len(row.box), FateOutcome.DEVICE_REMOVED)


def _parcel(row: StoredBox) -> Parcel:
    return Parcel(
        row.scope, row.sender, row.n, row.c, row.accepted_at, row.kid, row.t, row.key_no, row.box
    )  # fmt: skip
