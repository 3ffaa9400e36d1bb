"""Cases for hello, HTTPS statements, and every signature under every label."""

from collections.abc import Iterator
from typing import Any

from crypto.keys import DeviceKey, IdentityKey, KeyStatement, Label, Reason, body_hash, ticket_hash
from crypto.vectors.case import Case, case
from crypto.vectors.run import run
from crypto.vectors.values import relabelled
from crypto.vectors.world import ALICE, BOB, MALLORY, TENANT, id16, seed

DEVICE = ALICE.device_keys[0]
OWNER = {"tenant": TENANT.hex(), "account": ALICE.account.hex(), "device_id": DEVICE.id.hex()}
HELLO = {
    "label": "sotto/v1/hello",
    **OWNER,
    "origin": "https://chat.example.org",
    "ticket_hash": ticket_hash(seed("ticket")).hex(),
    "transport": 1,
    "list_version": 1,
    "list_hash": ALICE.body.list_hash.hex(),
    "key_no": 3,
    "epoch": "00" * 16,
}
HTTP = {
    "label": "sotto/v1/http",
    **OWNER,
    "method": "PUT",
    "path": "/v1/devices/keys?use=0",
    "body_hash": body_hash(b"body").hex(),
    "nonce": seed("http nonce").hex(),
}
HELLO_CHANGES: dict[str, Any] = {
    "tenant": id16("other").hex(),
    "origin": "https://chat.example.com",
    "ticket_hash": ticket_hash(seed("another ticket")).hex(),
    "account": BOB.account.hex(),
    "transport": 2,
    "list_version": 2,
    "list_hash": BOB.body.list_hash.hex(),
    "key_no": 4,
    "epoch": id16("epoch").hex(),
}
HTTP_CHANGES: dict[str, Any] = {
    "tenant": id16("other").hex(),
    "account": BOB.account.hex(),
    "method": "POST",
    "path": "/v1/devices/keys?use=1",
    "body_hash": body_hash(b"").hex(),
    "nonce": seed("another nonce").hex(),
}


def statement_cases() -> Iterator[Case]:
    """Signing and checking; each field stands under the signature."""
    for statement, changes in ((HELLO, HELLO_CHANGES), (HTTP, HTTP_CHANGES)):
        yield from _good(statement)
        yield from _changed(statement, changes)
    yield from _narrow()
    shifted = {**HTTP, "method": "PUT/", "path": "v1/devices/keys?use=0"}
    given = {**_checked(HTTP), "statement": shifted}
    yield case("a byte moved from path to method", "verify_statement", given, Reason.BAD_SIGNATURE)


def _signed(statement: dict[str, Any]) -> dict[str, Any]:
    return run("sign_statement", {"statement": statement, "device_seed": DEVICE.seed.hex()})


def _checked(statement: dict[str, Any]) -> dict[str, Any]:
    signature = _signed(statement)["signature"]
    return {"statement": statement, "signature": signature, "device_pk": DEVICE.public.hex()}


def _good(statement: dict[str, Any]) -> Iterator[Case]:
    name = statement["label"]
    yield case(f"{name}: signing", "sign_statement", {"statement": statement, "device_seed": DEVICE.seed.hex()})
    yield case(f"{name}: checking", "verify_statement", _checked(statement))
    given = {**_checked(statement), "device_pk": MALLORY.device_keys[0].public.hex()}
    yield case(f"{name}: another device's key", "verify_statement", given, Reason.WRONG_DEVICE)
    weak = {**_checked(statement), "device_pk": "00" * 32}
    yield case(f"{name}: a key of low order", "verify_statement", weak, Reason.WRONG_DEVICE)
    cut = {**_checked(statement), "signature": _checked(statement)["signature"][:-2]}
    yield case(f"{name}: a signature of 63 bytes", "verify_statement", cut, Reason.BAD_WIDTH)


def _changed(statement: dict[str, Any], changes: dict[str, Any]) -> Iterator[Case]:
    for field, value in changes.items():
        given = {**_checked(statement), "statement": {**statement, field: value}}
        yield case(f"{statement['label']}: another {field}", "verify_statement", given, Reason.BAD_SIGNATURE)


def _narrow() -> Iterator[Case]:
    for statement in (HELLO, HTTP):
        hexes = {"tenant", "account", "device_id", "ticket_hash", "list_hash", "epoch", "body_hash", "nonce"}
        for field in sorted(hexes & statement.keys()):
            given = {"statement": {**statement, field: "00" * 15}, "device_seed": DEVICE.seed.hex()}
            yield case(f"{statement['label']}: {field} of 15 bytes", "sign_statement", given, Reason.BAD_WIDTH)
    for name, field, value, reason in (
        ("an origin of 65,536 bytes", "origin", "x" * 65_536, Reason.NUMBER_RANGE),
        ("an origin with half a character", "origin", "\ud800", Reason.BAD_TEXT),
        ("a key_no of 2^32", "key_no", 2**32, Reason.NUMBER_RANGE),
        ("a key_no below zero", "key_no", -1, Reason.NUMBER_RANGE),
    ):
        given = {"statement": {**HELLO, field: value}, "device_seed": DEVICE.seed.hex()}
        yield case(f"hello with {name}", "sign_statement", given, reason)


def label_cases() -> Iterator[Case]:
    """Every statement's signature under its own label, and refused under each other one."""
    for own, struct, signature, public_key in _one_of_each():
        for label in Label:
            given = {
                "label": label.value,
                "struct": struct.hex(),
                "signature": signature.hex(),
                "public_key": public_key.hex(),
            }
            reason = None if label is own else Reason.BAD_SIGNATURE
            yield case(f"signed under {own.value}, checked under {label.value}", "verify_under_label", given, reason)
    yield from _signers()
    given = {**given, "public_key": "00" * 32}
    yield case("a public key of low order", "verify_under_label", given, Reason.WEAK_KEY)


def _signers() -> Iterator[Case]:
    """An identity signs device lists alone, a device everything else."""
    for label in Label:
        for kind, allowed in (("identity", label is Label.LIST), ("device", label is not Label.LIST)):
            given = {"kind": kind, "seed": seed(kind).hex(), "label": label.value, "struct": "00ff"}
            reason = None if allowed else Reason.WRONG_SIGNER
            yield case(f"{kind} under {label.value}", "sign_under_label", given, reason)


def _one_of_each() -> Iterator[tuple[Label, bytes, bytes, bytes]]:
    """A real list, bundle, hello and HTTPS statement, and stand-ins under the labels of later."""
    identity: IdentityKey | DeviceKey = ALICE.identity
    yield Label.LIST, ALICE.body.encode(), identity.sign(ALICE.body), identity.public
    own = ALICE.body
    key = KeyStatement(own.tenant, own.account, own.list_hash, ALICE.bundle_body())
    yield Label.KEY, key.encode(), DEVICE.sign(key), DEVICE.public
    for label, statement in ((Label.HELLO, HELLO), (Label.HTTP, HTTP)):
        signed = _signed(statement)
        yield label, bytes.fromhex(signed["struct"]), bytes.fromhex(signed["signature"]), DEVICE.public
    for label in (Label.ROSTER, Label.CONSENT):
        struct = seed(label.value)
        yield label, struct, DEVICE.sign(relabelled(label, struct)), DEVICE.public
