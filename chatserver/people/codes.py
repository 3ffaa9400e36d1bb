"""Invitation codes as people copy them: 160 bits in base32 (RFC 4648 section 6), eight groups of four letters."""

import base64
import binascii
from typing import Final

CODE_BYTES: Final = 20
MAX_TYPED_CHARS: Final = 64
_GROUP_CHARS: Final = 4


def shown(code: bytes) -> str:
    """The code in groups."""
    text = base64.b32encode(code).decode().lower()
    return "-".join(text[at : at + _GROUP_CHARS] for at in range(0, len(text), _GROUP_CHARS))


def typed(text: str) -> bytes | None:
    """The code in what somebody typed: case, hyphens and blanks do not matter. None if it cannot be one."""
    letters = "".join(text.split()).replace("-", "").upper()
    if not letters.isascii():
        return None
    try:
        code = base64.b32decode(letters)
    except binascii.Error:
        return None
    return code if len(code) == CODE_BYTES else None
