"""docs/SECURITY.md promises nothing that no test holds without saying so, and its inventory is the code's."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from chatserver.settings.keyring import KEY_NAMES
from tests.documents import ROOT, below, headings, missing_tests, proofs_in, table, text_of
from tests.source import parsed

pytestmark = pytest.mark.pure

DOCUMENT: Final = "docs/SECURITY.md"
UNTESTED: Final = "not yet tested"
ADVERSARIES: Final = [heading for heading in headings(DOCUMENT) if heading.startswith("2.")][1:]


def cannots(heading: str) -> list[dict[str, str]]:
    """What that adversary cannot do; empty for one against whom nothing is promised."""
    return table(DOCUMENT, heading) if any(line.startswith("|") for line in below(DOCUMENT, heading)) else []


def test_every_test_that_it_names_exists() -> None:
    named = proofs_in(text_of(DOCUMENT))
    assert named
    assert missing_tests(named) == []


@pytest.mark.parametrize("heading", ADVERSARIES)
def test_every_cannot_has_a_mechanism_and_a_test_or_says_that_it_has_none(heading: str) -> None:
    for row in cannots(heading):
        assert row["because"]
        assert row["held by"] == UNTESTED or missing_tests(row["held by"].split(", ")) == []


@pytest.mark.parametrize("heading", ADVERSARIES)
def test_every_adversary_can_do_something_or_nothing_is_promised(heading: str) -> None:
    text = "\n".join(below(DOCUMENT, heading))
    assert "can:" in text.lower() or "Nothing is promised" in text


def test_every_key_of_the_server_is_listed() -> None:
    assert set(KEY_NAMES) <= {row["secret"] for row in table(DOCUMENT, "4. Secrets and where they live")}


# -- the inventory -----------------------------------------------------------------------------------------------------

SOURCES: Final = {"hashlib", "hmac", "os", "secrets", "ssl", "nacl.bindings", "nacl.pwhash", "nacl"}
HOLDERS: Final = {"hashlib", "hmac", "secrets", "ssl", "pwhash"}
NO_PRIMITIVES: Final = {"SSLError", "PROTOCOL_TLS_SERVER"}


def modules() -> Iterator[Path]:
    for home in ("chatserver", "crypto", "signalling", "clients/python/sotto"):
        yield from (path for path in (ROOT / home).rglob("*.py") if "vectors" not in path.parts)


def primitives(tree: ast.Module) -> Iterator[str]:
    """The names of cryptography that a module uses: imported, or as an attribute of what it imported."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(source), names=names) if source in SOURCES - {"os", "nacl"}:
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module="os", names=names):
                yield from (alias.name for alias in names if alias.name == "urandom")
            case ast.Attribute(value=ast.Name(id="os"), attr="urandom"):
                yield "urandom"
            case ast.Attribute(value=ast.Name(id=holder), attr=name) if holder in HOLDERS:
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id="hmac")), args=[*_, ast.Constant(value=str(name))]):
                yield name


def test_the_inventory_is_what_the_code_uses() -> None:
    used = {name for path in modules() for name in primitives(parsed(path.read_text(encoding="utf-8")))}
    listed = [name for row in table(DOCUMENT, "5. Cryptographic inventory") for name in row["names"].split()]
    assert len(listed) == len(set(listed))
    assert set(listed) == used - NO_PRIMITIVES
