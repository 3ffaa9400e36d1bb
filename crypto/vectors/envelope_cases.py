"""Cases for sealing, and for the parts of a box by themselves."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crypto.clock import MAIL_LIFE_MS, SENDS_FOR_MS
from crypto.keys import ZERO_HASH, Bundle, FrameClass, Reason, sign_bundle
from crypto.layers import MAX_BODY_BYTES
from crypto.vectors.case import Case, case
from crypto.vectors.world import ALICE, BOB, KEY_MADE_MS, MALLORY, NOW_MS, SCOPE, TENANT, Person, id16, repeatable, seed

SENDER = ALICE.device_keys[0].id
HEAD_BYTES = 146  # of a padded plaintext, before the body
SAID: dict[str, Any] = {
    "kind": 1,
    "seq": 1,
    "sent_at_ms": NOW_MS,
    "prev": ZERO_HASH.hex(),
    "members": seed("members").hex(),
    "body": b"good morning".hex(),
}


def part_cases() -> Iterator[Case]:
    """The commitment and the context hash; every field of each changes it."""
    given = {
        "kf": seed("kf").hex(),
        "class": 1,
        "scope": SCOPE.hex(),
        "sender_device": SENDER.hex(),
        "n": 1,
        "content": b"content".hex(),
    }
    yield case("c", "commitment", given)
    other = {"class": 2, "scope": id16("o").hex(), "sender_device": id16("o").hex(), "n": 2, "content": "00"}
    for field, value in other.items():
        yield case(f"c with another {field}", "commitment", {**given, field: value})
    for width in (31, 33):
        yield case(f"kf of {width} bytes", "commitment", {**given, "kf": "00" * width}, Reason.BAD_WIDTH)
    yield case("n of 2^53", "commitment", {**given, "n": 2**53}, Reason.NUMBER_RANGE)
    yield from _context_cases()


def _end(of: Person) -> dict[str, str]:
    return {
        "account": of.account.hex(),
        "identity_pk": of.identity.public.hex(),
        "device_pk": of.device_keys[0].public.hex(),
        "box_pk": of.box_key().public.hex(),
    }


def _context_cases() -> Iterator[Case]:
    hashes = {"tenant": TENANT.hex(), "list_hash": BOB.body.list_hash.hex()}
    given = {**hashes, "from": _end(ALICE), "to": _end(BOB), "key_no": 1}
    yield case("ctx", "context", given)
    yield case("ctx the other way", "context", {**given, "from": given["to"], "to": given["from"]})
    yield case("ctx with another key_no", "context", {**given, "key_no": 2})
    for end, of in (("from", ALICE), ("to", BOB)):
        for field, value in _end(MALLORY).items():
            changed = {**given, end: {**_end(of), field: value}}
            yield case(f"ctx with another {field} in {end}", "context", changed)
    for field, value in (("tenant", id16("o").hex()), ("list_hash", seed("o").hex())):
        yield case(f"ctx with another {field}", "context", {**given, field: value})


def seal_cases() -> Iterator[Case]:
    """One box each, from Alice's first device to Bob's."""
    yield case("a text", "seal", sealing())
    yield case("a read mark", "seal", {**sealing(), "class": 2, "n": NOW_MS})
    yield case("a signal starts at 8,192", "seal", {**sealing(), "class": 3, "n": NOW_MS})
    for bucket in (256, 1_024, 4_096, 8_192, 16_384, 49_152):
        fits = bucket - 1 - HEAD_BYTES
        yield case(f"the longest for {bucket}", "seal", _long(fits))
        if fits < MAX_BODY_BYTES:
            yield case(f"a full {bucket} moves to the next", "seal", _long(fits + 1))
    yield case("longer than any bucket", "seal", _long(MAX_BODY_BYTES + 1), Reason.TOO_LONG)
    yield from _refused_seals()


def _refused_seals() -> Iterator[Case]:
    last_ms = KEY_MADE_MS + SENDS_FOR_MS - 1
    yield case("the last moment of the sender's key", "seal", {**sealing(), "now_ms": last_ms})
    late = {**sealing(), "now_ms": last_ms + 1}
    yield case("the sender's key is 48 h old", "seal", late, Reason.KEY_TOO_OLD)
    old = replace(BOB.bundle_body(), created_ms=NOW_MS - MAIL_LIFE_MS, expires_ms=NOW_MS)
    expired = _to(sign_bundle(old, BOB.device_keys[0], BOB.body))
    yield case("the recipient's key has expired", "seal", {**sealing(), "to": expired}, Reason.KEY_EXPIRED)
    yield case("a moment before that", "seal", {**sealing(), "to": expired, "now_ms": NOW_MS - 1})
    foreign = _to(MALLORY.bundle())
    yield case("a key of no device in the list", "seal", {**sealing(), "to": foreign}, Reason.WRONG_DEVICE)
    other = {**sealing(), "sender_device": ALICE.device_keys[1].id.hex()}
    yield case("committed as another device", "seal", other, Reason.WRONG_DEVICE)
    wrong = {**sealing()["from"], "box_secret": seed("not the secret").hex()}
    yield case("not the secret of the bundle", "seal", {**sealing(), "from": wrong}, Reason.KEY_NOT_HELD)


def _to(bundle: Bundle) -> dict[str, str]:
    return {"list": BOB.signed.hex(), "bundle": bundle.encode().hex()}


def _long(body_bytes: int) -> dict[str, Any]:
    return {**sealing(), "content": {**SAID, "body": "61", "times": body_bytes}}


def sealing() -> dict[str, Any]:
    """Randomness in the order it is drawn: kf 32, nonce 24, ephemeral secret 32."""
    draw = repeatable("seal")
    return {
        "class": FrameClass.MESSAGE.value,
        "scope": SCOPE.hex(),
        "sender_device": SENDER.hex(),
        "n": 1,
        "content": SAID,
        "now_ms": NOW_MS,
        "from": {
            "list": ALICE.signed.hex(),
            "bundle": ALICE.bundle().encode().hex(),
            "box_secret": ALICE.box_key().secret.hex(),
        },
        "to": _to(BOB.bundle()),
        "random": [draw(width).hex() for width in (32, 24, 32)],
    }
