"""What this device holds fast about accounts: verified lists, newest bundles, approval (CRYPTO sections 2 and 3).

A value machine without clock, socket or disk. Nothing gets in here but what is signed and continues what was pinned:
a rollback, a fork, a foreign signature or an unsigned device raises `Refused`, changes nothing, and is never sealed to.
Whoever drives the machine persists `take_changes()` after each call, in one transaction.
"""

from collections import ChainMap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from crypto.bundles import parse_bundle, require_signed_in
from crypto.envelope import KeyPin, ListPin, Lists, Recipient, View, require_no_rollback, require_sole_owner
from crypto.fields import ZERO_ID
from crypto.keys import Bundle, DeviceList, Reason, Refused, Use, device_id, fingerprint, members_hash, safety_number
from crypto.lists import parse_list, verify_list
from crypto.pins import key_fell
from sotto.state.records import Contact, PinnedBundle, u32
from sotto.values import Alarm


class ListsMissing(Exception):
    """The list is not the next one: fetch the versions above `after` and take them in order."""

    def __init__(self, account: bytes, after: int) -> None:
        super().__init__("lists in between are missing")
        self.account = account
        self.after = after


class ForeignOwnList(Exception):
    """A list of the own account that this device did not make. It is never sealed to; the person is alarmed."""


@dataclass(slots=True)
class PinChanges:
    """What to persist: signed lists as they came, by (account || version); contacts; bundles by device."""

    lists: dict[bytes, bytes] = field(default_factory=dict)
    contacts: dict[bytes, Contact] = field(default_factory=dict)
    bundles: dict[bytes, PinnedBundle] = field(default_factory=dict)


