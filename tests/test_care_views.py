"""Who may read a conversation: exactly the present members' devices that have a living key."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.care.views import NEVER_MS, Fault, View, view_of
from chatserver.store.rows import Bundle, Member
from chatserver.wire import limits
from chatserver.wire.frames import Sealed
from crypto.keys import set_hash
from crypto.vectors.world import NOW_MS, Person
from tests.fakes.people import ALL, ANN, BEN, CLEO, EVE, LISTS, bundle_row, device, member

pytestmark = pytest.mark.pure

PEOPLE = (ANN, BEN, CLEO)
DEVICES = [device(one, at) for one in PEOPLE for at in range(len(one.device_keys))]
GRACE_MS = limits.KEY_GRACE_S * 1000


def bundles_of(*those: Person) -> list[Bundle]:
    return [bundle_row(one, at) for one in PEOPLE if one in those for at in range(len(one.device_keys))]


def view(members: list[Member] | None = None, bundles: list[Bundle] | None = None, now_ms: int = NOW_MS) -> View:
    present = [member(ALL, one.account) for one in PEOPLE] if members is None else members
    found = bundles_of(*PEOPLE) if bundles is None else bundles
    return view_of(ALL, present, [LISTS[one.account] for one in PEOPLE], found, now_ms)


def sealed(*to: bytes, key_no: int = 1, size: int = 544) -> list[Sealed]:
    return [Sealed(each, key_no, bytes(size)) for each in to]


def others(sender: bytes) -> list[bytes]:
    return [each for each in DEVICES if each != sender]


# -- who is in it ---------------------------------------------------------------------------------------------------


def test_everybody_present_with_a_key_receives() -> None:
    assert view().receivers.keys() == set(DEVICES)
    assert view().roles == {one.account: "patient" for one in PEOPLE}


def test_who_left_or_was_disabled_is_not_in_it() -> None:
    gone = member(ALL, CLEO.account, left_at=1)
    disabled = member(ALL, BEN.account)._replace(disabled_at=1)
    found = view([member(ALL, ANN.account), disabled, gone])
    assert found.roles.keys() == {ANN.account}
    assert found.receivers.keys() == {device(ANN), device(ANN, 1)}


def test_a_device_that_no_list_names_does_not_receive() -> None:
    stray = bundle_row(EVE)._replace(account=ANN.account)
    assert view(bundles=[*bundles_of(*PEOPLE), stray]).receivers.keys() == set(DEVICES)


def test_a_device_without_a_key_or_with_an_expired_one_is_dormant() -> None:
    bundles = bundles_of(ANN, CLEO)
    assert view(bundles=bundles).receivers.keys() == set(DEVICES) - {device(BEN), device(BEN, 1)}
    old = bundle_row(BEN)._replace(expires_at=NOW_MS)
    assert device(BEN) not in view(bundles=[*bundles, old]).receivers
    assert device(BEN) in view(bundles=[*bundles, old._replace(expires_at=NOW_MS + 1)]).receivers


def test_a_view_is_good_until_its_first_key_expires() -> None:
    bundles = bundles_of(*PEOPLE)
    bundles[2] = bundles[2]._replace(expires_at=NOW_MS + 5)
    assert view(bundles=bundles).good_until == NOW_MS + 5
    assert view(bundles=bundles, now_ms=NOW_MS + 5).good_until == bundles[0].expires_at
    assert view(bundles=[]).good_until == NEVER_MS


def test_a_member_without_a_device_that_receives_is_unreachable_and_oneself_never() -> None:
    found = view(bundles=bundles_of(BEN))
    assert set(found.unreachable(ANN.account)) == {CLEO.account}
    assert found.unreachable(CLEO.account) == (ANN.account,)
    assert view().unreachable(ANN.account) == ()


def test_the_stamp_names_the_devices_that_a_send_addresses() -> None:
    found = view()
    for sender in DEVICES:
        assert found.addressed(sender) == set_hash(others(sender))
        assert found.addressed(sender) == set_hash(others(sender)), "remembered, and the same"
    assert found.addressed(device(EVE)) == set_hash(DEVICES)


# -- the boxes of a send --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", DEVICES)
def test_exactly_all_other_devices_pass_in_any_order(sender: bytes) -> None:
    assert view().fault_in(sender, sealed(*others(sender)), NOW_MS) is None
    assert view().fault_in(sender, sealed(*reversed(others(sender))), NOW_MS) is None


@given(st.lists(st.sampled_from([*DEVICES, device(EVE)]), max_size=7), st.sampled_from(DEVICES))
def test_every_other_list_of_devices_is_a_wrong_set(to: list[bytes], sender: bytes) -> None:
    right = sorted(to) == sorted(others(sender))
    assert view().fault_in(sender, sealed(*to), NOW_MS) is (None if right else Fault.WRONG_DEVICES)


def test_no_smaller_set_passes() -> None:
    for size in range(4):
        for to in combinations(others(DEVICES[0]), size):
            assert view().fault_in(DEVICES[0], sealed(*to), NOW_MS) is Fault.WRONG_DEVICES


@pytest.mark.parametrize("to", [[], [device(ANN)], [device(CLEO), device(CLEO)]])
def test_of_two_devices_each_must_name_the_other(to: list[bytes]) -> None:
    pair = view_of(
        ALL,
        [member(ALL, one.account) for one in (CLEO, EVE)],
        [LISTS[one.account] for one in (CLEO, EVE)],
        [bundle_row(one) for one in (CLEO, EVE)],
        NOW_MS,
    )
    assert pair.fault_in(device(EVE), sealed(device(CLEO)), NOW_MS) is None
    assert pair.fault_in(device(EVE), sealed(device(EVE)), NOW_MS) is Fault.WRONG_DEVICES
    assert pair.fault_in(device(EVE), sealed(*to), NOW_MS) is Fault.WRONG_DEVICES


def test_a_dormant_sender_still_names_everybody_else() -> None:
    found = view(bundles=bundles_of(BEN, CLEO))
    assert found.fault_in(device(ANN), sealed(*DEVICES[2:]), NOW_MS) is None


@pytest.mark.parametrize("size", [543, 545, limits.MAX_BOX_BYTES - 1])
def test_a_length_that_is_no_bucket_is_a_bad_box(size: int) -> None:
    assert view().fault_in(DEVICES[0], sealed(*others(DEVICES[0]), size=size), NOW_MS) is Fault.BAD_BOX


@pytest.mark.parametrize("size", sorted(limits.BOX_BYTES))
def test_each_of_the_six_lengths_passes(size: int) -> None:
    assert view().fault_in(DEVICES[0], sealed(*others(DEVICES[0]), size=size), NOW_MS) is None


def rotated(replaced_at: int | None) -> View:
    newest, before = bundle_row(BEN, 0, 2), bundle_row(BEN, 0, 1, replaced_at)
    return view(bundles=[*bundles_of(ANN, CLEO), newest, before, bundle_row(BEN, 1)])


def boxes_of_ann(key_no: int) -> list[Sealed]:
    """From Ann's second device, with this key for Ben's first."""
    to = [each for each in others(device(ANN, 1)) if each != device(BEN)]
    return [*sealed(*to), *sealed(device(BEN), key_no=key_no)]


@pytest.mark.parametrize(
    ("key_no", "after_ms", "fault"),
    [
        (2, 0, None),
        (2, GRACE_MS * 2, None),
        (1, 0, None),
        (1, GRACE_MS - 1, None),
        (1, GRACE_MS, Fault.STALE_KEY),
        (0, 0, Fault.STALE_KEY),
        (3, 0, Fault.STALE_KEY),
    ],
)
def test_a_replaced_key_passes_for_ten_minutes_and_no_other_ever(
    key_no: int, after_ms: int, fault: Fault | None
) -> None:
    assert rotated(NOW_MS).fault_in(device(ANN, 1), boxes_of_ann(key_no), NOW_MS + after_ms) is fault


def test_a_replaced_key_without_a_stamp_does_not_pass() -> None:
    assert rotated(None).fault_in(device(ANN, 1), boxes_of_ann(1), NOW_MS) is Fault.STALE_KEY


def test_a_wrong_set_is_named_before_a_stale_key() -> None:
    found = rotated(NOW_MS - GRACE_MS)
    boxes = boxes_of_ann(1)
    assert found.fault_in(device(ANN, 1), boxes[1:], NOW_MS) is Fault.WRONG_DEVICES
    assert found.fault_in(device(ANN, 1), boxes, NOW_MS) is Fault.STALE_KEY


def test_only_the_stale_devices_are_named() -> None:
    found = rotated(NOW_MS - GRACE_MS)
    assert found.stale_in(boxes_of_ann(1), NOW_MS) == [device(BEN)]
    assert found.stale_in(boxes_of_ann(2), NOW_MS) == []
    assert found.stale_in(sealed(device(EVE), key_no=9), NOW_MS) == []
