"""The layers of an envelope as bytes (CRYPTO section 3): content, ad, commitment, context, inner and outer.

CLIENTS ONLY. Every function here writes or reads exactly one row of the table; none decides anything.
"""

from dataclasses import dataclass
from hashlib import blake2b, sha512
from hmac import digest

from nacl.bindings import crypto_box, crypto_scalarmult_base, sodium_pad
from nacl.exceptions import RuntimeError as SodiumRefusal

from crypto.bundles import BUNDLE_BYTES
from crypto.fields import HASH_BYTES, ID_BYTES, KEY_BYTES, Reader, fixed, u8, u32, u64
from crypto.labels import H, labelled
from crypto.refusals import Reason, Refused
from crypto.scopes import BUCKETS, CLASS_BUCKETS, COMMITMENT_BYTES, FrameClass

AD_VERSION = 1
OUTER_LAYER = b"\x01"
INNER_LAYER = b"\x02"
NONCE_BYTES = 24
CONTENT_HEAD_BYTES = 1 + 8 + 8 + 2 * HASH_BYTES
INNER_HEAD_BYTES = len(INNER_LAYER) + HASH_BYTES + KEY_BYTES
MAX_BODY_BYTES = BUCKETS[-1] - 1 - INNER_HEAD_BYTES - CONTENT_HEAD_BYTES


@dataclass(frozen=True, slots=True)
class Content:
    """What is said, the same bytes for every device. `prev` is zero at seq 1 and in classes 2 and 3."""

    kind: int
    seq: int
    sent_at_ms: int
    prev: bytes
    members: bytes
    body: bytes

    def encode(self) -> bytes:
        """The bytes: kind u8, seq u64, sent_at_ms u64, prev 32, members 32, body."""
        head = u8(self.kind) + u64(self.seq) + u64(self.sent_at_ms)
        return head + fixed(self.prev, HASH_BYTES) + fixed(self.members, HASH_BYTES) + self.body

    @classmethod
    def decode(cls, raw: bytes) -> "Content":
        """The inverse of `encode`."""
        reader = Reader(raw)
        numbers = (reader.uint(1), reader.uint(8), reader.uint(8))
        return cls(*numbers, reader.take(HASH_BYTES), reader.take(HASH_BYTES), reader.rest())


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a box, from a list and a bundle that were verified."""

    account: bytes
    identity_pk: bytes
    device_pk: bytes
    box_pk: bytes

    def encode(self) -> tuple[bytes, bytes, bytes, bytes]:
        """The fields in order: account 16, identity_pk 32, device_pk 32, box_pk 32."""
        return (
            fixed(self.account, ID_BYTES),
            fixed(self.identity_pk, KEY_BYTES),
            fixed(self.device_pk, KEY_BYTES),
            fixed(self.box_pk, KEY_BYTES),
        )


def associated(frame_class: FrameClass, scope: bytes, sender_device: bytes, n: int) -> bytes:
    """The ad, 42 bytes: 0x01, class u8, scope 16, sender device id 16, n u64."""
    place = fixed(scope, ID_BYTES) + fixed(sender_device, ID_BYTES)
    return u8(AD_VERSION) + u8(frame_class) + place + u64(n)


def commitment(kf: bytes, ad: bytes, content: bytes) -> bytes:
    """The c: HMAC-SHA-512 cut to 32 bytes (crypto_auth) over "sotto/v1/frank" 0x00 ad content, kf of 32 bytes.

    A shorter key would be padded with zeros and a longer one hashed (RFC 2104), so that two keys could
    commit to the same bytes: exactly 32 or refused.
    """
    message = labelled("sotto/v1/frank", ad + content)
    return digest(fixed(kf, KEY_BYTES), message, sha512)[:COMMITMENT_BYTES]


def context(tenant: bytes, sender: Party, recipient: Party, key_no: int, list_hash: bytes) -> bytes:
    """The ctx: what both ends know of each other, hashed; key_no and list_hash are the recipient's."""
    to_account, to_identity, to_device, to_box = recipient.encode()
    return H(
        "sotto/v1/ctx",
        fixed(tenant, ID_BYTES),
        *sender.encode(),
        to_account,
        to_identity,
        to_device,
        u32(key_no),
        to_box,
        fixed(list_hash, HASH_BYTES),
    )


def inner_plaintext(ctx: bytes, kf: bytes, content: bytes) -> bytes:
    """0x02, ctx 32, kf 32, content."""
    return INNER_LAYER + fixed(ctx, HASH_BYTES) + fixed(kf, KEY_BYTES) + content


def outer_plaintext(bundle: bytes, to_list_version: int, inner: bytes) -> bytes:
    """0x01, sender bundle 195, to_list_version u32, inner."""
    return OUTER_LAYER + fixed(bundle, BUNDLE_BYTES) + u32(to_list_version) + inner


def pad(frame_class: FrameClass, plaintext: bytes) -> bytes:
    """ISO 7816-4 padding to the smallest bucket with room for its marker; signals start at 8,192."""
    bucket = next((size for size in CLASS_BUCKETS[frame_class] if size > len(plaintext)), None)
    if bucket is None:
        raise Refused(Reason.TOO_LONG)
    return sodium_pad(plaintext, bucket)


def inner_box(padded: bytes, to_pk: bytes, from_secret: bytes, nonce: bytes) -> bytes:
    """A nonce of 24 bytes, then crypto_box."""
    return fixed(nonce, NONCE_BYTES) + _box(padded, nonce, to_pk, from_secret)


def sealed(plaintext: bytes, to_pk: bytes, ephemeral_secret: bytes) -> bytes:
    """What crypto_box_seal makes, with the ephemeral key an input: epk 32, then crypto_box under `seal_nonce`."""
    ephemeral_pk = crypto_scalarmult_base(fixed(ephemeral_secret, KEY_BYTES))
    return ephemeral_pk + _box(plaintext, seal_nonce(ephemeral_pk, to_pk), to_pk, ephemeral_secret)


def seal_nonce(ephemeral_pk: bytes, to_pk: bytes) -> bytes:
    """The nonce that crypto_box_seal derives: BLAKE2b-192(epk || to_pk), no label."""
    return blake2b(ephemeral_pk + to_pk, digest_size=NONCE_BYTES).digest()


def _box(plaintext: bytes, nonce: bytes, to_pk: bytes, from_secret: bytes) -> bytes:
    """crypto_box; a low-order key, where PyNaCl raises RuntimeError, is refused by name."""
    try:
        return crypto_box(plaintext, nonce, to_pk, from_secret)
    except SodiumRefusal:
        raise Refused(Reason.WEAK_KEY) from None
