"""The safety number: two people compare it to know that nobody stands between them (CRYPTO section 9)."""

from hmac import compare_digest

from crypto.fields import HASH_BYTES, ID_BYTES, fixed, u8
from crypto.labels import H, require_signing_key

QR_BYTES = 1 + 2 * HASH_BYTES
_QR_VERSION = u8(1)
_GROUPS = 6
_GROUP_BYTES = 5
_GROUP_MODULUS = 100_000


def fingerprint(tenant: bytes, account: bytes, identity_pk: bytes) -> bytes:
    """F = H("sotto/v1/safety", tenant, account, identity_pk), 32 bytes."""
    owner = fixed(tenant, ID_BYTES) + fixed(account, ID_BYTES)
    return H("sotto/v1/safety", owner, require_signing_key(identity_pk))


def safety_number(own: bytes, other: bytes) -> str:
    """60 digits, the same on both sides: 30 of each fingerprint, the lower fingerprint first."""
    low, high = sorted((fixed(own, HASH_BYTES), fixed(other, HASH_BYTES)))
    return _digits(low) + _digits(high)


def qr_bytes(own: bytes, other: bytes) -> bytes:
    """What one side shows: 0x01 || F_own || F_other, 65 bytes."""
    return _QR_VERSION + fixed(own, HASH_BYTES) + fixed(other, HASH_BYTES)


def qr_matches(scanned: bytes, own: bytes, other: bytes) -> bool:
    """Whether the code that the other side shows names the same two identities, seen from over there."""
    return compare_digest(scanned, qr_bytes(other, own))


def _digits(fingerprint: bytes) -> str:
    """The first 30 bytes as six 5-byte integers, each mod 100,000 and five digits wide."""
    starts = range(0, _GROUPS * _GROUP_BYTES, _GROUP_BYTES)
    groups = (int.from_bytes(fingerprint[at : at + _GROUP_BYTES], "big") for at in starts)
    return "".join(f"{group % _GROUP_MODULUS:05d}" for group in groups)
