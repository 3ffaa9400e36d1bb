"""Gathering: fewer statements, the same order where order shows."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from chatserver.audit.events import FIRST_LEAF
from chatserver.store import changes as c
from chatserver.store.port import Committed
from chatserver.store.transaction import GuardMissed, Row, Texts, Tip, Transaction
from tests.contract.material import accept, box, entry, event, name, pending, unit

pytestmark = pytest.mark.pure

TEXTS = Texts(bytes(16))
SHARD = b"s" * 16
DELETE = c.DeleteBox(name("to"), name("from"), 1)


class Recorder:
    """A database that writes down what it was told, and answers with `rows`."""

    def __init__(self, rows: Sequence[Row] = ((1, 2),), touched: int = 1) -> None:
        self.said: list[tuple[str, int]] = []
        self.rows = rows
        self.touched = touched

    def execute(self, statement: str, bindings: Sequence[Any] = ()) -> Iterable[Row]:
        words = statement.replace(" or fail", "").split()
        self.said.append((" ".join(words[:3]), len(bindings)))
        return [(0,)] if "max(number)" in statement else self.rows

    def changes(self) -> int:
        return self.touched


def transaction(database: Recorder) -> Transaction:
    return Transaction(database, TEXTS, SHARD, Tip())


def test_rows_of_many_units_become_few_statements() -> None:
    database = Recorder()
    batch = transaction(database)
    for n in range(1, 22):
        assert batch.add(unit(accept("from", n), events=[event(n=n)])) == Committed()
    assert database.said == []
    batch.flush()
    assert database.said == [
        ("insert into accepted", 16 * 6),
        ("insert into accepted", 4 * 6),
        ("insert into accepted", 6),
        ("insert into event", 16 * 4),
        ("insert into event", 4 * 4),
        ("insert into event", 4),
    ]


def test_a_change_that_would_see_gathered_rows_has_them_written_first() -> None:
    database = Recorder()
    batch = transaction(database)
    batch.add(unit(accept("from", 1), box("to", "from", 1), pending("from", 1, "ben"), DELETE))
    assert [said for said, _ in database.said] == ["insert into mailbox", "delete from mailbox"]
    batch.add(unit(c.Unhold(name("from"), 1, 1, 1)))
    assert [said for said, _ in database.said[2:]] == ["insert into accepted", "update accepted set"]
    batch.flush()
    assert [said for said, _ in database.said[4:]] == ["insert into fate"]


def test_a_flushed_transaction_writes_nothing_twice() -> None:
    database = Recorder()
    batch = transaction(database)
    batch.add(unit(accept("from", 1), events=[event()], feed=[entry("feed")]))
    batch.flush()
    said = list(database.said)
    batch.flush()
    assert database.said == said


def test_returned_rows_stand_in_the_order_of_the_changes() -> None:
    taken = transaction(Recorder(rows=((1, 2),))).add(unit(DELETE, accept("from", 1), DELETE))
    assert taken == Committed((((1, 2),), ((1, 2),)))


@pytest.mark.parametrize(
    ("guarded", "database"),
    [
        (c.DisableAccount(name("ada"), 1), Recorder(touched=0)),
        (c.ClaimDevice(name("phone"), b"node", 1), Recorder(rows=())),
        (c.RequireRoom(name("ada"), 1), Recorder(rows=(), touched=1)),
    ],
    ids=["touched", "returned", "found"],
)
def test_a_guard_counts_its_rows(guarded: c.Change, database: Recorder) -> None:
    with pytest.raises(GuardMissed):
        transaction(database).add(unit(guarded))


def test_a_check_that_holds_answers_nothing() -> None:
    assert transaction(Recorder()).add(unit(c.RequireRoom(name("ada"), 1))) == Committed()


def test_the_tip_moves_with_the_events_and_back_with_what_is_forgotten() -> None:
    batch = transaction(Recorder())
    assert batch.tip == Tip(-1, FIRST_LEAF)
    batch.add(unit(events=[event(n=1)]))
    first = batch.tip
    batch.add(unit(accept("from", 1), events=[event(n=2)], feed=[entry("feed")]))
    assert batch.tip.number == 1
    batch.forget(first)
    assert batch.tip == first


def test_what_is_forgotten_is_not_written() -> None:
    database = Recorder()
    batch = transaction(database)
    batch.add(unit(accept("from", 1), events=[event()], feed=[entry("feed")]))
    batch.forget(Tip())
    batch.flush()
    assert database.said == []


def test_an_unknown_change_is_refused_before_anything_is_said() -> None:
    database = Recorder()
    with pytest.raises(KeyError):
        transaction(database).add(unit((1, 2)))  # type: ignore[arg-type]  # on purpose
    assert database.said == []
