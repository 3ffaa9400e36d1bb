"""What a server that lies about devices is refused: on the devices of the account, and on a device that was added."""

import pytest

from crypto.keys import Reason, Refused, sign_list
from sotto.link_parts import Known, SealedSeed, Seen, decode_part, decode_seed, encode_parts
from sotto.pins import ForeignOwnList, Pins
from sotto.values import Alarm
from tests.test_sotto_pins import TENANT, Somebody, seed

pytestmark = pytest.mark.pure


@pytest.fixture
def own() -> Somebody:
    return Somebody("own")


@pytest.fixture
def other() -> Somebody:
    return Somebody("other")


@pytest.fixture
def pins(own: Somebody) -> Pins:
    made = Pins(TENANT, own.account, own.device(0).public)
    made.take_own_list(own.raw)
    return made


def anchored(pins: Pins, other: Somebody, list_hash: bytes = b"") -> bool:
    found = list_hash or other.body.list_hash
    return pins.anchor(other.account, other.body.version, found, other.identity.public, b"")


def test_a_list_that_this_device_signed_for_another_is_no_alarm(pins: Pins, own: Somebody) -> None:
    raw = own.next(0, 1)
    pins.expect(raw)
    assert pins.take_list(own.account, raw) == [Alarm.DEVICE_ADDED]


def test_a_list_of_a_sibling_that_may_add_is_taken_and_is_an_alarm(pins: Pins, own: Somebody) -> None:
    first = own.next(0, 1)
    pins.expect(first)
    pins.take_list(own.account, first)
    assert Alarm.OWN_LIST in pins.take_list(own.account, own.next(0, 1, 2))
    with pytest.raises(ForeignOwnList):
        pins.take_list(own.account, own.reset())
    assert pins.version(own.account) == 3


def test_a_list_of_ones_own_under_a_foreign_signature_is_refused_beside_a_sibling(pins: Pins, own: Somebody) -> None:
    first = own.next(0, 1)
    pins.expect(first)
    pins.take_list(own.account, first)
    forged = bytearray(own.next(0, 1, 2))
    forged[-1] ^= 1
    with pytest.raises(Refused) as refused:
        pins.take_list(own.account, bytes(forged))
    assert refused.value.reason is Reason.BAD_SIGNATURE
    assert pins.version(own.account) == 2


def test_an_added_device_takes_only_the_contact_that_its_account_knows(pins: Pins, other: Somebody) -> None:
    anchored(pins, other)
    stranger = Somebody("stranger")
    stranger.account = other.account
    raw = sign_list(stranger._list(1, bytes(32), [stranger.device(0)]), stranger.identity)
    with pytest.raises(Refused) as refused:
        pins.take_list(other.account, raw)
    assert refused.value.reason is Reason.LIST_FORK
    assert not pins.approved(other.account)
    assert pins.take_list(other.account, other.raw) == [Alarm.PINNED]
    assert pins.approved(other.account)


def test_an_older_list_than_the_account_knew_is_never_accepted(pins: Pins, other: Somebody) -> None:
    first = other.raw
    other.next(0, 1)
    anchored(pins, other)
    pins.take_list(other.account, first)
    assert not pins.approved(other.account)
    assert not pins.approve(other.account, other.identity.public)
    pins.take_list(other.account, other.raw)
    assert pins.approved(other.account)


def test_a_pin_that_contradicts_what_the_account_knew_is_not_sealed_to(pins: Pins, other: Somebody) -> None:
    pins.take_list(other.account, other.raw)
    assert pins.approved(other.account)
    assert not anchored(pins, other, seed("another hash"))
    assert not pins.approved(other.account)


def test_what_a_device_is_told_reads_back_whole_in_parts() -> None:
    items = [Known(bytes([at % 251]) * 16, at + 1, seed(str(at)), seed("a"), b"") for at in range(300)]
    talks = [Seen(b"c" * 16, (b"a" * 16, b"b" * 16))]
    parts = [decode_part(raw) for raw in encode_parts(b"d" * 16, [*items, *talks])]
    assert [part.index for part in parts] == list(range(len(parts)))
    assert {part.of for part in parts} == {len(parts)}
    assert len(parts) > 1
    assert [item for part in parts for item in part.items] == [*items, *talks]
    sealed = SealedSeed(b"d" * 16, 7, b"s" * 80)
    assert decode_seed(sealed.encode()) == sealed
