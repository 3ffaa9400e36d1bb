"""What the local state holds, record by record.

Each is encrypted under the vault key with its store and key as associated data (CRYPTO section 8); a store's keys
order its records.
"""

from enum import StrEnum
from struct import Struct as Packed

import msgspec

from sotto.values import Stage


class Store(StrEnum):
    """The kinds of record, and what their keys are."""

    PROFILE = "profile"  # empty key
    COUNTERS = "counters"  # empty key
    LIST = "list"  # account 16, version u32 -> a signed list as it came
    CONTACT = "contact"  # account 16
    BUNDLE = "bundle"  # device 16
    CONVERSATION = "conversation"  # scope 16
    BOX_KEY = "box_key"  # key_no u32
    QUEUE = "queue"  # item u64
    CHAIN = "chain"  # scope 16
    STREAM = "stream"  # sender device 16, class u8, scope 16 -> crypto.envelope.Received
    OPENED = "opened"  # sender device 16, class u8, n u64
    GAP = "gap"  # sender device 16, scope 16, first u64
    HISTORY = "history"  # scope 16, place u64
    INBOX = "inbox"  # arrival u64 -> the key of a history record
    UNREADABLE = "unreadable"  # sender device 16, n u64 -> the box as it came
    DRAFT = "draft"  # scope 16 -> text


class Record(msgspec.Struct, frozen=True):
    """What every record shares. Fields added later need a default, so that older states still open."""


class Profile(Record, frozen=True):
    """Who this device is. Owner: sotto.account."""

    url: str
    name: str
    tenant: bytes
    account: bytes
    role: str
    alias: str
    device_name: str
    identity_seed: bytes
    device_seed: bytes
    token: str = ""
    place: bytes = b""
    """What an earlier sign-in gave, so that the next one is known to come from here."""
    session_ends_at: int = 0
    registered: bool = False
    epoch: bytes = bytes(16)
    clock_offset_ms: int = 0
    typing: bool = True
    """Tell others that this person types."""
    read_marks: bool = True
    """Tell others what this person has read."""
    linked: bool = True
    """Whether this device knows whom its account knows; until then it sends to nobody."""
    link_parts: tuple[int, ...] = ()
    """Which parts of that have come."""
    admitted: tuple[bytes, ...] = ()
    """Signed lists that this device gave to devices that asked; the newest last."""
    owed: tuple[tuple[bytes, bool], ...] = ()
    """Devices that were admitted and are still to be told, and whether they may add others."""
    told: tuple[bytes, ...] = ()
    """Those of them that only lack the identity."""


class Counters(Record, frozen=True):
    """Numbers that never go back. Owner: sotto.state."""

    n: int = 0
    """The highest send number of this device."""
    item: int = 0
    place: int = 0
    arrival: int = 0


class Contact(Record, frozen=True):
    """What is held about an account beside its lists. Owner: sotto.pins."""

    approved: bytes = b""
    """The identity key that the person accepted; another one stops the queue."""
    verified: bytes = b""
    """The identity key whose safety number was compared."""
    anchor: tuple[int, bytes] = (0, b"")
    """Version and hash of the list that another device of the own account had pinned; zero where there is none."""
    leaving: tuple[bytes, ...] = ()
    """Removed devices whose last messages are taken until the next `current`."""


class PinnedBundle(Record, frozen=True):
    """The bundle with the highest key number seen of a device."""

    account: bytes
    raw: bytes


class Person(Record, frozen=True):
    """A member as the operator names them."""

    account: bytes
    alias: str
    role: str
    present: bool = True


class Talk(Record, frozen=True):
    """A conversation. `approved` are the accounts that the person has seen in it. Owner: sotto.directory."""

    purpose: str
    people: tuple[Person, ...]
    approved: tuple[bytes, ...]
    member: bool = True
    read: tuple[tuple[bytes, int, bytes], ...] = ()
    """The read marks of this account: sender device, seq, c."""
    read_by: tuple[tuple[bytes, int], ...] = ()
    """For each account: the highest seq of this device that it says it read."""


class BoxSecret(Record, frozen=True):
    """A box key of this device. `replaced_at` is zero while it is the newest. Owner: sotto.keys."""

    key_no: int
    secret: bytes
    created_ms: int
    list_version: int
    bundle: bytes
    published: bool = False
    replaced_at: int = 0


class Outgoing(Record, frozen=True):
    """A message of one's own on its way. `n` is zero until it has a number. Owner: sotto.sending."""

    item: int
    scope: bytes
    kind: int
    body: bytes
    queued_at: int
    place: int
    stage: Stage = Stage.QUEUED
    n: int = 0
    seq: int = 0
    content: bytes = b""
    kf: bytes = b""
    c: bytes = b""
    resealed: int = 0
    refusal: str = ""


class Chain(Record, frozen=True):
    """The last message of this device in one conversation: its seq and commitment."""

    seq: int = 0
    c: bytes = bytes(32)


class Opened(Record, frozen=True):
    """That (sender device, class, n) was opened: under which commitment, and when the server had taken it."""

    c: bytes
    accepted_at: int


_U32 = Packed(">I")
_U64 = Packed(">Q")


def u32(number: int) -> bytes:
    """A number as an ordered key of four bytes."""
    return _U32.pack(number)


def u64(number: int) -> bytes:
    """A number as an ordered key of eight bytes."""
    return _U64.pack(number)


_encoder = msgspec.msgpack.Encoder()
pack = _encoder.encode
"""A record as bytes."""
