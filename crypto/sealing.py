"""Sealing: one commitment for a send, one box for each device that may read it (CRYPTO section 3). CLIENTS ONLY."""

from collections.abc import Iterable
from dataclasses import dataclass
from os import urandom

from crypto.bundles import Bundle
from crypto.clock import SENDS_FOR_MS
from crypto.fields import KEY_BYTES, Random
from crypto.layers import (
    NONCE_BYTES,
    Content,
    Party,
    associated,
    commitment,
    context,
    inner_box,
    inner_plaintext,
    outer_plaintext,
    pad,
    sealed,
)
from crypto.lists import DeviceList
from crypto.refusals import Reason, Refused, require
from crypto.scopes import FrameClass
from crypto.signing import BoxKey


@dataclass(frozen=True, slots=True)
class Committed:
    """One send, committed to. Persist it before sending: a retry seals these same bytes again."""

    frame_class: FrameClass
    scope: bytes
    sender_device: bytes
    n: int
    content: bytes
    kf: bytes
    c: bytes


@dataclass(frozen=True, slots=True)
class Sender:
    """The sending device: its account's current list, its current bundle, the secret of that bundle."""

    own_list: DeviceList
    bundle: Bundle
    box_key: BoxKey


@dataclass(frozen=True, slots=True)
class Recipient:
    """A receiving device: the pinned list of its account and its newest bundle, both verified before."""

    pinned_list: DeviceList
    bundle: Bundle


@dataclass(frozen=True, slots=True)
class SealedBox:
    """One row of a `send`: (device id, key_no, box)."""

    device_id: bytes
    key_no: int
    box: bytes


def commit(
    frame_class: FrameClass, scope: bytes, sender_device: bytes, n: int, content: Content, *, random: Random = urandom
) -> Committed:
    """Commit to a content under a fresh kf. Classes 2 and 3 carry seq = n and no prev, by the caller's hand."""
    raw, kf = content.encode(), random(KEY_BYTES)
    c = commitment(kf, associated(frame_class, scope, sender_device, n), raw)
    return Committed(frame_class, scope, sender_device, n, raw, kf, c)


def seal(
    send: Committed, sender: Sender, recipients: Iterable[Recipient], now_ms: int, *, random: Random = urandom
) -> tuple[SealedBox, ...]:
    """One box for each recipient device. Draws a nonce of 24 and an ephemeral secret of 32 bytes for each.

    Raises `Refused`: key_too_old (the sender's own), key_not_held, key_expired (a recipient's), wrong_device, too_long.
    """
    require(now_ms < sender.bundle.body.created_ms + SENDS_FOR_MS, Reason.KEY_TOO_OLD)
    require(sender.box_key.public == sender.bundle.body.box_pk, Reason.KEY_NOT_HELD)
    require(send.sender_device == sender.bundle.body.device_id, Reason.WRONG_DEVICE)
    return tuple(_seal_one(send, sender, recipient, now_ms, random) for recipient in recipients)


def _seal_one(send: Committed, sender: Sender, to: Recipient, now_ms: int, random: Random) -> SealedBox:
    key = to.bundle.body
    key.require_usable(now_ms)
    ends = _party(sender.own_list, sender.bundle), _party(to.pinned_list, to.bundle)
    ctx = context(sender.own_list.tenant, *ends, key.key_no, to.pinned_list.list_hash)
    padded = pad(send.frame_class, inner_plaintext(ctx, send.kf, send.content))
    inner = inner_box(padded, key.box_pk, sender.box_key.secret, random(NONCE_BYTES))
    outer = outer_plaintext(sender.bundle.encode(), to.pinned_list.version, inner)
    return SealedBox(key.device_id, key.key_no, sealed(outer, key.box_pk, random(KEY_BYTES)))


def _party(of: DeviceList, bundle: Bundle) -> Party:
    device = of.device(bundle.body.device_id)
    if device is None:
        raise Refused(Reason.WRONG_DEVICE)
    return Party(of.account, of.identity_pk, device.device_pk, bundle.body.box_pk)
