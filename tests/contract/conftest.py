"""Every implementation of a port, behind one door: a second one is added here, and nowhere else."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Protocol

import apsw
import pytest

from chatserver.bus.local import LocalBus
from chatserver.bus.port import Bus
from chatserver.store.faults import Faults
from chatserver.store.opening import Kind, open_store
from chatserver.store.port import Failure, Store


class Stores(Protocol):
    """Opens stores on one place. errors: what the implementation's database raises for a failure."""

    errors: Mapping[Failure, Exception]

    def open(self, kind: Kind = Kind.NODE, faults: Faults | None = None) -> Store:
        """A store on the running loop; several share what they hold."""


class SqliteStores:
    errors: Mapping[Failure, Exception] = {
        Failure.LOST: apsw.IOError("made up"),
        Failure.FULL: apsw.FullError("made up"),
        Failure.BUSY: apsw.BusyError("made up"),
        Failure.DATA: apsw.ConstraintError("made up"),
    }

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sotto.db"
        self.opened: list[Store] = []

    def open(self, kind: Kind = Kind.NODE, faults: Faults | None = None) -> Store:
        store = open_store(self.path, kind, faults=faults)
        self.opened.append(store)
        return store


@pytest.fixture(params=[SqliteStores], ids=["sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    place = request.param(tmp_path)
    yield place
    for store in place.opened:
        await store.close()


@pytest.fixture
async def store(stores: Stores) -> Store:
    """An empty store."""
    return stores.open()


@pytest.fixture(params=[LocalBus], ids=["local"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    made: Bus = request.param()
    yield made
    await made.close()
