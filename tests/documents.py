"""Reads tables and references out of the documents, for the tests that hold them to the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.source import parsed

ROOT = Path(__file__).parents[1]

_TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
_HEADING = re.compile(r"(#+) (.+)")


@cache
def text_of(path: str) -> str:
    """A document, by its path in the repository."""
    return (ROOT / path).read_text(encoding="utf-8")


def headings(path: str) -> list[str]:
    """The texts of all headings, in order."""
    return [found[2] for line in text_of(path).splitlines() if (found := _HEADING.fullmatch(line))]


def below(path: str, heading: str) -> Iterator[str]:
    """The lines under a heading, up to the next heading of any level. The heading stands exactly once."""
    lines = text_of(path).splitlines()
    (start,) = [at for at, line in enumerate(lines) if (found := _HEADING.fullmatch(line)) and found[2] == heading]
    for line in lines[start + 1 :]:
        if _HEADING.fullmatch(line):
            return
        yield line


def table(path: str, heading: str) -> list[dict[str, str]]:
    """The one table under a heading: a dict a row, by the names in its head, without backticks."""
    rows = [_cells(line) for line in below(path, heading) if line.startswith("|")]
    head, _rule, *body = rows
    return [dict(zip(head, row, strict=True)) for row in body]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]


def proofs_in(text: str) -> list[str]:
    """Every `path::test` that a text names in backticks."""
    return [f"{path}::{name}" for path, name in _TEST.findall(text)]


def missing_tests(names: list[str]) -> list[str]:
    """Those that do not exist."""
    return [name for name in names if name.partition("::")[2] not in _tests_in(name.partition("::")[0])]


@cache
def _tests_in(path: str) -> frozenset[str]:
    """The tests of a module: functions, methods as `Class::method`, state machines as `Name::runTest`."""
    file = ROOT / path
    return frozenset(_named(parsed(file.read_text(encoding="utf-8")), "")) if file.is_file() else frozenset()


def _named(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for inner in node.body:
        match inner:
            case ast.ClassDef(name=name):
                yield from _named(inner, f"{name}::")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name.startswith("test_"):
                yield prefix + name
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute(attr="TestCase")):
                yield f"{name}::runTest"
