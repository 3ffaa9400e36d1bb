"""Cases for opening: each step of CRYPTO section 3 "Opening" refuses by its own name, in its own place."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crypto.clock import DATED_SLACK_MS, MINUTE_MS, SENDS_FOR_MS
from crypto.keys import BundleBody, Label, Reason, members_hash, sign_bundle, sign_list
from crypto.vectors.case import Case, case, flipped, with_bytes
from crypto.vectors.forge import CTX, Forged
from crypto.vectors.values import relabelled
from crypto.vectors.world import (
    ALICE,
    BOB,
    KEY_MADE_MS,
    MALLORY,
    NOW_MS,
    SCOPE,
    TENANT,
    Person,
    content,
    next_list,
    seed,
)

C = seed("some commitment").hex()
GAP = {"floor": 1, "highest": 3, "c": C, "missing": [[2, "", ""]]}
NO_GAP = {"floor": 1, "highest": 1, "c": C, "missing": []}


def opening(forged: Forged, **changes: Any) -> dict[str, Any]:
    """The case's input: Bob's device opens, knowing Alice and Mallory."""
    return {
        "delivery": delivery(forged),
        "held": {"key_no": 1, "secret": BOB.box_key().secret.hex()},
        "view": view(),
        "stream": None,
        "opened_c": None,
        **changes,
    }


def delivery(forged: Forged, **changes: Any) -> dict[str, Any]:
    """The frame."""
    frame = forged.delivery()
    return {
        "class": frame.frame_class.value,
        "scope": frame.scope.hex(),
        "sender_device": frame.sender_device.hex(),
        "n": frame.n,
        "c": frame.c.hex(),
        "accepted_at_ms": frame.accepted_at_ms,
        "key_no": frame.key_no,
        "box": frame.box.hex(),
        **changes,
    }


def view(own: Person = BOB, **changes: Any) -> dict[str, Any]:
    """What the opening device has verified."""
    return {
        "device_pk": own.device_keys[0].public.hex(),
        "own_lists": [own.signed.hex()],
        "sender_lists": [ALICE.signed.hex(), MALLORY.signed.hex(), BOB.signed.hex()],
        "gone_devices": [],
        "members": members_hash(SCOPE, (ALICE.member, BOB.member)).hex(),
        "key_pins": [],
        "key_owners": [],
        **changes,
    }


def early_cases() -> Iterator[Case]:
    """What opens, and steps 0 to 5."""
    yield from _good()
    yield from _steps_0_to_2()
    yield from _step_3_sender()
    yield from _step_3_clock()
    yield from _step_3_pins()
    yield from _steps_4_to_5()


def opens(name: str, forged: Forged, reason: Reason | None = None, **changes: Any) -> Case:
    """A case of opening."""
    return case(name, "open", opening(forged, **changes), reason)


def _good() -> Iterator[Case]:
    yield opens("a message", Forged())
    yield opens("in a larger bucket than it needs", Forged(bucket=1_024))
    yield opens("to a member of a smaller circle", Forged(), view=view(members=seed("others").hex()))
    for name, off_ms in (("5 minutes off", DATED_SLACK_MS), ("over 5 minutes off", DATED_SLACK_MS + 1)):
        for sign in (1, -1):
            said = replace(content(), sent_at_ms=NOW_MS + sign * off_ms).encode()
            yield opens(f"sent_at {name} ({sign:+d})", Forged(content=said))
    yield opens("without a body", Forged(content=content(body=b"").encode()))


def _steps_0_to_2() -> Iterator[Case]:
    good = Forged()
    c, frame = good.commitment().hex(), delivery(good)
    garbage = {**frame, "box": "00"}
    yield opens("(0) opened before", good, Reason.ALREADY_OPENED, opened_c=c)
    yield opens(
        "(0) opened before, the box is not looked at", good, Reason.ALREADY_OPENED, opened_c=c, delivery=garbage
    )
    yield opens("(0) opened before under another c", good, Reason.SEND_FORK, opened_c=C)
    for name, box in (
        ("a byte longer", good.box() + b"\0"),
        ("a byte shorter", good.box()[:-1]),
        ("no box", b""),
        ("an unpadded length", Forged(padded=b"\2" * 255).box()),
        ("a length between buckets", Forged(padded=b"\2" * 512).box()),
    ):
        yield opens(f"(1) {name}", good, Reason.BAD_LENGTH, delivery={**frame, "box": box.hex()}, held=None)
    yield opens("(1) no key", good, Reason.KEY_NOT_HELD, held=None)
    another = {"key_no": 2, "secret": BOB.box_key().secret.hex()}
    yield opens("(1) another key number", good, Reason.KEY_NOT_HELD, held=another)
    held = {"key_no": 1, "secret": BOB.box_key(0, 2).secret.hex()}
    yield opens("(2) another key", good, Reason.SEAL_BROKEN, held=held)
    epk = with_bytes(good.box(), 0, bytes(32)).hex()
    yield opens("(2) an ephemeral key of low order", good, Reason.SEAL_BROKEN, delivery={**frame, "box": epk})
    turned = flipped(good.box(), 255).hex()
    yield opens("(2) the ephemeral key's top bit", good, Reason.SEAL_BROKEN, delivery={**frame, "box": turned})
    for layer in (b"\0", b"\2"):
        yield opens(f"(2) layer byte {layer[0]}", Forged(outer_layer=layer), Reason.OUTER_LAYER)


def by_alice(body: BundleBody) -> bytes:
    """That body, signed by Alice's first device."""
    return sign_bundle(body, ALICE.device_keys[0], ALICE.body).encode()


