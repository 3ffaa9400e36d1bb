"""The key bundle: a device's box key, signed by the device (CRYPTO section 2), 195 bytes."""

from dataclasses import dataclass
from enum import IntEnum
from hmac import compare_digest
from typing import ClassVar

from crypto.clock import CALL_LIFE_MS, MAIL_LIFE_MS
from crypto.fields import (
    HASH_BYTES,
    ID_BYTES,
    KEY_BYTES,
    SIGNATURE_BYTES,
    ZERO_HASH,
    ZERO_ID,
    Reader,
    fixed,
    u8,
    u32,
    u64,
)
from crypto.labels import Label, device_id, require_box_key, verify
from crypto.lists import Device, DeviceList
from crypto.refusals import Reason, Refused, require
from crypto.signing import DeviceKey

BUNDLE_BYTES = 195
BUNDLE_VERSION_BYTE = 1
SUITE = 1  # X25519, XSalsa20-Poly1305; suite 2 is reserved (CRYPTO section 11)


class Use(IntEnum):
    """What a box key is for."""

    MAIL = 0  # scope is zero
    CALL = 1  # scope is the call id


_LIFE_MS = {Use.MAIL: MAIL_LIFE_MS, Use.CALL: CALL_LIFE_MS}


@dataclass(frozen=True, slots=True)
class BundleBody:
    """The 131 signed bytes: a box key, its device, its number and its clock. Rules hold by construction."""

    use: Use
    scope: bytes
    device_id: bytes
    key_no: int
    created_ms: int
    expires_ms: int
    box_pk: bytes
    list_version: int
    log_size: int = 0
    log_root: bytes = ZERO_HASH

    def __post_init__(self) -> None:
        require_box_key(self.box_pk)
        require(self.key_no >= 1, Reason.NUMBER_RANGE)
        require(self.list_version >= 1, Reason.NUMBER_RANGE)
        require((self.use is Use.MAIL) == (self.scope == ZERO_ID), Reason.BAD_USE)
        life_ms = self.expires_ms - self.created_ms
        require(0 < life_ms <= _LIFE_MS[self.use], Reason.BAD_LIFETIME)

    def encode(self) -> bytes:
        """v, suite, use, scope, device id, key_no, created, expires, box_pk, list_version, log_size, log_root."""
        return b"".join(
            (
                u8(BUNDLE_VERSION_BYTE),
                u8(SUITE),
                u8(self.use),
                fixed(self.scope, ID_BYTES),
                fixed(self.device_id, ID_BYTES),
                u32(self.key_no),
                u64(self.created_ms),
                u64(self.expires_ms),
                self.box_pk,
                u32(self.list_version),
                u64(self.log_size),
                fixed(self.log_root, HASH_BYTES),
            )
        )

    def require_usable(self, now_ms: int) -> None:
        """Refuse to seal to a key from the moment it expires."""
        require(now_ms < self.expires_ms, Reason.KEY_EXPIRED)


@dataclass(frozen=True, slots=True)
class KeyStatement:
    """What a bundle's signature covers: tenant || account || list_hash || the first 131 bytes."""

    LABEL: ClassVar[Label] = Label.KEY

    tenant: bytes
    account: bytes
    list_hash: bytes
    body: BundleBody

    def encode(self) -> bytes:
        """The struct under `sotto/v1/key`, 195 bytes."""
        owner = fixed(self.tenant, ID_BYTES) + fixed(self.account, ID_BYTES)
        return owner + fixed(self.list_hash, HASH_BYTES) + self.body.encode()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle's body with its signature; `parse_bundle` leaves the signature unchecked."""

    body: BundleBody
    signature: bytes

    def encode(self) -> bytes:
        """The wire form, 195 bytes."""
        return self.body.encode() + fixed(self.signature, SIGNATURE_BYTES)


def sign_bundle(body: BundleBody, device: DeviceKey, own: DeviceList) -> Bundle:
    """A device's bundle under its account's list `own`."""
    require(body.device_id == device.id, Reason.WRONG_DEVICE)
    require(body.list_version == own.version, Reason.WRONG_LIST)
    return Bundle(body, device.sign(KeyStatement(own.tenant, own.account, own.list_hash, body)))


def parse_bundle(raw: bytes) -> Bundle:
    """A well-formed bundle, its signature not yet checked. Raises `Refused`."""
    require(len(raw) == BUNDLE_BYTES, Reason.BAD_LENGTH)
    reader = Reader(raw)
    require(reader.uint(1) == BUNDLE_VERSION_BYTE, Reason.BAD_VERSION)
    require(reader.uint(1) == SUITE, Reason.BAD_SUITE)
    return Bundle(_read_body(reader), reader.take(SIGNATURE_BYTES))


def verify_bundle(raw: bytes, tenant: bytes, account: bytes, list_hash: bytes, device_pk: bytes) -> Bundle:
    """A bundle that this device signed under this list. Raises `Refused`.

    The caller looks the list up by the bundle's `list_version`; `verify_bundle_in` does it for a list at hand.
    Whether `created_ms` is near the present is `require_dated`'s question.
    """
    bundle = parse_bundle(raw)
    _require_signed(bundle, KeyStatement(tenant, account, list_hash, bundle.body), device_pk)
    return bundle


def verify_bundle_in(raw: bytes, own: DeviceList) -> Bundle:
    """A bundle of one of the devices of `own`, published under exactly that list. Raises `Refused`."""
    bundle = parse_bundle(raw)
    require_signed_in(bundle, own)
    return bundle


def require_signed_in(bundle: Bundle, own: DeviceList) -> Device:
    """The device of `own` that signed this bundle under exactly that list. Raises `Refused`."""
    body = bundle.body
    require(body.list_version == own.version, Reason.WRONG_LIST)
    device = own.device(body.device_id)
    if device is None:
        raise Refused(Reason.WRONG_DEVICE)
    _require_signed(bundle, KeyStatement(own.tenant, own.account, own.list_hash, body), device.device_pk)
    return device


def _require_signed(bundle: Bundle, statement: KeyStatement, device_pk: bytes) -> None:
    require(compare_digest(bundle.body.device_id, device_id(device_pk)), Reason.WRONG_DEVICE)
    verify(statement, bundle.signature, device_pk)


def _read_body(reader: Reader) -> BundleBody:
    use = reader.uint(1)
    require(use in _LIFE_MS, Reason.BAD_USE)
    return BundleBody(
        use=Use(use),
        scope=reader.take(ID_BYTES),
        device_id=reader.take(ID_BYTES),
        key_no=reader.uint(4),
        created_ms=reader.uint(8),
        expires_ms=reader.uint(8),
        box_pk=reader.take(KEY_BYTES),
        list_version=reader.uint(4),
        log_size=reader.uint(8),
        log_root=reader.take(HASH_BYTES),
    )
