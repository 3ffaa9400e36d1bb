"""picows as a parser without a socket.

picows parses and unmasks frames in C, but it also answers HTTP, closes, and logs, quoting what the peer sent. So it
gets a socket that is none: a constant opening handshake puts it into its frame state, and what it writes afterwards,
always a Close frame, is read as its verdict on the peer. Everything that reaches the wire is written by websocket.py.

`WSProtocol` is not exported by picows: its minor version is pinned, and tests/test_transports_picows_parser.py holds
the contract.
"""

from typing import Final, Protocol

from picows import WSAutoPingStrategy
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # absent from picows' stubs, see above

from chatserver.wire import limits

READ_BYTES: Final = 8 * limits.KIB
"""One read takes at most this, so picows' buffer, which doubles when a read fills it, stays in proportion."""
FIRST_BUFFER_BYTES: Final = 2 * limits.KIB
"""picows keeps its buffer while the connection lives: this, times the idle connections, is resident memory."""

_CLOSE: Final = 0x88
_HANDSHAKE: Final = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
DISCARDED: Final = memoryview(bytearray(READ_BYTES))
"""Where bytes that nobody will look at are read to, for all sockets."""


class Reader(Protocol):
    """Whom the parser tells; also a `WSListener`, whose `on_ws_frame` gets the frames."""

    def bytes_read(self, count: int) -> bool:
        """Bytes came and will be parsed, if the answer is True."""

    def bytes_parsed(self) -> None:
        """They were: every whole frame among them was handed over."""

    def rejected(self, code: int) -> None:
        """What comes after the frames handed over so far breaks the rules: an RFC 6455 section 7.4.1 code."""

    def wants_bytes(self) -> bool:
        """False if bytes need not be kept: nobody will parse them."""

    def ended(self) -> None:
        """The peer will send nothing more; the socket closes when what was written is taken."""

    def gone(self) -> None:
        """The socket is gone."""


class _NoSocket:
    """Options that picows sets are set nowhere: asyncio and uvloop set TCP_NODELAY themselves."""

    def fileno(self) -> int:
        return -1

    def setsockopt(self, *_options: object) -> None:
        pass

    def getsockopt(self, *_options: object) -> int:
        return 0


class _NoLog:
    """picows' messages quote what the peer sent, so there is no level at which they are wanted."""

    def isEnabledFor(self, _level: int) -> bool:  # noqa: N802  # the name that logging gave it
        return False

    def _drop(self, *_message: object, **_extra: object) -> None:
        pass

    log = debug = info = warning = error = exception = _drop


_NO_LOG: Final = _NoLog()
_NO_SOCKET: Final = _NoSocket()
_EXTRA: Final = {"socket": _NO_SOCKET, "ssl_object": _NO_SOCKET}
"""With an ssl_object, picows never writes past us to the file descriptor."""


class _NoTransport:
    """The transport that picows sees."""

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def get_extra_info(self, name: str) -> object:
        return _EXTRA.get(name)

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        if data[0] == _CLOSE:
            self._reader.rejected(int.from_bytes(data[2:4], "big"))

    def close(self) -> None:
        """What picows rejected is closed by whoever was told."""

    abort = close


get_buffer = WSProtocol.get_buffer  # cheaper than super() once per read
buffer_updated = WSProtocol.buffer_updated


class SocketlessParser(WSProtocol):  # type: ignore[misc]  # untyped, see above
    """picows without a socket, past its handshake: it waits for the first frame."""

    __slots__ = ("reader",)

    def __init__(self, reader: Reader) -> None:
        super().__init__(
            None,  # host and port: for clients
            None,  # path: for clients
            False,  # is_client_side
            lambda _request: reader,
            _NO_LOG,
            True,  # disconnect_on_exception
            None,  # handshake_timeout: the handshake is made here and now
            False,  # enable_auto_ping: the relay's sweep pings
            20,
            20,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            False,  # enable_auto_pong: incoming.py answers
            limits.MAX_FRAME_BYTES,
            None,  # extra headers: for clients
            FIRST_BUFFER_BYTES,
        )
        self.reader = reader
        self.connection_made(_NoTransport(reader))
        get_buffer(self, -1)[: len(_HANDSHAKE)] = _HANDSHAKE
        buffer_updated(self, len(_HANDSHAKE))