def _step_3_sender() -> Iterator[Case]:
    good = Forged()
    known = view()
    stranger = {**known, "sender_lists": [BOB.signed.hex()]}
    gone = {**known, "gone_devices": [ALICE.device_keys[0].id.hex()]}
    second = sign_list(next_list(ALICE), ALICE.identity)
    newer = {**known, "sender_lists": [second.hex()]}
    both = {**known, "sender_lists": [ALICE.signed.hex(), second.hex()]}
    yield opens("(3) a stranger", good, Reason.UNKNOWN_SENDER, view=stranger)
    yield opens("(3) a device removed for good", good, Reason.UNKNOWN_SENDER, view=gone)
    yield opens("(3) a list that is not pinned", good, Reason.LIST_UNKNOWN, view=newer)
    yield opens("(3) an older list that is pinned", good, view=both)
    removed = next_list(ALICE, devices=tuple(d for d in ALICE.body.devices if d.id != good.sender_device))
    later = replace(ALICE.bundle_body(), list_version=2)
    ghost = sign_bundle(later, ALICE.device_keys[0], removed).encode()
    without = {**known, "sender_lists": [ALICE.signed.hex(), sign_list(removed, ALICE.identity).hex()]}
    yield opens("(3) a device that its list no longer has", good.but(bundle=ghost), Reason.WRONG_DEVICE, view=without)
    yield opens("(3) a bundle of the other device", good.but(bundle=ALICE.bundle(1).encode()), Reason.WRONG_DEVICE)
    yield opens("(3) a bundle of another account", good.but(bundle=MALLORY.bundle().encode()), Reason.WRONG_DEVICE)
    unsigned = flipped(ALICE.bundle().encode(), 8 * 150)
    yield opens("(3) a bundle with a broken signature", good.but(bundle=unsigned), Reason.BAD_SIGNATURE)
    weak = with_bytes(ALICE.bundle().encode(), 55, bytes(32))
    yield opens("(3) a bundle with an all-zero key", good.but(bundle=weak), Reason.WEAK_KEY)
    future = ALICE.bundle_body().encode()
    future = with_bytes(future, 1, b"\2")
    owner = TENANT + ALICE.account + ALICE.body.list_hash
    suite = future + ALICE.device_keys[0].sign(relabelled(Label.KEY, owner + future))
    yield opens("(3) a bundle of suite 2", good.but(bundle=suite), Reason.BAD_SUITE)


def _step_3_clock() -> Iterator[Case]:
    last_ms = KEY_MADE_MS + SENDS_FOR_MS - 1
    said = replace(content(), sent_at_ms=last_ms).encode()
    good = Forged(content=said)
    yield opens("(3) accepted just before 48 h", good.but(accepted_at_ms=last_ms))
    yield opens("(3) accepted at 48 h", good.but(accepted_at_ms=last_ms + 1), Reason.KEY_TOO_OLD)
    first_ms = KEY_MADE_MS - DATED_SLACK_MS
    yield opens("(3) accepted 5 minutes before the key was made", good.but(accepted_at_ms=first_ms))
    early = good.but(accepted_at_ms=first_ms - 1)
    yield opens("(3) accepted earlier than that", early, Reason.DATED_OFF)
    short_lived = replace(ALICE.bundle_body(), expires_ms=KEY_MADE_MS + MINUTE_MS)
    brief = good.but(bundle=by_alice(short_lived))
    yield opens("(3) accepted before the key expires", brief.but(accepted_at_ms=KEY_MADE_MS + MINUTE_MS - 1))
    late = brief.but(accepted_at_ms=KEY_MADE_MS + MINUTE_MS)
    yield opens("(3) accepted when the key has expired", late, Reason.KEY_TOO_OLD)


