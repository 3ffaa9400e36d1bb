"""An Engine.IO session: polled, then perhaps a WebSocket; bounded, and read to its end.

It stands in for python-engineio's, which leaves these open: a queue without a bound, a body that is read in part, a
packet that is dropped where the peer should hear no, an ending that a polling client never reads, a probe that may last
for ever, a heartbeat by the wall clock.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

from aiohttp import WSCloseCode, WSMsgType, web
from engineio.async_socket import AsyncSocket  # type: ignore[import-untyped]  # as shipped
from engineio.packet import CLOSE, MESSAGE, NOOP, Packet  # type: ignore[import-untyped]  # as shipped

from chatserver.transports.door import Timer
from chatserver.transports.socketio_bodies import attachment_of, packets_of
from chatserver.transports.socketio_packets import BINARY, TEXT, Item
from chatserver.transports.socketio_waiting import Waiting
from chatserver.transports.socketio_wire import Driver, Wire
from chatserver.transports.websocket import CLOSE_WAIT_S, HIGH_WATER_BYTES, LOW_WATER_BYTES
from chatserver.wire import errors, limits
from chatserver.wire.errors import Refusal

PROBE_S: Final = 5.0
"""How long a WebSocket may take to take over from polling."""
MAX_PACKETS_PER_POLL: Final = 16
"""What python-engineio's own client takes in one answer (engineio/payload.py)."""

_PING: Final = (TEXT, b"2")

CallLater = Callable[[float, Callable[[], object]], Timer]


class Home(Protocol):
    """The server that a session belongs to."""

    sockets: dict[str, "Session"]
    call_later: CallLater


class Listener(Protocol):
    """Who is told what happens in a session."""

    @property
    def max_message_bytes(self) -> int:
        """The largest message now allowed, with its attachments."""

    def heard(self) -> None:
        """The peer lives."""

    def message(self, part: str | bytes) -> None:
        """A Socket.IO packet or an attachment."""

    def malformed(self) -> None:
        """What came is no Engine.IO."""

    def fail(self, refusal: Refusal) -> None:
        """A rule was broken, or something of ours: say so and end."""

    def weighed(self) -> None:
        """What waits to be taken has become more or less."""

    def gone(self) -> None:
        """The session is over. Called once, and nothing is called after it."""


