"""Writes the vector files: `python -m crypto.vectors.generate`. The same bytes every time."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from json import dumps
from pathlib import Path
from types import MappingProxyType

from crypto.vectors.case import Case
from crypto.vectors.envelope_cases import part_cases, seal_cases
from crypto.vectors.link_cases import link_cases
from crypto.vectors.list_cases import bundle_cases, list_cases
from crypto.vectors.open_cases import early_cases
from crypto.vectors.open_late_cases import late_cases
from crypto.vectors.receiving_cases import receiving_cases
from crypto.vectors.small_cases import hash_cases, key_cases, safety_cases, vault_cases
from crypto.vectors.statement_cases import label_cases, statement_cases

FOLDER = Path(__file__).parent
FILES: Mapping[str, tuple[str, Callable[[], Iterator[Case]]]] = MappingProxyType({
    "hashes": ("CRYPTO 1-3, 5: labelled hashes, ids, sets", hash_cases),
    "keys": ("CRYPTO 1-2: keys from seeds, keys that are refused", key_cases),
    "labels": ("CRYPTO 1: every signature under every label", label_cases),
    "statements": ("CRYPTO 4: hello and HTTPS statements", statement_cases),
    "lists": ("CRYPTO 2: device lists, their chain and pins", list_cases),
    "bundles": ("CRYPTO 2: key bundles and their clocks", bundle_cases),
    "parts": ("CRYPTO 3: ad, commitment and context", part_cases),
    "seal": ("CRYPTO 3: boxes made", seal_cases),
    "open": ("CRYPTO 3: boxes opened and refused, step by step", lambda: chain(early_cases(), late_cases())),
    "receiving": ("CRYPTO 3: receiving state", receiving_cases),
    "safety": ("CRYPTO 9: safety number and QR", safety_cases),
    "linking": ("CRYPTO 9: eight words and the code of a device key", link_cases),
    "vault": ("CRYPTO 8: derivation, vault key, records", vault_cases),
})  # fmt: skip


def written(name: str) -> str:
    """The text of one file: a line for each case, so that a change shows which."""
    about, cases = FILES[name]
    lines = ",\n".join(dumps(case, separators=(",", ":")) for case in cases())
    return f'{{"about":{dumps(about)},"cases":[\n{lines}\n]}}\n'


def main() -> None:
    """Write them all."""
    for name in FILES:
        (FOLDER / f"{name}.json").write_text(written(name), encoding="ascii")


if __name__ == "__main__":
    main()
