"""Cases for opening, continued: context, commitment, sequence, and boxes made of parts of honest ones."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crypto.clock import CALL_LIFE_MS, FRESH_MS
from crypto.envelope import Content
from crypto.fields import MAX_INTEGER, ZERO_HASH
from crypto.keys import FrameClass, Reason, Use, sign_bundle
from crypto.layers import context
from crypto.vectors.case import Case, with_bytes
from crypto.vectors.forge import CTX, Forged, party
from crypto.vectors.open_cases import GAP, C, by_alice, delivery, opens, pin_view, view
from crypto.vectors.world import (
    ALICE,
    BOB,
    CALL,
    KEY_MADE_MS,
    MALLORY,
    NOW_MS,
    SCOPE,
    TENANT,
    content,
    seed,
)

FLEETING, SIGNAL = FrameClass.FLEETING, FrameClass.SIGNAL


def late_cases() -> Iterator[Case]:
    """Steps 6 to 8, in all three classes."""
    yield from _steps_6_to_7()
    yield from _step_8()
    yield from _passing()
    yield from _calls()


def _to(recipient_key_no: int, list_hash: bytes) -> bytes:
    return context(TENANT, party(ALICE), party(BOB), recipient_key_no, list_hash)


def _steps_6_to_7() -> Iterator[Case]:
    good = Forged()
    alice, bob, mallory = party(ALICE), party(BOB), party(MALLORY)
    own = BOB.body.list_hash
    for name, ctx in (
        ("another context", seed("ctx")),
        ("the other direction", context(TENANT, bob, alice, 1, own)),
        ("another tenant", context(seed("t")[:16], alice, bob, 1, own)),
        ("for another key_no", _to(2, own)),
        ("for another list", _to(1, seed("list"))),
        ("for another device key", context(TENANT, alice, replace(bob, device_pk=mallory.device_pk), 1, own)),
        ("for another identity", context(TENANT, alice, replace(bob, identity_pk=mallory.identity_pk), 1, own)),
        ("for another account", context(TENANT, alice, replace(bob, account=mallory.account), 1, own)),
        ("for another box key", context(TENANT, alice, replace(bob, box_pk=mallory.box_pk), 1, own)),
        ("from another device key", context(TENANT, replace(alice, device_pk=mallory.device_pk), bob, 1, own)),
        ("from another identity", context(TENANT, replace(alice, identity_pk=mallory.identity_pk), bob, 1, own)),
        ("from another account", context(TENANT, replace(alice, account=mallory.account), bob, 1, own)),
        ("from another box key", context(TENANT, replace(alice, box_pk=mallory.box_pk), bob, 1, own)),
    ):
        yield opens(f"(6) {name}", good.but(ctx=ctx), Reason.WRONG_CONTEXT)
    both = good.but(ctx=seed("ctx"), c=seed("c"))
    yield opens("(6) comes before the commitment", both, Reason.WRONG_CONTEXT)
    yield from _attacks()
    for name, changes in (
        ("another c", {"c": C}),
        ("another class", {"class": 2}),
        ("another scope", {"scope": CALL.hex()}),
        ("another n", {"n": 2}),
    ):
        frame = delivery(good, **changes)
        yield opens(f"(7) {name}", good, Reason.WRONG_COMMITMENT, delivery=frame)
    yield opens("(7) a c of 31 bytes", good, Reason.WRONG_COMMITMENT, delivery=delivery(good, c=C[:-2]))
    other = delivery(good, sender_device=ALICE.device_keys[1].id.hex())
    yield opens("(3) another sender, of the same account", good, Reason.WRONG_DEVICE, delivery=other)
    another = good.but(c=good.commitment(), kf=seed("another kf"))
    yield opens("(7) another kf", another, Reason.WRONG_COMMITMENT)
    replayed = good.but(content=content(0).encode(), c=seed("c"))
    yield opens("(7) comes before seq", replayed, Reason.WRONG_COMMITMENT)


def _attacks() -> Iterator[Case]:
    """Boxes put together from parts of honest ones, by people who know some of the secrets."""
    yield from _unknown_key_share()
    yield from _reflection()
    yield from _ephemeral_key_registered()


def _unknown_key_share() -> Iterator[Case]:
    alices_key = replace(MALLORY.bundle_body(), box_pk=ALICE.box_key().public)
    registered = sign_bundle(alices_key, MALLORY.device_keys[0], MALLORY.body).encode()
    as_mallory = Forged(bundle=registered, sender_device=MALLORY.device_keys[0].id, inner=Forged().inner_bytes())
    yield opens("Mallory registers Alice's key and shows her inner box as his", as_mallory, Reason.WRONG_CONTEXT)
    owned = view(key_owners=[[ALICE.box_key().public.hex(), ALICE.device_keys[0].id.hex()]])
    yield opens("the same where Alice's key is known", as_mallory, Reason.SHARED_BOX_KEY, view=owned)
    bobs = replace(party(MALLORY), box_pk=BOB.box_key().public)
    for_mallory = Forged(ctx=context(TENANT, party(ALICE), bobs, 1, MALLORY.body.list_hash))
    yield opens("Mallory registers Bob's key and passes on what Alice sent him", for_mallory, Reason.WRONG_CONTEXT)


def _reflection() -> Iterator[Case]:
    inner = Forged().inner_bytes()
    sender = BOB.device_keys[0].id
    back = Forged(bundle=BOB.bundle().encode(), sender_device=sender, inner=inner, to_pk=ALICE.box_key().public)
    held = {"key_no": 1, "secret": ALICE.box_key().secret.hex()}
    yield opens("Alice's inner box comes back as Bob's", back, Reason.WRONG_CONTEXT, held=held, view=view(ALICE))


def _ephemeral_key_registered() -> Iterator[Case]:
    """An outer layer is a crypto_box too, under a key that anybody can register as his own."""
    box = Forged().box()
    key = replace(MALLORY.bundle_body(), box_pk=box[:32])
    bundle = sign_bundle(key, MALLORY.device_keys[0], MALLORY.body).encode()
    sender = MALLORY.device_keys[0].id
    nonce = seed("a nonce that Mallory computes")[:24]
    whole = Forged(bundle=bundle, sender_device=sender, inner=nonce + box[32:])
    yield opens("an ephemeral key registered, its box as inner box", whole, Reason.BAD_LENGTH)
    outer = b"\1" + CTX + seed("kf") + content().encode()
    layered = Forged(padded=(outer + b"\x80").ljust(256, b"\0"), from_secret=seed("ephemeral"))
    as_inner = Forged(bundle=bundle, sender_device=sender, inner=layered.inner_bytes())
    yield opens("the same with a length and padding that fit", as_inner, Reason.INNER_LAYER)


def _said(said: Content, **changes: Any) -> Forged:
    return Forged(content=said.encode(), **changes)


def _step_8() -> Iterator[Case]:
    prev = seed("c/1")
    state = {"floor": 1, "highest": 1, "c": prev.hex(), "missing": []}
    yield opens("(8) the next", _said(content(2, prev)), stream=state)
    yield opens("(8) after a gap", _said(content(5, prev)), stream=state)
    yield opens("(8) the first seen is the start", _said(content(5, prev)))
    yield opens("(8) fills a gap", _said(content(2, prev)), stream=GAP)
    for name, said, stream, reason in (
        ("seq 0", content(0), None, Reason.BAD_SEQ),
        ("a first that names a past", content(1, prev), None, Reason.BAD_PREV),
        ("another past", content(2, seed("c/x")), state, Reason.BAD_PREV),
        ("a seq accepted before", content(1), state, Reason.SEQ_FORK),
        ("a seq from before the start", content(1), {**state, "floor": 2, "highest": 2}, Reason.SEQ_TOO_OLD),
    ):
        yield opens(f"(8) {name}", _said(said), reason, stream=stream)
    same = {**state, "c": Forged().commitment().hex()}
    yield opens("(8) the same again, after its number was forgotten", Forged(), Reason.ALREADY_OPENED, stream=same)
    huge = with_bytes(content().encode(), 9, (MAX_INTEGER + 1).to_bytes(8, "big"))
    yield opens("(8) a time of 2^53", Forged(content=huge), Reason.NUMBER_RANGE)


def _fleeting(n: int, said: Content | None = None, **changes: Any) -> Forged:
    body = replace(content(), seq=n) if said is None else said
    return Forged(frame_class=FLEETING, n=n, content=body.encode(), **changes)


def _passing() -> Iterator[Case]:
    n = NOW_MS
    before = {"floor": n - 1, "highest": n - 1, "c": C, "missing": []}
    yield opens("a fleeting frame", _fleeting(n))
    yield opens("(8) fleeting: grows", _fleeting(n), stream=before)
    for name, forged, stream, reason in (
        ("the same n", _fleeting(n - 1), before, Reason.NOT_GROWING),
        ("a lower n", _fleeting(n - 2), before, Reason.NOT_GROWING),
        ("seq is not n", _fleeting(n, replace(content(), seq=n + 1)), None, Reason.BAD_SEQ),
        ("a prev", _fleeting(n, replace(content(), seq=n, prev=seed("p"))), None, Reason.BAD_PREV),
    ):
        yield opens(f"(8) fleeting: {name}", forged, reason, stream=stream)
    for sign in (1, -1):
        edge = replace(content(), seq=n, sent_at_ms=NOW_MS + sign * FRESH_MS)
        yield opens(f"(8) fleeting: sent 120 s off ({sign:+d})", _fleeting(n, edge))
        stale = replace(edge, sent_at_ms=edge.sent_at_ms + sign)
        yield opens(f"(8) fleeting: sent further off ({sign:+d})", _fleeting(n, stale), Reason.STALE)
    for at_ms in (NOW_MS + FRESH_MS + 1,):
        away = _fleeting(n, accepted_at_ms=at_ms)
        yield opens("(8) fleeting: accepted late", away, Reason.STALE)


def _calls() -> Iterator[Case]:
    said = replace(content(), seq=NOW_MS).encode()
    mail = Forged(frame_class=SIGNAL, scope=CALL, n=NOW_MS, content=said, bucket=8_192)
    made = replace(ALICE.bundle_body(), use=Use.CALL, scope=CALL, expires_ms=KEY_MADE_MS + CALL_LIFE_MS)
    other = replace(made, scope=SCOPE)
    own = mail.but(bundle=by_alice(made))
    yield opens("a signal under a mail key", mail)
    yield opens("a signal under the call's key", own)
    yield opens("(3) a signal under another call's key", mail.but(bundle=by_alice(other)), Reason.BAD_USE)
    yield opens("(3) a message under a call key", Forged(bundle=by_alice(other)), Reason.BAD_USE)
    fleeting = _fleeting(NOW_MS, bundle=by_alice(other))
    yield opens("(3) a fleeting frame under a call key", fleeting, Reason.BAD_USE)
    late = own.but(accepted_at_ms=made.expires_ms)
    yield opens("(3) a call key lives 24 h", late, Reason.KEY_TOO_OLD)
    yield opens("(1) a signal below 8,192", mail.but(bucket=4_096), Reason.BAD_LENGTH)
    pins = pin_view(2, seed("mail"))
    yield opens("(3) a call key is not measured by the mail pin", own, view=pins)
    higher = pin_view(2, seed("call"), use=1, scope=CALL.hex())
    yield opens("(3) a lower key_no of the call", own, Reason.KEY_FELL, view=higher)
    zero = with_bytes(said, 17, ZERO_HASH)
    yield opens("a signal has no prev", mail.but(content=zero))
