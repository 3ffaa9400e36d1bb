import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.people.lookup import Lookup

pytestmark = pytest.mark.pure

LOOKUP = Lookup(bytes(range(32)))
NAMES = st.text(max_size=64)


@given(NAMES)
def test_a_name_is_found_however_it_is_typed(name: str) -> None:
    assert LOOKUP.name_key(f"  {name}\n") == LOOKUP.name_key(name)
    assert LOOKUP.decoy_salt(f" {name}") == LOOKUP.decoy_salt(name)


@pytest.mark.parametrize(("typed", "same"), [("ADA", "ada"), ("Straße", "STRASSE"), ("ﬁn", "fin"), ("Å", "å")])
def test_case_and_compatibility_forms_do_not_matter(typed: str, same: str) -> None:
    assert LOOKUP.name_key(typed) == LOOKUP.name_key(same)


def test_without_the_key_nothing_is_found() -> None:
    other = Lookup(bytes(32))
    assert other.name_key("ada") != LOOKUP.name_key("ada")
    assert other.decoy_salt("ada") != LOOKUP.decoy_salt("ada")


def test_each_use_of_the_key_has_its_own_value() -> None:
    assert LOOKUP.name_key("ada")[:16] != LOOKUP.decoy_salt("ada")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=16, max_size=16), st.binary(max_size=64))
def test_a_place_is_known_by_its_own_token_alone(name_key: bytes, seed: bytes, forged: bytes) -> None:
    token = LOOKUP.place(name_key, seed)
    assert LOOKUP.known_place(name_key, token) == seed
    assert LOOKUP.known_place(bytes(reversed(name_key)) + b"x", token) is None
    assert LOOKUP.known_place(name_key, forged) is None
    assert LOOKUP.known_place(name_key, token[:-1]) is None