class Session(AsyncSocket):  # type: ignore[misc]  # untyped, see above
    """An Engine.IO session. Its fields are written here only, in the loop's thread."""

    server: Home
    sid: str
    queue: Waiting
    connected: bool  # it may be polled
    upgrading: bool  # a WebSocket is tried
    upgraded: bool  # it is a WebSocket
    closing: bool  # all is said
    closed: bool  # it is over

    def __init__(self, server: Home, sid: str) -> None:
        super().__init__(server, sid)
        self.listener: Listener
        self.owner = b""  # the signed-in session that opened it
        self._call_later = server.call_later
        self._reads = asyncio.Event()  # cleared while the relay wants no more
        self._reads.set()
        self._wire: Wire | None = None  # once it is a WebSocket
        self._polling = False  # one request at a time, each way
        self._posting = False
        self._taken_bytes = 0  # what the last poll took: it counts until the next, which says that it arrived
        self._pinging: Timer | None = None
        self._deadline: Timer | None = None

    # What the transport above asks.

    def put(self, items: list[Item]) -> None:
        """Write: at once to a WebSocket, else with the next poll."""
        if self._ends():
            return
        if self._wire is not None:
            self._wire.write(items)
        else:
            self.queue.put(items)
        self.listener.weighed()

    def waiting_bytes(self) -> int:
        """What the peer has not taken, as far as can be known here."""
        if self._wire is not None:
            return self._wire.waiting_bytes()
        return self.queue.size_bytes + self._taken_bytes

    def is_full(self) -> bool:
        """Whether nothing more should be put for now."""
        return self._wire.paused if self._wire is not None else self.waiting_bytes() > HIGH_WATER_BYTES

    def has_room(self) -> bool:
        """Whether most of what was put is taken."""
        return not self._wire.paused if self._wire is not None else self.waiting_bytes() <= LOW_WATER_BYTES

    def pause_reading(self) -> None:
        """Read no further body or message until `resume_reading`."""
        self._reads.clear()

    def resume_reading(self) -> None:
        """Read on."""
        self._reads.set()

    def finish(self, code: int, reason: str) -> None:
        """End after what was put, within 2 s. A polling client reads it with its next poll."""
        if self._ends():
            return
        if self._wire is not None:
            self._wire.close(code, reason)
        self.closing = True
        self._reads.set()
        self.queue.wake()
        self._deadline = self._call_later(CLOSE_WAIT_S, self.drop)

    def drop(self) -> None:
        """End now."""
        if self._wire is not None:
            self._wire.abort()
        self.end()

    def end(self) -> None:
        """It is over: tell, once."""
        if self.closed:
            return
        self.closed = True
        for timer in (self._pinging, self._deadline):
            if timer is not None:
                timer.cancel()
        self._reads.set()
        self.queue.wake()
        self.server.sockets.pop(self.sid, None)
        self.listener.gone()

    def _ends(self) -> bool:
        return self.closing or self.closed

    # What the library asks.

    async def send(self, pkt: Packet) -> None:
        """A packet of the library's own."""
        self.put([(TEXT, pkt.encode().encode())])

    async def check_ping_timeout(self) -> bool:
        """The relay's sweep judges who is silent, by the clock that never jumps."""
        return not self.closed

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:  # noqa: ARG002  # the library's signature
        """The library gives up on this session."""
        self.drop()

    def schedule_ping(self) -> None:
        """A ping is due an interval after the last pong; clients end a session that they are not asked in."""
        if self._pinging is None:
            self._pinging = self._call_later(limits.HEARTBEAT_S, self._ping)

    def _ping(self) -> None:
        self._pinging = None
        self.put([_PING])

    # Polling.

    async def poll(self) -> list[Packet]:
        """The answer to a poll: what waits, or the first that comes. A ping comes at the latest."""
        self.listener.heard()
        if self._polling:
            self.listener.fail(errors.PROTOCOL_ERROR)
            return [Packet(NOOP)]
        self._polling = True
        try:
            return await self._next()
        finally:
            self._polling = False

    async def _next(self) -> list[Packet]:
        self._taken_bytes = 0
        self.listener.weighed()
        if not (self.queue or self.upgrading or self._ends()):
            await self.queue.wait()
        if self.closing and not self.queue:
            self.end()
            return [Packet(CLOSE)]  # by itself: socket.io-client drops what stands before it in the same answer
        if self.upgraded or not self.queue:
            return [Packet(NOOP)]
        items, self._taken_bytes = self.queue.take(MAX_PACKETS_PER_POLL, HIGH_WATER_BYTES)
        return [_answered(item) for item in items]

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """What a client posts. The gate has looked at its length."""
        self.listener.heard()
        if self._posting:
            self.listener.fail(errors.PROTOCOL_ERROR)
            return
        self._posting = True
        try:
            await self._reads.wait()
            packets = await packets_of(environ["aiohttp.request"])
        finally:
            self._posting = False
        if packets is None:
            self.listener.malformed()
            return
        for packet in packets:
            if self._ends():
                return
            self._packet(packet)

    def _packet(self, packet: str) -> None:
        if packet[:1] != "b":
            self._text(packet)
        elif (attachment := attachment_of(packet)) is not None:
            self.listener.message(attachment)
        else:
            self.listener.malformed()

    def _text(self, packet: str) -> None:
        """A packet of Engine.IO 4 as a client says it: a message, a pong, or goodbye."""
        if packet[:1] == "4":
            self.listener.message(packet[1:])
        elif packet == "3":
            self.schedule_ping()
        elif packet == "1":
            self.end()
        else:
            self.listener.malformed()

    # WebSocket.

    async def _websocket_handler(self, ws: Driver) -> None:
        """The life of a WebSocket, from its first byte or from a probe on."""
        if self.connected and not await self._probed(ws):
            return
        self.connected = self.upgraded = True
        self._wire = wire = ws.wire(self.listener.weighed)
        self.queue.wake()
        items, _ = self.queue.take(len(self.queue), self.queue.size_bytes)
        wire.write(items)
        self._taken_bytes = 0
        if self.closing:  # it ended while the handshake was answered
            wire.close(WSCloseCode.GOING_AWAY, "")
        self.listener.weighed()
        try:
            await self._read(ws.response)
        finally:
            await wire.ended()
            self.end()

    async def _probed(self, ws: Driver) -> bool:
        """Whether the peer shows that the WebSocket carries both ways. A failed probe costs the session nothing."""
        if self.upgrading or self._ends():
            return False
        self.upgrading = True
        try:
            async with asyncio.timeout(PROBE_S):
                if not await _says(ws.response, "2probe"):
                    return False
                await ws.response.send_str("3probe")
                self.queue.wake()  # a poll that waits is answered, so that the client goes on
                return await _says(ws.response, "5") and not self._ends()
        except (TimeoutError, ConnectionError):
            return False
        finally:
            self.upgrading = False

    async def _read(self, response: web.WebSocketResponse) -> None:
        while not self.closed:
            if not self._reads.is_set():
                await self._reads.wait()
            message = await response.receive()
            if message.type is WSMsgType.TEXT:
                self.listener.heard()
                self._text(message.data)
            elif message.type is WSMsgType.BINARY:
                self.listener.heard()
                self.listener.message(message.data)
            else:
                return


def _answered(item: Item) -> Packet:
    opcode, payload = item
    if opcode == BINARY:
        return Packet(MESSAGE, payload)
    text = payload.decode()
    return Packet(int(text[0]), text[1:])


async def _says(response: web.WebSocketResponse, text: str) -> bool:
    message = await response.receive()
    return message.type is WSMsgType.TEXT and message.data == text
