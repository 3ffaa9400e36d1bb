"""CLIENTS ONLY: what the password opens, and how local records are kept (CRYPTO section 8)."""

from dataclasses import dataclass, field
from os import urandom
from unicodedata import normalize

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

from crypto.fields import ID_BYTES, KEY_BYTES, Random, counted, fixed, u8, utf8
from crypto.labels import labelled
from crypto.refusals import Reason, Refused, require

SALT_BYTES = 16
PASSES = 3
MEMORY_BYTES = 64 * 1024 * 1024
NONCE_BYTES = 24
TAG_BYTES = 16
_WRAP_VERSION = u8(1)
_RECORD_VERSION = u8(1)


@dataclass(frozen=True, slots=True)
class Derived:
    """The two halves of a stretched password. Only `login` ever leaves the device."""

    login: bytes = field(repr=False)  # first 32: the server gets it and hashes it again
    wrap: bytes = field(repr=False)  # last 32: opens the vault key


def derive(password: str, salt: bytes) -> Derived:
    """argon2id (RFC 9106; t=3, 64 MiB, one lane) of the password's NFKC form in UTF-8, to 64 bytes.

    NFKC as NIST SP 800-63B asks, so that the same password typed on another keyboard opens the same vault.
    """
    typed = utf8(normalize("NFKC", password))
    stretched = argon2id.kdf(2 * KEY_BYTES, typed, fixed(salt, SALT_BYTES), opslimit=PASSES, memlimit=MEMORY_BYTES)
    return Derived(stretched[:KEY_BYTES], stretched[KEY_BYTES:])


def wrap_vault_key(vault_key: bytes, wrap: bytes, tenant: bytes, account: bytes, *, random: Random = urandom) -> bytes:
    """0x01, nonce 24, XChaCha20-Poly1305 of V: 73 bytes. Bound to the account it belongs to."""
    ad = _wrap_ad(tenant, account)
    return _WRAP_VERSION + _encrypt(fixed(vault_key, KEY_BYTES), ad, wrap, random)


def unwrap_vault_key(wrapped: bytes, wrap: bytes, tenant: bytes, account: bytes) -> bytes:
    """V, or `vault_locked`: the wrong password, another account's, or changed bytes."""
    require(wrapped[:1] == _WRAP_VERSION, Reason.BAD_VERSION)
    return _decrypt(wrapped[1:], _wrap_ad(tenant, account), wrap, Reason.VAULT_LOCKED)


def seal_record(vault_key: bytes, store: str, key: bytes, plaintext: bytes, *, random: Random = urandom) -> bytes:
    """0x01, nonce 24, XChaCha20-Poly1305 under V; store and key are the associated data: 41 bytes longer."""
    return _RECORD_VERSION + _encrypt(plaintext, _record_ad(store, key), vault_key, random)


def open_record(vault_key: bytes, store: str, key: bytes, record: bytes) -> bytes:
    """The plaintext, or `record_broken`: changed, or moved to another store or key."""
    require(record[:1] == _RECORD_VERSION, Reason.BAD_VERSION)
    return _decrypt(record[1:], _record_ad(store, key), vault_key, Reason.RECORD_BROKEN)


def _wrap_ad(tenant: bytes, account: bytes) -> bytes:
    """The bytes "sotto/v1/vault" 0x00 tenant 16 account 16."""
    return labelled("sotto/v1/vault", fixed(tenant, ID_BYTES) + fixed(account, ID_BYTES))


def _record_ad(store: str, key: bytes) -> bytes:
    """The bytes "sotto/v1/record" 0x00 len16 || store len16 || key."""
    return labelled("sotto/v1/record", counted(utf8(store)) + counted(key))


def _encrypt(plaintext: bytes, ad: bytes, secret: bytes, random: Random) -> bytes:
    nonce = random(NONCE_BYTES)
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, ad, nonce, fixed(secret, KEY_BYTES))
    return nonce + sealed


def _decrypt(sealed: bytes, ad: bytes, secret: bytes, otherwise: Reason) -> bytes:
    require(len(sealed) >= NONCE_BYTES + TAG_BYTES, otherwise)
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, ad, nonce, fixed(secret, KEY_BYTES))
    except CryptoError:
        raise Refused(otherwise) from None
