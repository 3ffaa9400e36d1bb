"""What is derived from the lookup key: how a name is found without being stored, and what an unknown name is told."""

import hashlib
import hmac
from typing import Final

from chatserver.people import names

SALT_BYTES: Final = 16
_SEED_BYTES: Final = 16


class Lookup:
    """Keyed hashes under the lookup key of 32 bytes; each use has a label of its own."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _mac(self, label: bytes, *parts: bytes) -> bytes:
        return hmac.digest(self._key, label + b"\0" + b"".join(parts), hashlib.sha256)

    def name_key(self, typed: str) -> bytes:
        """The 32 bytes by which a sign-in name is found, the same for every way of typing it."""
        return self._mac(b"sotto/v1/name", _utf8(names.same(typed)))

    def decoy_salt(self, typed: str) -> bytes:
        """The salt of a name that nobody has: always the same 16 bytes for it (CRYPTO section 8)."""
        return self._mac(b"sotto/v1/salt", _utf8(names.same(typed)))[:SALT_BYTES]

    def place(self, name_key: bytes, seed: bytes) -> bytes:
        """A token that says: from here, this name once signed in. 16 bytes of seed and a MAC; the seed is random."""
        return seed + self._mac(b"sotto/v1/place", name_key, seed)

    def known_place(self, name_key: bytes, token: bytes) -> bytes | None:
        """The seed of a genuine place token of that name, else None."""
        seed, mac = token[:_SEED_BYTES], token[_SEED_BYTES:]
        genuine = hmac.compare_digest(mac, self._mac(b"sotto/v1/place", name_key, seed))
        return seed if genuine else None


def _utf8(text: str) -> bytes:
    """UTF-8; a lone surrogate, which no name can hold, becomes a mark of its own."""
    return text.encode(errors="backslashreplace")
