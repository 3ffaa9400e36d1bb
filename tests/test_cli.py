"""The command line: quick, lazy, and it teaches."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sotto
from chatserver.cli import COMMANDS
from sotto import cli

ALL = [*cli.CLIENT_COMMANDS, *COMMANDS]
SLOW = {"pydantic", "aiohttp", "apsw", "picows", "msgspec", "nacl", "rich", "asyncio"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a run of the command loads, by their own report."""
    program = (
        "import json, sys; from sotto.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True)  # noqa: S603  our own words
    return set(json.loads(done.stderr))


def test_the_help_names_every_command_and_every_exit_code(run: CliRunner) -> None:
    said = run.invoke(cli.app, ["--help"]).output
    assert not [word for word in [*ALL, "69", "73", "77", "78"] if word not in said]


@pytest.mark.parametrize("name", ALL)
def test_each_command_explains_itself(run: CliRunner, name: str) -> None:
    done = run.invoke(cli.app, [name, "--help"], prog_name="sotto")
    assert done.exit_code == 0
    assert f"sotto {name}" in done.output


@pytest.mark.parametrize("words", [["version"], ["config", "show"], ["config", "check"], ["config", "keygen"]])
def test_each_command_shows_an_example(run: CliRunner, words: list[str]) -> None:
    said = " ".join(run.invoke(cli.app, [*words, "--help"], prog_name="sotto").output.split())
    assert "Example:" in said
    assert f"sotto {' '.join(words)}" in said.split("Example:")[1]


def test_no_command_is_a_question_about_usage(run: CliRunner) -> None:
    assert run.invoke(cli.app, []).exit_code == 2
    assert run.invoke(cli.app, ["nonsense"]).exit_code == 2


def test_the_version_is_told(run: CliRunner) -> None:
    assert run.invoke(cli.app, ["--version"]).output == f"sotto {version('sotto-chat')}\n"
    assert json.loads(run.invoke(cli.app, ["version", "--json"]).output)["sotto"] == version("sotto-chat")
    assert run.invoke(cli.app, ["version"]).output.startswith(f"sotto {version('sotto-chat')}\npython ")


def test_asking_for_the_version_loads_nothing_slow() -> None:
    loaded = loaded_by("--version")
    assert "typer" in loaded
    assert not loaded & SLOW
    assert not {name for name in loaded if name.startswith("chatserver")}


def test_importing_the_client_package_loads_no_client() -> None:
    assert "sotto.client" not in loaded_by("--version")


def test_an_unknown_name_of_the_client_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = sotto.nonsense
