import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.fields import MAX_INTEGER, Reader, counted, fixed, u8, u16, u32, u64
from crypto.refusals import Reason, Refused

pytestmark = pytest.mark.pure

WIDTHS = {u8: 1, u16: 2, u32: 4, u64: 8}


def reason_of(attempt: object) -> Reason:
    assert callable(attempt)
    with pytest.raises(Refused) as caught:
        attempt()
    return caught.value.reason


@given(st.integers(0, MAX_INTEGER))
def test_every_permitted_integer_comes_back(value: int) -> None:
    assert Reader(u64(value)).uint(8) == value


@pytest.mark.parametrize("write", WIDTHS)
def test_an_integer_is_big_endian_at_its_width(write: type) -> None:
    width = WIDTHS[write]
    assert write(1) == bytes(width - 1) + b"\1"
    largest = min(MAX_INTEGER, 256**width - 1)
    assert write(largest) == largest.to_bytes(width, "big")
    assert reason_of(lambda: write(largest + 1)) is Reason.NUMBER_RANGE
    assert reason_of(lambda: write(-1)) is Reason.NUMBER_RANGE


def test_an_integer_above_what_javascript_holds_is_not_read() -> None:
    assert Reader((2**53 - 1).to_bytes(8, "big")).uint(8) == 2**53 - 1
    assert reason_of(lambda: Reader((2**53).to_bytes(8, "big")).uint(8)) is Reason.NUMBER_RANGE


@given(st.binary(max_size=40), st.integers(0, 40))
def test_a_field_of_fixed_width_has_that_width(value: bytes, width: int) -> None:
    if len(value) == width:
        assert fixed(value, width) == value
    else:
        assert reason_of(lambda: fixed(value, width)) is Reason.BAD_WIDTH


def test_a_counted_field_carries_its_length() -> None:
    assert counted(b"abc") == b"\0\3abc"
    assert reason_of(lambda: counted(bytes(65_536))) is Reason.NUMBER_RANGE


def test_a_reader_neither_runs_over_nor_leaves_bytes() -> None:
    reader = Reader(b"abc")
    assert reader.take(1) == b"a"
    assert reason_of(lambda: reader.take(3)) is Reason.BAD_LENGTH
    assert reason_of(reader.end) is Reason.BAD_LENGTH
    assert reader.rest() == b"bc"
    reader.end()
    assert reader.rest() == b""


def test_a_refusal_says_its_stable_name_and_nothing_else() -> None:
    with pytest.raises(Refused) as caught:
        fixed(b"secret", 5)
    assert str(caught.value) == "bad_width"
    assert caught.value.args == ("bad_width",)
