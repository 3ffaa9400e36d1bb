"""Failures with names, for tests: the k-th commit of a store fails before or after it was applied."""

import enum
from collections.abc import Mapping


class Moment(enum.Enum):
    """Where a commit fails."""

    BEGINNING = "beginning"
    """Before anything was written."""
    BEFORE = "before"
    """Everything is written, nothing committed."""
    AFTER = "after"
    """It is committed, but the writer hears an error."""
    SETTLING = "settling"
    """While the writer finds out what became of a commit that failed."""


class Faults:
    """A plan: (moment, number of the commit, from 1) -> the exception to raise there. Owned by the writer's thread."""

    def __init__(self, plan: Mapping[tuple[Moment, int], Exception]) -> None:
        self.plan = dict(plan)
        self.commits = 0

    def count(self) -> None:
        """Another commit begins."""
        self.commits += 1

    def strike(self, moment: Moment) -> None:
        """Raise what the plan has for this moment of this commit."""
        error = self.plan.get((moment, self.commits))
        if error is not None:
            raise error
