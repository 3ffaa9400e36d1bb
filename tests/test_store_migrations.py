"""Built whole, upgraded with a copy kept, or refused with the sentence that mends it."""

import threading
from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from chatserver.store.lock import serve_lock
from chatserver.store.migrations import FIRST_EPOCH, Migrated, Migration, migrate, shipped
from chatserver.store.port import StoreRefused

SECOND = Migration(2, "create table later (word text not null) strict; insert into later values ('kept');")
BROKEN = Migration(2, "create table later (word text not null) strict; insert into nothing values (1);")
ORPHANING = Migration(2, "insert into device_list values ((select id from tenant), x'01', 1, zeroblob(32), x'', 1);")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sotto.db"


def rows(path: Path, text: str) -> list[tuple[object, ...]]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return list(connection.execute(text).fetchall())
    finally:
        connection.close()


def tables(path: Path) -> set[object]:
    return {name for (name,) in rows(path, "select name from sqlite_schema where type = 'table'")}


def files(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()} - {"sotto.db-wal", "sotto.db-shm"}


def steps(*later: Migration) -> Sequence[Migration]:
    return (*shipped(), *later)


def test_shipped_migrations_are_numbered_without_a_gap() -> None:
    assert [step.number for step in shipped()] == list(range(1, len(shipped()) + 1))


def test_a_new_store_has_one_organisation_and_no_epoch(path: Path) -> None:
    assert migrate(path, now_ms=7, draw=lambda size: b"t" * size) == Migrated(0, len(shipped()))
    assert rows(path, "select * from tenant") == [(b"t" * 16, FIRST_EPOCH, 7)]
    assert rows(path, "pragma journal_mode") == [("wal",)]


def test_two_stores_are_two_organisations(tmp_path: Path) -> None:
    ids = set()
    for name in ("one", "two"):
        migrate(tmp_path / name)
        ids |= set(rows(tmp_path / name, "select id from tenant"))
    assert len(ids) == 2


def test_only_its_owner_reads_a_store(path: Path) -> None:
    migrate(path)
    connection = apsw.Connection(str(path))
    connection.execute("create table touched (a)")
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    connection.close()
    assert modes == dict.fromkeys(["sotto.db", "sotto.db-wal", "sotto.db-shm"], 0o600)
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_build_that_broke_off_leaves_no_store_and_is_done_again(path: Path) -> None:
    with pytest.raises(StoreRefused):
        migrate(path, migrations=steps(BROKEN))
    assert not path.exists()
    assert migrate(path).before == 0
    assert files(path) == {"sotto.db"}


def test_a_log_without_its_database_is_not_replayed_into_a_new_one(path: Path) -> None:
    path.parent.mkdir()
    (path.parent / "sotto.db-wal").write_bytes(b"of another database")
    with pytest.raises(StoreRefused, match="put the database back, or move it away"):
        migrate(path)
    assert not path.exists()


def test_a_store_that_is_up_to_date_is_left_alone(path: Path) -> None:
    migrate(path)
    assert migrate(path) == Migrated(len(shipped()), len(shipped()))
    assert files(path) == {"sotto.db"}


def test_an_upgrade_keeps_a_copy_of_what_was(path: Path) -> None:
    migrate(path)
    tenant = rows(path, "select * from tenant")
    done = migrate(path, migrations=steps(SECOND))
    assert (done.before, done.after) == (1, 2)
    assert done.copy is not None
    assert "later" in tables(path)
    assert "later" not in tables(done.copy)
    assert rows(done.copy, "select * from tenant") == rows(path, "select * from tenant") == tenant
    assert done.copy.stat().st_mode & 0o777 == 0o600


def test_a_copy_put_back_is_upgraded_again_and_no_copy_is_overwritten(path: Path) -> None:
    migrate(path)
    first = migrate(path, migrations=steps(SECOND)).copy
    assert first is not None
    path.write_bytes(first.read_bytes())
    second = migrate(path, migrations=steps(SECOND)).copy
    assert second is not None
    assert second != first
    assert first.exists()


@pytest.mark.parametrize("bad", [BROKEN, ORPHANING], ids=["broken", "orphaning"])
def test_an_upgrade_that_fails_changes_nothing(path: Path, bad: Migration) -> None:
    migrate(path)
    before = tables(path)
    with pytest.raises(StoreRefused):
        migrate(path, migrations=steps(bad))
    assert tables(path) == before
    assert rows(path, "select count(*) from migration") == [(1,)]
    assert migrate(path, migrations=steps(SECOND)).after == 2


def test_a_store_in_use_is_not_upgraded(path: Path) -> None:
    migrate(path)
    with serve_lock(path):
        with pytest.raises(StoreRefused, match="stop it first"):
            migrate(path, migrations=steps(SECOND))
        assert migrate(path, migrations=steps(SECOND), served=True).after == 2


def test_a_newer_store_is_refused(path: Path) -> None:
    migrate(path, migrations=steps(SECOND))
    with pytest.raises(StoreRefused, match="has schema 2 and this version of Sotto knows 1: install the version"):
        migrate(path)


def test_a_store_of_another_history_is_refused(path: Path) -> None:
    migrate(path, migrations=steps(SECOND))
    with pytest.raises(StoreRefused, match="another migration 2 than this version of Sotto has: install the version"):
        migrate(path, migrations=steps(Migration(2, SECOND.text + " ")))


def test_the_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    apsw.Connection(str(path)).execute("create table theirs (a)")
    with pytest.raises(StoreRefused, match="another program: name another file"):
        migrate(path)


@pytest.mark.parametrize("content", [b"not a database, but long enough to be read as one" * 100, b"short"])
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreRefused, match="put a backup in its place"):
        migrate(path)


def test_builders_at_the_same_time_build_one_store(path: Path) -> None:
    done: list[Migrated] = []
    builders = [threading.Thread(target=lambda: done.append(migrate(path))) for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert sorted(result.before for result in done) == [0, 1, 1, 1]
    assert rows(path, "select count(*) from tenant") == [(1,)]
