"""The closed schema of the audit log: enums, integers, fixed-length ids, times, and no free text anywhere.

An entry is `version u8 || shard 16 || index u64 || previous leaf 32 || body`, its leaf SHA-256(0x00 || entry)
(RFC 9162 section 2.1.1), so that each entry commits to the whole shard before it. The body is the event as a
msgpack array in the order of its fields.
"""

import enum
import hashlib
from typing import Annotated, Final

import msgspec
from msgspec import Meta

Id = Annotated[bytes, Meta(min_length=16, max_length=16)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]

NOBODY: Final = bytes(16)
ENTRY_VERSION: Final = 1
FIRST_LEAF: Final = bytes(32)
"""What stands before the first entry of a shard."""


class Kind(enum.IntEnum):
    """What happened."""

    SEND = 1
    REPEATED = 2
    DRAINED = 3
    EXPIRED = 4
    REMOVED = 5
    CONNECTED = 10
    HELLO_REFUSED = 11
    SIGNED_IN = 20
    SIGN_IN_REFUSED = 21
    SIGNED_OUT = 22
    SESSION_EXPIRED = 23
    INVITED = 30
    JOINED = 31
    ACCOUNT_DISABLED = 32
    PEOPLE_LISTED = 33
    LIST_PUBLISHED = 40
    DEVICE_ADDED = 41
    DEVICE_REMOVED = 42
    BUNDLE_PUBLISHED = 43
    LINK_ASKED = 44
    LINK_ANSWERED = 45
    CONVERSATION_CREATED = 50
    MEMBER_ADDED = 51
    MEMBER_REMOVED = 52
    EPOCH_DRAWN = 60


class Event(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One event. Ids that do not apply are sixteen zero bytes, numbers that do not apply are 0.

    actor: account that acted (`NOBODY` for the operator's command line). device, session: with which.
    subject: account it was done to. object: conversation,
    invitation or device. n: the send, the list version or the key number.
    live, stored: boxes left in memory and boxes written by this very commit; count: boxes deleted.
    """

    kind: Kind
    at: Count
    actor: Id = NOBODY
    device: Id = NOBODY
    session: Id = NOBODY
    subject: Id = NOBODY
    object: Id = NOBODY
    n: Count = 0
    live: Count = 0
    stored: Count = 0
    count: Count = 0


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Event)


def entry_of(event: Event, shard: bytes, index: int, previous_leaf: bytes) -> bytes:
    """The bytes that are stored for `event` as entry `index` of `shard`."""
    return b"".join((b"\x01", shard, index.to_bytes(8, "big"), previous_leaf, _encode(event)))


def leaf_of(entry: bytes) -> bytes:
    """RFC 9162 section 2.1.1: the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def event_in(entry: bytes) -> Event:
    """The event of an entry; raises `msgspec.ValidationError` if it is none."""
    return _decoder.decode(entry[57:])
