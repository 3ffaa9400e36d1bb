"""Opening: the steps of CRYPTO section 3 "Opening", 0 to 9, in their order; the first failure wins. CLIENTS ONLY.

Step 10 is the caller's: commit `Opened.stream`, the message and the key pin in one transaction, then ack.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest

from nacl.bindings import crypto_box_open, crypto_box_seal_open, sodium_unpad
from nacl.exceptions import CryptoError

from crypto.bundles import BUNDLE_BYTES, Bundle, BundleBody, Use, parse_bundle, require_signed_in
from crypto.clock import DATED_SLACK_MS, FRESH_MS, SENDS_FOR_MS
from crypto.fields import HASH_BYTES, KEY_BYTES, ZERO_HASH, Reader
from crypto.labels import device_id
from crypto.layers import (
    CONTENT_HEAD_BYTES,
    INNER_HEAD_BYTES,
    INNER_LAYER,
    NONCE_BYTES,
    OUTER_LAYER,
    Content,
    Party,
    associated,
    commitment,
    context,
)
from crypto.lists import DeviceList
from crypto.pins import KeyPin, key_fell, require_sole_owner
from crypto.receiving import Received, Step, receive_message, receive_passing
from crypto.refusals import Reason, Refused, require
from crypto.scopes import BOX_OVERHEAD_BYTES, CLASS_BUCKETS, FrameClass
from crypto.signing import BoxKey

Lists = Mapping[int, DeviceList]  # verified lists of one account by version


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the server says of a box, as in a `deliver` frame."""

    frame_class: FrameClass
    scope: bytes
    sender_device: bytes
    n: int
    c: bytes
    accepted_at_ms: int
    key_no: int
    box: bytes


@dataclass(frozen=True, slots=True)
class HeldKey:
    """One of this device's own box keys."""

    key_no: int
    key: BoxKey


@dataclass(frozen=True, slots=True)
class View:
    """What this device has verified for itself about one scope. Nothing of it comes from the message.

    `senders` holds, by device id, the pinned lists of the account of each present or former member's device;
    a device that was removed leaves it at the first `current` after the newer list was pinned. `key_owners`
    says whose each known box key is, this device's own keys included.
    """

    device_pk: bytes
    own_lists: Lists
    senders: Mapping[bytes, Lists]
    members: bytes
    key_pins: Mapping[tuple[bytes, Use, bytes], KeyPin]
    key_owners: Mapping[bytes, bytes]


class Note(StrEnum):
    """Shown beside a message that was accepted."""

    MEMBERS_DIFFER = "members_differ"
    SENT_AT_FAR = "sent_at_far"


@dataclass(frozen=True, slots=True)
class Opened:
    """An accepted message and everything to commit with it. `content_bytes` and `kf` are what a report reveals."""

    content: Content
    content_bytes: bytes
    kf: bytes
    bundle: Bundle
    stream: Step
    notes: frozenset[Note]


@dataclass(frozen=True, slots=True)
class _Outer:
    """What the sealed layer held, its sender verified."""

    bundle: Bundle
    sender: Party
    fell: bool
    own: DeviceList
    inner: bytes


def open_box(
    delivery: Delivery, held: HeldKey | None, view: View, stream: Received | None, opened_c: bytes | None
) -> Opened:
    """Open one box with one key, or raise `Refused` with the first check that failed.

    `opened_c` is the commitment under which (sender device, class, n) was opened before, if it was;
    `stream` the state of (sender device, class, scope).
    """
    _require_not_opened(delivery, opened_c)
    key = _require_shape(delivery, held)
    outer = _open_outer(delivery, key, view, stream)
    ctx, kf, raw = _open_inner(outer, key)
    _require_context(ctx, outer, key, view)
    ad = associated(delivery.frame_class, delivery.scope, delivery.sender_device, delivery.n)
    require(compare_digest(commitment(kf, ad, raw), delivery.c), Reason.WRONG_COMMITMENT)
    content = Content.decode(raw)
    step = _receive(delivery, content, stream, outer.fell)
    return Opened(content, raw, kf, outer.bundle, step, _notes(delivery, content, view))


def _require_not_opened(delivery: Delivery, opened_c: bytes | None) -> None:
    """Step 0: the same send again is acked and dropped; another commitment under its number is a fork."""
    if opened_c is None:
        return
    same = compare_digest(opened_c, delivery.c)
    raise Refused(Reason.ALREADY_OPENED if same else Reason.SEND_FORK)


def _require_shape(delivery: Delivery, held: HeldKey | None) -> HeldKey:
    """Step 1: one of the six lengths (signals from 8,192), and the key number is held."""
    bucket = len(delivery.box) - BOX_OVERHEAD_BYTES
    require(bucket in CLASS_BUCKETS[delivery.frame_class], Reason.BAD_LENGTH)
    if held is None or held.key_no != delivery.key_no:
        raise Refused(Reason.KEY_NOT_HELD)
    return held


def _open_outer(delivery: Delivery, held: HeldKey, view: View, stream: Received | None) -> _Outer:
    """Steps 2 to 4."""
    reader = Reader(_unseal(delivery.box, held.key))
    require(reader.take(1) == OUTER_LAYER, Reason.OUTER_LAYER)
    bundle, sender = _verified_sender(reader.take(BUNDLE_BYTES), delivery, view)
    fell = _judge_key(bundle.body, delivery, view, stream)
    own = view.own_lists.get(reader.uint(4))
    if own is None or own.device(device_id(view.device_pk)) is None:
        raise Refused(Reason.OWN_LIST_UNKNOWN)
    return _Outer(bundle, sender, fell, own, reader.rest())


