"""What a start refuses: the rules of production, and those that hold everywhere."""

import shutil
import subprocess
from pathlib import Path

import pytest

from chatserver.settings import Profile, Settings
from chatserver.settings.keyring import KEY_NAMES, new_key
from chatserver.settings.model import is_loopback
from chatserver.settings.rules import broken

PUBLIC = "192.0.2.10"


def settings(**values: object) -> Settings:
    keys: dict[str, object] = {name: new_key() for name in KEY_NAMES}
    return Settings.model_validate(keys | {"profile": Profile.PRODUCTION} | values)


def told(**values: object) -> str:
    """The one sentence that a production server with these values is refused with; empty if it may start."""
    sentences = broken(settings(**values), frozenset())
    assert len(sentences) <= 1
    return "".join(sentences)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A certificate and its key, made for this run."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl command on this machine")
    directory = tmp_path_factory.mktemp("tls")
    cert, key = directory / "cert.pem", directory / "key.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    subprocess.run([openssl, *words.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)  # noqa: S603  fixed words
    key.chmod(0o600)
    return {"tls_cert_file": cert, "tls_key_file": key}


@pytest.mark.pure
@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True), (PUBLIC, False), ("::", False)],
)
def test_loopback_is_this_machine_alone(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.pure
@pytest.mark.parametrize("host", [PUBLIC, "0.0.0.0", "::", "chat.example.org", "localhost.example.org"])  # noqa: S104  refused
def test_production_serves_no_plain_http_beyond_loopback(host: str) -> None:
    assert "no plain HTTP beyond loopback" in told(host=host, origins="https://chat.example.org")


@pytest.mark.pure
def test_production_may_serve_a_proxy_on_loopback() -> None:
    assert told(behind_proxy=True, origins="https://chat.example.org") == ""


@pytest.mark.pure
def test_whoever_is_not_on_loopback_cannot_be_the_proxy() -> None:
    development = settings(
        profile=Profile.DEVELOPMENT, host=PUBLIC, behind_proxy=True, origins="http://192.0.2.10:8080"
    )
    [sentence] = broken(development, frozenset())
    assert sentence.startswith("behind_proxy needs")


@pytest.mark.pure
def test_production_refuses_plain_http_origins_but_for_loopback() -> None:
    assert told(origins="https://a.example,http://b.example").startswith("origins holds a plain http origin")
    assert told(origins="http://localhost:8080") == ""


@pytest.mark.pure
def test_beyond_loopback_origins_must_be_named() -> None:
    [sentence] = broken(settings(profile=Profile.DEVELOPMENT, host=PUBLIC), frozenset())
    assert sentence.startswith("origins is empty")


@pytest.mark.pure
def test_a_rule_about_a_faulty_field_is_left_out() -> None:
    assert broken(settings(profile=Profile.DEVELOPMENT, host=PUBLIC), frozenset({"origins"})) == []


@pytest.mark.pure
@pytest.mark.parametrize("field", ["tls_cert_file", "tls_key_file"])
def test_half_a_tls_pair_is_refused(field: str) -> None:
    [sentence] = broken(settings(profile=Profile.DEVELOPMENT, **{field: "x.pem"}), frozenset())
    assert "belong together" in sentence


def test_a_tls_pair_that_does_not_load_is_refused(tmp_path: Path, pair: dict[str, Path]) -> None:
    (tmp_path / "other.pem").write_text("no key")
    (tmp_path / "other.pem").chmod(0o600)
    for name in ("other.pem", "missing.pem"):
        assert "do not load" in told(**(pair | {"tls_key_file": tmp_path / name}))


def test_production_serves_tls_beyond_loopback(pair: dict[str, Path]) -> None:
    assert told(host=PUBLIC, origins="https://chat.example.org", **pair) == ""


def test_a_tls_server_on_loopback_has_https_origins(pair: dict[str, Path]) -> None:
    assert settings(**pair).origins[0] == "https://127.0.0.1:8080"


def test_a_tls_key_open_to_others_is_refused(pair: dict[str, Path]) -> None:
    pair["tls_key_file"].chmod(0o644)
    try:
        assert told(**pair) == f"tls_key_file is open to other accounts: chmod o-rwx {pair['tls_key_file']}"
    finally:
        pair["tls_key_file"].chmod(0o600)


@pytest.mark.parametrize("mode", [0o755, 0o701, 0o702])
def test_a_data_dir_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    assert told(data_dir=tmp_path) == f"data_dir is open to other accounts: chmod o-rwx {tmp_path}"
    tmp_path.chmod(0o750)
    assert told(data_dir=tmp_path) == ""


def test_development_lets_a_data_dir_be(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert broken(settings(profile=Profile.DEVELOPMENT, data_dir=tmp_path), frozenset()) == []
