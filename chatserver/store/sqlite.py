"""The store on SQLite: one writer on one thread, one reader on another, and the group commit between."""

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Final, TypeVar

from chatserver.store import sql
from chatserver.store.group import DISTANCE_S, Group, Told
from chatserver.store.lock import FileLock
from chatserver.store.port import Done, Failure, Outcome, Query, StoreLost, Unit
from chatserver.store.sqlite_connection import Connection
from chatserver.store.sqlite_writer import Writer
from chatserver.store.worker import Worker

MAX_WAITING_READS: Final = 20_000

R = TypeVar("R")


class Reader:
    """Blocks: lives on one thread. Each read is one statement, so it sees one state of the store."""

    def __init__(self, connection: Connection, tenant: bytes) -> None:
        self._connection = connection
        self._texts = {kind: (sql.for_sqlite(text, tenant), _names(kind)) for kind, text in sql.QUERIES.items()}

    def read(self, query: Query[R]) -> list[R]:
        """The rows of `query`."""
        text, names = self._texts[type(query)]
        rows = self._connection.execute(text, tuple([getattr(query, name) for name in names])).fetchall()
        return [query.row(*row) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


class SqliteStore:
    """The promises of `port.Store` on one file. Opened by `migrations.open_store`; lives on one event loop."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        *,
        lock: FileLock | None = None,
        distance_s: float = DISTANCE_S,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._reader = reader
        self._lock = lock
        self._writing = Worker("store-writer", self._loop)
        self._reading = Worker("store-reader", self._loop)
        self._group = Group(self._begin, self._loop, distance_s=distance_s)
        self._reads = 0
        self._closing: asyncio.Future[None] | None = None

    def submit(self, unit: Unit, done: Done) -> None:
        """See `port.Store`."""
        self._group.submit(unit, done)

    async def commit(self, unit: Unit) -> Outcome:
        """See `port.Store`. A caller that is cancelled does not take its unit back."""
        heard: asyncio.Future[Outcome] = self._loop.create_future()
        self._group.submit(unit, lambda outcome: _answer(heard, outcome))
        return await heard

    async def read(self, query: Query[R]) -> list[R]:
        """See `port.Store`."""
        if self._closing is not None or self._reads >= MAX_WAITING_READS:
            raise StoreLost
        heard: asyncio.Future[list[R] | Exception] = self._loop.create_future()
        self._reads += 1
        self._reading.run(lambda: self._reader.read(query), lambda rows: self._read(heard, rows))
        rows = await heard
        if isinstance(rows, Exception):
            raise StoreLost from rows
        return rows

    async def close(self) -> None:
        """See `port.Store`. A second call waits for the first."""
        if self._closing is None:
            self._closing = self._loop.create_future()
            self._group.close(self._drained)
        await asyncio.shield(self._closing)

    def _begin(self, units: list[Unit], told: Told) -> None:
        self._writing.run(lambda: self._writer.apply(units), lambda outcomes: told(_outcomes(outcomes, units)))

    def _read(self, heard: asyncio.Future[R], rows: R) -> None:
        self._reads -= 1
        _answer(heard, rows)

    # -- closing: the reader first, so that the writer may empty the log -------------------------------------------

    def _drained(self) -> None:
        self._reading.run(self._reader.close, lambda _: self._writing.run(self._writer.close, self._let_go))

    def _let_go(self, error: Exception | None) -> None:
        for worker in (self._reading, self._writing):
            worker.stop()
            worker.join()
        if self._lock is not None:
            self._lock.close()
        if self._closing is None or self._closing.done():
            return
        if error is None:
            self._closing.set_result(None)
        else:
            self._closing.set_exception(StoreLost())


def _answer(heard: asyncio.Future[R], answer: R) -> None:
    if not heard.done():  # who waited may have been cancelled
        heard.set_result(answer)


def _outcomes(result: list[Outcome] | Exception, units: Sequence[Unit]) -> Sequence[Outcome]:
    return [Failure.UNKNOWN] * len(units) if isinstance(result, Exception) else result
