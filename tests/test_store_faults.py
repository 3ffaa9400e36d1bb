"""A plan of failures strikes where it says and nowhere else."""

import pytest

from chatserver.store.faults import Faults, Moment

pytestmark = pytest.mark.pure


def test_a_fault_strikes_at_its_moment_of_its_commit() -> None:
    planned = OSError("made up")
    faults = Faults({(Moment.AFTER, 2): planned})
    struck = []
    for commit in (1, 2, 3):
        faults.count()
        for moment in Moment:
            try:
                faults.strike(moment)
            except OSError as error:
                struck.append((commit, moment, error))
    assert struck == [(2, Moment.AFTER, planned)]
