"""Cases for linking: words and code of a device key."""

from collections.abc import Iterator

from crypto.keys import Reason
from crypto.linking import link_qr_bytes, link_words
from crypto.vectors.case import Case, case, with_bytes
from crypto.vectors.world import ALICE


def link_cases() -> Iterator[Case]:
    """Words of keys, words that were typed, codes that were scanned."""
    key, other = (device.public for device in ALICE.device_keys[:2])
    for name, device_pk in (("a device", key), ("another device", other)):
        yield case(f"words and code of {name}", "link", {"device_pk": device_pk.hex()})
    yield case("a key of low order has no words", "link", {"device_pk": "00" * 32}, Reason.WEAK_KEY)
    yield case("a key of 31 bytes has no words", "link", {"device_pk": "09" * 31}, Reason.BAD_WIDTH)
    words = link_words(key)
    for name, typed in (
        ("the words", " ".join(words)),
        ("the words in upper case and on two lines", f" {' '.join(words[:4])}\n {' '.join(words[4:])} ".upper()),
        ("the words of another key", " ".join(link_words(other))),
        ("seven of the words", " ".join(words[:7])),
        ("the words and one more", " ".join((*words, words[0]))),
        ("the words in another order", " ".join(reversed(words))),
        ("nothing", ""),
    ):
        yield case(f"typed: {name}", "link_typed", {"device_pk": key.hex(), "typed": typed})
    code = link_qr_bytes(key)
    yield case("a code", "link_scanned", {"scanned": code.hex()})
    for name, scanned, reason in (
        ("another version byte", with_bytes(code, 0, b"\x02"), Reason.BAD_VERSION),
        ("a code cut short", code[:-1], Reason.BAD_LENGTH),
        ("a code with a byte more", code + b"\0", Reason.BAD_LENGTH),
        ("an empty code", b"", Reason.BAD_LENGTH),
        ("a key of low order", code[:1] + bytes(32), Reason.WEAK_KEY),
    ):
        yield case(name, "link_scanned", {"scanned": scanned.hex()}, reason)
