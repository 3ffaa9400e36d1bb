"""Which Chromium: the one that is there, Debian's, or a line that says how to have one."""

import os
import shutil
import subprocess
from functools import cache
from typing import Final

import pytest

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_INSTALL: Final = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
ARGUMENTS: Final = (
    "--no-sandbox",  # tests may run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-features=LocalNetworkAccessChecks",  # a script that a test has changed counts as one from far away
)
"""How it is started; nothing of the browser's own goes over the network."""


@cache
def executable() -> str:
    """The path of a Chromium. As root, Debian's is installed where none is; else the test fails with the command."""
    found = _found() or (_installed() if os.geteuid() == 0 and shutil.which(_INSTALL[0]) else None)
    if found is None:
        pytest.fail(f"The browser journeys need Chromium: sudo {' '.join(_INSTALL)}", pytrace=False)
    return found


def _found() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def _installed() -> str | None:
    subprocess.run(_INSTALL, check=False, capture_output=True, timeout=600)  # noqa: S603  our own words
    return _found()
