"""No field of a fixed width is hashed, signed or sealed at another: structs could slide into each other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from crypto import keys, layers, vault
from crypto.receiving import Received
from crypto.vectors.forge import party
from crypto.vectors.world import ALICE, BOB, CALL, KEY_MADE_MS, SCOPE, TENANT, content, seed

pytestmark = pytest.mark.pure

DEVICE = ALICE.device_keys[0]
BODY = replace(ALICE.bundle_body(), use=keys.Use.CALL, scope=CALL, expires_ms=KEY_MADE_MS + 1)
HELLO = {"tenant": TENANT, "ticket_hash": seed("t"), "account": SCOPE, "device_id": DEVICE.id}
HTTP = {"tenant": TENANT, "account": SCOPE, "device_id": DEVICE.id, "body_hash": seed("b"), "nonce": seed("n")}
ENDS = {"account": SCOPE, "identity_pk": seed("i"), "device_pk": seed("d"), "box_pk": seed("x")}

Encoded = Callable[..., object]


def hello(**fields: bytes) -> bytes:
    said = {"origin": "", "transport": keys.Transport.WEBSOCKET, "list_version": 1, "key_no": 1}
    return keys.Hello(**said, **fields).encode()  # type: ignore[arg-type]  # the table has the rest


def http(**fields: bytes) -> bytes:
    return keys.HttpStatement(method="", path="", **fields).encode()


def device_list(**fields: bytes) -> bytes:
    return replace(ALICE.body, version=2, **fields).encode()  # type: ignore[arg-type]  # each row is bytes


def context(tenant: bytes, list_hash: bytes) -> bytes:
    return layers.context(tenant, party(ALICE), party(BOB), 1, list_hash)


def associated(scope: bytes, sender_device: bytes) -> bytes:
    return layers.associated(keys.FrameClass.MESSAGE, scope, sender_device, 1)


def inner_plaintext(ctx: bytes, kf: bytes) -> bytes:
    return layers.inner_plaintext(ctx, kf, b"")


def inner_box(nonce: bytes) -> bytes:
    return layers.inner_box(b"", BOB.box_key().public, seed("secret"), nonce)


def sealed(secret: bytes) -> bytes:
    return layers.sealed(b"", BOB.box_key().public, secret)


def wrapped(vault_key: bytes, wrap: bytes, tenant: bytes, account: bytes) -> bytes:
    return vault.wrap_vault_key(vault_key, wrap, tenant, account)


def verified(**fields: bytes) -> object:
    return keys.verify_list(ALICE.signed, previous=None, **fields)


TABLE: list[tuple[str, Encoded, dict[str, Any]]] = [
    ("device list", device_list, {"tenant": TENANT, "account": SCOPE, "prev_hash": seed("p")}),
    ("device key", keys.device_id, {"device_pk": DEVICE.public}),
    ("whose list", verified, {"tenant": TENANT, "account": ALICE.account}),
    ("bundle", lambda **changes: replace(BODY, **changes).encode(), {"scope": CALL, "device_id": DEVICE.id}),
    ("checkpoint", lambda log_root: replace(BODY, log_root=log_root).encode(), {"log_root": seed("root")}),
    ("bundle signature", lambda raw: keys.Bundle(BODY, raw).encode(), {"raw": bytes(64)}),
    ("hello", hello, {**HELLO, "list_hash": seed("l"), "epoch": bytes(16)}),
    ("http", http, HTTP),
    ("ticket", keys.ticket_hash, {"ticket": seed("t")}),
    ("members of a scope", lambda scope: keys.members_hash(scope, ()), {"scope": SCOPE}),
    ("member", lambda **one: keys.members_hash(SCOPE, [(one["a"], one["i"])]), {"a": SCOPE, "i": seed("i")}),
    ("device set", lambda device: keys.set_hash([device]), {"device": DEVICE.id}),
    ("fingerprint", keys.fingerprint, {"tenant": TENANT, "account": SCOPE, "identity_pk": ALICE.identity.public}),
    ("safety number", keys.safety_number, {"own": seed("1"), "other": seed("2")}),
    ("code", keys.qr_bytes, {"own": seed("1"), "other": seed("2")}),
    ("signing seed", keys.DeviceKey, {"seed": seed("s")}),
    ("box secret", keys.BoxKey, {"secret": seed("s")}),
    ("content", lambda **changes: replace(content(), **changes).encode(), {"prev": seed("p"), "members": seed("m")}),
    ("party", lambda **fields: layers.Party(**fields).encode(), ENDS),
    (
        "ad",
        associated,
        {"scope": SCOPE, "sender_device": CALL},
    ),
    ("commitment", lambda kf: layers.commitment(kf, b"", b""), {"kf": seed("kf")}),
    ("context", context, {"tenant": TENANT, "list_hash": seed("l")}),
    (
        "inner plaintext",
        inner_plaintext,
        {"ctx": seed("c"), "kf": seed("k")},
    ),
    ("outer plaintext", lambda bundle: layers.outer_plaintext(bundle, 1, b""), {"bundle": bytes(195)}),
    ("nonce", inner_box, {"nonce": bytes(24)}),
    ("ephemeral secret", sealed, {"secret": seed("e")}),
    ("state", lambda c: Received(1, 1, c).encode(), {"c": seed("c")}),
    ("vault", wrapped, {"vault_key": seed("v"), "wrap": seed("w"), "tenant": TENANT, "account": SCOPE}),
    ("salt", lambda salt: vault.derive("", salt), {"salt": SCOPE}),
]


@pytest.mark.parametrize(("encode", "fields"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_field_of_another_width_is_refused(encode: Encoded, fields: dict[str, bytes]) -> None:
    assert encode(**fields)
    for name, value in fields.items():
        for other in (value[:-1], value + b"\0"):
            with pytest.raises(keys.Refused) as caught:
                encode(**{**fields, name: other})
            assert caught.value.reason is keys.Reason.BAD_WIDTH
