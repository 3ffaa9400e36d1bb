"""One server, any number of commands, each kind with a shard of its own."""

from pathlib import Path

import apsw
import pytest

from chatserver.store.migrations import shipped
from chatserver.store.opening import Kind, open_store
from chatserver.store.port import StoreRefused
from tests.contract.material import event, log, unit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sotto.db"


def spoil(path: Path) -> None:
    path.write_bytes(b"no database at all" * 500)


def clear(path: Path) -> None:
    path.unlink()


async def test_a_second_server_is_refused_and_a_command_is_not(path: Path) -> None:
    server = open_store(path)
    with pytest.raises(StoreRefused, match="stop it first"):
        open_store(path)
    await open_store(path, Kind.CLI).close()
    await server.close()
    await open_store(path).close()


async def test_a_shard_is_found_again(path: Path) -> None:
    for number in range(2):
        store = open_store(path)
        await store.commit(unit(events=[event(n=number)]))
        await store.close()
    store = open_store(path)
    rows = await log(store)
    await store.close()
    assert [row.number for row in rows] == [0, 1]


async def test_a_restored_store_opens_new_shards(path: Path) -> None:
    for epoch in (bytes(16), b"e" * 16):
        store = open_store(path)
        store._writer._connection.execute("update tenant set epoch = ?", (epoch,))
        await store.close()
        store = open_store(path)
        await store.commit(unit(events=[event()]))
        await store.close()
    store = open_store(path)
    rows = await log(store)
    await store.close()
    assert [row.number for row in rows] == [0, 0]


async def test_a_refused_opening_lets_go_of_the_lock(path: Path) -> None:
    spoil(path)
    with pytest.raises(StoreRefused, match="put a backup in its place"):
        open_store(path)
    clear(path)
    await open_store(path).close()


async def test_a_store_of_two_organisations_is_refused(path: Path) -> None:
    await open_store(path).close()
    apsw.Connection(str(path)).execute("insert into tenant values (zeroblob(16), zeroblob(16), 1)")
    with pytest.raises(StoreRefused, match="2 organisations"):
        open_store(path)


async def test_an_upgrade_happens_under_the_servers_own_lock(path: Path) -> None:
    await open_store(path).close()
    later = shipped()[0]._replace(number=2, text="create table later (a integer) strict")
    store = open_store(path, migrations=(*shipped(), later))
    await store.close()
    assert len(list(path.parent.glob("*.backup"))) == 1
