"""The encrypted local state: opens with its password alone, keeps what it said it kept, lets nobody else in."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sotto.errors import StateDamaged, StateExists, StateFailed, StateInUse, StateMissing, WrongPassword
from sotto.state import Database, History, Writes, place_key
from sotto.state.database import stretched
from sotto.state.records import Counters, Profile, Store, u64
from sotto.values import Message

PASSWORD = "four words nobody else says"
SALT = b"s" * 16
CANARY = "canary-8d1f"
PROFILE = Profile("https://x", CANARY, b"t" * 16, b"a" * 16, "patient", CANARY, "d", b"i" * 32, b"d" * 32)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "one.state"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    derived = await stretched(PASSWORD, SALT)
    made = await Database.create(path, derived, SALT, b"t" * 16, b"a" * 16)
    writes = Writes()
    writes.put(Store.PROFILE, b"", PROFILE)
    writes.put(Store.COUNTERS, b"", Counters(n=7))
    await made.commit(writes)
    yield made
    await made.close()


def message(place: int, text: str = CANARY) -> Message:
    return Message(b"c" * 16, place, b"p" * 16, b"d" * 16, 1, text.encode(), 5)


async def reopened(database: Database, path: Path, password: str = PASSWORD) -> Database:
    await database.close()
    found, _ = await Database.unlock(path, password)
    return found


async def test_what_was_committed_is_there_after_opening_again(database: Database, path: Path) -> None:
    again = await reopened(database, path)
    loaded = await again.load()
    await again.close()
    assert loaded.profile == PROFILE
    assert loaded.counters.n == 7


async def test_a_wrong_password_opens_nothing(database: Database, path: Path) -> None:
    await database.close()
    with pytest.raises(WrongPassword):
        await Database.unlock(path, "four words somebody else says")


@pytest.mark.usefixtures("database")
async def test_a_second_owner_is_refused(path: Path) -> None:
    with pytest.raises(StateInUse):
        await Database.unlock(path, PASSWORD)


async def test_a_state_is_never_written_over(database: Database, path: Path) -> None:
    await database.close()
    with pytest.raises(StateExists):
        await Database.create(path, await stretched(PASSWORD, SALT), SALT, b"t" * 16, b"a" * 16)


async def test_no_state_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(StateMissing):
        await Database.unlock(tmp_path / "nothing", PASSWORD)


async def test_a_file_that_is_no_state_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database, " * 100)
    with pytest.raises(StateDamaged):
        await Database.unlock(tmp_path / "text", PASSWORD)


async def test_nothing_readable_stands_in_the_files(database: Database, path: Path) -> None:
    writes = Writes()
    writes.put(Store.HISTORY, place_key(b"c" * 16, 1), message(1))
    await database.commit(writes)
    raw = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert CANARY.encode() not in raw
    assert PROFILE.device_seed not in raw


@pytest.mark.usefixtures("database")
async def test_the_files_are_their_owners_alone(path: Path) -> None:
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


async def test_a_record_that_was_moved_is_refused(database: Database, path: Path) -> None:
    writes = Writes()
    writes.put(Store.HISTORY, place_key(b"c" * 16, 1), message(1))
    await database.commit(writes)
    await database.close()
    with sqlite3.connect(path) as db:
        db.execute("update record set key = ? where store = 'history'", (place_key(b"c" * 16, 2),))
    db.close()
    again, _ = await Database.unlock(path, PASSWORD)
    with pytest.raises(StateDamaged):
        await History(again).page(b"c" * 16, 9, 9)
    await again.close()


async def test_a_read_sees_every_write_before_it(database: Database) -> None:
    for number in range(50):
        writes = Writes()
        writes.put(Store.HISTORY, place_key(b"c" * 16, number), message(number))
        database.submit(writes)
    assert await database.read(lambda file: file.count(Store.HISTORY)) == 50


async def test_history_comes_in_pages_newest_first(database: Database) -> None:
    writes = Writes()
    for number in range(1, 8):
        writes.put(Store.HISTORY, place_key(b"c" * 16, number), message(number))
    writes.put(Store.HISTORY, place_key(b"x" * 16, 3), message(3))
    await database.commit(writes)
    history = History(database)
    last = await history.page(b"c" * 16, 2**53 - 1, 3)
    assert [entry.place for entry in last] == [5, 6, 7]
    assert [entry.place for entry in await history.page(b"c" * 16, 5, 3)] == [2, 3, 4]


async def test_a_dropped_record_is_gone(database: Database) -> None:
    writes = Writes()
    writes.put(Store.INBOX, u64(1), b"x")
    writes.drop(Store.INBOX, u64(1))
    await database.commit(writes)
    assert await database.read(lambda file: file.count(Store.INBOX)) == 0


async def test_after_a_failed_write_nothing_is_written_any_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = database._file.apply

    def full(_: object) -> None:
        raise StateFailed("full")

    monkeypatch.setattr(database._file, "apply", full)
    writes = Writes()
    writes.put(Store.INBOX, u64(1), b"x")
    with pytest.raises(StateFailed):
        await database.commit(writes)
    monkeypatch.setattr(database._file, "apply", applied)
    with pytest.raises(StateFailed):
        await database.commit(writes)
    assert await database.read(lambda file: file.count(Store.INBOX)) == 0


async def test_after_closing_nothing_is_taken(database: Database) -> None:
    await database.close()
    await database.close()
    writes = Writes()
    writes.put(Store.INBOX, u64(1), b"x")
    with pytest.raises(StateFailed):
        await database.commit(writes)
    with pytest.raises(StateFailed):
        await database.load()
