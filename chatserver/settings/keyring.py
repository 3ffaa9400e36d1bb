"""The server's own secrets as files: `data_dir/keys/<name>`, base64, mode 0600, directory 0700."""

import base64
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from chatserver.settings.model import KEY_BYTES

KEY_NAMES: Final = ("column_key", "lookup_key", "stamp_key")
"""Each is a field of Settings and the name of its file."""

OPEN_TO_OTHERS: Final = stat.S_IRWXO


def key_path(data_dir: Path, name: str) -> Path:
    """Where the secret `name` lives unless a setting says otherwise."""
    return data_dir / "keys" / name


def new_key() -> str:
    """Draw a key: base64 of 32 random bytes."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def make_missing(data_dir: Path) -> list[Path]:
    """Make the key files that are not there, never touching one that is. Return those made. Raises OSError."""
    directory = key_path(data_dir, "")
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    return [path for name in KEY_NAMES if _make(path := key_path(data_dir, name))]


def _make(path: Path) -> bool:
    """Draw the key into `path`. The link is atomic: the file appears whole, and of two makers the first wins."""
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    sync_directory(path.parent)
    return True


def sync_directory(directory: Path) -> None:
    """Make a new name in `directory` survive a power cut: a lost column key is lost data."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_to_others(path: Path) -> bool:
    """Say whether accounts beyond owner and group may do anything with `path`."""
    return bool(path.stat().st_mode & OPEN_TO_OTHERS)
