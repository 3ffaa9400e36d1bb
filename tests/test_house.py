"""Habits that no linter knows."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_LINES = 400
OURS = ("chatserver", "signalling", "crypto", "clients", "loadtests", "tests")
CODE = {".py", ".ts", ".tsx", ".js", ".sql"}
NOT_OURS = {"node_modules", "dist", "__pycache__"}


def files(*suffixes: str) -> list[Path]:
    found = [path for room in OURS for path in (ROOT / room).rglob("*") if path.suffix in suffixes]
    return [path for path in found if not NOT_OURS & set(path.parts)]


def waits(source: str) -> list[int]:
    """Lines that call a sleep with anything but a literal 0 (which only lets others run)."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) or getattr(node.func, "id", None)) == "sleep"
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]


def test_no_test_waits_for_time_to_pass() -> None:
    tests = [path for path in files(".py") if path.is_relative_to(ROOT / "tests")]
    assert {str(path.relative_to(ROOT)): lines for path in tests if (lines := waits(path.read_text()))} == {}


def test_no_file_outgrows_its_idea() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in files(*CODE)
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert long == {}


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
