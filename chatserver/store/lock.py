"""One server a store: an exclusive lock on a file beside the database, let go by the kernel when the process ends."""

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from chatserver.store.port import StoreRefused

FILE_MODE = 0o600


class FileLock:
    """Held from construction to `close`. Raises `StoreRefused` with `taken` if another process holds it."""

    def __init__(self, path: Path, taken: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise StoreRefused(taken) from error

    def close(self) -> None:
        """Let go. The file stays, because another process may already wait for it."""
        with contextlib.suppress(OSError):  # closed before
            os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve_lock(database: Path) -> FileLock:
    """The lock of the one process that serves this store, or upgrades it."""
    path = database.with_name(database.name + ".serve")
    return FileLock(path, f"Another server uses the store {database}: stop it first.")
