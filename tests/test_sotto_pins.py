"""What is held fast about others: what a server that lies shows is refused, and never sealed to."""

from dataclasses import replace
from hashlib import blake2b

import pytest

from crypto.clock import HOUR_MS, MAIL_LIFE_MS
from crypto.envelope import Recipient
from crypto.fields import ZERO_HASH, ZERO_ID
from crypto.keys import (
    BoxKey,
    BundleBody,
    Device,
    DeviceKey,
    DeviceList,
    IdentityKey,
    Reason,
    Refused,
    Use,
    sign_bundle,
    sign_list,
)
from sotto.pins import ForeignOwnList, ListsMissing, Pins
from sotto.values import Alarm

pytestmark = pytest.mark.pure

T0 = 1_800_000_000_000
TENANT = b"t" * 16


def seed(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=32).digest()


class Somebody:
    """An account whose lists and bundles a test signs as it likes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.account = blake2b(name.encode(), digest_size=16).digest()
        self.identity = IdentityKey(seed(f"{name}/identity"))
        self.body = self._list(1, ZERO_HASH, [self.device(0)])
        self.raw = sign_list(self.body, self.identity)

    def device(self, at: int) -> DeviceKey:
        return DeviceKey(seed(f"{self.name}/{at}"))

    def _list(self, version: int, prev: bytes, keys: list[DeviceKey]) -> DeviceList:
        devices = sorted((Device(key.public, True, T0) for key in keys), key=lambda one: one.device_pk)
        return DeviceList(TENANT, self.account, version, prev, self.identity.public, T0, False, tuple(devices))

    def next(self, *devices: int) -> bytes:
        """The next list, with these devices."""
        self.body = self._list(self.body.version + 1, self.body.list_hash, [self.device(at) for at in devices])
        self.raw = sign_list(self.body, self.identity)
        return self.raw

    def reset(self) -> bytes:
        """The next list, under a new identity that nobody vouches for."""
        self.identity = IdentityKey(seed(f"{self.name}/identity/{self.body.version}"))
        body = self._list(self.body.version + 1, self.body.list_hash, [self.device(9)])
        self.body = replace(body, reset=True)
        self.raw = sign_list(self.body, self.identity)
        return self.raw

    def bundle(self, at: int = 0, key_no: int = 1, under: DeviceList | None = None, box: str = "") -> bytes:
        own = under or self.body
        secret = seed(box or f"{self.name}/{at}/box/{key_no}")
        body = BundleBody(
            use=Use.MAIL,
            scope=ZERO_ID,
            device_id=self.device(at).id,
            key_no=key_no,
            created_ms=T0,
            expires_ms=T0 + MAIL_LIFE_MS,
            box_pk=BoxKey(secret).public,
            list_version=own.version,
        )
        return sign_bundle(body, self.device(at), own).encode()


@pytest.fixture
def own() -> Somebody:
    return Somebody("own")


@pytest.fixture
def other() -> Somebody:
    return Somebody("other")


@pytest.fixture
def pins(own: Somebody, other: Somebody) -> Pins:
    made = Pins(TENANT, own.account, own.device(0).public)
    made.take_own_list(own.raw)
    made.take_list(other.account, other.raw)
    made.take_bundle(other.bundle())
    return made


def sealed_to(pins: Pins, *who: Somebody, now: int = T0) -> set[bytes]:
    found: list[Recipient] = pins.recipients([one.account for one in who], now)
    return {one.bundle.body.device_id for one in found}


def test_the_first_list_is_pinned_and_accepted(pins: Pins, other: Somebody) -> None:
    assert pins.version(other.account) == 1
    assert pins.approved(other.account)
    assert not pins.verified(other.account)


def test_the_same_list_again_changes_nothing(pins: Pins, other: Somebody) -> None:
    pins.take_changes()
    assert pins.take_list(other.account, other.raw) == []
    assert pins.take_changes().lists == {}


def test_a_new_device_of_a_pinned_identity_is_accepted_and_shown(pins: Pins, other: Somebody) -> None:
    assert pins.take_list(other.account, other.next(0, 1)) == [Alarm.DEVICE_ADDED]
    pins.take_bundle(other.bundle(1))
    assert sealed_to(pins, other) == {other.device(0).id, other.device(1).id}


def test_a_device_without_a_signature_of_its_owner_is_never_sealed_to(pins: Pins, other: Somebody) -> None:
    forged = Somebody("other")
    forged.identity = IdentityKey(seed("mallory"))
    forged.body = replace(forged.body, identity_pk=forged.identity.public)
    with pytest.raises(Refused) as refused:
        pins.take_list(other.account, forged.next(0, 1))
    assert refused.value.reason is Reason.BROKEN_CHAIN
    assert sealed_to(pins, other) == {other.device(0).id}


def test_an_identity_that_only_claims_to_follow_is_refused(pins: Pins, other: Somebody) -> None:
    thief = IdentityKey(seed("thief"))
    body = replace(other.body, version=2, prev_hash=other.body.list_hash, identity_pk=thief.public)
    with pytest.raises(Refused) as refused:
        pins.take_list(other.account, sign_list(body, thief))
    assert refused.value.reason is Reason.IDENTITY_CHANGED


def test_a_rollback_is_refused(pins: Pins, other: Somebody) -> None:
    first = other.raw
    pins.take_list(other.account, other.next(0, 1))
    with pytest.raises(Refused) as refused:
        pins.take_list(other.account, first)
    assert refused.value.reason is Reason.ROLLBACK


def test_a_fork_is_refused(pins: Pins, other: Somebody) -> None:
    body = replace(other.body, issued_ms=T0 + 1)
    with pytest.raises(Refused) as refused:
        pins.take_list(other.account, sign_list(body, other.identity))
    assert refused.value.reason is Reason.LIST_FORK


def test_the_list_of_somebody_else_is_refused(pins: Pins, other: Somebody) -> None:
    with pytest.raises(Refused) as refused:
        pins.take_list(other.account, Somebody("mallory").raw)
    assert refused.value.reason is Reason.WRONG_ACCOUNT


def test_versions_in_between_are_asked_for(pins: Pins, other: Somebody) -> None:
    other.next(0, 1)
    with pytest.raises(ListsMissing) as missing:
        pins.take_list(other.account, other.next(0))
    assert (missing.value.account, missing.value.after) == (other.account, 1)


def test_a_list_of_ones_own_that_one_did_not_make_is_an_alarm(pins: Pins, own: Somebody) -> None:
    with pytest.raises(ForeignOwnList):
        pins.take_list(own.account, own.next(0, 1))
    assert pins.version(own.account) == 1


def test_a_changed_identity_waits_for_the_person(pins: Pins, other: Somebody) -> None:
    assert Alarm.IDENTITY_CHANGED in pins.take_list(other.account, other.reset())
    assert not pins.approved(other.account)
    assert not pins.approve(other.account, b"an identity shown before")
    assert pins.approve(other.account, other.identity.public)
    assert pins.approved(other.account)


def test_a_verified_person_whose_identity_changed_must_be_verified_again(pins: Pins, other: Somebody) -> None:
    before = pins.safety(other.account)
    assert pins.verify(other.account, holds=True)
    pins.take_list(other.account, other.reset())
    assert pins.safety(other.account) != before
    assert not pins.approve(other.account, other.identity.public)
    pins.verify(other.account, holds=True)
    assert pins.approved(other.account)


def test_both_sides_see_the_same_safety_number(own: Somebody, other: Somebody, pins: Pins) -> None:
    theirs = Pins(TENANT, other.account, other.device(0).public)
    theirs.take_own_list(other.raw)
    theirs.take_list(own.account, own.raw)
    assert pins.safety(other.account) == theirs.safety(own.account)


def test_a_lower_key_number_is_refused_and_not_sealed_to(pins: Pins, other: Somebody) -> None:
    pins.take_bundle(other.bundle(key_no=2))
    with pytest.raises(Refused) as refused:
        pins.take_bundle(other.bundle(key_no=1))
    assert refused.value.reason is Reason.KEY_FELL
    (recipient,) = pins.recipients([other.account], T0)
    assert recipient.bundle.body.key_no == 2


def test_another_key_under_the_same_number_is_refused(pins: Pins, other: Somebody) -> None:
    with pytest.raises(Refused) as refused:
        pins.take_bundle(other.bundle(key_no=1, box="another"))
    assert refused.value.reason is Reason.KEY_FORK


def test_one_box_key_in_two_devices_is_refused(pins: Pins, other: Somebody) -> None:
    pins.take_list(other.account, other.next(0, 1))
    with pytest.raises(Refused) as refused:
        pins.take_bundle(other.bundle(1, box="other/0/box/1"))
    assert refused.value.reason is Reason.SHARED_BOX_KEY


def test_the_bundle_of_a_device_in_no_list_is_refused(pins: Pins, other: Somebody) -> None:
    with pytest.raises(Refused) as refused:
        pins.take_bundle(other.bundle(7))
    assert refused.value.reason is Reason.UNKNOWN_SENDER


def test_a_dormant_device_is_left_out(pins: Pins, other: Somebody) -> None:
    assert sealed_to(pins, other, now=T0 + MAIL_LIFE_MS) == set()
    assert sealed_to(pins, other, now=T0 + MAIL_LIFE_MS - HOUR_MS) == {other.device(0).id}


def test_a_removed_device_is_never_sealed_to_and_speaks_until_the_next_current(pins: Pins, other: Somebody) -> None:
    pins.take_list(other.account, other.next(0, 1))
    pins.take_bundle(other.bundle(1))
    assert pins.take_list(other.account, other.next(1)) == [Alarm.DEVICE_REMOVED]
    assert sealed_to(pins, other) == {other.device(1).id}
    assert pins.sender(other.device(0).id, [other.account]) == other.account
    pins.current()
    assert pins.sender(other.device(0).id, [other.account]) is None


def test_ones_own_other_devices_are_sealed_to_and_this_one_is_not(own: Somebody) -> None:
    two = own.next(0, 1)
    first = Somebody("own")
    pins = Pins(TENANT, own.account, own.device(0).public)
    pins.take_own_list(first.raw)
    pins.take_own_list(two)
    pins.take_bundle(own.bundle(1))
    pins.take_bundle(own.bundle(0))
    assert sealed_to(pins, own) == {own.device(1).id}


def test_pins_from_disk_are_the_same(pins: Pins, own: Somebody, other: Somebody) -> None:
    pins.take_list(other.account, other.next(0, 1))
    changes = pins.take_changes()
    again = Pins(
        TENANT,
        own.account,
        own.device(0).public,
        lists=changes.lists.values(),
        contacts=changes.contacts,
        bundles=changes.bundles,
    )
    assert again.recipients([other.account], T0) == pins.recipients([other.account], T0)
    assert again.safety(other.account) == pins.safety(other.account)
    assert again.approved(other.account)
