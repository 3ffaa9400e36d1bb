"""A model client (DESIGN section 3): it keeps what is not final, repeats what nobody vouched for, drops what it has."""

import enum
from dataclasses import dataclass, field

from chatserver.relay.connection import Connection
from chatserver.relay.mailbox import Key
from chatserver.wire import frames
from chatserver.wire.frames import ClientFrame, Deliver, FatesTold, Receipt, Refused, Sealed, ServerFrame, Welcome
from tests.fakes.node import Node, hello
from tests.fakes.people import others
from tests.fakes.transport import FakeTransport

BOX_BYTES = 544


class Stage(enum.Enum):
    """What a sender knows of its message."""

    QUEUED = "queued"
    SAFE = "safe"
    DELIVERED = "delivered"


@dataclass
class Sent:
    """A message as its sender keeps it. `copies`: how often it was sealed."""

    scope: bytes
    c: bytes
    stage: Stage = Stage.QUEUED
    copies: int = 0


def box_for(sender: bytes, n: int, copy: int, device: bytes) -> bytes:
    """A box that tells a test what it is."""
    return (sender + n.to_bytes(8, "big") + copy.to_bytes(8, "big") + device).ljust(BOX_BYTES, b"\x00")


def copy_of(frame: Deliver) -> int:
    return int.from_bytes(frame.box[24:32], "big")


def key_of(frame: Deliver) -> Key:
    return Key(frame.sender, frame.n)


@dataclass
class Phone:
    """One device. What stands above `connection` survives everything."""

    device: bytes
    account: bytes
    n: int = 0
    sent: dict[int, Sent] = field(default_factory=dict)
    opened: list[Key] = field(default_factory=list)
    acked: set[Key] = field(default_factory=set)
    refused: dict[Key, int] = field(default_factory=dict)  # the copy that would not open
    connection: Connection | None = None
    transport: FakeTransport | None = None
    welcomed: bool = False
    inbox: list[Deliver] = field(default_factory=list)
    unacked: list[Deliver] = field(default_factory=list)
    reseal: set[int] = field(default_factory=set)
    heard: list[ServerFrame] = field(default_factory=list)  # everything that ever came

    # -- the socket ----------------------------------------------------------------------------------------------

    def connect(self, node: Node) -> None:
        self.drop()
        self.connection, self.transport = node.connect()
        self.connection.received(hello(self.device))

    def drop(self) -> None:
        """The socket is gone, and with it all that was numbered."""
        if self.connection is not None:
            self.connection.lost()
        self.forget()

    def forget(self) -> None:
        self.connection, self.transport, self.welcomed = None, None, False
        self.inbox.clear()
        self.unacked.clear()
        self.reseal.clear()

    def put(self, frame: ClientFrame) -> None:
        if self.connection is not None:
            self.connection.received(frame)

    # -- sending -------------------------------------------------------------------------------------------------

    def send(self, scope: bytes) -> Key:
        """A new message."""
        self.n += 1
        self.sent[self.n] = Sent(scope, self.n.to_bytes(32, "big"))
        self.repeat(self.n)
        return Key(self.device, self.n)

    def repeat(self, n: int) -> None:
        """The same message, sealed again."""
        if not self.welcomed:
            return
        message = self.sent[n]
        self.reseal.discard(n)
        boxes = [
            Sealed(to, 1, box_for(self.device, n, message.copies, to)) for to in others(message.scope, self.device)
        ]
        message.copies += 1
        self.put(frames.Send(message.scope, n, message.c, tuple(boxes)))

    def not_safe(self) -> list[int]:
        return [n for n, message in self.sent.items() if message.stage is Stage.QUEUED]

    def not_final(self) -> list[int]:
        return [n for n, message in self.sent.items() if message.stage is Stage.SAFE]

    def take(self, frame: ServerFrame) -> None:
        """A frame, as a client takes it."""
        self.heard.append(frame)
        match frame:
            case Welcome():
                self.welcomed = True
                if ask := self.not_final():
                    self.put(frames.Fates(tuple(ask)))
                for n in self.not_safe():
                    self.repeat(n)
            case Deliver():
                self.inbox.append(frame)
            case Receipt():
                self._receipt(frame)
            case FatesTold():
                for told in frame.fates:
                    self._told(told)
            case Refused():
                assert frame.retry, "a well-formed send is refused retryably or not at all"

    def _receipt(self, receipt: Receipt) -> None:
        message = self.sent[receipt.n]
        if message.stage is Stage.DELIVERED:
            return
        if receipt.mark == "unreadable":
            self.reseal.add(receipt.n)
        else:
            message.stage = Stage.DELIVERED if receipt.mark == "delivered" else Stage.SAFE

    def _told(self, told: frames.Told) -> None:
        message = self.sent.get(told.n)
        if message is None or message.stage is Stage.DELIVERED:
            return
        outcomes = {fate for _, fate in told.persons}
        if told.state == "unknown":
            message.stage = Stage.QUEUED
            self.repeat(told.n)
        elif "unreadable" in outcomes:
            self.reseal.add(told.n)
        elif told.state == "settled" and not outcomes:
            message.stage = Stage.DELIVERED

    def marks(self, n: int) -> list[str]:
        """What it was told of a message, in order."""
        return [frame.mark for frame in self.heard if isinstance(frame, Receipt) and frame.n == n]

    # -- receiving -----------------------------------------------------------------------------------------------

    def open(self, count: int) -> None:
        """Open what came, in its order; what it has already is dropped and acknowledged."""
        taken, self.inbox = self.inbox[:count], self.inbox[count:]
        for frame in taken:
            key = key_of(frame)
            if self.refused.get(key, -1) >= copy_of(frame):
                self.ack([frame], unreadable=True)
                continue
            if key not in self.opened:
                self.opened.append(key)
                self.refused.pop(key, None)
            self.unacked.append(frame)

    def ack(self, frames_: list[Deliver], *, unreadable: bool = False) -> None:
        """Acknowledge: as opened, or as what will not open."""
        numbers = tuple(frame.number for frame in frames_)
        if unreadable:
            self.refused |= {key_of(frame): copy_of(frame) for frame in frames_}
            self.put(frames.Ack((), numbers))
        else:
            self.acked |= {key_of(frame) for frame in frames_}
            self.put(frames.Ack(numbers))
