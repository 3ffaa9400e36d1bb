"""Opens the store: lock, schema, tenant, shard, then the threads."""

import enum
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from chatserver.store import sql, sqlite_connection
from chatserver.store.faults import Faults
from chatserver.store.group import DISTANCE_S
from chatserver.store.lock import FileLock, serve_lock
from chatserver.store.migrations import Migration, migrate
from chatserver.store.port import StoreRefused
from chatserver.store.reserve import RESERVE_BYTES, Reserve
from chatserver.store.sqlite import Reader, SqliteStore
from chatserver.store.sqlite_connection import BUSY_TIMEOUT_MS, Connection, DatabaseError
from chatserver.store.sqlite_writer import Shard, Writer


class Kind(enum.Enum):
    """Who writes. Each kind has its own shard of the audit log."""

    NODE = "node"
    """The one server."""
    CLI = "cli"
    """A command, beside the server or without it."""


def open_store(
    path: Path,
    kind: Kind = Kind.NODE,
    *,
    migrations: Sequence[Migration] | None = None,
    distance_s: float = DISTANCE_S,
    busy_timeout_ms: int = BUSY_TIMEOUT_MS,
    draw: Callable[[int], bytes] = secrets.token_bytes,
    reserve_bytes: int = RESERVE_BYTES,
    faults: Faults | None = None,
) -> SqliteStore:
    """The store at `path`, built or upgraded if need be. Call it on the running loop, before anything is served.

    Blocks while it opens. Raises `StoreRefused` with the sentence that mends it.
    """
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    lock = serve_lock(path) if kind is Kind.NODE else None
    try:
        migrate(path, migrations=migrations, served=lock is not None, draw=draw)
        connection = sqlite_connection.writer(path, busy_timeout_ms)
        tenant = _tenant(connection, path)
        shard = Shard(_shard(connection, tenant, kind, draw), sole=kind is Kind.NODE)
        reserve = Reserve(path.with_name(path.name + ".reserve"), reserve_bytes) if shard.sole else None
        writer = Writer(connection, tenant, shard, draw, reserve=reserve, faults=faults)
        reader = Reader(sqlite_connection.reader(path, busy_timeout_ms), tenant)
        return SqliteStore(writer, reader, lock=lock, distance_s=distance_s)
    except BaseException as error:
        _let_go(lock)
        if isinstance(error, DatabaseError):
            raise sqlite_connection.refusal(error, path) from error
        raise


def _let_go(lock: FileLock | None) -> None:
    if lock is not None:
        lock.close()


def _tenant(connection: Connection, path: Path) -> bytes:
    tenants = connection.execute("select id from tenant").fetchall()
    if len(tenants) != 1:
        raise StoreRefused(
            f"The store {path} holds {len(tenants)} organisations instead of one: put a backup in its place."
        )
    return bytes(tenants[0][0])  # type: ignore[arg-type]  # a blob column of a strict table


def _shard(connection: Connection, tenant: bytes, kind: Kind, draw: Callable[[int], bytes]) -> bytes:
    """The shard of this kind of writer in the present epoch."""
    named = sql.for_sqlite(sql.SHARD_NAMED, tenant)
    if not connection.execute(named, (kind.value,)).fetchall():
        connection.execute(sql.for_sqlite(sql.ADD_SHARD, tenant), (draw(16), kind.value))
    return bytes(connection.execute(named, (kind.value,)).fetchall()[0][0])  # type: ignore[arg-type]  # as above
