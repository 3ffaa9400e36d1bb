"""The relay room, put together: what the transports connect to and the composition root runs."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import NamedTuple

from chatserver.clock import Clock
from chatserver.relay.connection import Act, Connection, House, Turn
from chatserver.relay.fates import Teller
from chatserver.relay.franking import Stamp
from chatserver.relay.greeting import Greet, Greeter, StillStands
from chatserver.relay.relay import Relay
from chatserver.relay.spool import Spool
from chatserver.relay.sweep import EXPIRE_EVERY_S, SWEEP_S, Sweep
from chatserver.relay.watcher import Watcher, end_all
from chatserver.store.port import Store
from chatserver.tasks import Tasks
from chatserver.transports.door import Transport, UpgradeFacts
from chatserver.wire import errors, frames, limits
from chatserver.wire.frames import ClientFrame


class Drained(NamedTuple):
    """What a drain did: sockets told to resume elsewhere, sends that were open, and those that could not be saved."""

    sockets: int
    open: int
    unsaved: int


class Room:
    """Everything between a socket and the store. Owned by the composition root."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        stamp: Stamp,
        tasks: Tasks,
        greet: Greet,
        still_stands: StillStands,
        epoch: bytes,
        dropped: Callable[[str], None],
        hold_s: float = limits.HOLD_S,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.connections: set[Connection] = set()
        self._house = House(clock, Turn(loop.call_soon), loop.call_later, dropped)
        self._spool = Spool(store, clock, loop.call_later, hold_s)
        self._relay = relay = Relay(store, clock, stamp, tasks, self._spool, dropped)
        self._greeter = Greeter(
            store, clock, tasks, self._spool, relay.hub, relay.pages, greet, still_stands, epoch
        )  # fmt: skip
        self._sweep = Sweep(store, clock, relay.pages, relay.deletions, dropped)
        self.watcher = Watcher(store, clock, relay.hub, relay.directory)
        self._house.acts = self._acts(Teller(store, tasks, self._spool))
        self._house.left = self._left

    def _acts(self, teller: Teller) -> dict[type[ClientFrame], Act]:
        """Who acts on which frame, once the session lets it pass."""
        return {
            frames.Hello: self._greeter.hello,
            frames.Send: self._relay.send,
            frames.Ack: self._relay.ack,
            frames.Fleeting: self._relay.fleeting,
            frames.Active: _nothing,  # the session has counted it
            frames.Fates: teller.fates,
        }

    def connect(self, transport: Transport, facts: UpgradeFacts) -> Connection:
        """A socket was accepted."""
        connection = Connection(self._house, transport, facts)
        self.connections.add(connection)
        return connection

    def _left(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self._greeter.left(connection)

    async def sweep(self) -> None:
        """Look after sockets and time for ever."""
        turns = 0
        while True:
            await asyncio.sleep(SWEEP_S)
            self._sweep.run(self.connections)
            turns += 1
            if turns % EXPIRE_EVERY_S == 0:
                await self._sweep.expire()

    def blind(self) -> None:
        """The change feed is lost: nobody here knows any more who may read what."""
        self.watcher.forget_all()
        end_all(self.connections, errors.STORE_LOST)

    async def drain(self, timeout_s: float) -> Drained:
        """Stop: tell every socket to resume elsewhere, and write what is only in memory, for at most `timeout_s`."""
        sockets, entries = len(self.connections), self._spool.entries
        empty = asyncio.Event()
        self._spool.emptied = empty.set
        end_all(self.connections, errors.RESUME_ELSEWHERE)
        still_open = len(entries)
        with contextlib.suppress(TimeoutError):
            if entries:
                await asyncio.wait_for(empty.wait(), timeout_s)
        return Drained(sockets, still_open, len(entries))


def _nothing(_connection: Connection, _frame: ClientFrame) -> None:
    pass
