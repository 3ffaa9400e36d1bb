import pytest

from crypto.keys import (
    BUNDLE_BYTES,
    Reason,
    Refused,
    sign_bundle,
    verify_bundle,
    verify_bundle_in,
)
from crypto.vectors.case import flipped
from crypto.vectors.world import ALICE, BOB, MALLORY, TENANT, next_list

pytestmark = pytest.mark.pure


def test_a_bundle_is_195_bytes_and_comes_back() -> None:
    bundle = ALICE.bundle()
    raw = bundle.encode()
    assert len(raw) == BUNDLE_BYTES == 195
    assert verify_bundle_in(raw, ALICE.body) == bundle


def test_every_flipped_bit_of_a_bundle_is_refused() -> None:
    raw = ALICE.bundle().encode()
    for bit in range(8 * len(raw)):
        with pytest.raises(Refused):
            verify_bundle_in(flipped(raw, bit), ALICE.body)


def test_a_bundle_is_checked_with_what_the_caller_knows() -> None:
    raw, device = ALICE.bundle().encode(), ALICE.device_keys[0]
    assert verify_bundle(raw, TENANT, ALICE.account, ALICE.body.list_hash, device.public) == ALICE.bundle()
    for tenant, account, list_hash, device_pk, reason in (
        (BOB.account, ALICE.account, ALICE.body.list_hash, device.public, Reason.BAD_SIGNATURE),
        (TENANT, BOB.account, ALICE.body.list_hash, device.public, Reason.BAD_SIGNATURE),
        (TENANT, ALICE.account, BOB.body.list_hash, device.public, Reason.BAD_SIGNATURE),
        (TENANT, ALICE.account, ALICE.body.list_hash, ALICE.device_keys[1].public, Reason.WRONG_DEVICE),
        (TENANT[1:], ALICE.account, ALICE.body.list_hash, device.public, Reason.BAD_WIDTH),
        (TENANT, ALICE.account[1:], ALICE.body.list_hash, device.public, Reason.BAD_WIDTH),
        (TENANT, ALICE.account, ALICE.body.list_hash[1:], device.public, Reason.BAD_WIDTH),
    ):
        with pytest.raises(Refused) as caught:
            verify_bundle(raw, tenant, account, list_hash, device_pk)
        assert caught.value.reason is reason


def test_a_device_signs_its_own_bundle_under_the_list_at_hand() -> None:
    body, device = ALICE.bundle_body(), ALICE.device_keys[0]
    for attempt, reason in (
        ((body, MALLORY.device_keys[0], ALICE.body), Reason.WRONG_DEVICE),
        ((body, device, next_list(ALICE)), Reason.WRONG_LIST),
    ):
        with pytest.raises(Refused) as caught:
            sign_bundle(*attempt)
        assert caught.value.reason is reason
