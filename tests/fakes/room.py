"""A real relay room on a loop of virtual time, and peers that say frames to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from chatserver.feed import Entry, Topic
from chatserver.people.hello import Greeted
from chatserver.relay.connection import Connection
from chatserver.relay.room import Room
from chatserver.tasks import Tasks
from chatserver.transports.door import UpgradeFacts
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import NO_EPOCH, ClientFrame, Hello, Sealed, Send, ServerFrame
from tests.fakes import people
from tests.fakes.loop import LoopClock, later
from tests.fakes.node import STAMP, greeted, hello
from tests.fakes.store import LoopStore
from tests.fakes.transport import FACTS, FakeTransport

F = TypeVar("F", bound=ServerFrame)
A_MOMENT_S = 0.02


class Peer:
    """The far end of one socket."""

    def __init__(self, connection: Connection, transport: FakeTransport, device: bytes) -> None:
        self.connection = connection
        self.transport = transport
        self.device = device
        self.alive = True

    async def say(self, *frames: ClientFrame) -> None:
        """Say these, and give the house a moment."""
        for frame in frames:
            self.connection.received(frame)
        await later(A_MOMENT_S)

    async def send(self, scope: bytes, n: int, **changes: object) -> None:
        """A send to everybody who must be named, but for what a test changes."""
        frame = send(scope, n, self.device, **changes)
        await self.say(frame)

    def got(self, kind: type[F]) -> list[F]:
        """Every frame of that kind so far."""
        return [frame for frame in self.transport.frames if isinstance(frame, kind)]

    def last(self, kind: type[F]) -> F:
        return self.got(kind)[-1]


def send(scope: bytes, n: int, sender: bytes, **changes: object) -> Send:
    """A well-formed send."""
    to = changes.get("to", people.others(scope, sender) if scope in people.TALKS else [])
    key_no, box, c = changes.get("key_no", 1), changes.get("box", bytes(544)), changes.get("c", n.to_bytes(32, "big"))
    return Send(scope, n, c, tuple(Sealed(device, key_no, box) for device in to))  # type: ignore[arg-type, attr-defined]  # a test's own values


class House:
    """The room with what it stands on. A fault of ours fails the test at its end."""

    def __init__(self) -> None:
        self.clock = LoopClock()
        self.shelf = people.shelf()
        self.store = LoopStore(self.shelf)
        self.faults: list[tuple[str, BaseException]] = []
        self.tasks = Tasks(lambda name, error: self.faults.append((name, error)))
        self.dropped: list[str] = []
        self.answer: Refusal | None = None  # what a hello hears instead of a welcome
        self.ended: Refusal | None = None  # what became true while a hello was checked
        self.generation = 0
        self.room = Room(
            self.store, self.clock, STAMP, self.tasks, self._greet, self._stands, NO_EPOCH, self.dropped.append
        )

    async def _greet(self, frame: Hello, _facts: UpgradeFacts) -> Greeted | Refusal:
        self.generation += 1
        return self.answer or greeted(frame.device, self.generation, self.clock.wall_ms())

    async def _stands(self, _greeted: Greeted) -> Refusal | None:
        return self.ended

    def open(self, device: bytes) -> Peer:
        """A socket that said nothing yet."""
        transport = FakeTransport()
        return Peer(self.room.connect(transport, FACTS), transport, device)

    async def join(self, device: bytes) -> Peer:
        peer = self.open(device)
        await peer.say(hello(device))
        return peer

    async def remove(self, scope: bytes, account: bytes) -> None:
        """The account leaves a conversation: its boxes go in the same commit, and the feed tells."""
        self.shelf.members[scope][account] = people.member(scope, account, left_at=1)
        devices = {device for device, owner in self.shelf.devices.items() if owner == account}
        for key, (row, _) in list(self.shelf.mailbox.items()):
            if key[0] in devices and row.scope == scope:
                del self.shelf.mailbox[key]
        await self.changed(Topic.MEMBERS, scope)

    async def changed(self, topic: Topic, subject: bytes) -> None:
        """An entry of the change feed reaches this node."""
        self.room.watcher.forget((Entry(topic, subject),))
        await self.room.watcher.tell(Entry(topic, subject))
        await later(A_MOMENT_S)


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """A house whose sweep runs."""
    built = House()
    sweep = asyncio.get_running_loop().create_task(built.room.sweep())
    try:
        yield built
    finally:
        sweep.cancel()
        await asyncio.gather(sweep, return_exceptions=True)
        await built.tasks.close()
    assert built.faults == []
