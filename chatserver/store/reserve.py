"""Room on the disk that is kept for the day it is full.

SQLite needs room to delete, because a deletion is written to the log first, and room to bring the log home. So a file
of zeros stands beside the database. When a commit finds the disk full, the file is emptied, what gives room back goes
on, and what needs room is refused until the file can be filled again.
"""

import os
from pathlib import Path
from typing import Final

from chatserver.store.lock import FILE_MODE

RESERVE_BYTES: Final = 32 * 1024 * 1024
"""More than the log holds between two checkpoints."""


class Reserve:
    """Owned by the writer's thread."""

    def __init__(self, path: Path, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def take(self) -> bool:
        """Fill the file; False if there is no room for it."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        except OSError:
            return False
        try:
            os.posix_fallocate(file, 0, self._size_bytes)
        except OSError:
            os.ftruncate(file, 0)  # what was filled of it is given back
            return False
        finally:
            os.close(file)
        return True

    def give(self) -> None:
        """Empty the file."""
        self._path.write_bytes(b"")

    def remove(self) -> None:
        """Nobody writes any more."""
        self._path.unlink(missing_ok=True)
