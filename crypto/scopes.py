"""What a box says about its place: its class, its size, its conversation's members (CRYPTO section 3)."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import MappingProxyType

from crypto.fields import ID_BYTES, KEY_BYTES, fixed
from crypto.labels import H

BUCKETS = (256, 1_024, 4_096, 8_192, 16_384, 49_152)
BOX_OVERHEAD_BYTES = 288
BOX_LENGTHS = tuple(bucket + BOX_OVERHEAD_BYTES for bucket in BUCKETS)
COMMITMENT_BYTES = 32


class FrameClass(IntEnum):
    """What kind of frame carries a box."""

    MESSAGE = 1
    FLEETING = 2
    SIGNAL = 3


CLASS_BUCKETS: Mapping[FrameClass, tuple[int, ...]] = MappingProxyType({
    FrameClass.MESSAGE: BUCKETS,
    FrameClass.FLEETING: BUCKETS,
    FrameClass.SIGNAL: BUCKETS[3:],  # from 8,192: descriptions of a session do not tell their length
})  # fmt: skip


def members_hash(scope: bytes, members: Iterable[tuple[bytes, bytes]]) -> bytes:
    """H("sotto/v1/members", scope, sorted(account 16 || identity_pk 32)...), each pair once."""
    pairs = {fixed(account, ID_BYTES) + fixed(identity, KEY_BYTES) for account, identity in members}
    return H("sotto/v1/members", fixed(scope, ID_BYTES), *sorted(pairs))


def set_hash(device_ids: Iterable[bytes]) -> bytes:
    """H("sotto/v1/set", sorted device ids), each 16 bytes and once."""
    return H("sotto/v1/set", *sorted({fixed(device, ID_BYTES) for device in device_ids}))
