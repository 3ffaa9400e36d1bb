"""RFC 6455 on the way in: frames that picows let pass become the relay's messages, or the end of the socket.

picows (picows_parser.py) enforces masking, opcodes, lengths, the shape of control frames and UTF-8 of close reasons.
The rest is here: reserved bits, fragmentation, the size of a reassembled message, close codes, binary only. The first
broken rule ends the socket with the catalogue's code, after the good frames before it and before any behind it.
"""

from collections.abc import Callable
from typing import Final

from picows import WSFrame, WSListener, WSMsgType, WSTransport

from chatserver.transports import framing
from chatserver.transports.door import Connection
from chatserver.transports.picows_parser import DISCARDED, READ_BYTES, SocketlessParser, buffer_updated, get_buffer
from chatserver.transports.websocket import OPEN, State, WebSocket
from chatserver.wire import errors
from chatserver.wire.frames import NOT_A_FRAME
from chatserver.wire.frames import decode_client_unguarded as decode

_BINARY: Final = WSMsgType.BINARY
_SLACK_BYTES: Final = 14 + framing.MAX_CONTROL_BYTES
"""What an unfinished frame may hold beyond message bytes: its header, or else a control frame."""
_PEER_MAY_CLOSE_WITH: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
"""Section 7.4, and the codes 1012-1014 that IANA registered since."""
_VERDICTS: Final = {r.closes: r for r in (errors.PROTOCOL_ERROR, errors.NOT_UTF8, errors.TOO_BIG)}


class Incoming(WSListener):
    """What a socket's parser tells (picows_parser.Reader). Its fields are written here only."""

    __slots__ = ("_assembly", "_connection", "_failed", "_incomplete_bytes", "_leave", "_rejected", "_socket")

    def __init__(
        self,
        socket: WebSocket,
        connection: Connection,
        leave: Callable[[], None],
        failed: Callable[[Exception], object],
    ) -> None:
        self._socket = socket
        self._failed = failed
        self._connection = connection
        self._leave = leave
        self._assembly: bytearray | None = None  # fragments so far: a bytearray, so that empty ones cost nothing
        self._incomplete_bytes = 0  # read, and not yet a whole frame
        self._rejected: errors.Refusal | None = None  # picows' verdict, due after the frames before it

    def wants_bytes(self) -> bool:
        """False if bytes need not be kept."""
        return self._socket.looked_at()

    def bytes_read(self, count: int) -> bool:
        """The peer was heard, and may have to be buffered."""
        if self._socket.state is OPEN:
            self._connection.heard()
        self._incomplete_bytes += count
        return self._socket.looked_at()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002  # picows' signature
        """A frame that picows found good."""
        self._incomplete_bytes = frame.tail_size
        try:
            if self._socket.state is not OPEN:
                self._while_closing(frame)
            elif frame.rsv1 or frame.rsv2 or frame.rsv3:  # section 5.2: no extension was negotiated
                self._socket.fail(errors.PROTOCOL_ERROR)
            elif (kind := frame.msg_type) is _BINARY:
                self._binary(frame)
            else:
                self._other(kind, frame)
        except Exception as fault:  # noqa: BLE001  # a fault of ours ends this socket, not its neighbours
            self._failed(fault)
            self._socket.fail(errors.INTERNAL)

    def rejected(self, code: int) -> None:
        """Remember picows' verdict: it reads one frame ahead, and the frame before is still good."""
        self._rejected = _VERDICTS.get(code, errors.INTERNAL)

    def bytes_parsed(self) -> None:
        """The verdict falls due, and an unfinished message is held against the limit before more of it is read."""
        if self._rejected is None and self._incomplete_bytes <= _SLACK_BYTES:
            return
        held = self._incomplete_bytes - _SLACK_BYTES + len(self._assembly or b"")
        if self._rejected is not None:
            self._socket.fail(self._rejected)
        elif held > self._connection.max_message_bytes:
            self._socket.fail(errors.TOO_BIG)

    def pause_writing(self) -> None:
        """The kernel takes less than the relay writes."""
        self._socket.hold()
        if self._socket.state is OPEN:
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        """It took most of it."""
        if self._socket.state is OPEN:
            self._socket.go_on()
            self._connection.resume_writing()

    def ended(self) -> None:
        """The peer will send nothing more."""
        self._socket.peer_ended()

    def gone(self) -> None:
        """The socket is gone: tell the relay, once."""
        if self._socket.state is not State.GONE:
            self._socket.gone()
            self._leave()
            self._connection.lost()

    def _binary(self, frame: WSFrame) -> None:
        if self._assembly is not None:  # section 5.4: fragments of messages are not interleaved
            self._socket.fail(errors.PROTOCOL_ERROR)
        elif frame.payload_size > self._connection.max_message_bytes:
            self._socket.fail(errors.TOO_BIG)
        elif frame.fin:
            self._message(frame.get_payload_as_bytes())
        else:
            self._assembly = bytearray(frame.get_payload_as_bytes())

    def _other(self, kind: WSMsgType, frame: WSFrame) -> None:
        if kind is WSMsgType.CONTINUATION:
            self._continuation(frame)
        elif kind is WSMsgType.PING:
            self._socket.pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            self._close(frame.get_payload_as_bytes())
        elif kind is WSMsgType.TEXT:
            self._socket.fail(errors.NOT_BINARY if self._assembly is None else errors.PROTOCOL_ERROR)

    def _continuation(self, frame: WSFrame) -> None:
        assembly = self._assembly
        if assembly is None:  # section 5.4: nothing was begun
            self._socket.fail(errors.PROTOCOL_ERROR)
        elif len(assembly) + frame.payload_size > self._connection.max_message_bytes:
            self._socket.fail(errors.TOO_BIG)
        else:
            assembly += frame.get_payload_as_bytes()
            if frame.fin:
                self._assembly = None
                self._message(bytes(assembly))

    def _close(self, payload: bytes) -> None:
        if payload and int.from_bytes(payload[:2], "big") not in _PEER_MAY_CLOSE_WITH:
            self._socket.fail(errors.PROTOCOL_ERROR)
        else:
            self._socket.peer_closed()

    def _while_closing(self, frame: WSFrame) -> None:
        if self._socket.state is State.CLOSING and frame.msg_type is WSMsgType.CLOSE:
            self._socket.peer_closed()

    def _message(self, payload: bytes) -> None:
        try:
            message = decode(payload)
        except NOT_A_FRAME:
            self._connection.malformed()
            return
        try:
            self._connection.received(message)
        except Exception as fault:  # noqa: BLE001  # a fault of ours ends this socket, not its neighbours
            self._failed(fault)
            self._socket.fail(errors.INTERNAL)


class Parser(SocketlessParser):
    """The asyncio protocol of an upgraded socket: picows reads, and tells its reader."""

    __slots__ = ()

    def get_buffer(self, size_hint: int) -> memoryview:
        """Where the next read goes (asyncio.BufferedProtocol)."""
        if not self.reader.wants_bytes():
            return DISCARDED
        room: memoryview = get_buffer(self, size_hint)
        return room if len(room) <= READ_BYTES else room[:READ_BYTES]

    def buffer_updated(self, nbytes: int) -> None:
        """A read put `nbytes` there."""
        reader = self.reader
        if reader.bytes_read(nbytes):
            buffer_updated(self, nbytes)
            reader.bytes_parsed()

    def eof_received(self) -> bool:
        """The peer half-closed."""
        self.reader.ended()
        return False  # close

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        super().connection_lost(exc)
        self.reader.gone()
