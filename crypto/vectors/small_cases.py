"""Cases for hashes, keys, safety numbers and the vault."""

from collections.abc import Iterator

from crypto.keys import Reason, fingerprint, qr_bytes
from crypto.vault import Derived, derive, seal_record, wrap_vault_key
from crypto.vectors.case import Case, case, flipped, with_bytes
from crypto.vectors.world import ALICE, BOB, SCOPE, TENANT, id16, repeatable, seed

PRIME = 2**255 - 19
WEAK_ED25519 = {  # the eight points of small order, as far as they have one canonical form (RFC 8032)
    "zero": bytes(32),
    "one": (1).to_bytes(32, "little"),
    "minus one": (PRIME - 1).to_bytes(32, "little"),
    "order eight, a": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "order eight, b": bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    "prime, a second spelling of zero": PRIME.to_bytes(32, "little"),
    "not on the curve": (2).to_bytes(32, "little"),
}
WEAK_X25519 = {  # RFC 7748 section 6.1 and the points of order four and eight
    "zero": bytes(32),
    "one": (1).to_bytes(32, "little"),
    "order eight, a": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    "order eight, b": bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    "minus one": (PRIME - 1).to_bytes(32, "little"),
    "prime": PRIME.to_bytes(32, "little"),
    "prime and one": (PRIME + 1).to_bytes(32, "little"),
    "prime and nine, a second spelling of nine": (PRIME + 9).to_bytes(32, "little"),
    "nine with its top bit set": flipped((9).to_bytes(32, "little"), 255),
}


def hash_cases() -> Iterator[Case]:
    """H and every hash that stands in a frame or statement."""
    yield case("H of nothing", "hash", {"label": "sotto/v1/members", "parts": []})
    yield case("H of two parts", "hash", {"label": "sotto/v1/set", "parts": ["00", "ff01"]})
    yield case("device id", "device_id", {"device_pk": ALICE.device_keys[0].public.hex()})
    yield case("device id of 31 bytes", "device_id", {"device_pk": "00" * 31}, Reason.BAD_WIDTH)
    pairs = [[account.hex(), identity.hex()] for account, identity in (ALICE.member, BOB.member)]
    for name, members in (("two members", pairs), ("the order given is not kept", pairs[::-1])):
        yield case(name, "members", {"scope": SCOPE.hex(), "members": members})
    yield case("one member twice counts once", "members", {"scope": SCOPE.hex(), "members": [*pairs, pairs[0]]})
    yield case("no member", "members", {"scope": SCOPE.hex(), "members": []})
    devices = [id16(f"set/{at}").hex() for at in range(3)]
    yield case("a device set", "set", {"device_ids": devices})
    yield case("a device set in another order", "set", {"device_ids": devices[::-1]})
    yield case("ticket", "ticket_hash", {"ticket": seed("ticket").hex()})
    yield case("ticket of 31 bytes", "ticket_hash", {"ticket": "00" * 31}, Reason.BAD_WIDTH)
    yield case("no body", "body_hash", {"body": ""})
    yield case("body", "body_hash", {"body": b'{"a":1}'.hex()})


def key_cases() -> Iterator[Case]:
    """Keys from seeds, and the keys that are refused."""
    for name in ("first", "second"):
        yield case(f"public keys of the {name} seed", "public_keys", {"seed": seed(name).hex()})
    yield case("a seed of 31 bytes", "public_keys", {"seed": "00" * 31}, Reason.BAD_WIDTH)
    yield case("a signing key", "signing_key", {"key": ALICE.identity.public.hex()})
    yield case("a box key", "box_key", {"key": ALICE.box_key().public.hex()})
    for operation, weak in (("signing_key", WEAK_ED25519), ("box_key", WEAK_X25519)):
        yield case(f"{operation} of 31 bytes", operation, {"key": "09" * 31}, Reason.BAD_WIDTH)
        for name, key in weak.items():
            yield case(f"{operation}: {name}", operation, {"key": key.hex()}, Reason.WEAK_KEY)


def safety_cases() -> Iterator[Case]:
    """The number is the same on both sides; the code is seen from each."""
    sides = [{"account": who.account.hex(), "identity_pk": who.identity.public.hex()} for who in (ALICE, BOB)]
    for name, (own, other) in (("Alice's side", sides), ("Bob's side", sides[::-1])):
        yield case(name, "safety", {"tenant": TENANT.hex(), "own": own, "other": other})
    weak = {**sides[1], "identity_pk": "00" * 32}
    given = {"tenant": TENANT.hex(), "own": sides[0], "other": weak}
    yield case("an identity of low order", "safety", given, Reason.WEAK_KEY)
    alice, bob = (fingerprint(TENANT, *who.member) for who in (ALICE, BOB))
    shown = qr_bytes(bob, alice)
    ends = {"own": alice.hex(), "other": bob.hex()}
    yield case("Alice scans Bob's code", "qr", {"scanned": shown.hex(), **ends})
    yield case("Alice scans her own code", "qr", {"scanned": qr_bytes(alice, bob).hex(), **ends})
    yield case("another version byte", "qr", {"scanned": with_bytes(shown, 0, b"\x02").hex(), **ends})
    yield case("a code cut short", "qr", {"scanned": shown[:-1].hex(), **ends})


