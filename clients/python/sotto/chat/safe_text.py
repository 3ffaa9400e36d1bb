"""What others wrote, made safe for a terminal: nothing in it can move the cursor, recolour, or turn the reading order.

Control characters show as their pictures (U+2400...), other characters without a shape of their own as <U+202E>. What
joins emoji and letters (U+200C, U+200D) and the variation selectors stay, because they only act on their neighbours.
"""

import unicodedata
from typing import Final

_KEPT: Final = frozenset("\u200c\u200d")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PICTURES: Final = 0x2400
_DELETE: Final = 0x7F
_FIRST_PRINTABLE: Final = 0x20
_TAB: Final = "    "
MAX_MARKS: Final = 4
"""Combining marks in a row that are kept; more of them would paint over other lines."""


def safe(text: str) -> str:
    """The text on one line."""
    return "".join(_shown(char) for char in _without_towers(text))


def safe_lines(text: str) -> list[str]:
    """The text line by line; a line break is the one control character that acts."""
    return [safe(line) for line in text.replace("\r\n", "\n").split("\n")]


def _shown(char: str) -> str:
    if char == "\t":
        return _TAB
    code = ord(char)
    if code < _FIRST_PRINTABLE:
        return chr(_PICTURES + code)
    if code == _DELETE:
        return "\u2421"
    if char not in _KEPT and unicodedata.category(char) in _HIDDEN:
        return f"<U+{code:04X}>"
    return char


def _without_towers(text: str) -> str:
    """Combining marks beyond a few in a row are left out."""
    kept, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)
