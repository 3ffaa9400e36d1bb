"""Opaque secrets of 256 bits, kept as BLAKE2b-256 under a label that says what they are."""

import hashlib
from typing import Final

TOKEN_BYTES: Final = 32

_LABELS: Final = {"session": b"sotto/v1/session\0", "invitation": b"sotto/v1/invitation\0"}


def session_hash(token: bytes) -> bytes:
    """How a session's token stands in the store."""
    return _hash("session", token)


def invitation_hash(code: bytes) -> bytes:
    """How an invitation's code stands in the store."""
    return _hash("invitation", code)


def _hash(kind: str, secret: bytes) -> bytes:
    return hashlib.blake2b(_LABELS[kind] + secret, digest_size=32).digest()
