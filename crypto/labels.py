"""Labelled hashes, and signatures that exist only under a label (CRYPTO section 1).

There is no `sign(bytes)`. A signed statement is a type with its own label, and what is signed is
`label || 0x00 || struct`; a signature under one label is worth nothing under another.
"""

from enum import StrEnum, unique
from hashlib import blake2b
from typing import ClassVar, Protocol

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_scalarmult, crypto_sign_open
from nacl.exceptions import BadSignatureError
from nacl.exceptions import RuntimeError as SodiumRefusal

from crypto.fields import HASH_BYTES, ID_BYTES, KEY_BYTES, SIGNATURE_BYTES, fixed, utf8
from crypto.refusals import Reason, Refused, require

_CURVE25519_PRIME = 2**255 - 19  # RFC 7748 section 4.1
_PROBE = bytes([8]) + bytes(30) + bytes([64])  # a clamped scalar: it takes every low-order point to zero


@unique
class Label(StrEnum):
    """The labels under which anything is signed."""

    LIST = "sotto/v1/list"
    KEY = "sotto/v1/key"
    HELLO = "sotto/v1/hello"
    HTTP = "sotto/v1/http"
    ROSTER = "sotto/v1/roster"
    CONSENT = "sotto/v1/consent"


class Statement(Protocol):
    """Something that can be signed: a struct under its own label."""

    LABEL: ClassVar[Label]

    def encode(self) -> bytes:
        """The struct, every variable part preceded by its length or count."""
        ...


def labelled(label: str, struct: bytes) -> bytes:
    """Label || 0x00 || struct."""
    return utf8(label) + b"\0" + struct


def H(label: str, *parts: bytes) -> bytes:  # noqa: N802 -- the name that CRYPTO gives it
    """BLAKE2b-256(label || 0x00 || parts joined), 32 bytes. Parts have fixed lengths or carry them."""
    return blake2b(labelled(label, b"".join(parts)), digest_size=HASH_BYTES).digest()


def signed_bytes(statement: Statement) -> bytes:
    """The exact bytes that a signature covers."""
    return labelled(statement.LABEL, statement.encode())


def verify(statement: Statement, signature: bytes, public_key: bytes) -> None:
    """Refuse with `bad_signature` unless the Ed25519 key signed this statement under its label (RFC 8032)."""
    fixed(signature, SIGNATURE_BYTES)
    require_signing_key(public_key)
    try:
        crypto_sign_open(signature + signed_bytes(statement), public_key)
    except BadSignatureError:
        raise Refused(Reason.BAD_SIGNATURE) from None


def require_signing_key(public_key: bytes) -> bytes:
    """The Ed25519 key itself, refused unless canonical, on the curve, of the main subgroup, not of low order."""
    fixed(public_key, KEY_BYTES)
    require(crypto_core_ed25519_is_valid_point(public_key), Reason.WEAK_KEY)
    return public_key


def require_box_key(public_key: bytes) -> bytes:
    """The X25519 key itself, refused when it is of low order or not canonical.

    A key at or above the prime, or with its top bit set, would be a second spelling of another key
    (RFC 7748 section 5 masks the bit), and one box key must not stand in two devices.
    """
    fixed(public_key, KEY_BYTES)
    require(int.from_bytes(public_key, "little") < _CURVE25519_PRIME, Reason.WEAK_KEY)
    try:
        crypto_scalarmult(_PROBE, public_key)
    except SodiumRefusal:
        raise Refused(Reason.WEAK_KEY) from None
    return public_key


def device_id(device_pk: bytes) -> bytes:
    """The 16-byte id of a device: BLAKE2b-128("sotto/v1/device" 0x00 device_pk). Nobody assigns it."""
    struct = labelled("sotto/v1/device", fixed(device_pk, KEY_BYTES))
    return blake2b(struct, digest_size=ID_BYTES).digest()
