"""Does what a vector's case says. Bytes are hex, times ms; a refusal is `{"refused": <reason>}`.

Each operation takes the case's `in` object and gives its `out` object; README.md beside the vectors says
what each field is.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

from crypto import keys
from crypto.envelope import (
    HeldKey,
    ListPin,
    Recipient,
    Sender,
    associated,
    commit,
    commitment,
    open_box,
    require_no_rollback,
    seal,
)
from crypto.labels import labelled
from crypto.layers import Party, context
from crypto.linking import link_qr_bytes, link_words, parse_link_qr, words_match
from crypto.receiving import receive_message, receive_passing
from crypto.vault import derive, open_record, seal_record, unwrap_vault_key, wrap_vault_key
from crypto.vectors.values import (
    Json,
    content_in,
    delivery_in,
    drawing,
    list_in,
    opened_out,
    optional,
    relabelled,
    statement_in,
    stream_in,
    stream_out,
    unhex,
    view_in,
)

Operation = Callable[[Json], dict[str, Any]]


def run(operation: str, given: Json) -> dict[str, Any]:
    """The outcome of one case."""
    try:
        return OPERATIONS[operation](given)
    except keys.Refused as refused:
        return {"refused": refused.reason.value}


def _hash(given: Json) -> dict[str, Any]:
    return {"hash": keys.H(given["label"], *(bytes.fromhex(part) for part in given["parts"])).hex()}


def _device_id(given: Json) -> dict[str, Any]:
    return {"device_id": keys.device_id(*unhex(given, "device_pk")).hex()}


def _members(given: Json) -> dict[str, Any]:
    pairs = [(bytes.fromhex(account), bytes.fromhex(identity)) for account, identity in given["members"]]
    return {"hash": keys.members_hash(bytes.fromhex(given["scope"]), pairs).hex()}


def _set(given: Json) -> dict[str, Any]:
    return {"hash": keys.set_hash(bytes.fromhex(device) for device in given["device_ids"]).hex()}


def _ticket(given: Json) -> dict[str, Any]:
    return {"hash": keys.ticket_hash(*unhex(given, "ticket")).hex()}


def _body_hash(given: Json) -> dict[str, Any]:
    return {"hash": keys.body_hash(*unhex(given, "body")).hex()}


def _public(given: Json) -> dict[str, Any]:
    (secret,) = unhex(given, "seed")
    return {"ed25519": keys.DeviceKey(secret).public.hex(), "x25519": keys.BoxKey(secret).public.hex()}


def _signing_key(given: Json) -> dict[str, Any]:
    return {"key": keys.require_signing_key(*unhex(given, "key")).hex()}


def _box_key(given: Json) -> dict[str, Any]:
    return {"key": keys.require_box_key(*unhex(given, "key")).hex()}


def _under_label(given: Json) -> dict[str, Any]:
    """Checks a signature over label || 0x00 || struct, for any of the labels."""
    signature, public_key = unhex(given, "signature", "public_key")
    keys.verify(relabelled(keys.Label(given["label"]), bytes.fromhex(given["struct"])), signature, public_key)
    return {"signed_bytes": labelled(given["label"], bytes.fromhex(given["struct"])).hex()}


def _sign_under_label(given: Json) -> dict[str, Any]:
    """Which kind of key signs under which label."""
    (secret,) = unhex(given, "seed")
    kinds: Mapping[str, type[keys.IdentityKey | keys.DeviceKey]] = {
        "identity": keys.IdentityKey,
        "device": keys.DeviceKey,
    }
    statement = relabelled(keys.Label(given["label"]), bytes.fromhex(given["struct"]))
    return {"signature": kinds[given["kind"]](secret).sign(statement).hex()}


def _sign_statement(given: Json) -> dict[str, Any]:
    statement = statement_in(given["statement"])
    signature = keys.DeviceKey(*unhex(given, "device_seed")).sign(statement)
    return {"struct": statement.encode().hex(), "signature": signature.hex()}


def _verify_statement(given: Json) -> dict[str, Any]:
    statement = statement_in(given["statement"])
    keys.verify_device_statement(statement, *unhex(given, "signature", "device_pk"))
    return {"struct": statement.encode().hex()}


def _verify_list(given: Json) -> dict[str, Any]:
    before = given["previous"]
    previous = None if before is None else list_in(before)
    raw, tenant, account = unhex(given, "list", "tenant", "account")
    signed = keys.verify_list(raw, tenant, account, previous)
    ids = [device.id.hex() for device in signed.body.devices]
    return {"list_hash": signed.body.list_hash.hex(), "version": signed.body.version, "device_ids": ids}


def _sign_list(given: Json) -> dict[str, Any]:
    tenant, account, prev_hash = unhex(given, "tenant", "account", "prev_hash")
    identity = keys.IdentityKey(*unhex(given, "identity_seed"))
    rows = given["devices"]
    devices = tuple(keys.Device(bytes.fromhex(pk), may_add, at_ms) for pk, may_add, at_ms in rows)
    version, issued_ms, reset = given["version"], given["issued_ms"], given["reset"]
    body = keys.DeviceList(tenant, account, version, prev_hash, identity.public, issued_ms, reset, devices)
    old = optional(given["old_identity_seed"])
    raw = keys.sign_list(body, identity, None if old is None else keys.IdentityKey(old))
    return {"list": raw.hex(), "list_hash": body.list_hash.hex()}


def _pin_list(given: Json) -> dict[str, Any]:
    pin = ListPin(given["version"], *unhex(given, "list_hash"))
    require_no_rollback(pin, list_in(given["list"]))
    return {}


def _verify_bundle(given: Json) -> dict[str, Any]:
    (raw,) = unhex(given, "bundle")
    body = keys.verify_bundle_in(raw, list_in(given["list"])).body
    return {
        "use": body.use.value,
        "scope": body.scope.hex(),
        "device_id": body.device_id.hex(),
        "key_no": body.key_no,
        "created_ms": body.created_ms,
        "expires_ms": body.expires_ms,
        "box_pk": body.box_pk.hex(),
        "log_size": body.log_size,
        "log_root": body.log_root.hex(),
    }


def _usable(given: Json) -> dict[str, Any]:
    keys.parse_bundle(*unhex(given, "bundle")).body.require_usable(given["now_ms"])
    return {}


def _dated(given: Json) -> dict[str, Any]:
    keys.require_dated(given["made_ms"], given["now_ms"])
    return {}


def _commitment(given: Json) -> dict[str, Any]:
    kf, scope, device, content = unhex(given, "kf", "scope", "sender_device", "content")
    ad = associated(keys.FrameClass(given["class"]), scope, device, given["n"])
    return {"ad": ad.hex(), "c": commitment(kf, ad, content).hex()}


def _context(given: Json) -> dict[str, Any]:
    sender, recipient = (
        Party(*unhex(given[end], "account", "identity_pk", "device_pk", "box_pk")) for end in ("from", "to")
    )
    tenant, list_hash = unhex(given, "tenant", "list_hash")
    return {"ctx": context(tenant, sender, recipient, given["key_no"], list_hash).hex()}


def _seal(given: Json) -> dict[str, Any]:
    origin, to = given["from"], given["to"]
    scope, device = unhex(given, "scope", "sender_device")
    draw = drawing(given["random"])
    frame_class = keys.FrameClass(given["class"])
    send = commit(frame_class, scope, device, given["n"], content_in(given["content"]), random=draw)
    sender = Sender(
        list_in(origin["list"]),
        keys.parse_bundle(bytes.fromhex(origin["bundle"])),
        keys.BoxKey(bytes.fromhex(origin["box_secret"])),
    )
    recipient = Recipient(list_in(to["list"]), keys.parse_bundle(bytes.fromhex(to["bundle"])))
    (box,) = seal(send, sender, (recipient,), given["now_ms"], random=draw)
    whole = {"box": box.box.hex()} if len(box.box) == keys.BOX_LENGTHS[0] else {}
    hashed = blake2b(box.box, digest_size=32).hexdigest()
    return {"c": send.c.hex(), "key_no": box.key_no, "length": len(box.box), "box_hash": hashed, **whole}


def _open(given: Json) -> dict[str, Any]:
    held = given["held"]
    key = None if held is None else HeldKey(held["key_no"], keys.BoxKey(bytes.fromhex(held["secret"])))
    stream, opened_c = stream_in(given["stream"]), optional(given["opened_c"])
    opened = open_box(delivery_in(given["delivery"]), key, view_in(given["view"]), stream, opened_c)
    return opened_out(opened)


def _receive(given: Json) -> dict[str, Any]:
    """Steps one after the other; a refused one leaves the state as it was."""
    state, outcomes = stream_in(given["stream"]), []
    for frame in given["messages"]:
        c, prev = unhex(frame, "c", "prev")
        try:
            if given["class"] == keys.FrameClass.MESSAGE:
                step = receive_message(state, frame["seq"], c, prev)
            else:
                step = receive_passing(state, frame["seq"], c)
        except keys.Refused as refused:
            outcomes.append(refused.reason.value)
            continue
        state = step.state
        outcomes.append(step.arrival.value)
    return {"outcomes": outcomes, "stream": None if state is None else stream_out(state)}


def _safety(given: Json) -> dict[str, Any]:
    (tenant,) = unhex(given, "tenant")
    people = (unhex(given[side], "account", "identity_pk") for side in ("own", "other"))
    own, other = (keys.fingerprint(tenant, account, identity_pk) for account, identity_pk in people)
    return {
        "fingerprint_own": own.hex(),
        "fingerprint_other": other.hex(),
        "number": keys.safety_number(own, other),
        "qr_shown": keys.qr_bytes(own, other).hex(),
    }


def _qr(given: Json) -> dict[str, Any]:
    return {"matches": keys.qr_matches(*unhex(given, "scanned", "own", "other"))}


def _link(given: Json) -> dict[str, Any]:
    (device_pk,) = unhex(given, "device_pk")
    return {"words": list(link_words(device_pk)), "code": link_qr_bytes(device_pk).hex()}


def _link_typed(given: Json) -> dict[str, Any]:
    return {"matches": words_match(given["typed"], *unhex(given, "device_pk"))}


def _link_scanned(given: Json) -> dict[str, Any]:
    return {"device_pk": parse_link_qr(*unhex(given, "scanned")).hex()}


def _derive(given: Json) -> dict[str, Any]:
    derived = derive(given["password"], *unhex(given, "salt"))
    return {"login": derived.login.hex(), "wrap": derived.wrap.hex()}


def _wrap(given: Json) -> dict[str, Any]:
    draw = drawing([given["nonce"]])
    return {"wrapped": wrap_vault_key(*unhex(given, "vault_key", "wrap", "tenant", "account"), random=draw).hex()}


def _unwrap(given: Json) -> dict[str, Any]:
    return {"vault_key": unwrap_vault_key(*unhex(given, "wrapped", "wrap", "tenant", "account")).hex()}


def _seal_record(given: Json) -> dict[str, Any]:
    vault_key, key, plaintext = unhex(given, "vault_key", "key", "plaintext")
    draw = drawing([given["nonce"]])
    return {"record": seal_record(vault_key, given["store"], key, plaintext, random=draw).hex()}


def _open_record(given: Json) -> dict[str, Any]:
    vault_key, key, record = unhex(given, "vault_key", "key", "record")
    return {"plaintext": open_record(vault_key, given["store"], key, record).hex()}


OPERATIONS: Mapping[str, Operation] = MappingProxyType({
    "hash": _hash,
    "device_id": _device_id,
    "members": _members,
    "set": _set,
    "ticket_hash": _ticket,
    "body_hash": _body_hash,
    "public_keys": _public,
    "signing_key": _signing_key,
    "box_key": _box_key,
    "sign_under_label": _sign_under_label,
    "verify_under_label": _under_label,
    "sign_statement": _sign_statement,
    "verify_statement": _verify_statement,
    "sign_list": _sign_list,
    "verify_list": _verify_list,
    "pin_list": _pin_list,
    "verify_bundle": _verify_bundle,
    "usable": _usable,
    "dated": _dated,
    "commitment": _commitment,
    "context": _context,
    "seal": _seal,
    "open": _open,
    "receive": _receive,
    "safety": _safety,
    "qr": _qr,
    "link": _link,
    "link_typed": _link_typed,
    "link_scanned": _link_scanned,
    "derive": _derive,
    "wrap": _wrap,
    "unwrap": _unwrap,
    "seal_record": _seal_record,
    "open_record": _open_record,
})  # fmt: skip
