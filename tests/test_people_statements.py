import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.people.statements import REMEMBERED_MS, STATEMENT_BYTES, Nonces, parsed
from chatserver.wire.errors import STATEMENT_REFUSED, TOO_FAST
from chatserver.wire.limits import CLOCK_TOLERANCE_S

pytestmark = pytest.mark.pure


@given(st.binary(max_size=200))
def test_a_statement_has_one_length(raw: bytes) -> None:
    said = parsed(raw)
    assert (said is not None) == (len(raw) == STATEMENT_BYTES)
    assert said is None or b"".join(said) == raw


def test_a_nonce_is_good_once_for_each_device() -> None:
    nonces = Nonces()
    assert nonces.use(b"a", b"1", 0) is None
    assert nonces.use(b"a", b"1", 0) is STATEMENT_REFUSED
    assert nonces.use(b"b", b"1", 0) is None


def test_a_nonce_is_remembered_for_as_long_as_what_it_signs_can_be_dated() -> None:
    nonces = Nonces()
    nonces.use(b"a", b"1", 0)
    assert nonces.use(b"a", b"1", REMEMBERED_MS - 1) is STATEMENT_REFUSED
    assert nonces.use(b"a", b"1", REMEMBERED_MS) is None
    assert REMEMBERED_MS == 2 * CLOCK_TOLERANCE_S * 1000


def test_a_full_table_forgets_nothing_young() -> None:
    nonces = Nonces(most=2)
    assert [nonces.use(b"a", nonce, 0) for nonce in (b"1", b"2", b"3")] == [None, None, TOO_FAST]
    assert nonces.use(b"a", b"1", 1) is STATEMENT_REFUSED
    assert nonces.use(b"a", b"3", REMEMBERED_MS) is None
