"""RFC 6455 section 5.2, the way out: a server's frames are unmasked, unfragmented and uncompressed."""

from typing import Final

PING: Final = b"\x89\x00"
MAX_CONTROL_BYTES: Final = 125
"""Section 5.5: the longest payload of a control frame."""

_BINARY: Final = b"\x82"
_CLOSE: Final = b"\x88"
_PONG: Final = b"\x8a"
_TWO_BYTE_LENGTH: Final = b"\x7e"
_EIGHT_BYTE_LENGTH: Final = b"\x7f"
_MAX_TWO_BYTE_LENGTH: Final = 0xFFFF


def _control(first_byte: bytes, payload: bytes) -> bytes:
    return b"%b%c%b" % (first_byte, len(payload), payload)


def binary(payload: bytes) -> bytes:
    """A whole binary message in one frame."""
    size = len(payload)
    if size <= MAX_CONTROL_BYTES:
        return _control(_BINARY, payload)
    if size <= _MAX_TWO_BYTE_LENGTH:
        return b"".join((_BINARY, _TWO_BYTE_LENGTH, size.to_bytes(2, "big"), payload))
    return b"".join((_BINARY, _EIGHT_BYTE_LENGTH, size.to_bytes(8, "big"), payload))


def close(code: int, reason: str) -> bytes:
    """A Close frame (section 5.5.1). A reason has at most 123 bytes of UTF-8."""
    payload = code.to_bytes(2, "big") + reason.encode()
    if len(payload) > MAX_CONTROL_BYTES:
        raise ValueError("the reason is too long for a control frame")
    return _control(_CLOSE, payload)


def pong(payload: bytes) -> bytes:
    """The answer to a Ping with that payload (section 5.5.3)."""
    return _control(_PONG, payload)
