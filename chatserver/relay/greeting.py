"""How a device sits down and gets up: hello, welcome, and what happens to its boxes when it leaves."""

from collections.abc import Awaitable, Callable
from typing import Final

from chatserver.clock import Clock
from chatserver.people.hello import Greeted
from chatserver.relay.connection import Connection
from chatserver.relay.hub import Hub, Seat
from chatserver.relay.pages import Pages
from chatserver.relay.session import Clocks, State
from chatserver.relay.spool import Spool
from chatserver.store.port import Store, StoreLost
from chatserver.store.queries import LedgerOf
from chatserver.store.rows import Accepted
from chatserver.tasks import Tasks
from chatserver.transports.door import UpgradeFacts
from chatserver.wire import errors, frames, limits
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import Hello, Welcome

Greet = Callable[[Hello, UpgradeFacts], Awaitable[Greeted | Refusal]]
StillStands = Callable[[Greeted], Awaitable[Refusal | None]]

LIMITS: Final = frames.Limits(
    limits.MAX_FRAME_BYTES, limits.MAX_BOXES_PER_SEND, limits.SEND_WINDOW, int(limits.HEARTBEAT_S * 1000)
)


class Greeter:
    """Owned by the relay room."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tasks: Tasks,
        spool: Spool,
        hub: Hub,
        pages: Pages,
        greet: Greet,
        still_stands: StillStands,
        epoch: bytes,
    ) -> None:
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._spool = spool
        self._hub = hub
        self._pages = pages
        self._greet = greet
        self._still_stands = still_stands
        self._epoch = epoch

    def hello(self, connection: Connection, frame: Hello) -> None:
        """Check who this is; nothing else of this socket is read meanwhile."""
        connection.hold()
        self._tasks.spawn("hello", self._hello(connection, frame))

    async def _hello(self, connection: Connection, frame: Hello) -> None:
        try:
            greeted = await self._greet(frame, connection.facts)
            if isinstance(greeted, Refusal):
                connection.end(greeted)
                return
            await self._admit(connection, greeted)
        except StoreLost:
            connection.end(errors.STORE_LOST)

    async def _admit(self, connection: Connection, greeted: Greeted) -> None:
        # Whatever an older socket of the device sends while its ledger is read stays in this window.
        self._spool.connect(greeted.device, ())
        try:
            rows = await self._store.read(LedgerOf(greeted.device))
            if connection.session.state is State.GREETING and self._sit(connection, greeted, rows):
                # An end that came between the reading and the seat was announced to nobody: ask once more.
                ended = await self._still_stands(greeted)
                if ended is not None:
                    connection.end(ended)
        finally:
            self._spool.disconnect(greeted.device)

    def _sit(self, connection: Connection, greeted: Greeted, rows: list[Accepted]) -> bool:
        before = self._hub.seats.get(greeted.device)
        if before is not None and before.generation > greeted.generation:
            connection.end(errors.REPLACED)
            return False
        if before is not None:
            before.connection.end(errors.REPLACED)
        session = greeted.session
        window = self._spool.connect(greeted.device, rows)
        seat = Seat(connection, session.account, greeted.device, session.id, greeted.generation, window)
        self._hub.take(seat)
        connection.seat = seat
        connection.session.welcome(self._clocks(greeted))
        connection.put(self._welcome(greeted, window.highest))
        connection.resume()
        self._pages.advance(seat)
        return True

    def _clocks(self, greeted: Greeted) -> Clocks:
        session = greeted.session
        now, now_ms = self._clock.mono_s(), self._clock.wall_ms()
        return Clocks(
            idle_s=session.idle_ms / 1000,
            active_at=now - (now_ms - session.active_at) / 1000,
            ends_at=now + (session.ends_at - now_ms) / 1000,
        )

    def _welcome(self, greeted: Greeted, highest: int) -> Welcome:
        clocks = frames.Clocks(greeted.session.idle_ms, greeted.session.ends_at)
        now_ms = self._clock.wall_ms()
        return Welcome(now_ms, self._epoch, highest, greeted.list_version, greeted.key_no, clocks, LIMITS)

    def left(self, connection: Connection) -> None:
        """The socket ended: what it held in memory goes into the next commit. Harmless when said twice."""
        seat, connection.seat = connection.seat, None
        if seat is None:
            return
        flights = self._hub.leave(seat)
        self._spool.release(seat.device, (flight.held for flight in flights if flight.held is not None))
        self._spool.disconnect(seat.device)
