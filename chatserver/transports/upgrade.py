"""RFC 6455 section 4.2, the opening handshake, as a value: a request head goes in, an answer's bytes come out.

Stricter than the RFC where that costs no client anything: HTTP/1.1 only, no body, nothing sent before our answer, every
header that matters at most once, 8 KiB. Answers carry no text of the request and no body.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from chatserver.transports.door import Door
from chatserver.wire import errors, limits

PATH: Final = "/v1/ws"
SUBPROTOCOL: Final = "sotto.v1"
SERVER: Final = "sotto"
MAX_HEAD_BYTES: Final = 8 * limits.KIB
RETRY_AFTER_S: Final = 5

Headers = dict[str, list[str]]
"""Values by lower-case name, in the order they came."""

_KEY_BYTES: Final = 16
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t \x21-\x7e\x80-\xff]*)")
_REQUEST_LINE: Final = re.compile(rb"GET /v1/ws HTTP/1\.1")
_ONCE: Final = ("host", "sec-websocket-key", "sec-websocket-version")
_AT_MOST_ONCE: Final = ("origin", "content-length", "upgrade")


@dataclass(frozen=True, slots=True)
class Refused:
    """No upgrade: an HTTP status and the headers that explain it."""

    status: int
    phrase: str
    headers: tuple[tuple[str, str], ...] = ()

    def to_bytes(self) -> bytes:
        """The whole answer. The connection ends with it."""
        headers = (("Server", SERVER), ("Content-Length", "0"), ("Connection", "close"), *self.headers)
        return _head(f"{self.status} {self.phrase}", headers)


BAD_REQUEST: Final = Refused(400, "Bad Request")
ORIGIN_REFUSED: Final = Refused(403, "Forbidden")
NOT_AN_UPGRADE: Final = Refused(426, "Upgrade Required", (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")))
HEAD_TOO_LARGE: Final = Refused(431, "Request Header Fields Too Large")
NO_PLACE: Final = Refused(
    503,
    "Service Unavailable",
    (("Retry-After", str(RETRY_AFTER_S)), ("Sotto-Refused", errors.TOO_MANY_CONNECTIONS.code)),
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The upgrade is granted."""

    origin: str | None
    key: str

    def to_bytes(self) -> bytes:
        """The 101 (section 4.2.2). No extension is ever agreed to."""
        digest = hashlib.sha1(self.key.encode() + _GUID, usedforsecurity=False).digest()
        return _head(
            "101 Switching Protocols",
            (
                ("Server", SERVER),
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Accept", base64.b64encode(digest).decode()),
                ("Sec-WebSocket-Protocol", SUBPROTOCOL),
            ),
        )


def parse(head: bytes) -> Headers | Refused:
    """The headers of a request head up to, not including, its empty line (RFC 9112 sections 2-5)."""
    first, *lines = head.split(b"\r\n")
    if not _REQUEST_LINE.fullmatch(first):
        return BAD_REQUEST
    matches = [_LINE.fullmatch(line) for line in lines]
    pairs = [(match[1].decode("ascii"), match[2].decode("latin-1")) for match in matches if match]
    return gather(pairs) if len(pairs) == len(lines) else BAD_REQUEST


def gather(pairs: Iterable[tuple[str, str]]) -> Headers:
    """Headers from name and value pairs."""
    headers: Headers = {}
    for name, value in pairs:
        headers.setdefault(name.lower(), []).append(value.strip(" \t"))
    return headers


def judge(headers: Headers, origin_allowed: Callable[[str | None], bool]) -> Accepted | Refused:
    """Whether a GET of PATH with these headers is a good opening handshake of this protocol."""
    if _has_body(headers) or any(len(headers.get(name, ())) > 1 for name in (*_ONCE, *_AT_MOST_ONCE)):
        return BAD_REQUEST
    if not _is_upgrade(headers) or headers.get("sec-websocket-version") != ["13"]:
        return NOT_AN_UPGRADE
    if not all(name in headers for name in _ONCE) or not _is_key(headers["sec-websocket-key"][0]):
        return BAD_REQUEST
    origin = headers["origin"][0] if "origin" in headers else None
    if not origin_allowed(origin):
        return ORIGIN_REFUSED
    if SUBPROTOCOL not in _tokens(headers, "sec-websocket-protocol"):
        return BAD_REQUEST
    return Accepted(origin, headers["sec-websocket-key"][0])


def admit(headers: Headers, door: Door, address: str) -> Accepted | Refused:
    """`judge`, and then a place for the socket, which is the caller's to give back if the answer is `Accepted`."""
    answer = judge(headers, door.origin_allowed)
    if isinstance(answer, Accepted) and not door.places.take(address):
        return NO_PLACE
    return answer


def _is_upgrade(headers: Headers) -> bool:
    upgrade = [token.lower() for token in _tokens(headers, "upgrade")]
    connection = [token.lower() for token in _tokens(headers, "connection")]
    return "websocket" in upgrade and "upgrade" in connection


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", ["0"]) != ["0"]


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):  # not base64, or not ASCII
        return False


def _tokens(headers: Headers, name: str) -> list[str]:
    return [token.strip() for value in headers.get(name, ()) for token in value.split(",")]


def _head(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("ascii")
