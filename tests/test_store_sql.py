"""One statement for each change and query, each fit for its fields, none that reads a whole table."""

import dataclasses
import re
from typing import Any, get_args

import apsw
import pytest

from chatserver.store import changes, queries, sql
from chatserver.store.migrations import shipped
from chatserver.store.port import Query
from chatserver.wire.limits import SEND_WINDOW

pytestmark = pytest.mark.pure

TENANT = bytes(range(16))
CHANGES: tuple[Any, ...] = get_args(changes.Change)
QUERIES: tuple[Any, ...] = tuple(
    kind for kind in vars(queries).values() if isinstance(kind, type) and issubclass(kind, Query) and kind is not Query
)
KINDS = (*CHANGES, *QUERIES)

WHOLE = {"AllAccounts", "OpenInvitations", "AllConversations", "FeedHead", "TheTenant"}
"""Queries that ask for everything, or for the end of a table."""


def text_of(kind: Any) -> str:
    return sql.CHANGES[kind].text if kind in sql.CHANGES else sql.QUERIES[kind]


def fields_of(kind: Any) -> int:
    return len(kind._fields) if kind in CHANGES else len(dataclasses.fields(kind))


@pytest.fixture(scope="module")
def database() -> apsw.Connection:
    """The shipped schema, in memory."""
    connection = apsw.Connection(":memory:")
    for step in shipped():
        connection.execute(step.text)
    return connection


def plan(database: apsw.Connection, text: str, fields: int) -> list[str]:
    rows = database.execute("explain query plan " + sql.for_sqlite(text, TENANT), (None,) * fields)
    return [str(row[3]) for row in rows]


def test_every_change_and_every_query_has_its_statement() -> None:
    assert set(sql.CHANGES) == set(CHANGES)
    assert set(sql.QUERIES) == set(QUERIES)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_placeholders_are_the_tenant_and_the_fields(kind: Any) -> None:
    assert sql.numbers_in(text_of(kind)) == set(range(1, fields_of(kind) + 2))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_statement_reads_a_whole_table(kind: Any, database: apsw.Connection) -> None:
    steps = plan(database, text_of(kind), fields_of(kind))
    scans = [step for step in steps if re.match(r"SCAN (?!CONSTANT|sized|page|\()", step)]
    tenants = [step for step in steps if step.endswith("(tenant=?)")]
    if kind.__name__ not in WHOLE:
        assert scans + tenants == []


def test_a_page_is_cut_from_the_index_before_a_box_is_read(database: apsw.Connection) -> None:
    steps = plan(database, sql.QUERIES[queries.MailboxPage], fields_of(queries.MailboxPage))
    reads = [step for step in steps if "mailbox" in step]
    assert reads == [
        "SEARCH mailbox USING COVERING INDEX mailbox_order (tenant=? AND device=? AND seq>?)",
        "SEARCH mailbox USING INTEGER PRIMARY KEY (rowid=?)",
    ]


@pytest.mark.parametrize("kind", sql.HOT, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("rows", [1, 3])
def test_hot_rows_go_several_at_once(kind: Any, rows: int, database: apsw.Connection) -> None:
    text = sql.for_sqlite_rows(sql.CHANGES[kind].text, TENANT, rows)
    assert text.count("?") == rows * fields_of(kind)
    assert len(list(database.execute("explain " + text, (None,) * text.count("?")))) > 0


def test_the_tenant_is_written_in_and_fields_are_bound_by_number() -> None:
    assert sql.for_sqlite("a = $1 and b = $3 or c = $2", TENANT) == f"a = x'{TENANT.hex()}' and b = ?2 or c = ?1"


def test_hot_changes_touch_one_table_each() -> None:
    tables = [re.findall(r"insert into (\w+)", sql.CHANGES[kind].text) for kind in sql.HOT]
    assert sorted(table for (table,) in tables) == ["accepted", "fate", "mailbox"]


def test_what_waits_for_nothing_hot_names_no_hot_table() -> None:
    tables = {changes.Accept: "accepted", changes.StoreBox: "mailbox", changes.OpenFate: "fate"}
    for statement in sql.CHANGES.values():
        free = [table for kind, table in tables.items() if kind not in statement.waits_for]
        assert statement.text in {sql.CHANGES[kind].text for kind in sql.HOT} or not any(
            re.search(rf"\b{table}\b(?!_)", statement.text) for table in free
        )


def test_guarded_and_returning_statements_can_be_judged() -> None:
    for statement in sql.CHANGES.values():
        assert statement.answers or not statement.returns
        assert not statement.guarded or statement.answers or statement.text.startswith(("update", "insert"))


def test_the_ledger_keeps_the_window_of_the_wire() -> None:
    assert f"- {SEND_WINDOW} from" in sql.QUERIES[queries.LedgerOf]
