"""What SQLite does when the disk is full, the file is locked or a commit cannot be flushed."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

from chatserver.store import changes as c
from chatserver.store import queries as q
from chatserver.store.faults import Faults, Moment
from chatserver.store.opening import open_store
from chatserver.store.port import Committed, Failure, Store, StoreLost
from chatserver.store.sqlite import SqliteStore
from tests.contract.material import accept, box, chained, done, event, log, name, pending, two_people, unit

BENS, PHONE = name("ben phone"), name("ada phone")
HUGE = 49_440
MIB = 1024 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sotto.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = open_store(path, busy_timeout_ms=1)
    yield store
    await store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 80 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S603 - fixed words
        pytest.skip("only root may mount a small disk, and not everywhere")
    yield place
    subprocess.run(["umount", str(place)], check=True)  # noqa: S603, S607 - fixed words


def send(n: int, size: int = HUGE) -> c.StoreBox:
    return box("ben phone", "ada phone", n, size=size)


def content(path: Path) -> bytes:
    return path.read_bytes()


def fill_with(path: Path, size: int) -> None:
    path.write_bytes(bytes(size))


def clear(path: Path) -> None:
    path.write_bytes(b"")


async def fill(store: Store) -> int:
    """Store boxes until there is no room; how many stand."""
    for n in range(1, 1_000):
        outcome = await store.commit(unit(send(n), pending("ada phone", n, "ben"), events=[event(n=n)]))
        if outcome is Failure.FULL:
            return n - 1
        assert outcome == Committed()
    raise AssertionError("there is no end to this disk")


# -- locked ------------------------------------------------------------------------------------------------------


async def test_a_lock_held_by_another_program_is_busy_and_nothing_is_lost(store: SqliteStore, path: Path) -> None:
    other = apsw.Connection(str(path))
    other.execute("begin immediate")
    assert await store.commit(unit(accept("ada phone", 1), events=[event(n=1)])) is Failure.BUSY
    assert await store.read(q.LedgerOf(PHONE)) == []
    other.execute("rollback")
    other.close()
    assert await store.commit(unit(accept("ada phone", 1), events=[event(n=2)])) == Committed()
    assert [told.n for told in chained(await log(store))] == [2]


async def test_readers_do_not_wait_for_a_writer(store: SqliteStore, path: Path) -> None:
    await two_people(store)
    other = apsw.Connection(str(path))
    other.execute("begin immediate")
    assert len(await store.read(q.AllAccounts())) == 2
    other.execute("rollback")
    other.close()


# -- full --------------------------------------------------------------------------------------------------------


async def test_a_full_disk_refuses_what_adds_and_still_lets_go(small_disk: Path) -> None:
    fill_with(small_disk / "ballast", 20 * MIB)
    store = open_store(small_disk / "sotto.db")
    try:
        await two_people(store)
        stand = await fill(store)
        assert (await store.read(q.MailboxSize(BENS)))[0].boxes == stand
        kept, gone = await asyncio.gather(
            store.commit(unit(send(5_000), events=[event(n=5_000)])),
            store.commit(unit(c.DeleteBox(BENS, PHONE, 1), c.SettleFate(PHONE, 1, name("ben"), 1, 5))),
        )
        assert (kept, gone) == (Failure.FULL, Committed((((PHONE, 1),),)))
        for n in range(2, stand + 1):
            acknowledged = await store.commit(unit(c.DeleteBox(BENS, PHONE, n), events=[event(n=n)]))
            assert acknowledged == Committed((((PHONE, n),),))
        assert await store.commit(unit(send(6_000), events=[event(n=6_000)])) is Failure.FULL
        clear(small_disk / "ballast")
        assert await store.commit(unit(send(7_000), events=[event(n=7_000)])) == Committed()
        assert [told.n for told in chained(await log(store))] == [*range(1, stand + 1), *range(2, stand + 1), 7_000]
    finally:
        await store.close()


async def test_a_database_at_its_limit_refuses_what_adds_and_still_lets_go(store: SqliteStore) -> None:
    await two_people(store)
    pages = store._writer._connection.pragma("page_count")
    store._writer._connection.pragma("max_page_count", pages + 60)
    stand = await fill(store)
    kept, gone = await asyncio.gather(
        store.commit(unit(send(5_000), events=[event(n=5_000)])), store.commit(unit(c.DeleteBox(BENS, PHONE, 1)))
    )
    assert (kept, gone) == (Failure.FULL, Committed((((PHONE, 1),),)))
    assert await store.commit(unit(send(6_000), events=[event(n=6_000)])) == Committed()
    assert [told.n for told in chained(await log(store))] == [*range(1, stand + 1), 6_000]


# -- lost --------------------------------------------------------------------------------------------------------


async def test_a_commit_that_could_not_be_flushed_does_not_come_back(path: Path) -> None:
    lost = apsw.IOError("made up")
    store = open_store(path, faults=Faults({(Moment.BEFORE, 2): lost}))
    await two_people(store)
    assert await store.commit(unit(accept("ada phone", 1))) is Failure.LOST
    marks = store._writer._connection.execute("select mark from shard").fetchall()
    await store.close()
    assert marks != [(0,)]  # a commit of the writer's own lies on top of the one that failed
    again = open_store(path)
    assert await again.read(q.LedgerOf(PHONE)) == []
    await again.close()


async def test_a_read_that_fails_is_lost(store: SqliteStore) -> None:
    store._reader._connection.close()
    with pytest.raises(StoreLost):
        await store.read(q.AllAccounts())


async def test_a_writer_whose_connection_is_gone_answers(path: Path) -> None:
    store = open_store(path)
    store._writer._connection.close()
    assert await store.commit(unit(accept("ada phone", 1))) is Failure.LOST
    with pytest.raises(StoreLost):
        await store.close()
    await open_store(path).close()  # the lock was let go all the same


# -- the files ---------------------------------------------------------------------------------------------------


async def test_a_closed_store_is_one_file(store: SqliteStore, path: Path) -> None:
    await two_people(store)
    await store.close()
    assert not path.with_name("sotto.db-wal").exists()


async def test_a_deleted_box_leaves_no_trace_in_the_database(store: SqliteStore, path: Path) -> None:
    await two_people(store)
    unique = os.urandom(32)
    await done(store, send(1)._replace(box=unique * 1_000, size=32_000))
    await done(store, c.DeleteBox(BENS, PHONE, 1))
    await store.close()
    assert unique not in content(path)


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("secure_delete", 1),
        ("mmap_size", 0),
    ],
)
async def test_the_writer_keeps_its_promises_by_these_settings(store: SqliteStore, pragma: str, value: object) -> None:
    assert store._writer._connection.pragma(pragma) == value


async def test_the_reader_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(apsw.ReadOnlyError):
        store._reader._connection.execute("delete from tenant")
