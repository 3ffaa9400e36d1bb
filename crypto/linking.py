"""Linking: the key of a new device as eight words or a code, for a person to compare (CRYPTO section 9).

The words of `words.txt` are the English list of BIP-39: 2,048 words, one on each line, a word's number its place. The
file is `english.txt` of the package `mnemonic` 0.21 (MIT licence, Copyright (c) 2013-2016 Pavol Rusnak), with
SHA-256 2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda.
"""

from functools import cache
from hmac import compare_digest
from importlib.resources import files
from typing import Final

from crypto.fields import KEY_BYTES, Reader, u8
from crypto.labels import H, require_signing_key
from crypto.refusals import Reason, require

WORDS: Final = 8
LINK_QR_BYTES: Final = 1 + KEY_BYTES
_WORD_BITS: Final = 11
_HASH_BYTES: Final = WORDS * _WORD_BITS // 8
_QR_VERSION: Final = u8(1)


@cache
def word_list() -> tuple[str, ...]:
    """The 2,048 words in their order."""
    return tuple(files("crypto").joinpath("words.txt").read_text("ascii").split())


def link_words(device_pk: bytes) -> tuple[str, ...]:
    """Eight words: the first 88 bits of H("sotto/v1/link", device_pk), 11 bits each, the highest first."""
    bits = int.from_bytes(H("sotto/v1/link", require_signing_key(device_pk))[:_HASH_BYTES], "big")
    places = ((bits >> _WORD_BITS * (WORDS - 1 - at)) % (1 << _WORD_BITS) for at in range(WORDS))
    return tuple(word_list()[place] for place in places)


def words_match(typed: str, device_pk: bytes) -> bool:
    """Whether somebody typed exactly this key's words; upper case and the space between them do not matter."""
    return compare_digest(
        " ".join(typed.casefold().split()).encode(errors="surrogatepass"), " ".join(link_words(device_pk)).encode()
    )


def link_qr_bytes(device_pk: bytes) -> bytes:
    """What a new device shows as a code: 0x01 || device_pk, 33 bytes."""
    return _QR_VERSION + require_signing_key(device_pk)


def parse_link_qr(scanned: bytes) -> bytes:
    """The device key that a scanned code names. Raises `Refused` for anything but one."""
    reader = Reader(scanned)
    require(reader.take(1) == _QR_VERSION, Reason.BAD_VERSION)
    device_pk = reader.take(KEY_BYTES)
    reader.end()
    return require_signing_key(device_pk)
