"""What SQLite's errors mean, and what is said when a store cannot be opened."""

from pathlib import Path

import apsw
import pytest

from chatserver.store.port import Failure
from chatserver.store.sqlite_connection import OutcomeUnknown, ReferenceMissing, failure_of, reader, refusal, writer
from chatserver.store.transaction import GuardMissed


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (apsw.BusyError(), Failure.BUSY),
        (apsw.LockedError(), Failure.BUSY),
        (apsw.FullError(), Failure.FULL),
        (apsw.ConstraintError(), Failure.DATA),
        (apsw.MismatchError(), Failure.DATA),
        (apsw.TooBigError(), Failure.DATA),
        (ReferenceMissing(), Failure.DATA),
        (OverflowError(), Failure.DATA),
        (TypeError(), Failure.DATA),
        (KeyError(), Failure.DATA),
        (GuardMissed(), Failure.GUARD),
        (apsw.IOError(), Failure.LOST),
        (apsw.CorruptError(), Failure.LOST),
        (apsw.CantOpenError(), Failure.LOST),
        (apsw.ReadOnlyError(), Failure.LOST),
        (MemoryError(), Failure.LOST),
        (OutcomeUnknown(), Failure.UNKNOWN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_error_has_one_meaning(error: Exception, failure: Failure) -> None:
    assert failure_of(error) is failure


@pytest.mark.parametrize(
    ("error", "mends"),
    [
        (apsw.NotADBError(), "put a backup in its place."),
        (apsw.CorruptError(), "put a backup in its place."),
        (apsw.BusyError(), "end that program, or try again."),
        (apsw.FullError(), "make room."),
        (apsw.CantOpenError(), "give it and its folder to the user that runs Sotto."),
        (apsw.SQLError(), "install a version of Sotto that fits it."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_refusal_says_how_to_mend_it(error: apsw.Error, mends: str) -> None:
    assert str(refusal(error, Path("sotto.db"))).endswith(mends)


@pytest.mark.parametrize("open_it", [reader, writer])
def test_no_connection_makes_a_database(open_it: object, tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        open_it(tmp_path / "sotto.db")  # type: ignore[operator]  # one of the two above
    assert list(tmp_path.iterdir()) == []
