"""What an admitted device is still to be told, in boxes under the scope of its own account (CRYPTO section 9)."""

from collections.abc import Iterator

from crypto.keys import parse_bundle
from crypto.seeds import seal_seed
from sotto.core import Core
from sotto.link_parts import Known, SealedSeed, Seen, encode_parts
from sotto.state import Writes
from sotto.state.records import Outgoing
from sotto.values import Kind


class Owed:
    """What devices that were admitted are still to be told. Driven by the connection."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def pay(self, *, news: bool = False) -> bool:
        """Queue what can be told now; whether anything was queued.

        A box reaches a device only if its key is pinned here, and the key comes with the refusal of a send that left
        it out. So with `news` of keys or lists everything is said even where the key is not known; it is told when it
        was said to a known key. Who hears it twice takes it once.
        """
        core, before = self._core, self._core.profile.owed
        if not before:
            return False
        writes, queued = Writes(), False
        for device, may_add in before:
            if core.own_list.device(device) is not None:
                known = core.pins.has_bundle(device)
                queued = ((known or news) and self._tell(writes, device, may_add=may_add, known=known)) or queued
        core.save(writes)
        return queued

    def _tell(self, writes: Writes, device: bytes, *, may_add: bool, known: bool) -> bool:
        core = self._core
        if device not in core.profile.told:
            for body in encode_parts(device, self._items()):
                self._queue(Kind.LINK, body)
            if known:
                core.keep_profile(writes, told=(*core.profile.told, device))
            if known and not may_add:
                self._done(writes, device)
            return True
        bundle = core.pins.bundle(device)
        if bundle is None:
            return False
        found = parse_bundle(bundle).body
        sealed = seal_seed(core.profile.identity_seed, found.box_pk)
        self._queue(Kind.IDENTITY, SealedSeed(device, found.key_no, sealed).encode())
        self._done(writes, device)
        return True

    def _done(self, writes: Writes, device: bytes) -> None:
        profile = self._core.profile
        self._core.keep_profile(
            writes,
            owed=tuple(one for one in profile.owed if one[0] != device),
            told=tuple(one for one in profile.told if one != device),
        )

    def _queue(self, kind: Kind, body: bytes) -> None:
        core = self._core
        core.outbox.add(Outgoing(core.next_item(), core.profile.account, kind, body, core.now_ms(), core.next_place()))

    def _items(self) -> Iterator[Known | Seen]:
        core = self._core
        for account, newest in core.pins.contacts():
            contact = core.pins.contact(account)
            yield Known(account, newest.version, newest.list_hash, contact.approved, contact.verified)
        for scope, talk in core.talks.items():
            yield Seen(scope, talk.approved)
