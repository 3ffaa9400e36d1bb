"""What people say is nowhere on the server, and who they are is nowhere that can be read without its keys.

Three kinds of canaries. *Content* (texts, drafts, passwords) is in no file, no log, no answer and not in the server's
memory. *Identity* (alias, sign-in name, device name) is in no file and no log; a running server decrypts an alias to
serve it, so its memory is not asked. *Strays* are sent in the clear to be refused: the server reads them, and nothing
of them is kept, logged or echoed. A *control* in the same places, unsealed, shows that the search finds what is there.
"""

import base64
from pathlib import Path

import pytest

from sotto.values import Stage
from tests.journeys.canaries import Canary, forms, holds, sightings
from tests.journeys.canary_scene import Scene, play

pytestmark = pytest.mark.timeout(300)

STORE = {"sotto.db", "sotto.db-wal", "sotto.db-shm", "sotto.db.serve", "sotto.db.reserve"}
LOGS = {"first/stdout", "first/stderr", "second/stdout", "second/stderr"}
KEPT = ("data", "copies", "upgraded", "first", "second", "faults")
"""All that the server wrote, and copies of its files at each turn of the scene."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return play(tmp_path_factory.mktemp("canary"))


def written(scene: Scene) -> list[Path]:
    """Every file of the server but its memory."""
    return [file for file in scene.files(*KEPT) if file not in scene.memories]


def test_the_scene_went_through_everything_that_happens_to_a_message(scene: Scene) -> None:
    assert scene.stages == {
        "live": Stage.DELIVERED,
        "offline": Stage.DELIVERED,
        "expired": Stage.EXPIRED,
        "through a fault of the store": Stage.DELIVERED,
        "through a fault of the relay": Stage.DELIVERED,
        "after a restart": Stage.DELIVERED,
    }
    assert len(scene.received) >= 6
    assert all(scene.content.stem in text for text in scene.received)
    assert scene.heard.codes >= {
        "wrong_devices", "stale_key", "bad_box", "number_reused", "not_member", "malformed", "unknown_delivery",
        "not_binary", "hello_refused", "too_big", "not_saved", "internal", "not_found", "bad_request",
        "method_not_allowed", "unauthenticated", "sign_in_refused", "invitation_refused",
    }  # fmt: skip


def test_every_file_that_a_server_leaves_was_searched(scene: Scene) -> None:
    searched = {str(file.relative_to(scene.folder)) for file in written(scene)}
    assert searched >= LOGS
    assert {Path(name).name for name in searched} >= STORE
    assert [name for name in searched if name.endswith(".backup")]
    logs = [(scene.folder / name).read_text() for name in sorted(LOGS) if name.endswith("stderr")]
    assert ["task_failed" in log and "node_ready" in log for log in logs] == [True, True]
    assert len(scene.memories) == 2


def test_no_word_that_people_said_and_no_password_is_anywhere_on_the_server(scene: Scene) -> None:
    assert sightings([*written(scene), *scene.memories], scene.content) == []
    assert [answer for answer in scene.heard.answers if scene.content.stem.encode() in answer] == []


def test_the_clients_own_files_hold_no_readable_word_or_name_either(scene: Scene) -> None:
    assert sightings(scene.files("clients"), scene.content, scene.identity) == []


def test_no_name_alias_or_device_name_can_be_read_from_files_or_logs(scene: Scene) -> None:
    assert sightings(written(scene), scene.identity) == []


def test_nothing_of_what_is_refused_is_kept_or_logged(scene: Scene) -> None:
    assert sightings(written(scene), scene.stray) == []


def test_nothing_of_what_is_refused_is_echoed(scene: Scene) -> None:
    echoed = [answer for answer in scene.heard.answers for form in forms(scene.stray.stem).values() if form in answer]
    assert echoed == []


def test_the_boxes_of_a_live_conversation_are_in_no_file(scene: Scene) -> None:
    assert len(scene.live_boxes) == 5
    assert [holds(written(scene), box[:64]) for box in scene.live_boxes] == [[]] * 5


def test_the_search_finds_what_was_not_sealed_in_the_store(scene: Scene) -> None:
    found = set(holds(written(scene), scene.stored_box))
    assert found & {"sotto.db", "sotto.db-wal"}
    assert any(".backup" in name for name in found)
    assert {line.split()[2] for line in sightings(written(scene), scene.control)} == found


def test_the_search_finds_what_is_in_the_memory_of_the_server(scene: Scene) -> None:
    for memory in scene.memories:
        assert sightings([memory], scene.control)


@pytest.mark.parametrize("form", forms("zq"))
def test_the_search_finds_every_form(form: str, tmp_path: Path) -> None:
    canary = Canary("planted")
    (tmp_path / "file").write_bytes(b"\xff before " + forms(canary.stem)[form] + b" after \xff")
    assert [line for line in sightings([tmp_path / "file"], canary) if f" as {form}: " in line]


def test_an_encoder_leaves_a_form_that_the_search_knows(tmp_path: Path) -> None:
    canary = Canary("planted")
    for before in (b"", b"x", b"xy", b"xyz"):
        (tmp_path / "file").write_bytes(base64.b64encode(before + canary.word("a").encode() + b"after"))
        assert sightings([tmp_path / "file"], canary)
