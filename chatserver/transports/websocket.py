"""An upgraded socket, from the relay's side: what is written, and how it ends (RFC 6455 sections 5.5.1 and 7).

Nothing is queued here but one Pong that waits for room: the relay's outbox holds what is to be written, asyncio's
transport what was.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from chatserver.transports import framing
from chatserver.transports.door import Timer
from chatserver.wire import limits
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import ServerFrame, encode_server

HIGH_WATER_BYTES: Final = 256 * limits.KIB
LOW_WATER_BYTES: Final = 64 * limits.KIB
CLOSE_WAIT_S: Final = 2.0
"""How long an ending socket may take to take what was written and to answer our Close."""

_OK: Final = framing.close(1000, "")


_BINARY: Final = b"\x82"
_SHORT_BYTES: Final = 125
_MEDIUM_BYTES: Final = 0xFFFF


def binary(payload: bytes) -> bytes:
    """A whole message in one frame, unmasked and uncompressed as a server's are (section 5.2)."""
    size = len(payload)
    if size <= _SHORT_BYTES:
        return b"%b%c%b" % (_BINARY, size, payload)
    if size <= _MEDIUM_BYTES:
        return b"".join((_BINARY, b"\x7e", size.to_bytes(2, "big"), payload))
    return b"".join((_BINARY, b"\x7f", size.to_bytes(8, "big"), payload))


class State(Enum):
    """How far a socket's end has come."""

    OPEN = auto()
    CLOSING = auto()  # we said Close: the peer's is waited for, nothing else is looked at
    DEAF = auto()  # all is said: what still comes is thrown away unread
    GONE = auto()


OPEN: Final = State.OPEN


def half_close(raw: asyncio.Transport) -> None:
    """Send nothing more, and go on reading where the transport can: closing with unread bytes resets the peer."""
    if raw.is_closing():
        return
    if raw.can_write_eof():
        raw.write_eof()
    else:
        raw.close()  # TLS: its shutdown reads on by itself


class WebSocket:
    """The relay's `Transport`. Its fields are written here only, in the loop's thread."""

    __slots__ = ("_call_later", "_deadline", "_pong", "_raw", "_writing_paused", "state")

    def __init__(self, raw: asyncio.Transport, call_later: Callable[[float, Callable[[], object]], Timer]) -> None:
        self.state = State.OPEN
        self._raw = raw
        self._call_later = call_later
        self._deadline: Timer | None = None
        self._writing_paused = False
        self._pong: bytes | None = None
        raw.set_write_buffer_limits(high=HIGH_WATER_BYTES, low=LOW_WATER_BYTES)

    # What the relay asks (door.Transport).

    def encode(self, frame: ServerFrame) -> bytes:
        """The frame's msgpack in a binary WebSocket frame."""
        return binary(encode_server(frame))

    def write(self, chunks: list[bytes]) -> None:
        """Encoded frames, in order."""
        if self.state is not OPEN:
            return
        if len(chunks) == 1:
            self._raw.write(chunks[0])
        else:
            self._raw.writelines(chunks)

    def close(self, code: int, reason: str) -> None:
        """Say Close after what was written; the TCP connection ends with the peer's Close, or after 2 s."""
        if self.state is OPEN:
            self._say(framing.close(code, reason), State.CLOSING)
            self._read_on()

    def abort(self) -> None:
        """End now."""
        if self.state is not State.GONE:
            self.state = State.DEAF
            self._raw.abort()

    def pause_reading(self) -> None:
        """Leave what the peer sends in its and our kernel."""
        if self.state is OPEN and not self._raw.is_closing():
            self._raw.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self.state is OPEN:
            self._read_on()

    def buffered_bytes(self) -> int:
        """What asyncio's transport holds."""
        return 0 if self.state is State.GONE else self._raw.get_write_buffer_size()

    def ping(self) -> None:
        """A Ping without payload, unless the socket takes nothing anyway."""
        if self.state is OPEN and not self._writing_paused:
            self._raw.write(framing.PING)

    # What the other half asks (incoming.py).

    def looked_at(self) -> bool:
        """Whether bytes read now mean anything."""
        return self.state is OPEN or self.state is State.CLOSING

    def pong(self, payload: bytes) -> None:
        """Answer a Ping; while writing is paused the latest only (section 5.5.3), so a flood of them fills nothing."""
        if self._writing_paused:
            self._pong = framing.pong(payload)
        else:
            self._raw.write(framing.pong(payload))

    def hold(self) -> None:
        """256 KiB wait to be taken by the kernel."""
        self._writing_paused = True

    def go_on(self) -> None:
        """At most 64 KiB wait."""
        self._writing_paused = False
        if self._pong is not None:
            self._raw.write(self._pong)
            self._pong = None

    def fail(self, refusal: Refusal) -> None:
        """Section 7.1.7, unless it is over. Half-close and throw away what comes: a reset would overtake our Close."""
        if not self.looked_at():
            return
        if self.state is OPEN and refusal.closes is not None:
            self._say(framing.close(refusal.closes, refusal.code), State.DEAF)
        self.state = State.DEAF
        self._read_on()
        half_close(self._raw)

    def peer_closed(self) -> None:
        """Section 5.5.1: answer a first Close; then the server ends the TCP connection (section 7.1.1)."""
        if self.state is OPEN:
            self._say(_OK, State.DEAF)
        self.state = State.DEAF
        self._raw.close()

    def peer_ended(self) -> None:
        """The peer sends nothing more. What was written may still reach it, for a while."""
        self.state = State.DEAF
        self._end_in_time()

    def gone(self) -> None:
        """The TCP connection is no more."""
        self.state = State.GONE
        if self._deadline is not None:
            self._deadline.cancel()

    def _say(self, close: bytes, then: State) -> None:
        self._raw.write(close)
        self.state = then
        self._pong = None
        self._end_in_time()

    def _end_in_time(self) -> None:
        if self._deadline is None:
            self._deadline = self._call_later(CLOSE_WAIT_S, self._raw.abort)

    def _read_on(self) -> None:
        if not self._raw.is_closing():
            self._raw.resume_reading()
