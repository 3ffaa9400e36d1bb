"""What stands behind the one door that the server may use."""

import ast
import subprocess
import sys
from pathlib import Path

import crypto
from crypto import keys
from tests.source import parsed

CLIENTS_ONLY = {"envelope", "layers", "sealing", "opening", "receiving", "vault"}
FOLDER = Path(crypto.__file__).parent


def imported(module: str) -> dict[str, set[str]]:
    """The names that a module of crypto imports, by where from."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(parsed((FOLDER / f"{module}.py").read_text())):
        if isinstance(node, ast.ImportFrom):
            found.setdefault(str(node.module), set()).update(alias.name for alias in node.names)
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name, set())
    return found


def behind(door: str) -> set[str]:
    """The modules of crypto that importing one of them brings along."""
    seen, left = set[str](), [door]
    while left:
        module = left.pop()
        if module in seen:
            continue
        seen.add(module)
        left.extend(name.removeprefix("crypto.") for name in imported(module) if name.startswith("crypto."))
    return seen


def test_importing_keys_loads_nothing_that_opens_a_box() -> None:
    code = "import sys, crypto.keys; print(*sorted(name for name in sys.modules if name.startswith('crypto.')))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=FOLDER.parent)  # noqa: S603 -- our own interpreter and code
    names = {name.removeprefix("crypto.") for name in loaded.stdout.split()}
    assert names == behind("keys")
    assert names & CLIENTS_ONLY == set()


def test_nothing_behind_the_door_can_open_or_seal() -> None:
    for module in behind("keys"):
        for names in imported(module).values():
            assert not {name for name in names if name.startswith(("crypto_box", "crypto_aead", "crypto_secretbox"))}


def test_clients_find_sealing_behind_their_own_door() -> None:
    assert behind("envelope") >= {"layers", "sealing", "opening", "receiving"}


def test_crypto_stands_on_pynacl_and_the_standard_library() -> None:
    for path in FOLDER.glob("*.py"):
        for name in imported(path.stem):
            top = name.partition(".")[0]
            assert top in {"crypto", "nacl"} or top in sys.stdlib_module_names


def test_every_public_name_of_the_door_exists_once() -> None:
    assert len(set(keys.__all__)) == len(keys.__all__)
    assert all(hasattr(keys, name) for name in keys.__all__)


def test_there_is_no_way_to_sign_plain_bytes() -> None:
    try:
        keys.DeviceKey(bytes(32)).sign(b"bytes")  # type: ignore[arg-type]  # that is the point
    except AttributeError:
        return
    raise AssertionError("plain bytes were signed")
