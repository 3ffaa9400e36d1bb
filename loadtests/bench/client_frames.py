"""WebSocket frames as a client writes and reads them (RFC 6455 section 5), built for a generator that must be fast.

A message is masked once, when its template is made; for each send only the few bytes that differ are masked again.
"""

import os
from collections.abc import Callable
from typing import Final

TEXT: Final = 0x81
BINARY: Final = 0x82
CLOSE: Final = 0x88
PING: Final = 0x89
_PONG: Final = 0x8A

MASK: Final = b"\x9d\x3f\x51\xc7"
"""The same for every frame: peers unmask it like any other, and nobody in between has a cache to poison."""

_SHORT: Final = 125
_MEDIUM: Final = 0xFFFF
_MASKED: Final = 0x80
_KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="


def masked(data: bytes, at: int = 0) -> bytes:
    """`data` as it stands `at` so many bytes behind the start of a masked payload."""
    size, turn = len(data), at % 4
    mask = (MASK[turn:] + MASK[:turn]) * (size // 4 + 1)
    return (int.from_bytes(data) ^ int.from_bytes(mask[:size])).to_bytes(size)


def head(opcode: int, size: int) -> bytes:
    """The head of one final frame."""
    if size <= _SHORT:
        return bytes((opcode, _MASKED | size)) + MASK
    if size <= _MEDIUM:
        return bytes((opcode, _MASKED | 126)) + size.to_bytes(2) + MASK
    return bytes((opcode, _MASKED | 127)) + size.to_bytes(8) + MASK


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole message."""
    return head(opcode, len(payload)) + masked(payload)


def pong(payload: bytes) -> bytes:
    """The answer to a Ping."""
    return frame(_PONG, payload)


class Template:
    """A message whose number changes: `before`, the number's bytes, `after`, then frames that never change."""

    __slots__ = ("_after", "_before", "_mask", "_width")

    def __init__(self, opcode: int, payload: bytes, number: bytes, behind: bytes = b"") -> None:
        before, found, after = payload.partition(number)
        if not found or number in after:
            raise ValueError("the number must stand in the payload once")
        at, self._width = len(before), len(number)
        self._before = head(opcode, len(payload)) + masked(before)
        self._after = masked(after, at + self._width) + behind
        self._mask = int.from_bytes(masked(bytes(self._width), at))

    def with_number(self, number: bytes) -> bytes:
        """The message with another number of the same width."""
        return self._before + (int.from_bytes(number) ^ self._mask).to_bytes(self._width) + self._after


def upgrade(path: str, port: int, subprotocol: str | None, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """The opening handshake."""
    lines = [
        f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {_KEY}",
        *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else ()),
        *(f"{name}: {value}" for name, value in headers), "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def split(data: bytes, take: Callable[[int, bytes], None]) -> bytes:
    """Hand every whole frame in `data` to `take`, as opcode and payload; returns what is left over."""
    at, end = 0, len(data)
    while end - at > 1:
        size, start = data[at + 1], at + 2
        if size > _SHORT:
            start += 2 if size == 126 else 8  # noqa: PLR2004  section 5.2
            size = int.from_bytes(data[at + 2 : start])
        if end - start < size or end < start:
            break
        stop = start + size
        take(data[at], data[start:stop])
        at = stop
    return data[at:] if at else data


def random_box(size: int) -> bytes:
    """What a sealed box looks like to everybody but its reader."""
    return os.urandom(size)
