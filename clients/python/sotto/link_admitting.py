"""On a device that holds the identity: adding and removing one's own devices (CRYPTO sections 2 and 9).

The server gives the key that asks; the person brings the words from the other screen. Nothing is signed unless both are
the same. What the new device must know goes to it in boxes once the list with it is published.
"""

from collections.abc import Iterable
from os import urandom
from typing import Final

from crypto.fields import KEY_BYTES
from crypto.keys import MAX_DEVICES, Device, DeviceList, IdentityKey, device_id, sign_list
from crypto.linking import words_match
from sotto.api import Api, Signer
from sotto.core import Core
from sotto.directory import Directory
from sotto.errors import IdentityNeeded, TooManyDevices, UnknownDevice, WordsDiffer
from sotto.link_asking import wanted
from sotto.online import Online
from sotto.state import Writes
from sotto.values import Asking, OwnDevice

_KEPT_ANSWERS: Final = 4


class OwnDevices:
    """The part of a client that speaks about the account's own devices."""

    _core: Core
    _api: Api
    _directory: Directory
    _online: Online

    @property
    def linked(self) -> bool:
        """Whether this device knows whom its account knows; a further device sends to nobody before."""
        return self._core.profile.linked

    @property
    def link_words(self) -> tuple[str, ...]:
        """The eight words of this device, to be typed on another one of the account."""
        return wanted(self._core).words

    @property
    def link_code(self) -> bytes:
        """The same as the bytes of a QR code."""
        return wanted(self._core).code

    def devices(self) -> list[OwnDevice]:
        """The devices of this account by its newest list."""
        newest, here = self._core.pins.newest(self._core.profile.account), self._core.pins.device
        listed = newest.devices if newest else ()
        return [OwnDevice(one.id, one.may_add, one.added_ms, one.id == here) for one in listed]

    async def links(self) -> list[Asking]:
        """The devices that ask to be linked to this account now. Their keys are the server's word until compared."""
        asking = await self._api.links()
        return [Asking(bytes(one.device_pk), one.name, one.expires_at) for one in asking if one.list is None]

    async def admit(self, asking: Asking, words: str, *, may_add: bool = False) -> None:
        """Add the device whose screen shows these eight words. With `may_add` it gets the identity, too.

        Raises WordsDiffer, and then nothing was signed; IdentityNeeded, TooManyDevices, Refused, Unreachable.
        """
        if not words_match(words, asking.key):
            raise WordsDiffer("These are not the words of the device that asks. Nothing was added.")
        core = self._core
        identity = await self._identity()
        if len(core.own_list.devices) >= MAX_DEVICES:
            raise TooManyDevices(f"An account has at most {MAX_DEVICES} devices. Remove one first.")
        added, device = Device(asking.key, may_add, core.now_ms()), device_id(asking.key)
        raw = sign_list(self._next((*core.own_list.devices, added), identity), identity)
        writes, profile = Writes(), core.profile
        owed = (*(one for one in profile.owed if one[0] != device), (device, may_add))
        core.keep_profile(writes, admitted=(*profile.admitted, raw)[-_KEPT_ANSWERS:], owed=owed)
        core.pins.expect(raw)
        await core.saved(writes)
        await self._api.answer_link(self._signer, device, raw)

    async def refuse_link(self, asking: Asking) -> None:
        """That device is not wanted."""
        await self._api.withdraw_link(device_id(asking.key))

    async def remove_device(self, device: bytes) -> None:
        """Take another device out of the account. If it held the identity, the identity changes with it.

        Raises UnknownDevice, IdentityNeeded, Refused, Unreachable.
        """
        core, old = self._core, await self._identity()
        going = core.own_list.device(device)
        if going is None or device == core.pins.device:
            raise UnknownDevice("This is no other device of this account.")
        new, staying = old, [one for one in core.own_list.devices if one.id != device]
        writes = Writes()
        if going.may_add:
            seed = urandom(KEY_BYTES)
            new = IdentityKey(seed)
            staying = [Device(one.device_pk, one.id == core.pins.device, one.added_ms) for one in staying]
            core.keep_profile(writes, identity_seed=seed)
        raw = sign_list(self._next(staying, new), new, old if going.may_add else None)
        core.pins.take_own_list(raw)
        core.pins.approve(core.profile.account, new.public)
        await core.saved(writes)
        await self._api.publish_list(self._signer, raw)
        await self._online.list_changed()

    @property
    def _signer(self) -> Signer:
        return Signer(self._core.profile.tenant, self._core.profile.account, self._core.device)

    async def _identity(self) -> IdentityKey:
        """The identity as the newest list has it, read just now."""
        core = self._core
        await self._directory.fetch_lists(core.profile.account)
        if not core.profile.identity_seed or core.identity.public != core.own_list.identity_pk:
            raise IdentityNeeded("This device may not add or remove others. Use one that may.")
        return core.identity

    def _next(self, devices: Iterable[Device], identity: IdentityKey) -> DeviceList:
        own, now = self._core.own_list, self._core.now_ms()
        listed = tuple(sorted(devices, key=lambda one: one.device_pk))
        head = (own.tenant, own.account, own.version + 1, own.list_hash, identity.public, now)
        return DeviceList(*head, reset=False, devices=listed)
