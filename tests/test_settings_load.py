"""Settings: five places, one value, every fault at once, no secret in any text."""

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretBytes, ValidationError

from chatserver.settings import ConfigurationRefusedError, Effective, LogFormat, Profile, Settings, load

KEY = base64.b64encode(bytes(range(32))).decode()
KEYS = {"SOTTO_COLUMN_KEY": KEY, "SOTTO_LOOKUP_KEY": KEY, "SOTTO_STAMP_KEY": KEY}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusals(environ: dict[str, str], **overrides: object) -> list[str]:
    with pytest.raises(ConfigurationRefusedError) as refused:
        load(overrides, environ=environ)
    return list(refused.value.problems)


def write_toml(text: str, directory: Path = Path("data")) -> Path:
    directory.mkdir(exist_ok=True, mode=0o700)
    path = directory / "sotto.toml"
    path.write_text(text)
    return path


def test_nothing_said_is_a_development_server_on_loopback() -> None:
    found = load(environ={})
    settings = found.settings
    assert (settings.profile, settings.host, settings.port) == (Profile.DEVELOPMENT, "127.0.0.1", 8080)
    assert settings.origins == ("http://127.0.0.1:8080", "http://localhost:8080")
    assert settings.store_url == "sqlite:///data/sotto.db"
    assert (settings.hold_ms, settings.commit_distance_ms) == (250, 2.0)
    assert found.source["host"] == "default"


def test_looking_makes_no_file(here: Path) -> None:
    found = load(environ={})
    assert found.source["column_key"] == "made at first start"
    assert list(here.iterdir()) == []


def test_the_nearest_source_wins_and_each_value_knows_its_own() -> None:
    write_toml('host = "127.0.0.2"\nport = 1\nnode_name = "toml"\nhold_ms = 9\n')
    environ = {"SOTTO_PORT": "2", "SOTTO_NODE_NAME": "env", "HOST": "127.0.0.3", "PORT": "4"}
    found = load({"node_name": "cli", "host": None}, environ=environ)
    said = {
        name: (getattr(found.settings, name), found.source[name]) for name in ("node_name", "port", "host", "hold_ms")
    }
    assert said == {
        "node_name": ("cli", "command line"),
        "port": (2, "SOTTO_PORT"),
        "host": ("127.0.0.3", "HOST"),
        "hold_ms": (9, "sotto.toml"),
    }


def test_production_does_not_listen_to_plain_host_and_port() -> None:
    found = load(environ=KEYS | {"SOTTO_PROFILE": "production", "HOST": "0.0.0.0", "PORT": "1"})  # noqa: S104  ignored
    assert (found.settings.host, found.settings.port) == ("127.0.0.1", 8080)


def test_an_empty_variable_is_not_set() -> None:
    assert load(environ={"SOTTO_PORT": "", "PORT": ""}).source["port"] == "default"


def test_a_list_is_text_with_commas_in_the_environment_and_a_list_in_toml() -> None:
    path = write_toml('origins = ["https://a.example", "https://b.example:8443"]')
    expected = ("https://a.example", "https://b.example:8443")
    assert load(environ={}, config=path).settings.origins == expected
    assert load(environ={"SOTTO_ORIGINS": "https://a.example, https://b.example:8443"}).settings.origins == expected


@pytest.mark.parametrize(("environ", "config"), [({}, Path("missing.toml")), ({"SOTTO_CONFIG": "missing.toml"}, None)])
def test_a_named_configuration_file_must_be_there(environ: dict[str, str], config: Path | None) -> None:
    with pytest.raises(ConfigurationRefusedError, match="cannot be read"):
        load(environ=environ, config=config)


def test_a_file_that_is_not_toml_is_refused_without_a_word_of_it() -> None:
    write_toml("host = Canary")
    [problem] = refusals({})
    assert "sotto.toml is not TOML" in problem
    assert "Canary" not in problem


def test_unknown_names_are_refused_with_the_nearest_known_one() -> None:
    write_toml("prot = 1\n[table]\nhost = 1\n")
    problems = refusals({"SOTTO_HOTS": "x", "SOTTO_PORT_FILE": "x"})
    assert len(problems) == 4
    assert any("SOTTO_HOTS is not a setting (did you mean SOTTO_HOST?)" in problem for problem in problems)
    assert any("'prot' (did you mean port?)" in problem for problem in problems)


def test_a_clients_variables_are_not_the_servers_affair() -> None:
    assert load(environ={"SOTTO_CLIENT_HOME": "/x", "OTHER": "y"}).settings.port == 8080


def test_every_fault_is_told_at_once() -> None:
    write_toml("nonsense = 1")
    environ = {
        "SOTTO_PORT": "Canary",
        "SOTTO_LOG_FORMAT": "Canary",
        "SOTTO_BEHIND_PROXY": "true",
        "SOTTO_HOST": "192.0.2.1",
        "SOTTO_STAMP_KEY": "Canary",
        "SOTTO_UNKNOWN": "Canary",
    }
    problems = refusals(environ)
    for part in ("nonsense", "port (SOTTO_PORT)", "log_format", "behind_proxy", "stamp_key", "SOTTO_UNKNOWN"):
        assert any(part in problem for problem in problems), part
    assert "Canary" not in "".join(problems)
    assert not any("default factory" in problem for problem in problems)


