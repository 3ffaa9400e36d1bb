"""The web app in the package, built when its sources are newer: once, however many test processes ask for it."""

import fcntl
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_BUILD_TIMEOUT_S = 300


@cache
def require_built() -> None:
    """Fails with the line that `make web` says."""
    with (ROOT / ".ci" / "web").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed
        made = subprocess.run(
            [".ci/web", "need"], cwd=ROOT, check=False, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S
        )
    if made.returncode:
        pytest.fail(f"The web app could not be built: {made.stderr.strip()[-500:]}", pytrace=False)
