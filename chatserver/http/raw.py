"""Bytes in JSON: base64url without padding (RFC 4648 section 5), each kind with its own length."""

import base64
import binascii
from typing import Any, ClassVar, Final, Self

MAX_BLOB_BYTES: Final = 8_192


class Raw(bytes):
    """Bytes with a shortest and a longest length. `decoded` and `encoded` are exact inverses."""

    __slots__ = ()
    shortest: ClassVar[int] = 0
    longest: ClassVar[int] = MAX_BLOB_BYTES

    @classmethod
    def decoded(cls, text: str) -> Self:
        """The bytes of a text. ValueError unless it is exactly what `encoded` writes, of a permitted length."""
        if not text.isascii() or len(text) > 2 * cls.longest:
            raise ValueError
        try:
            found = cls(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except binascii.Error:
            raise ValueError from None
        if not cls.shortest <= len(found) <= cls.longest or found.encoded() != text:
            raise ValueError
        return found

    def encoded(self) -> str:
        """The text of the bytes."""
        return base64.urlsafe_b64encode(self).decode().rstrip("=")

    @classmethod
    def schema(cls) -> dict[str, object]:
        """Its JSON Schema (2020-12, contentEncoding)."""
        shortest, longest = -(-cls.shortest * 4 // 3), -(-cls.longest * 4 // 3)
        return {
            "type": "string",
            "contentEncoding": "base64url",
            "pattern": "^[A-Za-z0-9_-]*$",
            "minLength": shortest,
            "maxLength": longest,
        }


class Id(Raw):
    """An id: 16 bytes."""

    __slots__ = ()
    shortest = longest = 16


class Salt(Raw):
    """A login salt: 16 bytes."""

    __slots__ = ()
    shortest = longest = 16


class Bytes32(Raw):
    """A key, a hash or a secret: 32 bytes."""

    __slots__ = ()
    shortest = longest = 32


class Blob(Raw):
    """A signed statement as the device made it."""

    __slots__ = ()


def enc_hook(value: Any) -> Any:
    """How msgspec writes bytes."""
    if isinstance(value, Raw):
        return value.encoded()
    raise NotImplementedError


def dec_hook(kind: type, value: Any) -> Any:
    """How msgspec reads bytes."""
    if issubclass(kind, Raw) and isinstance(value, str):
        return kind.decoded(value)
    raise ValueError


def schema_hook(kind: type) -> dict[str, object]:
    """How msgspec describes bytes."""
    if issubclass(kind, Raw):
        return kind.schema()
    raise NotImplementedError
