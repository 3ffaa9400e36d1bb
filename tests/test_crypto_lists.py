from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.keys import (
    ZERO_HASH,
    DeviceKey,
    DeviceList,
    H,
    IdentityKey,
    Reason,
    Refused,
    parse_list,
    sign_list,
    verify_list,
)
from crypto.vectors.case import flipped
from crypto.vectors.world import ALICE, MALLORY, TENANT, id16, listed, next_list, seed

pytestmark = pytest.mark.pure

seeds = st.binary(min_size=32, max_size=32)


@settings(max_examples=40)
@given(st.sets(seeds, min_size=1, max_size=6), seeds, st.integers(0, 2**53 - 1))
def test_every_list_comes_back_from_the_wire(devices: set[bytes], identity: bytes, issued_ms: int) -> None:
    owner = IdentityKey(identity)
    keys = listed(DeviceKey(secret) for secret in sorted(devices))
    body = DeviceList(TENANT, id16("anyone"), 1, ZERO_HASH, owner.public, issued_ms, False, keys)
    raw = sign_list(body, owner)
    signed = verify_list(raw, TENANT, id16("anyone"), None)
    assert (signed.body, signed.encode(), len(raw)) == (body, raw, 111 + 41 * len(keys) + 64)
    assert body.list_hash == H("sotto/v1/list-hash", raw[:-64])


def test_every_flipped_bit_of_a_list_is_refused() -> None:
    raw = ALICE.signed
    for bit in range(8 * len(raw)):
        with pytest.raises(Refused):
            verify_list(flipped(raw, bit), TENANT, ALICE.account, None)


def test_a_changed_identity_may_not_be_dated_by_the_new_key_alone() -> None:
    new = IdentityKey(seed("new"))
    body = next_list(ALICE, identity_pk=new.public)
    raw = sign_list(body, new, ALICE.identity)
    assert verify_list(raw, TENANT, ALICE.account, ALICE.body).body == body
    for bit in range(8 * (len(raw) - 64), 8 * len(raw)):
        with pytest.raises(Refused, match="bad_signature"):
            verify_list(flipped(raw, bit), TENANT, ALICE.account, ALICE.body)


def test_only_the_identity_in_the_list_signs_it() -> None:
    with pytest.raises(Refused) as caught:
        sign_list(ALICE.body, MALLORY.identity)
    assert caught.value.reason is Reason.WRONG_SIGNER


def test_a_first_pin_may_be_of_any_version() -> None:
    later = next_list(ALICE, version=9)
    assert parse_list(sign_list(later, ALICE.identity)).body == later


def test_a_device_is_found_by_its_id_alone() -> None:
    key = ALICE.device_keys[1]
    found = ALICE.body.device(key.id)
    assert found is not None
    assert found.device_pk == key.public
    assert ALICE.body.device(MALLORY.device_keys[0].id) is None


def test_a_list_that_breaks_a_rule_cannot_be_made() -> None:
    for changes, reason in (
        ({"devices": ()}, Reason.DEVICE_COUNT),
        ({"devices": listed(DeviceKey(seed(str(at))) for at in range(7))}, Reason.DEVICE_COUNT),
        ({"devices": ALICE.body.devices[::-1]}, Reason.UNSORTED),
        ({"identity_pk": bytes(32)}, Reason.WEAK_KEY),
        ({"version": 0}, Reason.NUMBER_RANGE),
    ):
        with pytest.raises(Refused) as caught:
            replace(ALICE.body, **changes)
        assert caught.value.reason is reason


def test_the_reset_flag_and_may_add_stand_in_their_bits() -> None:
    new = IdentityKey(seed("new"))
    reset = next_list(ALICE, identity_pk=new.public, reset=True).encode()
    assert (reset[109], ALICE.body.encode()[109]) == (1, 0)
    assert [device.encode()[32] for device in ALICE.body.devices] == [int(d.may_add) for d in ALICE.body.devices]
    assert sorted(device.may_add for device in ALICE.body.devices) == [False, True]