def _unseal(box: bytes, key: BoxKey) -> bytes:
    """Step 2. A low-order ephemeral key fails like any other broken seal; a vector holds PyNaCl to that."""
    try:
        return crypto_box_seal_open(box, key.public, key.secret)
    except CryptoError:
        raise Refused(Reason.SEAL_BROKEN) from None


def _verified_sender(raw: bytes, delivery: Delivery, view: View) -> tuple[Bundle, Party]:
    """Step 3: the device that the frame names, in the list that its bundle names, signed that bundle."""
    lists = view.senders.get(delivery.sender_device)
    if lists is None:
        raise Refused(Reason.UNKNOWN_SENDER)
    bundle = parse_bundle(raw)
    require(compare_digest(bundle.body.device_id, delivery.sender_device), Reason.WRONG_DEVICE)
    pinned = lists.get(bundle.body.list_version)
    if pinned is None:
        raise Refused(Reason.LIST_UNKNOWN)
    device = require_signed_in(bundle, pinned)
    return bundle, Party(pinned.account, pinned.identity_pk, device.device_pk, bundle.body.box_pk)


def _judge_key(key: BundleBody, delivery: Delivery, view: View, stream: Received | None) -> bool:
    """Step 3: use, age and number of the sender's key.

    A number that fell is excused for a missing seq alone. The seq stands inside, so it is refused here when
    nothing is missing at all, and else at step 8.
    """
    call = delivery.frame_class is FrameClass.SIGNAL and key.scope == delivery.scope
    require(key.use is Use.MAIL or call, Reason.BAD_USE)
    require(key.created_ms - DATED_SLACK_MS <= delivery.accepted_at_ms, Reason.DATED_OFF)
    sends_until_ms = min(key.created_ms + SENDS_FOR_MS, key.expires_ms)
    require(delivery.accepted_at_ms < sends_until_ms, Reason.KEY_TOO_OLD)
    require_sole_owner(view.key_owners.get(key.box_pk), key)
    fell = key_fell(view.key_pins.get((key.device_id, key.use, key.scope)), key)
    require(not fell or (stream is not None and bool(stream.missing)), Reason.KEY_FELL)
    return fell


def _open_inner(outer: _Outer, held: HeldKey) -> tuple[bytes, bytes, bytes]:
    """Step 5: ctx, kf and content."""
    plaintext = _unpad(_unbox(outer, held.key))
    require(plaintext[:1] == INNER_LAYER, Reason.INNER_LAYER)
    require(len(plaintext) >= INNER_HEAD_BYTES + CONTENT_HEAD_BYTES, Reason.SHORT_CONTENT)
    reader = Reader(plaintext[1:])
    return reader.take(HASH_BYTES), reader.take(KEY_BYTES), reader.rest()


def _unbox(outer: _Outer, key: BoxKey) -> bytes:
    nonce, ciphertext = outer.inner[:NONCE_BYTES], outer.inner[NONCE_BYTES:]
    try:
        return crypto_box_open(ciphertext, nonce, outer.sender.box_pk, key.secret)
    except CryptoError:
        raise Refused(Reason.INNER_BROKEN) from None


def _unpad(padded: bytes) -> bytes:
    """The whole of what was opened is one bucket: step 1 saw to that."""
    try:
        return sodium_unpad(padded, len(padded))
    except CryptoError:
        raise Refused(Reason.BAD_PADDING) from None


def _require_context(ctx: bytes, outer: _Outer, held: HeldKey, view: View) -> None:
    """Step 6: both identities as this device knows them."""
    own = outer.own
    recipient = Party(own.account, own.identity_pk, view.device_pk, held.key.public)
    expected = context(own.tenant, outer.sender, recipient, held.key_no, own.list_hash)
    require(compare_digest(ctx, expected), Reason.WRONG_CONTEXT)


def _receive(delivery: Delivery, content: Content, stream: Received | None, fell: bool) -> Step:
    """Step 8."""
    if delivery.frame_class is not FrameClass.MESSAGE:
        return _receive_passing(delivery, content, stream)
    filling = stream is not None and stream.gap(content.seq) is not None
    require(filling or not fell, Reason.KEY_FELL)
    return receive_message(stream, content.seq, delivery.c, content.prev)


def _receive_passing(delivery: Delivery, content: Content, stream: Received | None) -> Step:
    require(content.seq == delivery.n, Reason.BAD_SEQ)
    require(content.prev == ZERO_HASH, Reason.BAD_PREV)
    step = receive_passing(stream, delivery.n, delivery.c)
    require(abs(content.sent_at_ms - delivery.accepted_at_ms) <= FRESH_MS, Reason.STALE)
    return step


def _notes(delivery: Delivery, content: Content, view: View) -> frozenset[Note]:
    """Step 9: nothing is refused here; what differs is shown."""
    seen = set()
    if not compare_digest(content.members, view.members):
        seen.add(Note.MEMBERS_DIFFER)
    if abs(content.sent_at_ms - delivery.accepted_at_ms) > DATED_SLACK_MS:
        seen.add(Note.SENT_AT_FAR)
    return frozenset(seen)
