"""Sign-in names, aliases and device names: what may be one, and when two sign-in names are the same."""

import unicodedata
from typing import Final

MAX_NAME_CHARS: Final = 64
"""Of the NFKC form. NFKC may make a text longer, so the form that is kept is the one that is measured."""

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories that cannot be seen or typed: two names that look alike would be two accounts."""


def display(typed: str) -> str | None:
    """The NFKC form without blanks around it, or None if it cannot be a name: empty, too long, hidden characters."""
    kept = unicodedata.normalize("NFKC", typed).strip()
    if not 1 <= len(kept) <= MAX_NAME_CHARS:
        return None
    return None if any(unicodedata.category(char) in _HIDDEN for char in kept) else kept


def same(typed: str) -> str:
    """The form under which a sign-in name is looked up (Unicode 3.13 D146: NFKC, casefold, NFKC). Takes any text."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", typed).strip().casefold())
