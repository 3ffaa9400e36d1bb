"""The same frames as Socket.IO packets: an event's name and arguments are the frame as an array, its bytes attachments.

python-socketio's packet reads the heads; what it forgives is refused here: an attachment used twice or not at all, a
text where an attachment is due, acknowledgement ids, other namespaces. PROTOCOL 13.2.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from socketio.packet import BINARY_EVENT, EVENT, Packet  # type: ignore[import-untyped]  # as shipped

from chatserver.wire import limits
from chatserver.wire.frames import NOT_A_FRAME, ClientFrame, ServerFrame

TEXT: Final = 0x81
BINARY: Final = 0x82
Item = tuple[int, bytes]
"""One Engine.IO packet on its way out: the first byte of its WebSocket frame (RFC 6455 section 5.2), and its bytes."""

MAX_ATTACHMENTS: Final = 2 + 2 * limits.MAX_BOXES_PER_SEND
"""A `send` has scope and c, and a device and a box for each of its boxes; no other frame has more."""
NOT_AN_EVENT: Final = (*NOT_A_FRAME, TypeError, KeyError, IndexError, AttributeError)
"""What the reading of a packet raises. Their texts may speak of the input: catch them, and let go of them."""

CONNECTED: Final = b'40{"sid":"%b"}'
DISCONNECTED: Final = (TEXT, b"41")

_encode_json: Final = msgspec.json.Encoder().encode
_BYTES: Final = (bytes,)


class Event:
    """A frame of the server's as packets. Its length is what it weighs in an outbox."""

    __slots__ = ("_size_bytes", "items")

    def __init__(self, frame: ServerFrame) -> None:
        attachments: list[Item] = []
        head = _encode_json(_with_places(msgspec.to_builtins(frame, builtin_types=_BYTES), attachments))
        kind = b"45%d-" % len(attachments) if attachments else b"42"
        self.items: list[Item] = [(TEXT, kind + head), *attachments]
        self._size_bytes = sum(len(payload) for _, payload in self.items)

    def __len__(self) -> int:
        return self._size_bytes


def _place(number: int) -> msgspec.Raw:
    return msgspec.Raw(b'{"_placeholder":true,"num":%d}' % number)


_PLACES: Final = tuple(map(_place, range(MAX_ATTACHMENTS)))


def _with_places(values: list[Any] | tuple[Any, ...], attachments: list[Item]) -> list[Any]:
    """A copy in which bytes gave way to their place among the attachments."""
    found: list[Any] = []
    for value in values:
        kind = type(value)
        if kind is bytes:
            number = len(attachments)
            attachments.append((BINARY, value))
            found.append(_PLACES[number] if number < MAX_ATTACHMENTS else _place(number))
        elif kind is tuple or kind is list:
            found.append(_with_places(value, attachments))
        else:
            found.append(value)
    return found


class _Json:
    """JSON for this packet class alone: no NaN, no endless nesting, no long integers."""

    @staticmethod
    def loads(text: str) -> Any:
        return msgspec.json.decode(text)


class StrictPacket(Packet):  # type: ignore[misc]  # untyped, see above
    """A packet whose places are filled by its attachments in their order, each once."""

    json = _Json

    @classmethod
    def reconstruct_binary(cls, data: Any, attachments: list[bytes]) -> Any:
        """The arguments with their bytes. ValueError if places and attachments differ."""
        left = iter(enumerate(attachments))
        filled = _filled(data, left)
        if next(left, None) is not None:
            raise ValueError
        return filled


def _filled(values: list[Any], left: Iterator[tuple[int, bytes]]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if type(value) is dict:
            number, attachment = next(left, (-1, b""))
            if value != {"_placeholder": True, "num": number}:
                raise ValueError
            found.append(attachment)
        else:
            found.append(_filled(value, left) if type(value) is list else value)
    return found


class Assembly:
    """The packet that is being read. Owned by its socket; holds at most what the socket allows."""

    __slots__ = ("_packet", "size_bytes")

    def __init__(self) -> None:
        self._packet: Any = None  # an event that waits for attachments
        self.size_bytes = 0  # of the packet so far; the socket asks before each part

    def add(self, part: str | bytes) -> ClientFrame | None:
        """The frame, once it is whole. Raises one of `NOT_AN_EVENT`."""
        if self._packet is None:
            return self._head(part)
        if type(part) is not bytes:  # the library takes texts for attachments
            raise TypeError
        if not self._packet.add_attachment(part):
            return None
        return self._whole(self._packet.data)

    def _head(self, part: str | bytes) -> ClientFrame | None:
        if type(part) is not str or part[:1] not in {"2", "5"}:
            raise ValueError
        packet = StrictPacket(encoded_packet=part)
        if packet.namespace is not None or packet.id is not None or packet.attachment_count > MAX_ATTACHMENTS:
            raise ValueError
        if packet.packet_type == EVENT and not packet.attachment_count:
            return self._whole(packet.data)
        if packet.packet_type != BINARY_EVENT or not packet.attachment_count:
            raise ValueError
        self._packet = packet
        return None

    def _whole(self, data: Any) -> ClientFrame:
        self._packet = None
        self.size_bytes = 0
        frame: ClientFrame = msgspec.convert(data, ClientFrame, builtin_types=_BYTES)
        return frame
