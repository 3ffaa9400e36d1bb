"""Room that is kept, given and taken again."""

import os
from pathlib import Path

import pytest

from chatserver.store.reserve import Reserve


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sotto.db.reserve"


def test_a_reserve_is_real_room_that_is_given_and_taken_again(path: Path) -> None:
    reserve = Reserve(path, 1 << 20)
    assert reserve.take()
    assert path.stat().st_blocks * 512 >= 1 << 20
    assert path.stat().st_mode & 0o777 == 0o600
    reserve.give()
    assert path.stat().st_size == 0
    assert reserve.take()
    reserve.remove()
    assert not path.exists()


def test_what_cannot_be_filled_whole_is_not_kept_in_part(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, _: int, size: int) -> None:
        os.ftruncate(file, size // 2)
        raise OSError(28, "made up")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not Reserve(path, 1 << 20).take()
    assert path.stat().st_size == 0


def test_a_place_that_cannot_be_written_has_no_room(tmp_path: Path) -> None:
    assert not Reserve(tmp_path / "missing" / "reserve").take()
