import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.people.columns import PAD_BYTES, Column, Columns, ColumnUnreadable
from tests.people_house import drawing

pytestmark = pytest.mark.pure

COLUMNS = Columns(bytes(range(32)), drawing(1))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
ROWS = st.binary(min_size=16, max_size=16)


@given(st.sampled_from(Column), ROWS, TEXTS)
def test_what_is_sealed_opens_in_its_own_column_and_row(column: Column, row: bytes, text: str) -> None:
    assert COLUMNS.open(column, row, COLUMNS.seal(column, row, text)) == text


@given(st.sampled_from(Column), st.sampled_from(Column), ROWS, ROWS, TEXTS)
def test_and_nowhere_else(column: Column, other: Column, row: bytes, foreign: bytes, text: str) -> None:
    sealed = COLUMNS.seal(column, row, text)
    for where in {(other, row), (column, foreign), (other, foreign)} - {(column, row)}:
        with pytest.raises(ColumnUnreadable):
            COLUMNS.open(*where, sealed)


@given(TEXTS, st.data())
def test_a_flipped_bit_is_refused(text: str, data: st.DataObject) -> None:
    sealed = bytearray(COLUMNS.seal(Column.ACCOUNT_NAME, bytes(16), text))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ColumnUnreadable):
        COLUMNS.open(Column.ACCOUNT_NAME, bytes(16), bytes(sealed))


@given(TEXTS, st.integers(0, 400))
def test_a_cut_value_and_another_key_are_refused(text: str, at: int) -> None:
    sealed = COLUMNS.seal(Column.ACCOUNT_NAME, bytes(16), text)
    with pytest.raises(ColumnUnreadable):
        COLUMNS.open(Column.ACCOUNT_NAME, bytes(16), sealed[: min(at, len(sealed) - 1)])
    with pytest.raises(ColumnUnreadable):
        Columns(bytes(32), drawing(1)).open(Column.ACCOUNT_NAME, bytes(16), sealed)


@given(TEXTS)
def test_lengths_tell_only_the_block(text: str) -> None:
    sealed = COLUMNS.seal(Column.ACCOUNT_NAME, bytes(16), text)
    assert len(sealed) == 1 + 24 + (len(text.encode()) // PAD_BYTES + 1) * PAD_BYTES + 16


def test_the_same_text_never_looks_the_same() -> None:
    sealed = {COLUMNS.seal(Column.ACCOUNT_NAME, bytes(16), "Robin") for _ in range(100)}
    assert len(sealed) == 100
