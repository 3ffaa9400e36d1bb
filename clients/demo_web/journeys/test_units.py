"""The web client's own checks and tests: types, lint, and every vector of crypto/vectors."""

import shutil
import subprocess

import pytest

from clients.demo_web.journeys.building import ROOT, require_built


@pytest.mark.timeout(300)
@pytest.mark.parametrize("script", ["check", "test"])
def test_the_web_client_holds_by_itself(script: str) -> None:
    require_built()
    npm = shutil.which("npm")
    assert npm is not None
    done = subprocess.run(  # noqa: S603  our own script
        [npm, "run", "--silent", script], cwd=ROOT / "clients/demo_web", check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
