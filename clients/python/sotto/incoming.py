"""What comes in: boxes are opened, committed and only then acknowledged (CRYPTO section 3 "Receiving state").

A batch is everything that one turn of the loop brought. Message, receiving state and key use of all of it are one
transaction; the acknowledgement leaves after that.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from chatserver.wire.frames import Ack, Deliver, Whisper, encode
from crypto.envelope import Arrival, Note, Opened, View
from crypto.keys import Refused
from sotto.core import Core
from sotto.directory import Directory
from sotto.errors import SottoError
from sotto.fleeting import Heard
from sotto.link_asking import take_from_own
from sotto.receiving import Closed, Verdict, delivery_of, gap_before, opened_key
from sotto.state import Writes, place_key
from sotto.state.records import Opened as OpenedRecord
from sotto.state.records import Store, u64
from sotto.values import Arrived, Event, ForkSeen, Gap, GapSeen, Message, Stage, Unopened

MAX_UNREADABLE: Final = 1_000
"""Boxes kept as they came; beyond that they are acknowledged as unreadable and not kept."""
LOOKUP_EVERY_S: Final = 30.0
"""How often, at most, a conversation is read again because a box does not fit what is known of it."""


@dataclass(slots=True)
class Batch:
    """One turn's worth: what to write, what to tell after the write, what to acknowledge. Owned by `Intake.take`."""

    seen: dict[bytes, bytes]
    writes: Writes = field(default_factory=Writes)
    events: list[Event] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)


