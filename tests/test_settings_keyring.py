"""Key files: whole or absent, never overwritten, for one account."""

from pathlib import Path

import pytest

from chatserver.settings.keyring import KEY_NAMES, key_path, make_missing, new_key, open_to_others


def test_only_what_is_missing_is_made(tmp_path: Path) -> None:
    kept = key_path(tmp_path, KEY_NAMES[0])
    kept.parent.mkdir()
    kept.write_text("mine")
    assert [path.name for path in make_missing(tmp_path)] == list(KEY_NAMES[1:])
    assert kept.read_text() == "mine"
    assert make_missing(tmp_path) == []


def test_no_draft_stays_behind(tmp_path: Path) -> None:
    make_missing(tmp_path)
    assert {path.name for path in key_path(tmp_path, "").iterdir()} == set(KEY_NAMES)


def test_of_two_makers_the_first_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other node makes its key between our look and our write."""
    path = key_path(tmp_path, KEY_NAMES[0])

    def slow_key() -> str:
        if not path.exists():
            path.write_text("theirs")
        return new_key()

    monkeypatch.setattr("chatserver.settings.keyring.new_key", slow_key)
    assert path not in make_missing(tmp_path)
    assert path.read_text() == "theirs"


def test_a_key_is_for_one_account(tmp_path: Path) -> None:
    for path in make_missing(tmp_path):
        assert path.stat().st_mode & 0o777 == 0o600
        assert not open_to_others(path)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o601])
def test_anything_for_others_is_open(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    path.touch()
    path.chmod(mode)
    assert open_to_others(path)


@pytest.mark.pure
def test_two_keys_differ() -> None:
    assert new_key() != new_key()
