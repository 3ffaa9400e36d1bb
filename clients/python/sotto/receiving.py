"""Opening what was delivered, as a value machine: what becomes of one box, and what to commit with it.

The order of the checks is CRYPTO section 3's and lives in crypto.envelope. Here stands what each outcome means for the
acknowledgement, for the history and for the person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from chatserver.wire.frames import Deliver, Whisper
from crypto.envelope import Arrival, Delivery, HeldKey, Missing, Opened, Received, View, open_box
from crypto.fields import u8
from crypto.keys import FrameClass, Reason, Refused
from sotto.state.records import u64
from sotto.values import Gap, Message

PLACE_STEP: Final = 1 << 16
"""Places are this far apart, so that a message that fills a gap finds room in its place."""


class Verdict(Enum):
    """What to do with a box that did not open."""

    SEEN = "seen"  # the same send again: ack `opened`, show nothing
    LOOK_UP = "look_up"  # something about the sender is not pinned yet: fetch it, then try once more
    FORK = "fork"  # the first stays; warn, ack `unreadable`
    UNREADABLE = "unreadable"  # keep it as it came, ack `unreadable`, and it is asked for again


_VERDICTS: Final = {
    Reason.ALREADY_OPENED: Verdict.SEEN,
    Reason.LIST_UNKNOWN: Verdict.LOOK_UP,
    Reason.UNKNOWN_SENDER: Verdict.LOOK_UP,
    Reason.SEND_FORK: Verdict.FORK,
    Reason.SEQ_FORK: Verdict.FORK,
}


@dataclass(frozen=True, slots=True)
class Closed:
    """A box that did not open, and why."""

    verdict: Verdict
    reason: Reason


class Streams:
    """Owns the receiving state of every (sender device, class, scope). `take_changes` names what to persist."""

    def __init__(self, streams: Mapping[bytes, bytes]) -> None:
        self._streams = {key: Received.decode(raw) for key, raw in streams.items()}
        self._changes: dict[bytes, bytes] = {}

    def open(self, delivery: Delivery, held: HeldKey | None, view: View, opened_c: bytes | None) -> Opened | Closed:
        """Open one box, or say why not. Nothing changes until `accept`."""
        try:
            return open_box(delivery, held, view, self._streams.get(stream_key(delivery)), opened_c)
        except Refused as refused:
            return Closed(_VERDICTS.get(refused.reason, Verdict.UNREADABLE), refused.reason)

    def accept(self, delivery: Delivery, opened: Opened) -> None:
        """Move the stream on, by a message that is committed together with it."""
        key = stream_key(delivery)
        self._streams[key] = opened.stream.state
        self._changes[key] = opened.stream.state.encode()

    def missing(self, key: bytes) -> tuple[Missing, ...]:
        """The numbers of a stream that never came."""
        stream = self._streams.get(key)
        return stream.missing if stream else ()

    def heads(self, scope: bytes) -> list[tuple[bytes, int, bytes]]:
        """For each device that spoke in a conversation: (device, highest seq, its c): what a read mark says."""
        place = u8(FrameClass.MESSAGE) + scope
        found = ((key[:16], stream) for key, stream in self._streams.items() if key[16:] == place)
        return sorted((device, stream.highest, stream.c) for device, stream in found)

    def take_changes(self) -> dict[bytes, bytes]:
        """What changed since the last call."""
        changes, self._changes = self._changes, {}
        return changes


def delivery_of(frame: Deliver | Whisper) -> Delivery:
    """A frame as `open_box` takes it."""
    frame_class = FrameClass.MESSAGE if isinstance(frame, Deliver) else FrameClass.FLEETING
    return Delivery(
        frame_class, frame.scope, frame.sender, frame.n, frame.c, frame.accepted_at, frame.key_no, frame.box
    )


def stream_key(delivery: Delivery) -> bytes:
    """Sender device 16, class u8, scope 16."""
    return delivery.sender_device + u8(delivery.frame_class) + delivery.scope


def opened_key(delivery: Delivery) -> bytes:
    """Sender device 16, class u8, n u64."""
    return delivery.sender_device + u8(delivery.frame_class) + u64(delivery.n)


def gap_before(opened: Opened, message: Message, place: int) -> Gap | None:
    """The gap that this message opened, if it did; it stands at `place`, before the message."""
    stream, seq = opened.stream, opened.content.seq
    if stream.arrival is not Arrival.GAP:
        return None
    known = {entry.seq for entry in stream.state.missing}
    first = seq
    while first - 1 in known and seq - first < PLACE_STEP - 1:
        first -= 1
    count = seq - first
    return Gap(message.conversation, place, message.sender, message.device, first, seq - 1, count + stream.given_up)
