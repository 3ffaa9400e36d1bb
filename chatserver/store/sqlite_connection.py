"""Connections to SQLite, all opened the same way, and what its errors mean to a caller of the store."""

from pathlib import Path
from typing import Final

import apsw

from chatserver.store.port import Failure, StoreRefused
from chatserver.store.transaction import GuardMissed

BUSY_TIMEOUT_MS: Final = 2_000
PAGES_BETWEEN_CHECKPOINTS: Final = 4_000
"""16 MiB: a page that many messages change is copied back once for all of them."""
LOG_BYTES_KEPT: Final = 32 * 1024 * 1024
"""The log is not cut below this: room that deletions can use when the disk is full."""

_WRITER_CACHE_KIB: Final = 32_768
_READER_CACHE_KIB: Final = 16_384
_STATEMENTS: Final = 200

Connection = apsw.Connection
DatabaseError = apsw.Error


class OutcomeUnknown(Exception):
    """A commit failed, and so did finding out what became of it."""


class ReferenceMissing(Exception):
    """A row names another one that is not there."""


_FAILURES: Final[tuple[tuple[type[Exception], Failure], ...]] = (
    (GuardMissed, Failure.GUARD),
    (OutcomeUnknown, Failure.UNKNOWN),
    (apsw.BusyError, Failure.BUSY),
    (apsw.LockedError, Failure.BUSY),
    (apsw.FullError, Failure.FULL),
    (apsw.ConstraintError, Failure.DATA),
    (apsw.MismatchError, Failure.DATA),
    (apsw.TooBigError, Failure.DATA),
    (apsw.BindingsError, Failure.DATA),
    (apsw.Error, Failure.LOST),
    (MemoryError, Failure.LOST),
    (OSError, Failure.LOST),
)


def failure_of(error: Exception) -> Failure:
    """What `error` means. Whatever the database did not raise lies in the values of the unit."""
    return next((failure for kind, failure in _FAILURES if isinstance(error, kind)), Failure.DATA)


def refusal(error: DatabaseError, path: Path) -> StoreRefused:
    """Why the store at `path` cannot be opened, and what mends it."""
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return StoreRefused(f"The store {path} is damaged or not a database: put a backup in its place.")
    if failure_of(error) is Failure.BUSY:
        return StoreRefused(f"The store {path} is locked by another program: end that program, or try again.")
    if failure_of(error) is Failure.FULL:
        return StoreRefused(f"The disk of the store {path} is full: make room.")
    if isinstance(error, apsw.SQLError):
        return StoreRefused(f"The store {path} does not take its upgrade: install a version of Sotto that fits it.")
    return StoreRefused(f"The store {path} cannot be opened: give it and its folder to the user that runs Sotto.")


def writer(path: Path, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Connection:
    """A connection that writes: past a power cut when COMMIT returns, deleted boxes overwritten."""
    connection = _connect(path, apsw.SQLITE_OPEN_READWRITE, busy_timeout_ms)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma secure_delete = on")
    connection.execute(f"pragma wal_autocheckpoint = {PAGES_BETWEEN_CHECKPOINTS}")
    connection.execute(f"pragma journal_size_limit = {LOG_BYTES_KEPT}")
    connection.execute(f"pragma cache_size = -{_WRITER_CACHE_KIB}")
    return connection


def reader(path: Path, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Connection:
    """A connection that cannot write."""
    connection = _connect(path, apsw.SQLITE_OPEN_READONLY, busy_timeout_ms)
    connection.execute("pragma query_only = on")
    connection.execute(f"pragma cache_size = -{_READER_CACHE_KIB}")
    return connection


def bare(path: Path) -> Connection:
    """A connection to a file that is being filled page by page."""
    return _connect(path, apsw.SQLITE_OPEN_READWRITE, BUSY_TIMEOUT_MS)


def _connect(path: Path, flags: int, busy_timeout_ms: int) -> Connection:
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=_STATEMENTS)
    connection.set_busy_timeout(busy_timeout_ms)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.execute("pragma mmap_size = 0")
    connection.execute("pragma temp_store = memory")
    return connection


def check_references(connection: Connection) -> None:
    """Raise `ReferenceMissing` if a foreign key of this transaction is not met (they are deferred to its end)."""
    if connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0]:
        raise ReferenceMissing
