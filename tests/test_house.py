"""Habits that no linter knows."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.source import parsed

ROOT = Path(__file__).parents[1]
MAX_LINES = 400
OURS = ("chatserver", "signalling", "crypto", "clients", "loadtests", "tests")
CODE = {".py", ".ts", ".tsx", ".js", ".sql"}
NOT_OURS = {"node_modules", "dist", "static", "__pycache__"}


def files(*suffixes: str) -> list[Path]:
    found = [path for room in OURS for path in (ROOT / room).rglob("*") if path.suffix in suffixes]
    return [path for path in found if not NOT_OURS & set(path.parts)]


def waits(source: str) -> list[int]:
    """Lines that call a sleep with anything but a literal 0 (which only lets others run)."""
    return [
        node.lineno
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) or getattr(node.func, "id", None)) == "sleep"
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]


MAY_WAIT = {
    "tests/journeys/stage_until.py",  # looks again until a condition holds, and fails at a deadline
    "tests/journeys/stage_modem.py",  # a slow line: its bytes take their time
    "tests/journeys/stage_clock.py",  # the clock that a client is given; its naps are cut short
}


def test_no_test_waits_for_time_to_pass() -> None:
    tests = {str(path.relative_to(ROOT)): path for path in files(".py") if path.is_relative_to(ROOT / "tests")}
    assert {name: lines for name in tests.keys() - MAY_WAIT if (lines := waits(tests[name].read_text()))} == {}


def test_no_file_outgrows_its_idea() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in files(*CODE)
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert long == {}


def pins(lock: str) -> dict[str, tuple[str, int]]:
    """Name -> version and number of hashes, of one requirements file."""
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements" / lock).read_text().strip())
    heads = [(re.match(r"([\w.-]+)==(\S+)", entry), entry.count("--hash=sha256:")) for entry in entries]
    return {head[1]: (head[2], hashes) for head, hashes in heads if head}


def declared(*extras: str) -> set[str]:
    """The names that pyproject.toml asks for, the build backend among them."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*table["build-system"]["requires"], *table["project"]["dependencies"]]
    for extra in extras:
        wanted += table["project"]["optional-dependencies"][extra]
    return {str(re.split(r"[<>=;\[ ]", line)[0]) for line in wanted}


@pytest.mark.parametrize(("lock", "extras"), [("runtime.txt", []), ("dev.txt", ["dev"])])
def test_a_lock_pins_by_hash_whatever_is_asked_for(lock: str, extras: list[str]) -> None:
    pinned = pins(lock)
    assert declared(*extras) - pinned.keys() == set()
    assert {name for name, (_, hashes) in pinned.items() if not hashes} == set()


def test_the_locks_agree() -> None:
    assert pins("runtime.txt").items() <= pins("dev.txt").items()


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt"])
def test_a_lock_names_no_host(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert not [word for word in ("://", "index-url", "find-links", " @ ") if word in text]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("time.sleep(0.1)", [1]),
        ("x = 1\nawait asyncio.sleep(delay)", [2]),
        ("sleep(1)", [1]),
        ("sleep()", [1]),
        ("await asyncio.sleep(0)", []),
        ("sleeper(1)", []),
    ],
)
def test_a_wait_is_seen(source: str, lines: list[int]) -> None:
    assert waits(source) == lines
