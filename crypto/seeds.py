"""The identity seed on its way to a device that may add others (CRYPTO section 9).

A box among one's own devices goes to all of them; only this one may hold the identity. So the seed stands inside the
content once more sealed, for that device's box key alone. Who sealed it is the box's matter.
"""

from typing import Final

from nacl.bindings import crypto_box_seal, crypto_box_seal_open, crypto_box_SEALBYTES
from nacl.exceptions import CryptoError

from crypto.fields import KEY_BYTES, fixed
from crypto.labels import labelled, require_box_key
from crypto.refusals import Reason, Refused, require
from crypto.signing import BoxKey, IdentityKey

_LABEL: Final = "sotto/v1/identity-seed"
SEALED_SEED_BYTES: Final = len(_LABEL) + 1 + KEY_BYTES + crypto_box_SEALBYTES


def seal_seed(seed: bytes, box_pk: bytes) -> bytes:
    """The seed for whoever holds the box key."""
    return crypto_box_seal(labelled(_LABEL, fixed(seed, KEY_BYTES)), require_box_key(box_pk))


def open_seed(sealed: bytes, key: BoxKey, identity_pk: bytes) -> bytes:
    """The seed, if it is that of this identity. Raises `Refused`."""
    require(len(sealed) == SEALED_SEED_BYTES, Reason.BAD_LENGTH)
    try:
        opened = crypto_box_seal_open(sealed, key.public, key.secret)
    except CryptoError:
        raise Refused(Reason.SEAL_BROKEN) from None
    head = labelled(_LABEL, b"")
    require(opened.startswith(head), Reason.BAD_VERSION)
    seed = opened.removeprefix(head)
    require(IdentityKey(seed).public == identity_pk, Reason.WRONG_SIGNER)
    return seed
