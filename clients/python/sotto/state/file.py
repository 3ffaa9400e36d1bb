"""The SQLite file of the local state. Everything here blocks and runs in the state's one thread.

WAL with synchronous=FULL: what was committed is there after a power cut. The file is locked exclusively for as long
as it is open, so that a second process is refused instead of giving one number to two messages. Values are encrypted
(CRYPTO section 8); keys are ids and numbers in the clear, so that they can be ordered.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto.keys import Refused
from crypto.vault import open_record, seal_record
from sotto.errors import StateDamaged, StateFailed, StateInUse, StateMissing
from sotto.state.records import Store

FORMAT: Final = 1
_OWNER_ONLY: Final = 0o600
_SCHEMA: Final = """
create table head(id integer primary key check (id = 1), format integer not null, tenant blob not null,
                  account blob not null, salt blob not null, wrapped blob not null) strict;
create table record(store text not null, key blob not null, value blob not null,
                    primary key (store, key)) strict, without rowid;
"""

Write = tuple[Store, bytes, bytes | None]
"""A record's store, key and plaintext; None removes it."""
Row = tuple[bytes, bytes]
"""A record's key and plaintext."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands in the clear: whose state this is, and the vault key wrapped under the password."""

    tenant: bytes
    account: bytes
    salt: bytes
    wrapped: bytes


class File:
    """Owned by the state's thread. `unlock` before any record is read or written."""

    def __init__(self, path: Path) -> None:
        """The file is its owner's alone from the first byte; SQLite gives its companions the same mode."""
        with suppress(OSError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
        self._path = path
        self._vault_key = b""
        self._db = self._connect()

    def _connect(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=0)
        except sqlite3.Error:
            raise StateMissing("The local state cannot be opened at that path.") from None
        try:
            db.execute("pragma locking_mode = exclusive")
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = full")
            db.execute("pragma secure_delete = on")
            db.execute("begin immediate")
            db.execute("commit")
        except sqlite3.Error as error:
            db.close()
            raise _opening_failure(error) from None
        return db

    def create(self, head: Head) -> None:
        """Write the head of a new state."""
        self._db.executescript(f"begin; {_SCHEMA} commit;")
        values = (1, FORMAT, head.tenant, head.account, head.salt, head.wrapped)
        self._db.execute("insert into head values (?, ?, ?, ?, ?, ?)", values)

    def head(self) -> Head:
        """The head, if this is a state that this version understands."""
        try:
            row = self._db.execute("select format, tenant, account, salt, wrapped from head").fetchone()
        except sqlite3.Error:
            row = None
        if row is None or row[0] != FORMAT:
            raise StateDamaged("The file is not a local state that this version can read.")
        return Head(*row[1:])

    def rewrap(self, salt: bytes, wrapped: bytes) -> None:
        """Put the vault key under another password."""
        self._db.execute("update head set salt = ?, wrapped = ?", (salt, wrapped))

    def unlock(self, vault_key: bytes) -> None:
        """Records are read and written under this key from now on."""
        self._vault_key = vault_key

    def apply(self, writes: Iterable[Write]) -> None:
        """All of it in one durable transaction, or nothing and `StateFailed`."""
        try:
            self._db.execute("begin immediate")
            for write in writes:
                self._write(*write)
            self._db.execute("commit")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self._db.execute("rollback")
            raise StateFailed("The local state can no longer be written.") from None

    def _write(self, store: Store, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._db.execute("delete from record where store = ? and key = ?", (store.value, key))
            return
        sealed = seal_record(self._vault_key, store, key, value)
        self._db.execute("insert or replace into record values (?, ?, ?)", (store.value, key, sealed))

    def get(self, store: Store, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Those of the records that exist."""
        found = {}
        for key in keys:
            sql = "select value from record where store = ? and key = ?"
            row = self._db.execute(sql, (store.value, key)).fetchone()
            if row is not None:
                found[key] = self._open(store, key, row[0])
        return found

    def all(self, store: Store) -> Iterator[Row]:
        """Every record of a store, in the order of the keys."""
        sql = "select key, value from record where store = ? order by key"
        for key, value in self._db.execute(sql, (store.value,)):
            yield key, self._open(store, key, value)

    def last_before(self, store: Store, prefix: bytes, before: bytes, limit: int) -> Sequence[Row]:
        """At most `limit` records of that key prefix below `before`, highest first."""
        sql = "select key, value from record where store = ? and key >= ? and key < ? order by key desc limit ?"
        rows = self._db.execute(sql, (store.value, prefix, before, limit)).fetchall()
        return [(key, self._open(store, key, value)) for key, value in rows]

    def first_from(self, store: Store, start: bytes, limit: int) -> Sequence[Row]:
        """At most `limit` records from `start` on, lowest first."""
        sql = "select key, value from record where store = ? and key >= ? order by key limit ?"
        rows = self._db.execute(sql, (store.value, start, limit)).fetchall()
        return [(key, self._open(store, key, value)) for key, value in rows]

    def count(self, store: Store) -> int:
        """How many records a store has."""
        row: tuple[int] = self._db.execute("select count(*) from record where store = ?", (store.value,)).fetchone()
        return row[0]

    def close(self) -> None:
        """Let go of the file and forget the key."""
        self._vault_key = b""
        self._db.close()

    def _open(self, store: Store, key: bytes, sealed: bytes) -> bytes:
        try:
            return open_record(self._vault_key, store, key, sealed)
        except Refused:
            raise StateDamaged("A record of the local state was changed.") from None


def _opening_failure(error: sqlite3.Error) -> Exception:
    if error.sqlite_errorname in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return StateInUse("Another process has this local state open.")
    if error.sqlite_errorname in ("SQLITE_CANTOPEN", "SQLITE_PERM"):
        return StateMissing("The local state cannot be opened at that path.")
    return StateDamaged("The file is not a local state that this version can read.")
