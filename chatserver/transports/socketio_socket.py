"""A socket of Socket.IO: the relay's `Transport` on one side, the listener of an Engine.IO session on the other."""

import secrets
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from chatserver.transports.door import Connection
from chatserver.transports.socketio_packets import (
    CONNECTED,
    DISCONNECTED,
    NOT_AN_EVENT,
    TEXT,
    Assembly,
    Event,
    Item,
)
from chatserver.transports.socketio_session import Session
from chatserver.wire import errors
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import Ended, ServerFrame

_SID_BYTES: Final = 15


class State(Enum):
    """How far a socket has come."""

    NEW = auto()  # a session without the Socket.IO connection in it
    OPEN = auto()
    CLOSING = auto()  # all is said
    GONE = auto()


class SocketIo:
    """The relay's `Transport` and the session's `Listener`. Its fields are written here only."""

    __slots__ = ("_assembly", "_connection", "_failed", "_leave", "_session", "_state", "_stuffed")

    def __init__(self, session: Session, leave: Callable[[], None], failed: Callable[[Exception], object]) -> None:
        self._session = session
        self._leave = leave
        self._failed = failed
        self._connection: Connection
        self._assembly = Assembly()
        self._state = State.NEW
        self._stuffed = False

    def receive_at(self, connection: Connection) -> None:
        """Whom the frames are for. Said once, before anything is read."""
        self._connection = connection

    # What the relay asks (door.Transport).

    def encode(self, frame: ServerFrame) -> Event:
        """The frame as an event and its attachments."""
        return Event(frame)

    def write(self, chunks: list[Event]) -> None:
        """Events, in order."""
        if self._lives():
            items: list[Item] = []
            for event in chunks:
                items += event.items
            self._session.put(items)

    def close(self, code: int, reason: str) -> None:
        """Say goodbye after what was written. A stock client connects again unless it is disconnected first."""
        if not self._lives():
            return
        refusal = errors.CATALOGUE.get(reason, errors.INTERNAL)
        if refusal is errors.SLOW_CONSUMER:  # of all endings of the relay the one that it does not say itself
            self._say(refusal)
        if not refusal.retry:
            self._session.put([DISCONNECTED])
        self._state = State.CLOSING
        self._session.finish(code, reason)

    def abort(self) -> None:
        """End now."""
        self._session.drop()

    def pause_reading(self) -> None:
        """Leave what the peer sends where it is: the body or message under way is still handed over."""
        self._session.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._session.resume_reading()

    def buffered_bytes(self) -> int:
        """What waits for a poll and what the last poll took, or what the WebSocket's transport holds."""
        return self._session.waiting_bytes()

    def ping(self) -> None:
        """Nothing: Engine.IO asks every session once a heartbeat, silent or not."""

    # What the session tells (socketio_engine.Listener).

    @property
    def max_message_bytes(self) -> int:
        """The largest message now allowed, with its attachments."""
        return self._connection.max_message_bytes

    def heard(self) -> None:
        """The peer lives."""
        if self._lives():
            self._connection.heard()

    def message(self, part: str | bytes) -> None:
        """A Socket.IO packet or an attachment, in their order."""
        if self._state is State.OPEN:
            self._part(part)
        elif self._state is State.NEW:
            self._connect(part)

    def malformed(self) -> None:
        """It is no frame, or not even a packet."""
        if self._lives():
            self._connection.malformed()

    def fail(self, refusal: Refusal) -> None:
        """Say so, and end. There are no close codes under polling, so every ending is told by `bye`."""
        if self._lives() and refusal.closes is not None:
            self._say(refusal)
            self.close(refusal.closes, refusal.code)

    def weighed(self) -> None:
        """Hold the relay back above the high mark, and let it go on below the low one."""
        if not self._lives():
            return
        if self._stuffed and self._session.has_room():
            self._stuffed = False
            self._connection.resume_writing()
        elif not self._stuffed and self._session.is_full():
            self._stuffed = True
            self._connection.pause_writing()

    def gone(self) -> None:
        """It is over: tell the relay."""
        self._state = State.GONE
        self._leave()
        self._connection.lost()

    def _lives(self) -> bool:
        return self._state is State.OPEN or self._state is State.NEW

    def _say(self, refusal: Refusal) -> None:
        self._session.put(Event(Ended(refusal.code, refusal.reason, refusal.retry)).items)

    def _connect(self, part: str | bytes) -> None:
        """The one namespace there is; what a client adds to authenticate is the business of `hello`."""
        if len(part) > self._connection.max_message_bytes:
            self.fail(errors.TOO_BIG)
        elif part == "0" or (isinstance(part, str) and part.startswith("0{")):
            self._state = State.OPEN
            self._session.put([(TEXT, CONNECTED % secrets.token_urlsafe(_SID_BYTES).encode())])
        else:
            self._connection.malformed()

    def _part(self, part: str | bytes) -> None:
        assembly = self._assembly
        assembly.size_bytes += len(part) if isinstance(part, bytes) or part.isascii() else len(part.encode())
        if assembly.size_bytes > self._connection.max_message_bytes:
            self.fail(errors.TOO_BIG)
            return
        if part == "1":  # the client disconnects
            self._session.end()
            return
        try:
            frame = assembly.add(part)
        except NOT_AN_EVENT:
            self._connection.malformed()
            return
        if frame is None:
            return
        try:
            self._connection.received(frame)
        except Exception as fault:  # noqa: BLE001  # a fault of ours ends this socket, not its neighbours
            self._failed(fault)
            self.fail(errors.INTERNAL)