def vault_cases() -> Iterator[Case]:
    """Derivation, the wrapped vault key, records."""
    salt = id16("salt")
    yield case("derivation", "derive", {"password": "correct horse battery", "salt": salt.hex()})
    for name, typed in (("composed", "caf\u00e9 au lait, two"), ("decomposed", "cafe\u0301 au lait, two")):
        yield case(f"an accent {name}: the same keys", "derive", {"password": typed, "salt": salt.hex()})
    yield case("a salt of 15 bytes", "derive", {"password": "x", "salt": "00" * 15}, Reason.BAD_WIDTH)
    yield case("half a character", "derive", {"password": "\ud800", "salt": salt.hex()}, Reason.BAD_TEXT)
    yield from _wrap_cases(derive("correct horse battery", salt))
    yield from _record_cases()


def _wrap_cases(derived: Derived) -> Iterator[Case]:
    vault_key, nonce = seed("vault key"), repeatable("wrap")(24)
    owner = {"tenant": TENANT.hex(), "account": ALICE.account.hex()}
    secrets = {"vault_key": vault_key.hex(), "wrap": derived.wrap.hex(), "nonce": nonce.hex()}
    yield case("wrapping the vault key", "wrap", {**secrets, **owner})
    yield case("a vault key of 31 bytes", "wrap", {**secrets, "vault_key": "00" * 31, **owner}, Reason.BAD_WIDTH)
    yield case("a wrap of 31 bytes", "wrap", {**secrets, "wrap": "00" * 31, **owner}, Reason.BAD_WIDTH)
    wrapped = wrap_vault_key(vault_key, derived.wrap, TENANT, ALICE.account, random=lambda _: nonce)
    given = {"wrapped": wrapped.hex(), "wrap": derived.wrap.hex(), **owner}
    yield case("unwrapping", "unwrap", given)
    for name, change, reason in (
        ("the login half opens nothing", {"wrap": derived.login.hex()}, Reason.VAULT_LOCKED),
        ("another account", {"account": BOB.account.hex()}, Reason.VAULT_LOCKED),
        ("another tenant", {"tenant": id16("other").hex()}, Reason.VAULT_LOCKED),
        ("a flipped bit", {"wrapped": flipped(wrapped, 8 * 40).hex()}, Reason.VAULT_LOCKED),
        ("nonce and 15 bytes", {"wrapped": wrapped[:40].hex()}, Reason.VAULT_LOCKED),
        ("nonce and 16 bytes", {"wrapped": wrapped[:41].hex()}, Reason.VAULT_LOCKED),
        ("another version", {"wrapped": with_bytes(wrapped, 0, b"\x02").hex()}, Reason.BAD_VERSION),
        ("nothing", {"wrapped": ""}, Reason.BAD_VERSION),
    ):
        yield case(f"unwrapping: {name}", "unwrap", {**given, **change}, reason)


def _record_cases() -> Iterator[Case]:
    vault_key, nonce = seed("vault key"), repeatable("record")(24)
    plaintext = b"a message kept"
    place = {"vault_key": vault_key.hex(), "store": "messages", "key": "0102"}
    yield case("a record", "seal_record", {**place, "plaintext": plaintext.hex(), "nonce": nonce.hex()})
    yield case("an empty record", "seal_record", {**place, "plaintext": "", "nonce": nonce.hex()})
    record = seal_record(vault_key, "messages", bytes([1, 2]), plaintext, random=lambda _: nonce)
    given = {**place, "record": record.hex()}
    yield case("opening a record", "open_record", given)
    empty = seal_record(vault_key, "messages", bytes([1, 2]), b"", random=lambda _: nonce)
    yield case("opening an empty record", "open_record", {**place, "record": empty.hex()})
    for name, change, reason in (
        ("another store", {"store": "message"}, Reason.RECORD_BROKEN),
        ("another key", {"key": "0103"}, Reason.RECORD_BROKEN),
        ("a byte moved from store to key", {"store": "message", "key": "730102"}, Reason.RECORD_BROKEN),
        ("another vault key", {"vault_key": seed("other").hex()}, Reason.RECORD_BROKEN),
        ("a flipped bit", {"record": flipped(record, 8 * 30).hex()}, Reason.RECORD_BROKEN),
        ("nonce and 15 bytes", {"record": record[:40].hex()}, Reason.RECORD_BROKEN),
        ("another version", {"record": with_bytes(record, 0, b"\x00").hex()}, Reason.BAD_VERSION),
        ("a vault key of 31 bytes", {"vault_key": "00" * 31}, Reason.BAD_WIDTH),
    ):
        yield case(f"opening a record: {name}", "open_record", {**given, **change}, reason)