@pytest.mark.parametrize(
    "origin", ["*", "https://*.example.org", "example.org", "https://a.example/", "ftp://a.example", "https://", "null"]
)
def test_an_origin_is_scheme_host_and_port_alone(origin: str) -> None:
    [problem] = refusals({"SOTTO_ORIGINS": f"https://good.example,{origin}"})
    assert problem.startswith("origins (SOTTO_ORIGINS) is refused")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "65536"),
        ("port", "-1"),
        ("hold_ms", "-1"),
        ("drain_timeout_s", "inf"),
        ("drain_timeout_s", "nan"),
        ("commit_distance_ms", "101"),
        ("node_name", "Node 1"),
        ("organisation", "x" * 65),
        ("store_url", "mysql://x"),
        ("profile", "prod"),
        ("column_key", base64.b64encode(bytes(31)).decode()),
        ("column_key", KEY[:-1]),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_what_is_wanted(name: str, value: str) -> None:
    [problem] = refusals({f"SOTTO_{name.upper()}": value})
    assert problem.startswith(f"{name} (SOTTO_{name.upper()}) is refused, ")
    assert str(Settings.model_fields[name].description) in problem


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load(environ={}).settings.port = 1


class TestSecrets:
    """Keys: from a variable, a named file, or data_dir/keys."""

    def test_a_first_start_makes_them_for_its_own_account_alone(self, here: Path) -> None:
        first = load(environ={}, make_keys=True)
        again = load(environ={})
        path = here / "data" / "keys" / "column_key"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert again.source["column_key"] == "keys/column_key"
        assert again.settings.column_key == first.settings.column_key
        assert len({key.get_secret_value() for key in keys_of(again)}) == 3

    def test_production_makes_none_and_names_the_command(self, here: Path) -> None:
        problems = refusals({"SOTTO_PROFILE": "production", "SOTTO_DATA_DIR": "a place"})
        assert len(problems) == 3
        assert all(problem.endswith("sotto config keygen --data-dir 'a place'") for problem in problems)
        assert list(here.iterdir()) == []

    def test_a_file_may_hold_one(self, here: Path) -> None:
        (here / "secret").write_text(f"  {KEY}\n")
        found = load(environ={"SOTTO_STAMP_KEY_FILE": str(here / "secret")})
        assert found.settings.stamp_key.get_secret_value() == bytes(range(32))
        assert found.source["stamp_key"] == "SOTTO_STAMP_KEY_FILE"

    def test_a_file_that_is_not_there_is_refused(self) -> None:
        assert refusals({"SOTTO_STAMP_KEY_FILE": "missing"})[0].startswith("SOTTO_STAMP_KEY_FILE names a file")

    def test_a_key_file_that_cannot_be_read_is_never_replaced(self, here: Path) -> None:
        load(environ={}, make_keys=True)
        path = here / "data" / "keys" / "stamp_key"
        path.write_bytes(b"\xff\xfe")
        with pytest.raises(ConfigurationRefusedError, match="keys/stamp_key"):
            load(environ={}, make_keys=True)
        assert path.read_bytes() == b"\xff\xfe"

    def test_a_variable_and_its_file_together_are_refused(self, here: Path) -> None:
        (here / "secret").write_text(KEY)
        [problem] = refusals({"SOTTO_STAMP_KEY": KEY, "SOTTO_STAMP_KEY_FILE": str(here / "secret")})
        assert "both set" in problem

    def test_a_data_dir_that_cannot_be_made_is_refused(self, here: Path) -> None:
        (here / "data").write_text("a file")
        with pytest.raises(ConfigurationRefusedError, match="data_dir cannot be written"):
            load(environ={}, make_keys=True)

    @pytest.mark.parametrize("place", ["file", "toml", "keys"])
    def test_production_refuses_one_that_others_may_read(self, here: Path, place: str) -> None:
        environ = KEYS | {"SOTTO_PROFILE": "production"}
        del environ["SOTTO_STAMP_KEY"]
        path = here / "secret"
        if place == "toml":
            path = write_toml(f'stamp_key = "{KEY}"')
        elif place == "keys":
            path = Path("data/keys/stamp_key")
            path.parent.mkdir(parents=True)
            path.parent.parent.chmod(0o700)
            path.write_text(KEY)
        else:
            path.write_text(KEY)
            environ["SOTTO_STAMP_KEY_FILE"] = str(path)
        path.chmod(0o644)
        [problem] = refusals(environ)
        assert problem.endswith(f"chmod o-rwx {path}")
        path.chmod(0o640)
        assert load(environ=environ).settings.stamp_key.get_secret_value() == bytes(range(32))

    def test_no_text_form_of_the_settings_shows_one(self) -> None:
        found = load(environ=KEYS)
        said = repr(found) + str(found.settings) + found.settings.model_dump_json()
        assert KEY not in said
        assert repr(bytes(range(32)))[2:20] not in said

    @given(st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=12))
    def test_a_refused_one_is_not_repeated(self, text: str) -> None:
        value = "Canary" + text
        assert value not in "".join(refusals({"SOTTO_STAMP_KEY": value}))


def keys_of(found: Effective) -> list[SecretBytes]:
    return [found.settings.column_key, found.settings.lookup_key, found.settings.stamp_key]


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SOTTO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SOTTO_LOG_FORMAT", "json")
    assert load().settings.log_format is LogFormat.JSON