class Pins:
    """Owns every pin, the own account's included. The device is this one."""

    def __init__(
        self,
        tenant: bytes,
        account: bytes,
        device_pk: bytes,
        *,
        lists: Iterable[bytes] = (),
        contacts: dict[bytes, Contact] | None = None,
        bundles: dict[bytes, PinnedBundle] | None = None,
    ) -> None:
        self.tenant, self.account, self.device_pk = tenant, account, device_pk
        self.device = device_id(device_pk)
        self._lists: dict[bytes, dict[int, DeviceList]] = {}
        self._contacts = contacts if contacts is not None else {}
        self._raw = bundles if bundles is not None else {}
        self._bundles: dict[bytes, Bundle] = {key: parse_bundle(pinned.raw) for key, pinned in self._raw.items()}
        self._owners = {bundle.body.box_pk: device for device, bundle in self._bundles.items()}
        self._changes = PinChanges()
        self._own_raw: dict[int, bytes] = {}
        self._expected: set[bytes] = set()
        for raw in lists:
            self._keep(parse_list(raw).body, raw)

    def take_changes(self) -> PinChanges:
        """What changed since the last call."""
        changes, self._changes = self._changes, PinChanges()
        return changes

    # Lists

    def newest(self, account: bytes) -> DeviceList | None:
        """The newest pinned list of an account."""
        versions = self._lists.get(account)
        return versions[max(versions)] if versions else None

    def version(self, account: bytes) -> int:
        """Its version; zero before the first pin."""
        newest = self.newest(account)
        return newest.version if newest else 0

    def lists(self, account: bytes) -> Lists:
        """Every pinned list of an account by version."""
        return self._lists.get(account, {})

    def take_list(self, account: bytes, raw: bytes) -> list[Alarm]:
        """Pin a list that is the next one, or change nothing if it is the pinned one.

        Raises `Refused` (with `rollback`, `list_fork` or what does not hold), `ListsMissing`, `ForeignOwnList`.
        """
        before = self.newest(account)
        body = parse_list(raw).body
        if before is not None and body.account == account:
            require_no_rollback(ListPin(before.version, before.list_hash), body)
            if body.version == before.version:
                return []
        foreign = account == self.account and raw not in self._expected
        if foreign:
            self._require_sibling(before, body)
        self._require_anchor(body)
        after = before.version if before else 0
        if body.account == account and body.version > after + 1:
            raise ListsMissing(account, after)
        verify_list(raw, self.tenant, account, before)
        return [*self._pin_list(body, raw, before), *([Alarm.OWN_LIST] if foreign else [])]

    def expect(self, raw: bytes) -> None:
        """This device signed that list itself, for a device that will publish it."""
        self._expected.add(raw)

    def _require_sibling(self, before: DeviceList | None, body: DeviceList) -> None:
        """A list of one's own that this device did not make is taken only where another of the account may make it."""
        others = [one for one in before.devices if one.may_add and one.id != self.device] if before else []
        if not others or body.reset:
            raise ForeignOwnList

    def _require_anchor(self, body: DeviceList) -> None:
        version, list_hash = self.contact(body.account).anchor
        if body.version == version and body.list_hash != list_hash:
            raise Refused(Reason.LIST_FORK)

    def raw_own(self, version: int) -> bytes:
        """A list of the own account as it was signed."""
        return self._own_raw[version]

    def begin_again(self) -> None:
        """Let go of a first list that was never published."""
        self._lists.pop(self.account, None)
        self._own_raw.clear()

    def take_own_list(self, raw: bytes) -> None:
        """Pin a list that this device made itself."""
        verify_list(raw, self.tenant, self.account, self.newest(self.account))
        self._pin_list(parse_list(raw).body, raw, self.newest(self.account))

    def _pin_list(self, body: DeviceList, raw: bytes, before: DeviceList | None) -> list[Alarm]:
        self._keep(body, raw)
        self._changes.lists[body.account + u32(body.version)] = raw
        if before is None:
            if not self.contact(body.account).anchor[0]:
                self._contact(body.account, approved=body.identity_pk)
            return [Alarm.PINNED]
        old, new = _ids(before), _ids(body)
        leaving = {*self.contact(body.account).leaving, *(old - new)} - new
        self._contact(body.account, leaving=tuple(sorted(leaving)))
        return list(_alarms(before, body, old, new))

    def _keep(self, body: DeviceList, raw: bytes) -> None:
        self._lists.setdefault(body.account, {})[body.version] = body
        if body.account == self.account:
            self._own_raw[body.version] = raw

    # Contacts

    def contact(self, account: bytes) -> Contact:
        """What is held beside the lists."""
        return self._contacts.get(account, Contact())

    def approved(self, account: bytes) -> bool:
        """Whether the newest identity is one that the person accepted. An account without a list has none to accept."""
        newest = self.newest(account)
        if newest is None:
            return not self.contact(account).anchor[0]
        return self.contact(account).approved == newest.identity_pk and self.anchored(account)

    def anchored(self, account: bytes) -> bool:
        """Whether the pinned lists go through the one that another device of the own account had pinned."""
        version, list_hash = self.contact(account).anchor
        known = self.lists(account).get(version)
        return not version or (known is not None and known.list_hash == list_hash)

    def anchor(self, account: bytes, version: int, list_hash: bytes, approved: bytes, verified: bytes) -> bool:
        """Hold on to what another device of the own account had pinned; False if it contradicts what is pinned here."""
        self._contact(account, anchor=(version, list_hash), approved=approved, verified=verified)
        return version not in self.lists(account) or self.anchored(account)

    def contacts(self) -> list[tuple[bytes, DeviceList]]:
        """The newest list of everybody else."""
        return [
            (account, versions[max(versions)]) for account, versions in self._lists.items() if account != self.account
        ]

    def verified(self, account: bytes) -> bool:
        """Whether the safety number of the newest identity was compared."""
        newest = self.newest(account)
        return newest is not None and self.contact(account).verified == newest.identity_pk

    def must_verify(self, account: bytes) -> bool:
        """Whether an earlier identity was verified: then the newest one must be, too (CRYPTO section 9)."""
        return bool(self.contact(account).verified) and not self.verified(account)

    def approve(self, account: bytes, identity_pk: bytes) -> bool:
        """The person accepts this identity; False where it must be verified, or is not the newest any more."""
        newest = self.newest(account)
        if newest is not None and newest.identity_pk == identity_pk and not self.must_verify(account):
            self._contact(account, approved=newest.identity_pk)
        return self.approved(account)

    def verify(self, account: bytes, *, holds: bool) -> bool:
        """The person compared the safety number of the newest identity, or takes that back."""
        newest = self.newest(account)
        if newest is None:
            return False
        if holds:
            self._contact(account, verified=newest.identity_pk, approved=newest.identity_pk, anchor=(0, b""))
        else:
            self._contact(account, verified=b"")
        return True

    def safety(self, account: bytes) -> str | None:
        """The 60 digits that both sides see, if both have an identity (CRYPTO section 9)."""
        own, other = self.newest(self.account), self.newest(account)
        if own is None or other is None:
            return None
        prints = (fingerprint(self.tenant, side.account, side.identity_pk) for side in (own, other))
        return safety_number(*prints)

    def current(self) -> None:
        """Everything sent before was opened: removed devices have said their last word."""
        for account, contact in list(self._contacts.items()):
            if contact.leaving:
                self._contact(account, leaving=())

    # Bundles

    def take_bundle(self, raw: bytes) -> bool:
        """Pin a bundle that is newer than the pinned one of its device; False if it is the same or this device's own.

        Raises `Refused`: the device is in no newest list, the signature is not its own, the number fell or forked,
        the box key is another device's; `list_unknown` asks for the account's lists.
        """
        bundle = parse_bundle(raw)
        known = self._raw.get(bundle.body.device_id)
        if bundle.body.device_id == self.device or (known is not None and known.raw == raw):
            return False
        account = self._account_of(bundle.body.device_id)
        under = self.lists(account).get(bundle.body.list_version)
        if under is None:
            raise Refused(Reason.LIST_UNKNOWN)
        require_signed_in(bundle, under)
        require_sole_owner(self._owners.get(bundle.body.box_pk), bundle.body)
        if key_fell(self._key_pin(bundle.body.device_id), bundle.body):
            raise Refused(Reason.KEY_FELL)
        self._pin_bundle(account, bundle, raw)
        return True

    def _pin_bundle(self, account: bytes, bundle: Bundle, raw: bytes) -> None:
        device = bundle.body.device_id
        self._bundles[device] = bundle
        self._owners[bundle.body.box_pk] = device
        self._raw[device] = self._changes.bundles[device] = PinnedBundle(account, raw)

    def has_bundle(self, device: bytes) -> bool:
        """Whether a bundle of that device is pinned."""
        return device in self._bundles

    def bundle(self, device: bytes) -> bytes | None:
        """The pinned bundle of that device, as it was signed."""
        pinned = self._raw.get(device)
        return pinned.raw if pinned else None

    def _key_pin(self, device: bytes) -> KeyPin | None:
        pinned = self._bundles.get(device)
        return KeyPin(pinned.body.key_no, pinned.body.box_pk) if pinned else None

    def _account_of(self, device: bytes) -> bytes:
        """The account whose newest list names the device."""
        for account in self._lists:
            newest = self.newest(account)
            if newest is not None and newest.device(device) is not None:
                return account
        raise Refused(Reason.UNKNOWN_SENDER)

    # What sealing and opening are told

    def recipients(self, accounts: Iterable[bytes], now_ms: int) -> list[Recipient]:
        """The exact device set: all devices of these accounts but this one, the dormant left out."""
        found = []
        for account in sorted(set(accounts)):
            newest = self.newest(account)
            for device in newest.devices if newest else ():
                bundle = self._bundles.get(device.id)
                if newest and bundle and device.id != self.device and now_ms < bundle.body.expires_ms:
                    found.append(Recipient(newest, bundle))
        return found

    def members(self, scope: bytes, accounts: Iterable[bytes]) -> bytes:
        """The members hash of those who have an identity."""
        lists = (self.newest(account) for account in accounts)
        return members_hash(scope, [(known.account, known.identity_pk) for known in lists if known])

    def sender(self, device: bytes, accounts: Iterable[bytes]) -> bytes | None:
        """Whose device this is among these accounts, if it may still speak."""
        return next((account for account in accounts if device in self._speakers(account)), None)

    def view(self, scope: bytes, present: Iterable[bytes], ever: Iterable[bytes], own_keys: dict[bytes, bytes]) -> View:
        """What `open_box` is given for one conversation: nothing of it comes from the message."""
        senders = {device: self.lists(account) for account in ever for device in self._speakers(account)}
        pins = {(device, Use.MAIL, ZERO_ID): pin for device in senders if (pin := self._key_pin(device))}
        return View(
            device_pk=self.device_pk,
            own_lists=self.lists(self.account),
            senders=senders,
            members=self.members(scope, present),
            key_pins=pins,
            key_owners=ChainMap(self._owners, own_keys),
        )

    def _speakers(self, account: bytes) -> set[bytes]:
        newest = self.newest(account)
        return (_ids(newest) | {*self.contact(account).leaving}) - {self.device} if newest else set()

    def _contact(self, account: bytes, **changes: object) -> None:
        contact = replace(self.contact(account), **changes)
        self._contacts[account] = self._changes.contacts[account] = contact


def _ids(of: DeviceList) -> set[bytes]:
    return {device.id for device in of.devices}


def _alarms(before: DeviceList, after: DeviceList, old: set[bytes], new: set[bytes]) -> Iterator[Alarm]:
    if before.identity_pk != after.identity_pk:
        yield Alarm.IDENTITY_CHANGED
    if new - old:
        yield Alarm.DEVICE_ADDED
    if old - new:
        yield Alarm.DEVICE_REMOVED
