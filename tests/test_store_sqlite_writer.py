"""The writer alone, without threads or a loop: what it finds out when a commit fails."""

from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from chatserver.store import changes as c
from chatserver.store import sql, sqlite_connection
from chatserver.store.faults import Faults, Moment
from chatserver.store.migrations import migrate
from chatserver.store.port import Committed, Failure
from chatserver.store.sqlite_writer import Shard, Writer
from tests.contract.material import accept, event, name, unit

SHARD = b"s" * 16
TENANT = b"t" * 16

Make = Callable[..., Writer]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Writers on one database, which share a shard."""
    path = tmp_path / "sotto.db"
    migrate(path, draw=lambda _: TENANT)
    writers: list[Writer] = []

    def made(*, sole: bool = False, faults: Faults | None = None) -> Writer:
        marks = iter(range(len(writers) * 1_000 + 1, 1_000_000))
        writers.append(
            Writer(
                sqlite_connection.writer(path, busy_timeout_ms=1),
                TENANT,
                Shard(SHARD, sole),
                lambda size: next(marks).to_bytes(size, "big"),
                faults=faults,
            )
        )
        return writers[-1]

    first = made()
    first._connection.execute(sql.for_sqlite(sql.ADD_SHARD, TENANT), (SHARD, "node"))
    yield made
    for writer in writers:
        writer.close()


def numbers(writer: Writer) -> list[object]:
    return [number for (number,) in writer._connection.execute("select idx from event order by idx").fetchall()]


def test_writers_of_one_shard_go_on_where_the_other_ended(make: Make) -> None:
    one, two = make(), make()
    for writer in (one, two, one):
        assert writer.apply([unit(events=[event()])]) == [Committed()]
    assert numbers(one) == [0, 1, 2]


def test_a_sole_writer_reads_the_end_of_its_shard_once(make: Make) -> None:
    writer = make(sole=True)
    read: list[str] = []
    writer._connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda trace: read.append(trace["sql"]))
    for _ in range(3):
        writer.apply([unit(events=[event()])])
    assert len([text for text in read if text.startswith("select idx, leaf")]) == 1


def test_a_tip_is_not_trusted_after_a_failure(make: Make) -> None:
    writer = make(sole=True, faults=Faults({(Moment.BEFORE, 2): apsw.IOError("made up")}))
    outcomes = [writer.apply([unit(events=[event()])])[0] for _ in range(3)]
    assert outcomes == [Committed(), Failure.LOST, Committed()]
    assert numbers(writer) == [0, 1]


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
def test_a_mark_that_another_process_wrote_over_leaves_the_outcome_unknown(make: Make, moment: Moment) -> None:
    other = make()

    class Meanwhile(Faults):
        def strike(self, moment: Moment) -> None:
            if moment is Moment.SETTLING and self.commits == 1:
                assert other.apply([unit(accept("other", 1))]) == [Committed()]
            super().strike(moment)

    writer = make(faults=Meanwhile({(moment, 1): apsw.IOError("made up")}))
    assert writer.apply([unit(accept("mine", 1))]) == [Failure.UNKNOWN]
    assert writer.apply([unit(accept("mine", 2))]) == [Committed()]


@pytest.mark.parametrize(("moment", "outcome"), [(Moment.BEFORE, Failure.LOST), (Moment.AFTER, Committed())])
def test_an_entry_is_found_whatever_another_process_wrote_behind_it(
    make: Make, moment: Moment, outcome: object
) -> None:
    other = make()

    class Meanwhile(Faults):
        def strike(self, moment: Moment) -> None:
            if moment is Moment.SETTLING:
                assert other.apply([unit(events=[event(n=7)])]) == [Committed()]
            super().strike(moment)

    writer = make(faults=Meanwhile({(moment, 1): apsw.IOError("made up")}))
    assert writer.apply([unit(accept("mine", 1), events=[event(n=1)])]) == [outcome]


def test_what_asks_for_no_room_is_tried_again_when_the_disk_is_full(make: Make) -> None:
    writer = make(faults=Faults({(Moment.BEFORE, 1): apsw.FullError("made up")}))
    outcomes = writer.apply([unit(accept("from", 1)), unit(c.DropFate(name("from"), 1)), unit(events=[event()])])
    assert outcomes == [Failure.FULL, Committed(), Failure.FULL]
    assert writer.apply([unit(accept("from", 1))]) == [Committed()]
