import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.people import names

pytestmark = pytest.mark.pure


@given(st.text(max_size=80))
def test_what_is_kept_is_normal_short_and_visible(typed: str) -> None:
    kept = names.display(typed)
    if kept is not None:
        assert 1 <= len(kept) <= names.MAX_NAME_CHARS
        assert kept == unicodedata.normalize("NFKC", kept).strip()
        assert kept.encode()
        assert names.display(kept) == kept


@given(st.text(max_size=80))
def test_looking_up_is_settled_after_one_turn(typed: str) -> None:
    once = names.same(typed)
    assert names.same(once) == once


@pytest.mark.parametrize("typed", ["", " \t", "a\u200bb", "a\u202eb", "\ud800", "a\nb", "x" * 65, "\ufdfa" * 4])
def test_empty_long_and_hidden_names_are_refused(typed: str) -> None:
    assert names.display(typed) is None


@pytest.mark.parametrize("typed", ["Ada", "José Núñez", "林美玲", "O'Neil-Smith 2", "x" * 64])
def test_names_of_people_are_taken(typed: str) -> None:
    assert names.display(typed) == typed
