"""The values of the vectors: from a case's JSON, and back into it. Bytes are hex, times ms."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from crypto import keys
from crypto.envelope import Content, Delivery, KeyPin, Lists, Missing, Opened, Received, Step, View

Json = Mapping[str, Any]


def optional(value: str | None) -> bytes | None:
    """Hex, or nothing."""
    return None if value is None else bytes.fromhex(value)


def drawing(pieces: list[str]) -> Callable[[int], bytes]:
    """Randomness that hands out the given pieces in order, each asked for at its own length."""
    left = [bytes.fromhex(piece) for piece in pieces]

    def draw(count: int) -> bytes:
        piece = left.pop(0)
        if len(piece) != count:
            raise AssertionError("a piece of randomness has the wrong length")
        return piece

    return draw


def unhex(given: Json, *names: str) -> tuple[bytes, ...]:
    """The named fields as bytes."""
    return tuple(bytes.fromhex(given[name]) for name in names)


def list_in(raw: str) -> keys.DeviceList:
    """A list at hand, its own signature checked."""
    return keys.parse_list(bytes.fromhex(raw)).body


def _hello(given: Json) -> keys.Hello:
    tenant, ticket, account, device, list_hash, epoch = unhex(
        given, "tenant", "ticket_hash", "account", "device_id", "list_hash", "epoch"
    )
    transport = keys.Transport(given["transport"])
    version, key_no = given["list_version"], given["key_no"]
    return keys.Hello(tenant, given["origin"], ticket, account, device, transport, version, list_hash, key_no, epoch)


def _http(given: Json) -> keys.HttpStatement:
    tenant, account, device, body_hash, nonce = unhex(given, "tenant", "account", "device_id", "body_hash", "nonce")
    return keys.HttpStatement(tenant, account, device, given["method"], given["path"], body_hash, nonce)


def statement_in(given: Json) -> keys.Hello | keys.HttpStatement:
    """A hello or an HTTPS statement, as its label says."""
    return _hello(given) if given["label"] == keys.Label.HELLO else _http(given)


def content_in(given: Json) -> Content:
    """A content; a long body stands as a piece and how many times it is repeated."""
    prev, members, body = unhex(given, "prev", "members", "body")
    body *= given.get("times", 1)
    return Content(given["kind"], given["seq"], given["sent_at_ms"], prev, members, body)


def _content_out(content: Content) -> dict[str, Any]:
    return {
        "kind": content.kind,
        "seq": content.seq,
        "sent_at_ms": content.sent_at_ms,
        "prev": content.prev.hex(),
        "members": content.members.hex(),
        "body": content.body.hex(),
    }


def delivery_in(given: Json) -> Delivery:
    """A delivery."""
    scope, device, c, box = unhex(given, "scope", "sender_device", "c", "box")
    frame_class = keys.FrameClass(given["class"])
    return Delivery(frame_class, scope, device, given["n"], c, given["accepted_at_ms"], given["key_no"], box)


def _senders(raws: list[str], gone: list[str]) -> dict[bytes, Lists]:
    """Every device of the given lists, with the lists of its account."""
    bodies = [list_in(raw) for raw in raws]
    lists: dict[bytes, dict[int, keys.DeviceList]] = {}
    for body in bodies:
        lists.setdefault(body.account, {})[body.version] = body
    known = {device.id: lists[body.account] for body in bodies for device in body.devices}
    return {device: by for device, by in known.items() if device.hex() not in gone}


def view_in(given: Json) -> View:
    """What the opening device has verified."""
    own = [list_in(raw) for raw in given["own_lists"]]
    pins = {
        (bytes.fromhex(pin["device_id"]), keys.Use(pin["use"]), bytes.fromhex(pin["scope"])): KeyPin(
            pin["key_no"], bytes.fromhex(pin["box_pk"])
        )
        for pin in given["key_pins"]
    }
    owners = {bytes.fromhex(pk): bytes.fromhex(device) for pk, device in given["key_owners"]}
    device_pk, members = unhex(given, "device_pk", "members")
    senders = _senders(given["sender_lists"], given["gone_devices"])
    return View(device_pk, {body.version: body for body in own}, senders, members, pins, owners)


def stream_in(given: Json | None) -> Received | None:
    """A stream's state from a vector."""
    if given is None:
        return None
    rows = given["missing"]
    missing = tuple(Missing(seq, bytes.fromhex(c), bytes.fromhex(prev)) for seq, c, prev in rows)
    return Received(given["floor"], given["highest"], bytes.fromhex(given["c"]), missing)


def stream_out(state: Received) -> dict[str, Any]:
    """A stream's state for a vector."""
    missing = [[entry.seq, entry.c.hex(), entry.prev.hex()] for entry in state.missing]
    return {"floor": state.floor, "highest": state.highest, "c": state.c.hex(), "missing": missing}


def step_out(step: Step) -> dict[str, Any]:
    """An accepted message's effect on its stream."""
    return {
        "arrival": step.arrival.value,
        "given_up": step.given_up,
        "stream": stream_out(step.state),
    }


def opened_out(opened: Opened) -> dict[str, Any]:
    """An opened box."""
    return {
        "content": _content_out(opened.content),
        "kf": opened.kf.hex(),
        "notes": sorted(note.value for note in opened.notes),
        **step_out(opened.stream),
    }


def relabelled(label: keys.Label, struct: bytes) -> keys.Statement:
    """A struct under whatever label a case wants; no such type exists outside of the vectors."""

    class Relabelled:
        LABEL: ClassVar[keys.Label] = label

        def encode(self) -> bytes:
            return struct

    return Relabelled()
