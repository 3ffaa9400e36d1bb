"""`sotto config` as an operator meets it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sotto.cli import app


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sotto(*words: str, **environ: str) -> Result:
    return CliRunner(env=environ).invoke(app, words)


def test_show_tells_each_value_with_its_source() -> None:
    lines = sotto("config", "show", SOTTO_PORT="9001").output.splitlines()
    [port] = [line.split() for line in lines if line.startswith("port ")]
    assert port == ["port", "9001", "SOTTO_PORT"]


def test_show_speaks_json_and_masks_secrets(here: Path) -> None:
    sotto("config", "keygen", "--data-dir", "data")
    secret = (here / "data" / "keys" / "stamp_key").read_text().strip()
    done = sotto("config", "show", "--json")
    table = json.loads(done.output)
    assert table["port"] == {"value": 8080, "source": "default"}
    assert table["stamp_key"]["source"] == "keys/stamp_key"
    assert secret not in done.output


def test_options_win_over_variables() -> None:
    table = json.loads(sotto("config", "show", "--json", "--data-dir", "there", SOTTO_DATA_DIR="here").output)
    assert table["data_dir"] == {"value": "there", "source": "command line"}


def test_check_says_ok_for_what_would_start() -> None:
    done = sotto("config", "check")
    assert (done.exit_code, done.output) == (0, "ok\n")


def test_check_tells_every_reason_on_a_line_of_its_own_and_ends_with_78() -> None:
    done = sotto("config", "check", SOTTO_PROFILE="production", SOTTO_HOST="192.0.2.1", SOTTO_PROT="1")
    lines = done.stderr.splitlines()
    assert done.exit_code == 78
    assert done.stdout == ""
    assert len(lines) == 6
    assert all(line.startswith("sotto: ") for line in lines)


def test_a_named_configuration_file_is_read(here: Path) -> None:
    (here / "my.toml").write_text("port = 9002")
    table = json.loads(sotto("config", "show", "--json", "--config", "my.toml").output)
    assert table["port"] == {"value": 9002, "source": "my.toml"}


def test_what_a_refusal_tells_to_do_mends_it() -> None:
    production = {"SOTTO_PROFILE": "production", "SOTTO_DATA_DIR": "a place"}
    [command] = {line.split("with: ")[1] for line in sotto("config", "check", **production).stderr.splitlines()}
    assert command == "sotto config keygen --data-dir 'a place'"
    assert sotto("config", "keygen", "--data-dir", "a place").output.count("made ") == 3
    assert sotto("config", "check", **production).output == "ok\n"


def test_keygen_leaves_what_is_there() -> None:
    sotto("config", "keygen", "--data-dir", "data")
    assert sotto("config", "keygen", "--data-dir", "data").output == "every key is there already\n"


def test_keygen_that_cannot_write_ends_with_73(here: Path) -> None:
    (here / "data").write_text("a file")
    done = sotto("config", "keygen", "--data-dir", "data")
    assert done.exit_code == 73
    assert done.stderr.startswith("sotto: The keys cannot be written")
