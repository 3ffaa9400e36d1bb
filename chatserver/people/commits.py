"""Read, decide, commit; and if the store says that what was read is no longer so, read again.

A plan reads what is there and answers with a refusal, or with the unit to apply and the value that the caller gets.
What was already done is planned as an empty unit, so that a repeat, and a commit of unknown outcome, end well.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Generic, NamedTuple, TypeVar

from chatserver.store.port import Committed, Failure, Store, Unit
from chatserver.wire.errors import NOT_SAVED, Refusal

TRIES: Final = 5
NOTHING: Final = Unit()

T = TypeVar("T")


class Plan(NamedTuple, Generic[T]):
    """What to apply, and what to say when it is applied."""

    unit: Unit
    value: T


Planner = Callable[[], Awaitable[Plan[T] | Refusal]]

_READ_AGAIN: Final = frozenset({Failure.GUARD, Failure.DATA, Failure.UNKNOWN})


async def carry_out(store: Store, planner: Planner[T], stuck: Refusal = NOT_SAVED) -> T | Refusal:
    """Plan and commit until it is done or refused. `stuck`: the data stays refused although every reading allows it."""
    outcome: object = None
    for _ in range(TRIES):
        plan = await planner()
        if isinstance(plan, Refusal):
            return plan
        outcome = Committed() if plan.unit == NOTHING else await store.commit(plan.unit)
        if isinstance(outcome, Committed):
            return plan.value
        if outcome not in _READ_AGAIN:
            return NOT_SAVED
    return stuck if outcome is Failure.DATA else NOT_SAVED


async def saved(store: Store, unit: Unit) -> Refusal | None:
    """Commit what needs no reading; None when it is durable."""
    return None if isinstance(await store.commit(unit), Committed) else NOT_SAVED
