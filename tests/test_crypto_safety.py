import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import fingerprint, qr_bytes, qr_matches, safety_number
from crypto.vectors.world import ALICE, BOB, TENANT

pytestmark = pytest.mark.pure

hashes = st.binary(min_size=32, max_size=32)


@given(hashes, hashes)
def test_both_sides_see_the_same_sixty_digits(own: bytes, other: bytes) -> None:
    number = safety_number(own, other)
    assert number == safety_number(other, own)
    assert len(number) == 60
    assert number.isdecimal()


@given(hashes, hashes)
def test_a_code_matches_from_the_other_side_alone(own: bytes, other: bytes) -> None:
    assert qr_matches(qr_bytes(other, own), own, other)
    assert qr_matches(qr_bytes(own, other), own, other) == (own == other)


def test_the_digits_are_six_groups_of_five_bytes_each() -> None:
    low = b"".join((group + 100_000).to_bytes(5, "big") for group in (1, 22, 333, 4_444, 55_555, 99_999)) + b"\xff\xff"
    assert safety_number(b"\xff" * 32, low)[:30] == "000010002200333044445555599999"


def test_two_people_have_two_fingerprints() -> None:
    assert fingerprint(TENANT, *ALICE.member) != fingerprint(TENANT, *BOB.member)
    assert fingerprint(TENANT, ALICE.account, BOB.identity.public) != fingerprint(TENANT, *BOB.member)