def pin_view(key_no: int, box_pk: bytes, **changes: Any) -> dict[str, Any]:
    """Bob's view with one key pinned: Alice's first device's, for mail, unless changed."""
    device = ALICE.device_keys[0].id.hex()
    pin = {"device_id": device, "use": 0, "scope": "00" * 16, "key_no": key_no, "box_pk": box_pk.hex()}
    return view(key_pins=[{**pin, **changes}])


def _step_3_pins() -> Iterator[Case]:
    good, own = Forged(), ALICE.box_key().public
    higher = pin_view(2, seed("a newer key"))
    device = ALICE.device_keys[1].id.hex()
    yield opens("(3) the pinned key", good, view=pin_view(1, own))
    yield opens("(3) the pin of the other device is not asked", good, view=pin_view(2, own, device_id=device))
    yield opens("(3) the pinned number with another key", good, Reason.KEY_FORK, view=pin_view(1, seed("key")))
    yield opens("(3) a lower key_no", good, Reason.KEY_FELL, view=higher)
    yield opens("(3) a lower key_no, nothing is missing", good, Reason.KEY_FELL, view=higher, stream=NO_GAP)
    broken = good.but(inner=bytes(296))
    yield opens("(3) a lower key_no comes before the inner box", broken, Reason.KEY_FELL, view=higher)
    yield opens("(3) the same with nothing missing", broken, Reason.KEY_FELL, view=higher, stream=NO_GAP)
    filling = good.but(content=content(2, seed("c/1")).encode())
    yield opens("(8) a lower key_no for a missing seq", filling, view=higher, stream=GAP)
    going_on = good.but(content=content(4, bytes.fromhex(C)).encode())
    yield opens("(8) a lower key_no for the next seq", going_on, Reason.KEY_FELL, view=higher, stream=GAP)
    yield opens("(8) the same with its own key", going_on, stream=GAP)
    shared = view(key_owners=[[own.hex(), MALLORY.device_keys[0].id.hex()]])
    yield opens("(3) a box key known as another device's", good, Reason.SHARED_BOX_KEY, view=shared)
    sole = view(key_owners=[[own.hex(), ALICE.device_keys[0].id.hex()]])
    yield opens("(3) a box key known as its own", good, view=sole)


def _steps_4_to_5() -> Iterator[Case]:
    good = Forged()
    plain = b"\2" + CTX + good.kf + good.content
    yield opens("(4) a list version that is not known", good.but(to_list_version=2), Reason.OWN_LIST_UNKNOWN)
    second = next_list(BOB)
    newer = view(own_lists=[sign_list(second, BOB.identity).hex()])
    yield opens("(4) a list version that was forgotten", good, Reason.OWN_LIST_UNKNOWN, view=newer)
    foreign = view(own_lists=[MALLORY.signed.hex()])
    yield opens("(4) a list without this device", good, Reason.OWN_LIST_UNKNOWN, view=foreign)
    unknown = good.but(to_list_version=2, inner=bytes(296))
    yield opens("(4) comes before the inner box", unknown, Reason.OWN_LIST_UNKNOWN)
    yield opens("(5) an inner box of zeros", good.but(inner=bytes(296)), Reason.INNER_BROKEN)
    by_other = good.but(from_secret=ALICE.box_key(0, 2).secret)
    yield opens("(5) an inner box by another key", by_other, Reason.INNER_BROKEN)
    yield opens("(5) all zeros", good.but(padded=bytes(256)), Reason.BAD_PADDING)
    unmarked = (plain + b"\x81").ljust(256, b"\0")
    yield opens("(5) another marker than 0x80", good.but(padded=unmarked), Reason.BAD_PADDING)
    full = plain.ljust(256, b"\1")
    yield opens("(5) a full bucket without a marker", good.but(padded=full), Reason.BAD_PADDING)
    empty = b"\x80" + bytes(255)
    yield opens("(5) nothing but padding", good.but(padded=empty), Reason.INNER_LAYER)
    for layer in (b"\0", b"\1"):
        yield opens(f"(5) layer byte {layer[0]}", good.but(inner_layer=layer), Reason.INNER_LAYER)
    least = content(body=b"").encode()
    yield opens("(5) content cut short", good.but(content=least[:-1]), Reason.SHORT_CONTENT)
    wrong = good.but(content=least[:-1], ctx=seed("ctx"))
    yield opens("(5) comes before the context", wrong, Reason.SHORT_CONTENT)
    outer_as_inner = good.but(inner_layer=b"\1", ctx=seed("ctx"))
    yield opens("(5) an outer layer as an inner one", outer_as_inner, Reason.INNER_LAYER)
