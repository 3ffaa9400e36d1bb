"""Identifying columns are encrypted with XChaCha20-Poly1305 under a key that is kept outside the database.

What is sealed for one column of one row opens there alone: table, column and row id are the associated data. Values are
padded to 64 bytes, so that a length says only "up to 63", "up to 127"...
"""

import enum
from collections.abc import Callable
from typing import Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    sodium_pad,
    sodium_unpad,
)
from nacl.exceptions import CryptoError

Random = Callable[[int], bytes]

PAD_BYTES: Final = 64
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 24
_TAG_BYTES: Final = 16
_LABEL: Final = b"sotto/v1/column\0"


class Column(enum.Enum):
    """Each encrypted column, as `table.column`."""

    ACCOUNT_NAME = "account.name_box"
    ACCOUNT_ALIAS = "account.alias_box"
    INVITATION_ALIAS = "invitation.alias_box"
    DEVICE_NAME = "device.name_box"


class ColumnUnreadable(Exception):
    """A column does not open: another key, another row, or changed bytes."""


class Columns:
    """Seals and opens values under the column key of 32 bytes."""

    def __init__(self, key: bytes, random: Random) -> None:
        self._key = key
        self._random = random

    def seal(self, column: Column, row: bytes, text: str) -> bytes:
        """0x01, nonce 24, ciphertext of the padded UTF-8, tag 16: 105 bytes for a text of up to 63."""
        nonce = self._random(_NONCE_BYTES)
        padded = sodium_pad(text.encode(), PAD_BYTES)
        return _VERSION + nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(padded, _ad(column, row), nonce, self._key)

    def open(self, column: Column, row: bytes, sealed: bytes) -> str:
        """The text. Raises `ColumnUnreadable`."""
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _VERSION or len(body) < PAD_BYTES + _TAG_BYTES:
            raise ColumnUnreadable
        try:
            padded = crypto_aead_xchacha20poly1305_ietf_decrypt(body, _ad(column, row), nonce, self._key)
        except CryptoError:
            raise ColumnUnreadable from None
        return sodium_unpad(padded, PAD_BYTES).decode()


def _ad(column: Column, row: bytes) -> bytes:
    """The label, and then column and row with their lengths before them."""
    name = column.value.encode()
    return b"".join((_LABEL, bytes([len(name)]), name, bytes([len(row)]), row))
