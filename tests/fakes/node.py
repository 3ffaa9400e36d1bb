"""The relay of one node without a loop: real machines, a store and tasks that go step by step, timers by hand."""

from typing import Any

from chatserver.people.hello import Greeted
from chatserver.people.roles import Role
from chatserver.people.sessions import SignedIn
from chatserver.relay.connection import Connection, House, Turn
from chatserver.relay.fates import Teller
from chatserver.relay.franking import Stamp
from chatserver.relay.greeting import Greeter
from chatserver.relay.relay import Relay
from chatserver.relay.spool import Spool
from chatserver.relay.sweep import Sweep
from chatserver.relay.watcher import Watcher
from chatserver.transports.door import UpgradeFacts
from chatserver.wire import frames
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import NO_EPOCH, Hello
from tests.fakes.clock import FakeClock, Timers
from tests.fakes.people import ACCOUNTS
from tests.fakes.shelf import Shelf
from tests.fakes.store import FakeStore
from tests.fakes.tasks import SteppedTasks
from tests.fakes.transport import FACTS, FakeTransport

DAY_MS = 86_400_000
STAMP = Stamp(1, b"k" * 32, b"t" * 16)


def hello(device: bytes) -> Hello:
    return Hello(bytes(32), ACCOUNTS[device], device, "https://x", 1, 1, bytes(32), 1, NO_EPOCH, bytes(64))


def greeted(device: bytes, generation: int, now_ms: int) -> Greeted:
    session = SignedIn(device, ACCOUNTS[device], Role.PATIENT, now_ms, now_ms + 400 * DAY_MS)
    return Greeted(session, device, generation, 1, 1)


def nothing_to_do(*_: Any) -> None:
    pass


class Node:
    """One life of a node; a crash is to drop it and to make another on the same shelf."""

    def __init__(self, shelf: Shelf, clock: FakeClock) -> None:
        self.clock = clock
        self.timers = Timers(clock)
        self.store = FakeStore(shelf)
        self.tasks = SteppedTasks()
        self.drops: list[str] = []
        self.generation = 0
        self.spool = Spool(self.store, clock, self.timers.call_later)
        self.relay = Relay(self.store, clock, STAMP, self.tasks, self.spool, self.drops.append)
        relay = self.relay
        self.greeter = Greeter(
            self.store, clock, self.tasks, self.spool, relay.hub, relay.pages, self._greet, self._stands, NO_EPOCH
        )
        self.sweep = Sweep(self.store, clock, relay.pages, relay.deletions)
        self.watcher = Watcher(self.store, clock, relay.hub, relay.directory)
        self.house = House(clock, Turn(self.timers.call_soon), self.timers.call_later, self.drops.append)
        self.house.left = self.greeter.left
        self.house.acts = {
            frames.Hello: self.greeter.hello,
            frames.Send: relay.send,
            frames.Ack: relay.ack,
            frames.Fleeting: relay.fleeting,
            frames.Active: nothing_to_do,
            frames.Fates: Teller(self.store, self.tasks, self.spool).fates,
        }

    async def _greet(self, frame: Hello, _facts: UpgradeFacts) -> Greeted | Refusal:
        self.generation += 1
        return greeted(frame.device, self.generation, self.clock.wall_ms())

    async def _stands(self, _greeted: Greeted) -> Refusal | None:
        return None

    def connect(self) -> tuple[Connection, FakeTransport]:
        transport = FakeTransport()
        return Connection(self.house, transport, FACTS), transport

    def run(self) -> None:
        """Until nobody can go on without time or a peer."""
        while self.store.queued or self.store.untold or self.tasks.waiting or self.timers.next_due() == 0.0:
            self.timers.advance(0.0)
            self.store.settle()
            while self.tasks.waiting:
                self.tasks.finish()
