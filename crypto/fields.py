"""Fixed-width big-endian fields (CRYPTO section 1): how every struct is written and read."""

from collections.abc import Callable

from crypto.refusals import Reason, Refused, require

Random = Callable[[int], bytes]  # n -> n random bytes; `os.urandom` outside of tests

ID_BYTES = 16
HASH_BYTES = 32
KEY_BYTES = 32
SIGNATURE_BYTES = 64
MAX_INTEGER = 2**53 - 1  # what a JavaScript number holds exactly
ZERO_ID = bytes(ID_BYTES)
ZERO_HASH = bytes(HASH_BYTES)


def uint(value: int, width: int) -> bytes:
    """`value` as `width` bytes, big-endian. Refuses what does not fit and anything above 2^53 - 1."""
    require(0 <= value <= min(MAX_INTEGER, 256**width - 1), Reason.NUMBER_RANGE)
    return value.to_bytes(width, "big")


def u8(value: int) -> bytes:
    """One byte."""
    return uint(value, 1)


def u16(value: int) -> bytes:
    """Two bytes."""
    return uint(value, 2)


def u32(value: int) -> bytes:
    """Four bytes."""
    return uint(value, 4)


def u64(value: int) -> bytes:
    """Eight bytes, of which the value uses 53 bits."""
    return uint(value, 8)


def fixed(value: bytes, width: int) -> bytes:
    """`value` itself, refused unless it has exactly `width` bytes."""
    require(len(value) == width, Reason.BAD_WIDTH)
    return value


def counted(value: bytes) -> bytes:
    """len16 || value."""
    return u16(len(value)) + value


def utf8(text: str) -> bytes:
    """The UTF-8 form of a text; a lone surrogate has none."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Refused(Reason.BAD_TEXT) from None


class Reader:
    """Reads fixed-width fields from the front of a struct; too short and left-over bytes are refused."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, width: int) -> bytes:
        """The next `width` bytes."""
        end = self._at + width
        require(end <= len(self._raw), Reason.BAD_LENGTH)
        piece = self._raw[self._at : end]
        self._at = end
        return piece

    def uint(self, width: int) -> int:
        """The next `width` bytes as a number of at most 2^53 - 1."""
        value = int.from_bytes(self.take(width), "big")
        require(value <= MAX_INTEGER, Reason.NUMBER_RANGE)
        return value

    def rest(self) -> bytes:
        """Everything that was not read yet."""
        return self.take(len(self._raw) - self._at)

    def end(self) -> None:
        """Refuse bytes that nobody asked for."""
        require(self._at == len(self._raw), Reason.BAD_LENGTH)
