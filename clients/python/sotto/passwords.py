"""Which passwords are refused, told without a network: the server never sees a password, so the client judges it.

NIST SP 800-63B-4 section 3.1.1.2 and ASVS 6.2: at least 15 characters, any characters, no composition rules, compared
with common passwords. Because almost every common password is shorter than 15, what is compared is what a guesser
would try: a password is refused if three common pieces or fewer make it up. Pieces are listed words, keyboard and
alphabet runs, one character repeated, up to four digits; the person's own names and the service's count for nothing.
"""

import enum
import functools
import importlib.resources
import itertools
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

MIN_CHARS: Final = 15
MOST_PIECES: Final = 3
"""So many common pieces are guessable: some 2^37 combinations of three of the list."""

SERVICE_NAMES: Final = ("sotto", "sottochat")

_SHORTEST_RUN: Final = 3
_MOST_DIGITS: Final = 4
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "qsdfghjklm",
    "zxcvbnm",
    "yxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujmikolp",
)
_RUNS: Final = " ".join((*_ROWS, *(row[::-1] for row in _ROWS)))
_PLAIN: Final = str.maketrans("0134578@$!", "oieastbasi")
"""Characters that stand for letters in passwords that only look strong."""
_LONG_RUNS: Final = re.compile(r"(.)\1{3,}", re.DOTALL)
_SEPARATORS: Final = re.compile(r"[\W_]+")


class Weakness(enum.StrEnum):
    """Why a password is refused, in words for its person."""

    TOO_SHORT = "Use at least 15 characters. Four or five words that have nothing to do with each other are good."
    REPEATED = "It repeats itself. Use words that have nothing to do with each other."
    COMMON = "It is made of what guessers try first. Use words that have nothing to do with each other."
    OWN_NAME = "It is little more than a name of yours or of this service."


def weakness(password: str, own_names: Iterable[str] = ()) -> Weakness | None:
    """What is wrong with a password, or None. `own_names`: sign-in name, alias, organisation."""
    kept = unicodedata.normalize("NFKC", password)
    if len(kept) < MIN_CHARS:
        return Weakness.TOO_SHORT
    names = {_bare(part) for name in (*own_names, *SERVICE_NAMES) for part in (name, *_SEPARATORS.split(name))}
    bare = _bare(kept)
    if _repeats(bare):
        return Weakness.REPEATED
    own = frozenset(name for name in names if len(name) >= _SHORTEST_RUN)
    plain = bare.translate(_PLAIN)
    if min(_pieces(bare, own), _pieces(plain, own)) > MOST_PIECES:
        return None
    return Weakness.OWN_NAME if any(name in bare or name in plain for name in own) else Weakness.COMMON


def _bare(text: str) -> str:
    """Lower case, without blanks and signs, long repeats cut to three: what a guesser adds anyway.

    A text of signs alone keeps them.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _LONG_RUNS.sub(r"\1\1\1", _SEPARATORS.sub("", folded) or folded)


def _repeats(text: str) -> bool:
    """Whether a part shorter than a password is said over and over."""
    periods = range(1, min(MIN_CHARS, len(text) // 2 + 1))
    return any(text[period:] == text[:-period] for period in periods)


@functools.cache
def _listed() -> frozenset[str]:
    text = importlib.resources.files("sotto").joinpath("passwords.txt").read_text(encoding="utf-8")
    return frozenset(_bare(line) for line in text.splitlines() if not line.startswith("#"))


@functools.cache
def _longest() -> int:
    return max(map(len, (*_listed(), *_ROWS)))


def _pieces(text: str, own: frozenset[str]) -> int:
    """The fewest pieces that make up the text; a character that is in none of them is a piece."""
    fewest = [0] * (len(text) + 1)
    reach = max(_longest(), *map(len, own))
    for end in range(1, len(text) + 1):
        starts = range(max(0, end - reach), end)
        fewest[end] = min(fewest[start] + _cost(text[start:end], own) for start in starts)
    return fewest[-1]


def _cost(part: str, own: frozenset[str]) -> int:
    if part in own:
        return 0
    return 1 if len(part) == 1 or part in _listed() or _is_run(part) else len(part)


def _is_run(part: str) -> bool:
    """A keyboard or alphabet run, one character repeated, or a few digits, such as a year."""
    if part.isdigit() and len(part) <= _MOST_DIGITS:
        return True
    if len(part) < _SHORTEST_RUN:
        return False
    return part in _RUNS or all(one == other for one, other in itertools.pairwise(part))
