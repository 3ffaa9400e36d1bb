import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.people.throttle import Rate, Throttle

pytestmark = pytest.mark.pure

STEPS = st.lists(st.tuples(st.integers(0, 5), st.floats(0, 100)), max_size=60)


def test_a_burst_passes_and_then_one_at_a_time() -> None:
    throttle = Throttle(Rate(3, 0.5))
    assert [throttle.take("a", 0) for _ in range(4)] == [True, True, True, False]
    assert [throttle.take("a", 1.9), throttle.take("a", 2), throttle.take("a", 2)] == [False, True, False]


def test_one_key_does_not_slow_another() -> None:
    throttle = Throttle(Rate(1, 1))
    assert [throttle.take(key, 0) for key in "aab"] == [True, False, True]


@given(STEPS)
def test_no_key_gets_more_than_its_burst_and_its_rate(steps: list[tuple[int, float]]) -> None:
    throttle, now, taken = Throttle(Rate(2, 0.1), most=3), 0.0, [0] * 6
    for key, pause in steps:
        now += pause
        taken[key] += throttle.take(key, now)
        assert len(throttle) <= 3
    assert all(count <= 2 + now * 0.1 + 1e-6 for count in taken)


def test_a_full_table_gives_up_refilled_buckets_alone() -> None:
    throttle = Throttle(Rate(1, 1), most=2)
    assert throttle.take("a", 0)
    assert throttle.take("b", 0.5)
    assert not throttle.take("c", 0.9), "fail-closed: nobody is forgotten while still slowed"
    assert not throttle.take("a", 0.9)
    assert throttle.take("c", 1.5), "b is full again and says nothing"
    assert not throttle.take("c", 1.5)


def test_a_token_given_back_is_there_again_and_never_more_than_the_burst() -> None:
    throttle = Throttle(Rate(2, 0.1))
    throttle.give_back("a")
    assert [throttle.take("a", 0), throttle.take("a", 0), throttle.take("a", 0)] == [True, True, False]
    throttle.give_back("a")
    assert [throttle.take("a", 0), throttle.take("a", 0)] == [True, False]
    for _ in range(5):
        throttle.give_back("a")
    assert [throttle.take("a", 0) for _ in range(3)] == [True, True, False]
