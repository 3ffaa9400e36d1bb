import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.people import clocks
from chatserver.people.clocks import LIMITS, Over
from chatserver.people.roles import Role

pytestmark = pytest.mark.pure

TIMES = st.integers(0, 2**53 - 1)
ROLES = st.sampled_from(Role)

DESIGN = """operator 10/8, security admin 10/8, privacy officer 15/8, moderator 15/8, coordinator 15/12,
clinician 15/12, interpreter 30/12, mentor 30/12, patient 30/24"""


def test_the_table_is_the_one_of_the_design() -> None:
    told = {}
    for entry in DESIGN.replace("\n", " ").split(", "):
        name, _, limits = entry.rpartition(" ")
        idle, _, absolute = limits.partition("/")
        told[Role(name.strip().replace(" ", "_"))] = (int(idle) * 60_000, int(absolute) * 3_600_000)
    assert told == LIMITS
    assert set(told) == set(Role)


@given(ROLES, TIMES, TIMES, TIMES)
def test_a_session_is_over_exactly_from_the_nearer_end_on(role: Role, active: int, ends: int, now: int) -> None:
    assert (clocks.over(role, active, ends, now) is not None) == (now >= clocks.ends_next(role, active, ends))


@given(ROLES, TIMES)
def test_a_new_session_lives_and_activity_never_moves_its_absolute_end(role: Role, created: int) -> None:
    ends = clocks.absolute_end(role, created)
    assert clocks.over(role, created, ends, created) is None
    assert clocks.over(role, ends - 1, ends, ends - 1) is None
    assert clocks.over(role, ends - 1, ends, ends) is Over.ABSOLUTE


@given(ROLES, TIMES)
def test_doing_nothing_ends_a_session_before_its_absolute_limit(role: Role, created: int) -> None:
    ends = clocks.absolute_end(role, created)
    assert clocks.over(role, created, ends, clocks.idle_end(role, created)) is Over.IDLE
    assert clocks.over(role, created, ends, clocks.idle_end(role, created) - 1) is None
