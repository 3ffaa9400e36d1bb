import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.people import codes

pytestmark = pytest.mark.pure

CODES = st.binary(min_size=codes.CODE_BYTES, max_size=codes.CODE_BYTES)


@given(CODES)
def test_a_code_is_read_as_it_is_shown(code: bytes) -> None:
    shown = codes.shown(code)
    assert codes.typed(shown) == code
    assert codes.typed(shown.upper().replace("-", " ")) == code
    assert len(shown) <= codes.MAX_TYPED_CHARS
    assert codes.CODE_BYTES * 8 >= 128


@given(st.text(max_size=64))
def test_any_text_is_a_code_or_none(text: str) -> None:
    found = codes.typed(text)
    assert found is None or codes.typed(codes.shown(found)) == found
