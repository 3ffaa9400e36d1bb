"""One server a store."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatserver.store.lock import serve_lock
from chatserver.store.port import StoreRefused

HOLD = """
import sys
from pathlib import Path
from chatserver.store.lock import serve_lock
lock = serve_lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_server_is_refused_with_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "sotto.db"
    with serve_lock(path), pytest.raises(StoreRefused) as refused:
        serve_lock(path)
    assert str(refused.value) == f"Another server uses the store {path}: stop it first."
    serve_lock(path).close()


def test_the_lock_is_its_owners_alone(tmp_path: Path) -> None:
    with serve_lock(tmp_path / "sotto.db"):
        assert (tmp_path / "sotto.db.serve").stat().st_mode & 0o777 == 0o600


def test_a_killed_server_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "sotto.db"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and text
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"held\n"
        with pytest.raises(StoreRefused):
            serve_lock(path)
        server.kill()
        server.wait()
    serve_lock(path).close()
