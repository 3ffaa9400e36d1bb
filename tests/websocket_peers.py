"""What tests of the WebSocket need on both sides: raw client frames, a recording connection, sockets that are none."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from chatserver.transports.door import Door, Transport, UpgradeFacts
from chatserver.transports.incoming import Incoming, Parser
from chatserver.transports.places import CountedPlaces
from chatserver.transports.websocket import WebSocket
from chatserver.wire import limits
from chatserver.wire.frames import ClientFrame

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x37\xfa\x21\x3d"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
REQUEST_LINES = {
    "Host": "clinic.example",
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "sotto.v1",
}


def request(first: str = "GET /v1/ws HTTP/1.1", **changes: str | None) -> bytes:
    """An opening handshake; `sec_websocket_key=None` leaves that header out."""
    headers: dict[str, str | None] = {**REQUEST_LINES}
    names = {name.lower(): name for name in headers}
    for name, value in changes.items():
        dashed = name.replace("_", "-")
        headers[names.get(dashed, dashed)] = value
    lines = [first, *(f"{name}: {value}" for name, value in headers.items() if value is not None), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def masked(payload: bytes, mask: bytes = MASK) -> bytes:
    size = len(payload)
    pad = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


def header(first_byte: int, size: int, *, length_form: int | None = None, mask: bool = True) -> bytes:
    """Frame header; `length_form` 7, 16 or 64 forces how the size is written."""
    form = length_form or (7 if size < 126 else 16 if size < 65_536 else 64)
    bit = 0x80 if mask else 0
    if form == 7:
        return bytes((first_byte, bit | size))
    if form == 16:
        return bytes((first_byte, bit | 126)) + size.to_bytes(2, "big")
    return bytes((first_byte, bit | 127)) + size.to_bytes(8, "big")


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bool = True, form: int | None = None
) -> bytes:
    """A client's frame, or one that breaks a rule."""
    first_byte = (0x80 if fin else 0) | rsv << 4 | opcode
    body = MASK + masked(payload) if mask else payload
    return header(first_byte, len(payload), length_form=form, mask=mask) + body


def close_frame(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def server_frames(data: bytes) -> list[tuple[int, bytes]]:
    """(opcode, payload) of each whole frame a server sent; ValueError if what is left over is not one."""
    frames = []
    while data:
        first_byte, size, start = data[0], data[1], 2
        if first_byte & 0x70 or not first_byte & 0x80 or size & 0x80:
            raise ValueError("a server's frames are whole, plain and unmasked")
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            raise ValueError("half a frame")
        frames.append((first_byte & 0x0F, data[start : start + size]))
        data = data[start + size :]
    return frames


def close_codes(data: bytes) -> list[int]:
    return [int.from_bytes(payload[:2], "big") for opcode, payload in server_frames(data) if opcode == CLOSE]


@dataclass
class Ear:
    """A relay connection that remembers what it was told."""

    transport: Transport
    facts: UpgradeFacts
    max_message_bytes: int = limits.MAX_FRAME_BYTES
    told: list[object] = field(default_factory=list)
    lost_times: int = 0
    heard_times: int = 0
    on_frame: Callable[["Ear", ClientFrame], object] = lambda _ear, _frame: None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def received(self, message: ClientFrame) -> None:
        self.told.append(message)
        self.on_frame(self, message)

    def malformed(self) -> None:
        self.told.append("malformed")

    def heard(self) -> None:
        self.heard_times += 1

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def lost(self) -> None:
        self.lost_times += 1
        self.ended.set()


@dataclass
class Clock:
    """Deadlines that come when a test says so."""

    due: dict[int, Callable[[], object]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def call_later(self, delay_s: float, then: Callable[[], object]) -> "Deadline":
        number = len(self.seconds)
        self.seconds.append(delay_s)
        self.due[number] = then
        return Deadline(self, number)

    def strike(self) -> None:
        """All deadlines that were not called off come."""
        while self.due:
            self.due.pop(next(iter(self.due)))()


@dataclass
class Deadline:
    clock: Clock
    number: int

    def cancel(self) -> None:
        self.clock.due.pop(self.number, None)


class FakeRaw:
    """An asyncio transport without a socket: `wrote` is what it was given, `paused` what it was told."""

    def __init__(self) -> None:
        self.wrote = bytearray()
        self.writes = 0
        self.reading = True
        self.half_closed = False
        self.closing = False
        self.aborted = False
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: bytes) -> None:
        assert not self.half_closed, "written after the end"
        self.writes += 1
        self.wrote += data

    def writelines(self, chunks: list[bytes]) -> None:
        self.write(b"".join(chunks))

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def is_closing(self) -> bool:
        return self.closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def pause_reading(self) -> None:
        assert not self.closing
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.closing
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        assert high > low

    def get_extra_info(self, name: str) -> object:
        return ("192.0.2.7", 4711) if name == "peername" else None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


class Wire:
    """The protocol of an upgraded socket in memory; needs a running loop."""

    def __init__(self, max_message_bytes: int = limits.MAX_FRAME_BYTES) -> None:
        self.raw = FakeRaw()
        self.clock = Clock()
        self.left = 0
        self.faults: list[Exception] = []
        self.socket = WebSocket(cast("asyncio.Transport", self.raw), self.clock.call_later)
        self.ear = Ear(self.socket, UpgradeFacts("192.0.2.7", None, secure=False, path="/v1/ws"), max_message_bytes)
        self.parser = Parser(Incoming(self.socket, self.ear, self._leave, self.faults.append))

    def _leave(self) -> None:
        self.left += 1

    def feed(self, data: bytes, read_bytes: int = 1 << 20) -> None:
        """The peer's bytes, in reads of at most `read_bytes`, as a loop would put them into the parser's buffer."""
        while data:
            room = self.parser.get_buffer(-1)
            count = min(len(room), len(data), read_bytes)
            room[:count] = data[:count]
            data = data[count:]
            self.parser.buffer_updated(count)

    @property
    def answered(self) -> list[tuple[int, bytes]]:
        return server_frames(bytes(self.raw.wrote))

    @property
    def close_codes(self) -> list[int]:
        return close_codes(bytes(self.raw.wrote))


def door(
    connect: Callable[[Transport, UpgradeFacts], Ear], faults: list[Exception], clock: Clock | None = None
) -> Door:
    later = asyncio.get_running_loop().call_later if clock is None else clock.call_later
    origins = {None, "https://clinic.example"}
    return Door(connect, origins.__contains__, CountedPlaces(), later, faults.append)
