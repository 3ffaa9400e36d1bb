from typing import Any

import pytest

from chatserver.people.commits import NOTHING, TRIES, Plan, carry_out, saved
from chatserver.store.changes import DropTickets
from chatserver.store.port import Committed, Failure, Outcome, Unit
from chatserver.wire.errors import NAME_TAKEN, NOT_FOUND, NOT_SAVED, Refusal

pytestmark = pytest.mark.pure

UNIT = Unit((DropTickets(0),))


class Scripted:
    """A store that answers as it is told."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)

    async def commit(self, unit: Unit) -> Outcome:
        assert unit is UNIT
        return self.outcomes.pop(0)


class Planner:
    """Plans the same unit, and counts."""

    def __init__(self, *answers: Plan[str] | Refusal) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self) -> Plan[str] | Refusal:
        self.asked += 1
        return self.answers.pop(0) if self.answers else Plan(UNIT, "done")


async def carried(store: Any, planner: Planner) -> str | Refusal:
    return await carry_out(store, planner, NAME_TAKEN)


@pytest.mark.parametrize("failure", [Failure.GUARD, Failure.DATA, Failure.UNKNOWN])
async def test_what_may_have_changed_is_read_again(failure: Failure) -> None:
    planner = Planner()
    assert await carried(Scripted(failure, Committed()), planner) == "done"
    assert planner.asked == 2


@pytest.mark.parametrize("failure", [Failure.BUSY, Failure.FULL, Failure.LOST])
async def test_a_store_in_trouble_is_not_pressed(failure: Failure) -> None:
    planner = Planner()
    assert await carried(Scripted(failure), planner) is NOT_SAVED
    assert planner.asked == 1


async def test_a_refusal_ends_it_and_nothing_is_written() -> None:
    assert await carried(Scripted(), Planner(NOT_FOUND)) is NOT_FOUND


async def test_what_is_done_already_is_not_written_again() -> None:
    assert await carried(Scripted(), Planner(Plan(NOTHING, "was done"))) == "was done"


async def test_a_commit_of_unknown_outcome_that_was_applied_ends_well() -> None:
    planner = Planner(Plan(UNIT, "first"), Plan(NOTHING, "was done"))
    assert await carried(Scripted(Failure.UNKNOWN), planner) == "was done"


@pytest.mark.parametrize(
    ("failure", "refusal"),
    [(Failure.DATA, NAME_TAKEN), (Failure.GUARD, NOT_SAVED), (Failure.UNKNOWN, NOT_SAVED)],
)
async def test_it_gives_up_after_some_tries(failure: Failure, refusal: Refusal) -> None:
    planner = Planner()
    assert await carried(Scripted(*[failure] * TRIES), planner) is refusal
    assert planner.asked == TRIES


async def test_saved_says_only_whether_it_is_durable() -> None:
    store: Any = Scripted(Committed(), Failure.UNKNOWN)
    assert [await saved(store, UNIT), await saved(store, UNIT)] == [None, NOT_SAVED]
