"""Coming back: soon at first, then ever more patiently, never all at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotto.clock import Backoff

pytestmark = pytest.mark.pure


def test_the_first_attempt_comes_within_a_second() -> None:
    assert Backoff(lambda _, high: high).next_s() == 1.0
    assert Backoff(lambda low, _: low).next_s() == 0.0


def test_waits_double_up_to_thirty_seconds() -> None:
    backoff = Backoff(lambda low, high: (low + high) / 2)
    assert [backoff.next_s() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_success_begins_again() -> None:
    backoff = Backoff(lambda _, high: high)
    for _ in range(9):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 1.0


@given(st.floats(0, 1), st.integers(2, 2_000))
def test_later_waits_spread_by_half_and_never_grow_beyond_45_seconds(share: float, attempts: int) -> None:
    backoff = Backoff(lambda low, high: low + share * (high - low))
    waits = [backoff.next_s() for _ in range(attempts)]
    assert all(0.5 <= wait <= 45 for wait in waits[1:])
