"""RFC 6455 section 5.5: the control frames that a server sends, unmasked. Binary ones are framed in websocket.py."""

from typing import Final

PING: Final = b"\x89\x00"
MAX_CONTROL_BYTES: Final = 125
"""Section 5.5: the longest payload of a control frame."""

_CLOSE: Final = b"\x88"
_PONG: Final = b"\x8a"


def _control(first_byte: bytes, payload: bytes) -> bytes:
    return b"%b%c%b" % (first_byte, len(payload), payload)


def close(code: int, reason: str) -> bytes:
    """A Close frame (section 5.5.1). A reason has at most 123 bytes of UTF-8."""
    payload = code.to_bytes(2, "big") + reason.encode()
    if len(payload) > MAX_CONTROL_BYTES:
        raise ValueError("the reason is too long for a control frame")
    return _control(_CLOSE, payload)


def pong(payload: bytes) -> bytes:
    """The answer to a Ping with that payload (section 5.5.3)."""
    return _control(_PONG, payload)
