"""What the parts of a running client share: the machines, the state that keeps them, the time, the events.

A part changes machines in one go, without an `await` in between, and then calls `save`: what changed goes to the disk
as one group, in the order of the calls. What must be durable first waits for the future that `save` returns.
"""

import asyncio
from dataclasses import dataclass, field
from os import urandom

from msgspec.structs import replace

from crypto.fields import Random
from crypto.keys import DeviceKey, DeviceList, IdentityKey
from sotto.clock import Clock
from sotto.events import Events
from sotto.keys import KeyRing
from sotto.pins import Pins
from sotto.receiving import PLACE_STEP, Streams
from sotto.sending import Outbox
from sotto.state import Database, Loaded, Writes, place_key
from sotto.state.records import Counters, Outgoing, Profile, Record, Store, Talk, u32, u64
from sotto.values import FINAL, Gap, Message


@dataclass(slots=True)
class Core:
    """One client's memory. Each machine owns what it holds; profile, counters, talks and gaps are owned here."""

    database: Database
    profile: Profile
    counters: Counters
    talks: dict[bytes, Talk]
    gaps: dict[bytes, Gap]
    drafts: dict[bytes, str]
    pins: Pins
    outbox: Outbox
    keys: KeyRing
    streams: Streams
    events: Events
    clock: Clock
    random: Random = urandom
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Something is in the inbox."""
    _counted: Counters | None = None
    _last: "asyncio.Future[None] | None" = None

    @classmethod
    def of(cls, database: Database, loaded: Loaded, clock: Clock) -> "Core":
        """The machines as the local state left them."""
        profile, device = loaded.profile, DeviceKey(loaded.profile.device_seed)
        pins = Pins(
            profile.tenant,
            profile.account,
            device.public,
            lists=loaded.lists.values(),
            contacts=loaded.contacts,
            bundles=loaded.bundles,
        )
        for raw in profile.admitted:
            pins.expect(raw)
        return cls(
            database=database,
            profile=profile,
            counters=loaded.counters,
            talks=loaded.talks,
            gaps=loaded.gaps,
            drafts=loaded.drafts,
            pins=pins,
            outbox=Outbox(loaded.queue, loaded.chains, loaded.counters.n),
            keys=KeyRing(loaded.box_keys),
            streams=Streams(loaded.streams),
            events=Events(),
            clock=clock,
        )

    @property
    def device(self) -> DeviceKey:
        """This device's signing key."""
        return DeviceKey(self.profile.device_seed)

    @property
    def identity(self) -> IdentityKey:
        """The account's identity key, made on this device or given to it. ValueError without one."""
        return IdentityKey(self.profile.identity_seed)

    @property
    def own_list(self) -> DeviceList:
        """The newest list of this account."""
        newest = self.pins.newest(self.profile.account)
        if newest is None:
            raise LookupError("no list of this account")
        return newest

    def now_ms(self) -> int:
        """Milliseconds since the epoch by the server's clock, as far as it is known."""
        return self.clock.wall_ms() + self.profile.clock_offset_ms

    def save(self, writes: Writes | None = None) -> "asyncio.Future[None]":
        """Put everything that changed, and `writes`, on its way to the disk as one group.

        The future is shared: await it through `saved`. It is done when this group and all before it are durable.
        """
        group = writes or Writes()
        self._gather(group)
        if group.rows or self._last is None:
            self._last = self.database.submit(group)
        return self._last

    async def saved(self, writes: Writes | None = None) -> None:
        """The same, awaited. Raises StateFailed."""
        await asyncio.shield(self.save(writes))

    def keep_profile(self, writes: Writes, **changes: object) -> None:
        """Change the profile."""
        self.profile = replace(self.profile, **changes)
        writes.put(Store.PROFILE, b"", self.profile)

    def keep_talk(self, writes: Writes, scope: bytes, talk: Talk) -> None:
        """Change what is known of a conversation."""
        self.talks[scope] = talk
        writes.put(Store.CONVERSATION, scope, talk)

    def next_item(self) -> int:
        """A new number for a message in the queue."""
        self.counters = replace(self.counters, item=self.counters.item + 1)
        return self.counters.item

    def next_place(self) -> int:
        """A new place at the end of the history."""
        self.counters = replace(self.counters, place=self.counters.place + PLACE_STEP)
        return self.counters.place

    def next_arrival(self) -> int:
        """A new number for a message that the program has not seen yet."""
        self.counters = replace(self.counters, arrival=self.counters.arrival + 1)
        return self.counters.arrival

    def message_of(self, item: Outgoing) -> Message:
        """A message of the queue as the history shows it."""
        return Message(
            conversation=item.scope,
            place=item.place,
            sender=self.profile.account,
            device=self.pins.device,
            kind=item.kind,
            body=item.body,
            sent_at=item.queued_at,
            seq=item.seq,
            outgoing=True,
            stage=item.stage,
            refusal=item.refusal,
        )

    def _gather(self, group: Writes) -> None:
        self._gather_sending(group)
        pins = self.pins.take_changes()
        for key, raw in pins.lists.items():
            group.put(Store.LIST, key, raw)
        for key, contact in pins.contacts.items():
            group.put(Store.CONTACT, key, contact)
        for key, bundle in pins.bundles.items():
            group.put(Store.BUNDLE, key, bundle)
        for key_no, secret in self.keys.take_changes().items():
            _put_or_drop(group, Store.BOX_KEY, u32(key_no), secret)
        for key, stream in self.streams.take_changes().items():
            group.put(Store.STREAM, key, stream)
        if self.counters != self._counted:
            self._counted = self.counters
            group.put(Store.COUNTERS, b"", self.counters)

    def _gather_sending(self, group: Writes) -> None:
        changes = self.outbox.take_changes()
        self.counters = replace(self.counters, n=max(changes.n, self.counters.n))
        for item in changes.items.values():
            if item.scope != self.profile.account:
                group.put(Store.HISTORY, place_key(item.scope, item.place), self.message_of(item))
            _put_or_drop(group, Store.QUEUE, u64(item.item), None if item.stage in FINAL else item)
        for scope, head in changes.chains.items():
            group.put(Store.CHAIN, scope, head)


def _put_or_drop(group: Writes, store: Store, key: bytes, record: Record | None) -> None:
    if record is None:
        group.drop(store, key)
    else:
        group.put(store, key, record)
