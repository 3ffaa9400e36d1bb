"""Who may read a conversation, as the message path needs it: a value in memory, checked without a lookup.

A view is built from the store and thrown away by the change feed. Nothing here reads, waits or knows a clock.
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from chatserver.store.rows import Bundle, Member, SignedList
from chatserver.wire import limits
from chatserver.wire.frames import Sealed
from crypto.keys import parse_list, set_hash

_GRACE_MS: Final = limits.KEY_GRACE_S * 1000
NEVER_MS: Final = limits.MAX_INTEGER


@dataclass(slots=True, frozen=True)
class Receiver:
    """A device that can receive now: its account, and the numbers of its newest and last replaced key."""

    account: bytes
    newest: int
    replaced: int
    replaced_at: int
    """Until ten minutes after this, boxes under `replaced` still pass (CRYPTO section 2)."""


class Fault(enum.Enum):
    """What is wrong with the boxes of a send."""

    BAD_BOX = "bad_box"
    WRONG_DEVICES = "wrong_devices"
    STALE_KEY = "stale_key"


@dataclass(slots=True)
class View:
    """One conversation: its present members, and the devices that a send must name, exactly."""

    scope: bytes
    roles: dict[bytes, str]
    receivers: dict[bytes, Receiver]
    good_until: int
    """When the first of its keys expires (wall ms): from then on the device is dormant and the view is old."""
    valid: bool = True
    """Cleared by whoever follows the feed; a view that is not valid decides nothing."""
    _sets: dict[bytes, bytes] = field(default_factory=dict)
    _unreachable: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)

    def addressed(self, sender: bytes) -> bytes:
        """The hash of the devices that a send of this device addresses (CRYPTO section 5)."""
        known = self._sets.get(sender)
        if known is None:
            known = self._sets[sender] = set_hash(self.receivers.keys() - {sender})
        return known

    def fault_in(self, sender: bytes, boxes: Sequence[Sealed], now_ms: int) -> Fault | None:
        """The first of: a length that is none of the six, another device set, a key that no longer passes."""
        receivers = self.receivers
        stale = False
        for sealed in boxes:
            if len(sealed.box) not in limits.BOX_BYTES:
                return Fault.BAD_BOX
            receiver = receivers.get(sealed.device)
            if receiver is None:
                return Fault.WRONG_DEVICES
            stale = stale or (sealed.key_no != receiver.newest and not _in_grace(receiver, sealed.key_no, now_ms))
        if not self._exact(sender, boxes):
            return Fault.WRONG_DEVICES
        return Fault.STALE_KEY if stale else None

    def _exact(self, sender: bytes, boxes: Sequence[Sealed]) -> bool:
        expected = len(self.receivers) - (sender in self.receivers)
        if len(boxes) != expected:
            return False
        if expected == 1:
            return boxes[0].device != sender
        return len({sealed.device for sealed in boxes} - {sender}) == expected

    def stale_in(self, boxes: Iterable[Sealed], now_ms: int) -> list[bytes]:
        """The devices whose box is sealed to a key that no longer passes."""
        return [
            sealed.device
            for sealed in boxes
            if (receiver := self.receivers.get(sealed.device))
            and sealed.key_no != receiver.newest
            and not _in_grace(receiver, sealed.key_no, now_ms)
        ]

    def unreachable(self, sender_account: bytes) -> tuple[bytes, ...]:
        """Present members, the sender excepted, without a single device that can receive."""
        known = self._unreachable.get(sender_account)
        if known is None:
            reached = {receiver.account for receiver in self.receivers.values()}
            known = tuple(account for account in self.roles if account != sender_account and account not in reached)
            self._unreachable[sender_account] = known
        return known


def _in_grace(receiver: Receiver, key_no: int, now_ms: int) -> bool:
    return key_no == receiver.replaced and now_ms < receiver.replaced_at + _GRACE_MS


def view_of(
    scope: bytes, members: Sequence[Member], lists: Sequence[SignedList], bundles: Sequence[Bundle], now_ms: int
) -> View:
    """The view of a conversation from its rows. Bundles come newest first for each device."""
    roles = {m.account: m.role for m in members if m.left_at is None and m.disabled_at is None}
    listed = {device.id for row in lists if row.account in roles for device in parse_list(row.body).body.devices}
    by_device: dict[bytes, list[Bundle]] = {}
    for bundle in bundles:
        if bundle.device in listed and bundle.account in roles:
            by_device.setdefault(bundle.device, []).append(bundle)
    alive = {device: found for device, found in by_device.items() if found[0].expires_at > now_ms}
    receivers = {device: _receiver(found) for device, found in alive.items()}
    good_until = min((found[0].expires_at for found in alive.values()), default=NEVER_MS)
    return View(scope, roles, receivers, good_until)


def _receiver(bundles: Sequence[Bundle]) -> Receiver:
    newest = bundles[0]
    if len(bundles) == 1:
        return Receiver(newest.account, newest.key_no, newest.key_no, 0)
    replaced = bundles[1]
    return Receiver(newest.account, newest.key_no, replaced.key_no, replaced.replaced_at or 0)
