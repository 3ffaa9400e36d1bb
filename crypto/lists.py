"""The device list: one signed, versioned, hash-chained statement of all devices of an account.

CRYPTO section 2. On the wire a list is `body || signature 64`, and after them the old identity's
signature over the same body, 64 bytes, when the identity changed without a reset.
"""

from dataclasses import dataclass, field
from hmac import compare_digest
from itertools import pairwise
from typing import ClassVar

from crypto.fields import (
    HASH_BYTES,
    ID_BYTES,
    KEY_BYTES,
    SIGNATURE_BYTES,
    ZERO_HASH,
    Reader,
    fixed,
    u8,
    u32,
    u64,
)
from crypto.labels import H, Label, device_id, require_signing_key, verify
from crypto.refusals import Reason, require
from crypto.signing import IdentityKey

MAX_DEVICES = 6
LIST_VERSION_BYTE = 1
_RESET = 1  # flags bit 0
_MAY_ADD = 1  # dflags bit 0


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a list: its Ed25519 key, whether it may add others, when it was added (ms)."""

    device_pk: bytes
    may_add: bool
    added_ms: int

    @property
    def id(self) -> bytes:
        """The device id, 16 bytes."""
        return device_id(self.device_pk)

    def encode(self) -> bytes:
        """device_pk 32, dflags u8, added_ms u64: 41 bytes."""
        return self.device_pk + u8(_MAY_ADD * self.may_add) + u64(self.added_ms)


@dataclass(frozen=True, slots=True)
class DeviceList:
    """All devices of one account at one version. A value that breaks a rule cannot be made."""

    LABEL: ClassVar[Label] = Label.LIST

    tenant: bytes
    account: bytes
    version: int
    prev_hash: bytes
    identity_pk: bytes
    issued_ms: int
    reset: bool
    devices: tuple[Device, ...]
    list_hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        require(1 <= len(self.devices) <= MAX_DEVICES, Reason.DEVICE_COUNT)
        for key in (self.identity_pk, *(device.device_pk for device in self.devices)):
            require_signing_key(key)
        keys = [device.device_pk for device in self.devices]
        require(all(low < high for low, high in pairwise(keys)), Reason.UNSORTED)
        self._require_start()
        object.__setattr__(self, "list_hash", H("sotto/v1/list-hash", self.encode()))

    def _require_start(self) -> None:
        """The first list follows nothing; a later one follows something."""
        require(self.version >= 1, Reason.NUMBER_RANGE)
        first = self.version == 1
        require(first == (self.prev_hash == ZERO_HASH), Reason.BROKEN_CHAIN)
        require(not (first and self.reset), Reason.EMPTY_RESET)

    def encode(self) -> bytes:
        """The body, 111 + 41 n bytes: everything that is hashed and signed."""
        head = [
            u8(LIST_VERSION_BYTE),
            fixed(self.tenant, ID_BYTES),
            fixed(self.account, ID_BYTES),
            u32(self.version),
            fixed(self.prev_hash, HASH_BYTES),
            self.identity_pk,
            u64(self.issued_ms),
            u8(_RESET * self.reset),
            u8(len(self.devices)),
        ]
        return b"".join(head) + b"".join(device.encode() for device in self.devices)

    def device(self, device_id: bytes) -> Device | None:
        """The device with this id, if the list has it."""
        return next((device for device in self.devices if device.id == device_id), None)


@dataclass(frozen=True, slots=True)
class SignedList:
    """A device list whose own identity signed it; `old_signature` is still unchecked until `follows`."""

    body: DeviceList
    signature: bytes
    old_signature: bytes

    def encode(self) -> bytes:
        """The wire form that `parse_list` reads."""
        return self.body.encode() + self.signature + self.old_signature


def sign_list(body: DeviceList, identity: IdentityKey, old: IdentityKey | None = None) -> bytes:
    """The wire form of a list. `old` is the identity before it, when that changed without a reset."""
    require(identity.public == body.identity_pk, Reason.WRONG_SIGNER)
    return SignedList(body, identity.sign(body), old.sign(body) if old else b"").encode()


def parse_list(raw: bytes) -> SignedList:
    """A list and its own identity's signature, checked; what came before it is not looked at.

    For a first pin, and for lists that were verified before they were stored.
    """
    reader = Reader(raw)
    require(reader.uint(1) == LIST_VERSION_BYTE, Reason.BAD_VERSION)
    body = _read_body(reader)
    signature, old_signature = reader.take(SIGNATURE_BYTES), reader.rest()
    require(len(old_signature) in (0, SIGNATURE_BYTES), Reason.BAD_LENGTH)
    verify(body, signature, body.identity_pk)
    return SignedList(body, signature, old_signature)


def verify_list(raw: bytes, tenant: bytes, account: bytes, previous: DeviceList | None) -> SignedList:
    """A list that this account may publish now: it continues `previous`, or is version 1 if there is none.

    Raises `Refused`. Whether `issued_ms` is near the present is `require_dated`'s question.
    """
    signed = parse_list(raw)
    body = signed.body
    own = compare_digest(body.tenant + body.account, fixed(tenant, ID_BYTES) + fixed(account, ID_BYTES))
    require(own, Reason.WRONG_ACCOUNT)
    if previous is not None:
        require_follows(signed, previous)
        return signed
    require(body.version == 1, Reason.BROKEN_CHAIN)
    require(not signed.old_signature, Reason.EXTRA_SIGNATURE)
    return signed


def require_follows(signed: SignedList, previous: DeviceList) -> None:
    """Refuse unless the list is the next of the same account and the old identity let go of it."""
    body = signed.body
    same = (body.tenant, body.account) == (previous.tenant, previous.account)
    require(same, Reason.WRONG_ACCOUNT)
    require(body.version == previous.version + 1, Reason.BROKEN_CHAIN)
    require(compare_digest(body.prev_hash, previous.list_hash), Reason.BROKEN_CHAIN)
    _require_handover(signed, previous)


def _require_handover(signed: SignedList, previous: DeviceList) -> None:
    """A changed identity needs the old one's signature, or a reset that everybody will see."""
    body = signed.body
    changed = body.identity_pk != previous.identity_pk
    require(changed or not body.reset, Reason.EMPTY_RESET)
    if not changed or body.reset:
        require(not signed.old_signature, Reason.EXTRA_SIGNATURE)
        return
    require(bool(signed.old_signature), Reason.IDENTITY_CHANGED)
    verify(body, signed.old_signature, previous.identity_pk)


def _read_body(reader: Reader) -> DeviceList:
    tenant, account = reader.take(ID_BYTES), reader.take(ID_BYTES)
    version = reader.uint(4)
    prev_hash, identity_pk = reader.take(HASH_BYTES), reader.take(KEY_BYTES)
    issued_ms = reader.uint(8)
    reset = _read_flag(reader)
    devices = tuple(_read_device(reader) for _ in range(reader.uint(1)))
    return DeviceList(tenant, account, version, prev_hash, identity_pk, issued_ms, reset, devices)


def _read_device(reader: Reader) -> Device:
    return Device(reader.take(KEY_BYTES), _read_flag(reader), reader.uint(8))


def _read_flag(reader: Reader) -> bool:
    """One byte of flags of which only bit 0 has a meaning."""
    flags = reader.uint(1)
    require(flags <= 1, Reason.BAD_FLAGS)
    return bool(flags)