class Intake:
    """Opens what was delivered. Used by one task at a time."""

    def __init__(self, core: Core, directory: Directory, kept: int) -> None:
        self._core = core
        self._directory = directory
        self._kept = kept
        self._heard = Heard(core, directory)
        self._next_lookup: dict[bytes, float] = {}

    async def take(self, frames: Sequence[Deliver]) -> Ack:
        """Open, commit, and give back the acknowledgement that may leave now.

        Nothing is awaited between the opening of a box and the submission of its commit: a connection that ends in
        between must not leave memory ahead of the disk.
        """
        batch = Batch(await self._seen(frames))
        for frame in frames:
            if self._wants_lookup(frame, self._open(frame, batch)):
                self._submit(batch)
                await self._look_up(frame.scope)
            self._settle(batch, frame, self._open(frame, batch))
        await asyncio.shield(self._submit(batch))
        return Ack(tuple(batch.opened), tuple(batch.unreadable))

    def news(self, scopes: Iterable[bytes]) -> None:
        """Something changed in these conversations: the next box that does not fit may ask at once."""
        for scope in scopes:
            self._next_lookup.pop(scope, None)

    async def overhear(self, frame: Whisper) -> None:
        """A fleeting box: what it says is told, and nothing of it is kept but a read mark."""
        outcome = self._open(frame)
        if isinstance(outcome, Opened):
            self._core.streams.accept(delivery_of(frame), outcome)
            self._heard.take(frame, outcome)

    async def _seen(self, frames: Sequence[Deliver]) -> dict[bytes, bytes]:
        """Under which commitment each of these sends was opened before."""
        keys = [opened_key(delivery_of(frame)) for frame in frames]
        rows = await self._core.database.opened(keys)
        return {key: row.c for key, row in rows.items()}

    def _submit(self, batch: Batch) -> "asyncio.Future[None]":
        """What was opened so far goes to the disk, and is told when it is there."""
        done = self._core.save(batch.writes)
        told = batch.events
        done.add_done_callback(lambda done: self._tell(done, told))
        batch.writes, batch.events = Writes(), []
        return done

    def _tell(self, done: "asyncio.Future[None]", events: list[Event]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        for event in events:
            self._core.events.tell(event)
        self._core.arrived.set()

    def _wants_lookup(self, frame: Deliver, outcome: Opened | Closed) -> bool:
        """Whether what this device knows of the sender or the members may be too old; asked now and then only."""
        old = (
            Note.MEMBERS_DIFFER in outcome.notes if isinstance(outcome, Opened) else outcome.verdict is Verdict.LOOK_UP
        )
        now = self._core.clock.monotonic_s()
        if not old or now < self._next_lookup.get(frame.scope, 0.0):
            return False
        self._next_lookup[frame.scope] = now + LOOKUP_EVERY_S
        return True

    async def _look_up(self, scope: bytes) -> None:
        with suppress(SottoError):
            await self._directory.renew(scope)

    def _open(self, frame: Deliver | Whisper, batch: Batch | None = None) -> Opened | Closed:
        core, delivery = self._core, delivery_of(frame)
        opened_c = batch.seen.get(opened_key(delivery)) if batch else None
        return core.streams.open(delivery, core.keys.held(frame.key_no), self._view(frame.scope), opened_c)

    def _settle(self, batch: Batch, frame: Deliver, outcome: Opened | Closed) -> None:
        if isinstance(outcome, Closed):
            self._turn_away(batch, frame, outcome)
            return
        self._core.streams.accept(delivery_of(frame), outcome)
        batch.seen[opened_key(delivery_of(frame))] = frame.c
        self._accept(batch, frame, outcome)

    def _view(self, scope: bytes) -> View:
        known = self._directory.known(scope)
        present = self._directory.present(scope) if known else []
        ever = self._directory.ever(scope) if known else []
        return self._core.pins.view(scope, present, ever, self._core.keys.owners())

    # What opened

    def _accept(self, batch: Batch, frame: Deliver, opened: Opened) -> None:
        core = self._core
        with suppress(Refused):  # an older key is excused for a missing message, and then it is not pinned
            core.pins.take_bundle(opened.bundle.encode())
        delivery = delivery_of(frame)
        batch.writes.put(Store.OPENED, opened_key(delivery), OpenedRecord(frame.c, frame.accepted_at))
        batch.writes.drop(Store.UNREADABLE, frame.sender + u64(frame.n))
        batch.opened.append(frame.number)
        if frame.scope == core.profile.account:
            batch.events += take_from_own(core, batch.writes, frame.sender, opened.content)
            return
        message = self._placed(batch, self._message(frame, opened), opened)
        key = place_key(message.conversation, message.place)
        batch.writes.put(Store.HISTORY, key, message)
        if not message.outgoing:
            batch.writes.put(Store.INBOX, u64(core.next_arrival()), key)
        batch.events.append(Arrived(message))

    def _message(self, frame: Deliver, opened: Opened) -> Message:
        core, content = self._core, opened.content
        sender = core.pins.sender(frame.sender, self._directory.ever(frame.scope)) or bytes(16)
        own = sender == core.profile.account
        return Message(
            conversation=frame.scope,
            place=0,
            sender=sender,
            device=frame.sender,
            kind=content.kind,
            body=content.body,
            sent_at=content.sent_at_ms,
            accepted_at=frame.accepted_at,
            seq=content.seq,
            outgoing=own,
            stage=Stage.SAFE if own else Stage.DELIVERED,
            notes=tuple(sorted(opened.notes)),
            unapproved=not core.pins.approved(sender),
        )

    def _placed(self, batch: Batch, message: Message, opened: Opened) -> Message:
        """Put the message at the end, after the gap it opened, or into the gap it fills."""
        core = self._core
        if opened.stream.arrival is Arrival.FILLED:
            place = self._fill(batch, message)
            return replace(message, place=place or core.next_place())
        gap = gap_before(opened, message, 0)
        if gap is not None:
            self._keep_gap(batch, replace(gap, place=core.next_place()))
        return replace(message, place=core.next_place())

    def _fill(self, batch: Batch, message: Message) -> int:
        """The place inside the gap; zero if none is on record."""
        for gap in self._core.gaps.values():
            same = (gap.conversation, gap.device) == (message.conversation, message.device)
            if same and gap.first <= message.seq <= gap.last:
                self._keep_gap(batch, replace(gap, missing=gap.missing - 1))
                return gap.place + 1 + message.seq - gap.first
        return 0

    def _keep_gap(self, batch: Batch, gap: Gap) -> None:
        key = gap.device + gap.conversation + u64(gap.first)
        shown = place_key(gap.conversation, gap.place)
        if gap.missing > 0:
            self._core.gaps[key] = gap
            batch.writes.put(Store.GAP, key, gap)
            batch.writes.put(Store.HISTORY, shown, gap)
        else:
            self._core.gaps.pop(key, None)
            batch.writes.drop(Store.GAP, key)
            batch.writes.drop(Store.HISTORY, shown)
        batch.events.append(GapSeen(gap))

    # What did not open

    def _turn_away(self, batch: Batch, frame: Deliver, closed: Closed) -> None:
        if closed.verdict is Verdict.SEEN:
            batch.opened.append(frame.number)
            return
        batch.unreadable.append(frame.number)
        if closed.verdict is Verdict.FORK:
            batch.events.append(ForkSeen(frame.scope, frame.sender))
            return
        if self._kept < MAX_UNREADABLE:
            self._kept += 1
            batch.writes.put(Store.UNREADABLE, frame.sender + u64(frame.n), encode(frame))
        batch.events.append(Unopened(frame.scope, frame.sender, closed.reason.value))
