"""What a device that was added is told in a box: who its account knows, as bytes (CRYPTO section 9).

A part is `version u8 (1), device 16 (for whom), index u8, of u8`, then items until its end:
`0x01 account 16, version u32, list_hash 32, approved identity 32, verified identity 32` (zero where there is none) for
a pinned contact, `0x02 conversation 16, n u8, n x account 16` for those whom the person has seen in a conversation.
A part fits the bucket of 16,384 bytes. The identity, for a device that may add others, is a content of its own:
`version u8 (1), device 16, key_no u32, the sealed seed`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from crypto.fields import HASH_BYTES, ID_BYTES, KEY_BYTES, Reader, u8, u32
from crypto.keys import Reason, Refused

MAX_ITEMS_BYTES: Final = 15_000
_VERSION: Final = 1
_CONTACT: Final = 1
_TALK: Final = 2


@dataclass(frozen=True, slots=True)
class Known:
    """A contact as the admitting device has it pinned."""

    account: bytes
    version: int
    list_hash: bytes
    approved: bytes
    verified: bytes

    def encode(self) -> bytes:
        """Its item."""
        identities = self.approved.rjust(KEY_BYTES, b"\0") + self.verified.rjust(KEY_BYTES, b"\0")
        return u8(_CONTACT) + self.account + u32(self.version) + self.list_hash + identities


@dataclass(frozen=True, slots=True)
class Seen:
    """Whom the person has accepted in a conversation."""

    conversation: bytes
    accounts: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Its item."""
        return u8(_TALK) + self.conversation + u8(len(self.accounts)) + b"".join(self.accounts)


@dataclass(frozen=True, slots=True)
class Part:
    """One box of what a device is told; it is linked when it has all `of`."""

    device: bytes
    index: int
    of: int
    items: tuple[Known | Seen, ...]


@dataclass(frozen=True, slots=True)
class SealedSeed:
    """The identity for one device, sealed to its key of that number."""

    device: bytes
    key_no: int
    sealed: bytes

    def encode(self) -> bytes:
        """Its content."""
        return u8(_VERSION) + self.device + u32(self.key_no) + self.sealed


def encode_parts(device: bytes, items: Iterable[Known | Seen]) -> list[bytes]:
    """The contents that tell a device everything; at least one."""
    pieces = list(_pieces(items))
    return [u8(_VERSION) + device + u8(at) + u8(len(pieces)) + piece for at, piece in enumerate(pieces)]


def decode_part(raw: bytes) -> Part:
    """The inverse for one of them. Raises `Refused`."""
    reader = Reader(raw)
    device = _for_whom(reader)
    index, of = reader.uint(1), reader.uint(1)
    if index >= of:
        raise Refused(Reason.NUMBER_RANGE)
    rest = reader.rest()
    return Part(device, index, of, tuple(_items(rest)))


def decode_seed(raw: bytes) -> SealedSeed:
    """The inverse of `SealedSeed.encode`. Raises `Refused`."""
    reader = Reader(raw)
    return SealedSeed(_for_whom(reader), reader.uint(4), reader.rest())


def _for_whom(reader: Reader) -> bytes:
    if reader.uint(1) != _VERSION:
        raise Refused(Reason.BAD_VERSION)
    return reader.take(ID_BYTES)


def _pieces(items: Iterable[Known | Seen]) -> Iterator[bytes]:
    piece = b""
    for item in items:
        encoded = item.encode()
        if len(piece) + len(encoded) > MAX_ITEMS_BYTES:
            yield piece
            piece = b""
        piece += encoded
    yield piece


def _items(raw: bytes) -> Iterator[Known | Seen]:
    at = 0
    while at < len(raw):
        reader = Reader(raw[at:])
        item = _item(reader)
        yield item
        at += len(item.encode())


def _item(reader: Reader) -> Known | Seen:
    kind = reader.uint(1)
    if kind == _CONTACT:
        account, version, list_hash = reader.take(ID_BYTES), reader.uint(4), reader.take(HASH_BYTES)
        approved, verified = reader.take(KEY_BYTES), reader.take(KEY_BYTES)
        return Known(
            account, version, list_hash, approved.strip(b"\0") and approved, verified.strip(b"\0") and verified
        )
    if kind != _TALK:
        raise Refused(Reason.BAD_VERSION)
    conversation = reader.take(ID_BYTES)
    return Seen(conversation, tuple(reader.take(ID_BYTES) for _ in range(reader.uint(1))))
