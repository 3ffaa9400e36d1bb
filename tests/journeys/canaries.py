"""Strings that must not be found, every form in which they might be, and the search for them."""

import base64
import mmap
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_STEM_BYTES = 15
_CONTEXT_BYTES = 24


@dataclass(frozen=True)
class Canary:
    """A random stem that is part of every string of one kind, so that finding the stem finds any of them."""

    kind: str
    stem: str = field(default_factory=lambda: "zq" + secrets.token_hex(_STEM_BYTES))

    def word(self, place: str) -> str:
        """A string for one field. In lower case, as the form is under which names are looked up."""
        return f"{self.stem}-{place}"

    def filled(self, size: int) -> bytes:
        """So many bytes of nothing else."""
        return (self.stem.encode() * (size // len(self.stem) + 1))[:size]


def forms(stem: str) -> dict[str, bytes]:
    """How the stem looks plain, in the text encodings, in hex and in base64 at each of three alignments."""
    raw = stem.encode()
    found = {name: stem.encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")}
    found |= {"hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
    for shift in range(3):
        # The characters that hold bits of the stem alone: not those shared with the bytes around it.
        first, last = -(-shift * 8 // 6), (shift + len(raw)) * 8 // 6
        found[f"base64+{shift}"] = base64.b64encode(bytes(shift) + raw)[first:last]
        found[f"base64url+{shift}"] = base64.urlsafe_b64encode(bytes(shift) + raw)[first:last]
    return found


def sightings(files: Iterable[Path], *canaries: Canary) -> list[str]:
    """Each file in which one of them is, with the form and what stands there."""
    return [sighting for file in files for canary in canaries for sighting in _in_file(file, canary)]


def _in_file(file: Path, canary: Canary) -> Iterator[str]:
    if not file.stat().st_size:
        return
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for form, needle in forms(canary.stem).items():
            at = content.find(needle)
            if at >= 0:
                around = content[max(0, at - _CONTEXT_BYTES) : at + len(needle) + _CONTEXT_BYTES]
                yield f"{canary.kind} in {file.name} as {form}: {around!r}"


def holds(files: Iterable[Path], needle: bytes) -> list[str]:
    """The names of the files with these bytes in them."""
    return [file.name for file in files if needle in file.read_bytes()]
