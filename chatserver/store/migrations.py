"""From a folder of numbered files to a store: built, upgraded with a copy kept, or refused with what mends it."""

import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from chatserver.store import sqlite_connection
from chatserver.store.lock import FILE_MODE, serve_lock
from chatserver.store.port import StoreRefused
from chatserver.store.sqlite_connection import Connection, DatabaseError

APPLICATION_ID: Final = 0x536F7474
"""In the header of every database of ours: "Sott"."""
FIRST_EPOCH: Final = bytes(16)

_NAME: Final = re.compile(r"(\d{3})_\w+\.sqlite\.sql")
_FOLDER_MODE: Final = 0o700
_BOOK: Final = (
    "create table migration (number integer primary key, checksum blob not null, applied_at integer not null) strict"
)

Draw = Callable[[int], bytes]


class Migration(NamedTuple):
    """One numbered file."""

    number: int
    text: str

    @property
    def checksum(self) -> bytes:
        """SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).digest()


class Migrated(NamedTuple):
    """What `migrate` did: schema before (0: there was no store) and after, and the copy that it kept."""

    before: int
    after: int
    copy: Path | None = None


def shipped() -> tuple[Migration, ...]:
    """The migrations of this version, in order."""
    folder = resources.files("chatserver.store") / "schema"
    found = ((_NAME.fullmatch(file.name), file) for file in folder.iterdir())
    return tuple(sorted(Migration(int(name[1]), file.read_text("utf-8")) for name, file in found if name))


def migrate(
    path: Path,
    *,
    migrations: Sequence[Migration] | None = None,
    served: bool = False,
    now_ms: int | None = None,
    draw: Draw = secrets.token_bytes,
) -> Migrated:
    """Build the store at `path`, or bring it to the newest schema; an upgrade keeps a copy beside it.

    served: the caller holds the store's serve lock; else an upgrade takes it. now_ms: milliseconds since the epoch.
    Raises `StoreRefused` if the store is newer than this code, altered, damaged or in use; then nothing was changed.
    """
    steps = shipped() if migrations is None else tuple(migrations)
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    path.parent.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
    try:
        with _folder_locked(path.parent):
            if not path.exists():
                return _build(path, steps, now_ms, draw)
            with ExitStack() as held:
                connection = held.enter_context(closing(sqlite_connection.writer(path)))
                before = _schema_of(connection, path, steps)
                if before == steps[-1].number:
                    return Migrated(before, before)
                if not served:
                    held.enter_context(serve_lock(path))
                return _upgrade(connection, path, steps[before:], now_ms)
    except DatabaseError as error:
        raise sqlite_connection.refusal(error, path) from error


# -- a new store: made beside its place, then moved there whole ----------------------------------------------------


def _build(path: Path, steps: Sequence[Migration], now_ms: int, draw: Draw) -> Migrated:
    for leftover in (path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")):
        if leftover.exists():
            raise StoreRefused(f"{leftover} is left without its database: put the database back, or move it away.")
    new = _empty(path.with_name(path.name + ".new"))
    with closing(sqlite_connection.writer(new)) as connection:
        connection.execute(f"pragma application_id = {APPLICATION_ID}")
        connection.execute("begin immediate")
        connection.execute(_BOOK)
        _apply(connection, steps, now_ms)
        connection.execute("insert into tenant values (?, ?, ?)", (draw(16), FIRST_EPOCH, now_ms))
        connection.execute("commit")
    _put(new, path)
    return Migrated(0, steps[-1].number)


def _empty(path: Path) -> Path:
    """An empty file that only its owner reads, in place of what an earlier attempt left."""
    for leftover in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        leftover.unlink(missing_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
    return path


def _put(new: Path, path: Path) -> None:
    """Give a finished file its name, past a power cut."""
    with _folder(path.parent) as folder:
        new.rename(path)
        os.fsync(folder)


# -- an old store ----------------------------------------------------------------------------------------------------


def _schema_of(connection: Connection, path: Path, steps: Sequence[Migration]) -> int:
    """The number of the newest migration in the store, when all of them are ours."""
    if connection.pragma("application_id") != APPLICATION_ID:
        raise StoreRefused(f"{path} is the database of another program: name another file for the store.")
    applied = connection.execute("select number, checksum from migration order by number").fetchall()
    if len(applied) > len(steps):
        raise StoreRefused(
            f"The store {path} has schema {len(applied)} and this version of Sotto knows {len(steps)}:"
            " install the version that wrote it, or put the copy from before its upgrade in its place."
        )
    for (number, checksum), step in zip(applied, steps, strict=False):
        if (number, checksum) != (step.number, step.checksum):
            raise StoreRefused(
                f"The store {path} was made by another migration {step.number} than this version of Sotto has:"
                " install the version that wrote it."
            )
    return len(applied)


def _upgrade(connection: Connection, path: Path, pending: Sequence[Migration], now_ms: int) -> Migrated:
    before = pending[0].number - 1
    connection.execute("pragma foreign_keys = off")  # tables may be made anew; checked as a whole below
    connection.execute("begin immediate")
    try:
        copy = _copy(path, before)
        _apply(connection, pending, now_ms)
        _check_whole(connection, path)
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    return Migrated(before, pending[-1].number, copy)


def _check_whole(connection: Connection, path: Path) -> None:
    if connection.execute("pragma foreign_key_check").fetchall():
        raise StoreRefused(f"The store {path} has rows that name missing ones: put a backup in its place.")


def _apply(connection: Connection, steps: Sequence[Migration], now_ms: int) -> None:
    for step in steps:
        connection.execute(step.text)
        connection.execute("insert into migration values (?, ?, ?)", (step.number, step.checksum, now_ms))


def _copy(path: Path, schema: int) -> Path:
    """A whole copy of the store beside it. The caller's write lock keeps it still."""
    names = (path.with_name(f"{path.name}.schema-{schema}.{number}.backup") for number in count(1))
    copy = next(name for name in names if not name.exists())
    new = _empty(copy.with_name(copy.name + ".new"))
    with closing(sqlite_connection.reader(path)) as source, closing(sqlite_connection.bare(new)) as target:
        with target.backup("main", source, "main") as backup:
            backup.step()
        if target.pragma("quick_check") != "ok":
            raise StoreRefused(f"The store {path} is damaged: put a backup in its place.")
    _put(new, copy)
    return copy


# -- folders ---------------------------------------------------------------------------------------------------------


@contextmanager
def _folder(path: Path) -> Iterator[int]:
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield number
    finally:
        os.close(number)


@contextmanager
def _folder_locked(path: Path) -> Iterator[None]:
    """One migration at a time in a folder; another waits, and then finds it done."""
    with _folder(path) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
