"""The catalogue: one code each, and close codes whose range says whether to come back."""

import pytest

from chatserver.wire import errors
from chatserver.wire.errors import CATALOGUE, Refusal

pytestmark = pytest.mark.pure

RFC_6455 = {1002, 1003, 1007, 1009}
ENTRIES = list(CATALOGUE.values())
CLOSING = [entry for entry in ENTRIES if entry.closes is not None]


def named() -> list[Refusal]:
    return [value for value in vars(errors).values() if isinstance(value, Refusal)]


def test_every_refusal_is_in_the_catalogue_once() -> None:
    assert sorted(entry.code for entry in named()) == sorted(CATALOGUE)
    assert all(CATALOGUE[entry.code] is entry for entry in named())


def test_a_code_cannot_be_given_twice() -> None:
    with pytest.raises(ValueError, match="malformed"):
        errors._entry("malformed", "Again.")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_a_code_is_for_programs_and_a_reason_for_people(entry: Refusal) -> None:
    assert entry.code.replace("_", "").isalnum()
    assert entry.code == entry.code.lower()
    assert entry.reason.endswith(".")
    assert len(entry.reason) <= 80
    assert "%" not in entry.reason
    assert "{" not in entry.reason
    assert 400 <= entry.status <= 599


def test_each_close_code_belongs_to_one_ending() -> None:
    codes = [entry.closes for entry in CLOSING]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("entry", CLOSING, ids=lambda entry: entry.code)
def test_the_range_of_a_close_code_says_whether_to_come_back(entry: Refusal) -> None:
    assert entry.closes is not None
    if entry.closes < 4000:
        assert entry.closes in RFC_6455
        assert not entry.retry
    else:
        assert entry.closes in range(4500, 4600) if entry.retry else entry.closes in range(4400, 4500)


@pytest.mark.parametrize("entry", CLOSING, ids=lambda entry: entry.code)
def test_a_close_frame_has_room_for_its_code(entry: Refusal) -> None:
    assert len(entry.code.encode()) <= 123  # RFC 6455 section 5.5
