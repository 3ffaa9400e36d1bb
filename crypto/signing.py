"""Secret keys. Seeds are inputs, so that whoever makes a key decides where its randomness comes from."""

from typing import ClassVar

from nacl.bindings import crypto_scalarmult_base, crypto_sign, crypto_sign_seed_keypair

from crypto.fields import KEY_BYTES, SIGNATURE_BYTES, fixed
from crypto.labels import Label, Statement, device_id, signed_bytes
from crypto.refusals import Reason, require


class _SigningKey:
    """An Ed25519 key from a 32-byte seed (RFC 8032 section 5.1.5). Signs typed statements alone."""

    SIGNS: ClassVar[frozenset[Label]]

    def __init__(self, seed: bytes) -> None:
        self.seed = fixed(seed, KEY_BYTES)
        self.public, self._secret = crypto_sign_seed_keypair(seed)

    def sign(self, statement: Statement) -> bytes:
        """The detached 64-byte signature over label || 0x00 || struct; `wrong_signer` for a foreign label."""
        require(statement.LABEL in self.SIGNS, Reason.WRONG_SIGNER)
        return crypto_sign(signed_bytes(statement), self._secret)[:SIGNATURE_BYTES]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(public={self.public.hex()})"


class IdentityKey(_SigningKey):
    """An account's key: signs device lists and nothing else."""

    SIGNS = frozenset({Label.LIST})


class DeviceKey(_SigningKey):
    """A device's key, which never leaves it: signs everything but device lists."""

    SIGNS = frozenset(Label) - {Label.LIST}

    @property
    def id(self) -> bytes:
        """The device id, 16 bytes."""
        return device_id(self.public)


class BoxKey:
    """An X25519 key from its 32 secret bytes (RFC 7748). What it opens is the envelope's matter."""

    def __init__(self, secret: bytes) -> None:
        self.secret = fixed(secret, KEY_BYTES)
        self.public = crypto_scalarmult_base(secret)

    def __repr__(self) -> str:
        return f"BoxKey(public={self.public.hex()})"
