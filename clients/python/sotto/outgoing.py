"""What goes out: numbers and commitments become durable, boxes are sealed, frames leave (DESIGN section 3).

A message is sealed for exactly the devices of its conversation as the pins know them. A refusal brings signed lists and
bundles; only what verifies is sealed to. A conversation that cannot go on waits by itself, never the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from chatserver.wire import limits
from chatserver.wire.frames import ClientFrame, FatesTold, Receipt, Refused, Sealed, Send
from crypto import keys as crypto_keys
from crypto.envelope import Committed, Content, Recipient, commit, seal
from crypto.keys import FrameClass, Reason
from sotto.core import Core
from sotto.directory import Directory
from sotto.errors import SottoError
from sotto.sending import Reaction
from sotto.sizes import boxes_that_fit
from sotto.state.records import Outgoing
from sotto.values import FINAL, Event, Stage, StageChanged, Unreachable

HOLD_S: Final = 15.0
"""How long a refused conversation waits when no notice comes first."""

Sending = Callable[[ClientFrame], Awaitable[None]]


class Pump:
    """Drives the outbox over one connection. `run` is its one task; the frame loop calls the rest."""

    def __init__(self, core: Core, directory: Directory, send: Sending, rotate: Callable[[], Awaitable[None]]) -> None:
        self._core = core
        self._directory = directory
        self._send = send
        self._rotate = rotate
        self._work = asyncio.Event()
        self._held: dict[bytes, float] = {}
        self._settled: list[int] = []

    def wake(self) -> None:
        """There may be something to send."""
        self._work.set()

    async def run(self) -> None:
        """Number, seal and send until cancelled."""
        while True:
            self._work.clear()
            await self._turn()
            await self._work.wait()

    async def _turn(self) -> None:
        while True:
            await self._number()
            ready = self._core.outbox.sendable()
            if not ready:
                return
            await self._send_one(ready[0])

    # Numbers

    async def _number(self) -> None:
        """Give out what numbers may be given, and have them durable before anything of it leaves."""
        outbox = self._core.outbox
        while (item := outbox.next_waiting()) is not None:
            if not await self._ready(item.scope):
                continue
            if outbox.next_waiting() is not item:
                continue
            outbox.number(item, self._commit)
        await self._core.saved()

    async def _ready(self, scope: bytes) -> bool:
        """Whether a conversation can be sealed to; if not, it is held or waits for the person.

        A device that does not know yet whom its account knows seals to nobody.
        """
        if not self._core.profile.linked:
            self._core.outbox.stop(scope)
            return False
        try:
            await self._directory.ensure(scope)
        except SottoError:
            self._hold(scope)
            return False
        if self._directory.blocked(scope):
            self._core.outbox.stop(scope)
            return False
        return True

    def _commit(self, item: Outgoing, n: int, seq: int, prev: bytes) -> Committed:
        members = self._core.pins.members(item.scope, self._directory.present(item.scope))
        content = Content(item.kind, seq, item.queued_at, prev, members, item.body)
        return commit(FrameClass.MESSAGE, item.scope, self._core.pins.device, n, content, random=self._core.random)

    # Boxes

    async def _send_one(self, item: Outgoing) -> None:
        if not await self._ready(item.scope):
            return
        await self._rotate()
        now = self._core.now_ms()
        to = self._core.pins.recipients(self._directory.present(item.scope), now)
        if len(to) > boxes_that_fit(len(item.content)):
            self._fail(item, "too_long")
            return
        current = self._core.outbox.find(item.n)
        if current is None:
            return
        frame = self._sealed(current, to, now)
        if frame is None:
            return
        self._core.outbox.sent(item.n)
        self._tell(item, StageChanged(item.scope, item.place, Stage.SENT, seq=item.seq))
        await self._send(frame)
        await asyncio.sleep(0)  # between two seals the loop hears what came in

    def _sealed(self, item: Outgoing, to: list[Recipient], now: int) -> Send | None:
        made = Committed(FrameClass.MESSAGE, item.scope, self._core.pins.device, item.n, item.content, item.kf, item.c)
        sender = self._core.keys.sender(self._core.own_list)
        try:
            boxes = seal(made, sender, to, now, random=self._core.random)
        except crypto_keys.Refused as refused:
            if refused.reason is Reason.TOO_LONG:
                self._fail(item, "too_long")
            else:
                self._hold(item.scope)
            return None
        return Send(item.scope, item.n, item.c, tuple(Sealed(box.device_id, box.key_no, box.box) for box in boxes))

    # What comes back

    def welcomed(self, *, new_epoch: bool) -> list[list[int]]:
        """The pages of numbers to ask the fates of."""
        self._settled.clear()
        self._held.clear()
        for scope in (*self._core.talks, self._core.profile.account):
            self._core.outbox.go_on(scope)
        return _pages(self._core.outbox.welcomed(new_epoch=new_epoch))

    def unsettled(self, scopes: Iterable[bytes]) -> list[list[int]]:
        """The pages of numbers whose fate may have changed with who takes part in these conversations."""
        return _pages(self._core.outbox.safe_in(scopes))

    def receipt(self, frame: Receipt) -> bool:
        """Take a receipt. True if the fates of its number should be asked."""
        item = self._core.outbox.received(frame)
        if item is None:
            return False
        self._told(item)
        if frame.mark == "safe" and (frame.persons or frame.devices):
            self._tell(item, Unreachable(item.scope, item.place, frame.persons, frame.devices))
        return frame.mark in ("expired", "device_removed")

    def fates(self, frame: FatesTold) -> None:
        """Take what became of sends."""
        for told in frame.fates:
            item = self._core.outbox.told(told)
            if item is not None:
                self._told(item)

    async def refused(self, frame: Refused) -> None:
        """Take a refusal: mend, hold, or tell that it failed."""
        item = self._core.outbox.find(frame.n)
        reaction = self._core.outbox.refused(frame)
        if item is None:
            return
        if reaction is Reaction.FAILED:
            self._tell(item, StageChanged(item.scope, item.place, Stage.FAILED, frame.code))
        elif reaction is Reaction.HOLD:
            self._hold(item.scope)
        elif reaction is Reaction.MEND:
            await self._mend(frame, item.scope)
        self.wake()
        await self._core.saved()

    async def _mend(self, frame: Refused, scope: bytes) -> None:
        try:
            await self._directory.mend(frame.lists, frame.bundles)
            if frame.lists:
                await self._directory.reconcile(scope, {account for account, _ in frame.lists})
        except SottoError:
            self._hold(scope)

    def _told(self, item: Outgoing) -> None:
        self._tell(item, StageChanged(item.scope, item.place, item.stage, item.refusal, item.seq))
        if item.stage in FINAL:
            self._settled.append(item.n)
        self._core.save()
        self.wake()

    def _fail(self, item: Outgoing, code: str) -> None:
        failed = self._core.outbox.fail(item, code)
        self._tell(item, StageChanged(item.scope, item.place, failed.stage, code))
        self._core.save()

    def _tell(self, item: Outgoing, event: Event) -> None:
        """What one's own devices say among themselves is shown to nobody."""
        if item.scope != self._core.profile.account:
            self._core.events.tell(event)

    # Waiting

    def _hold(self, scope: bytes) -> None:
        self._core.outbox.stop(scope)
        self._directory.stale_scope(scope)
        self._held[scope] = self._core.clock.monotonic_s() + HOLD_S

    def release(self, scope: bytes) -> None:
        """A notice came, or the person approved: what was held may be tried again."""
        self._held.pop(scope, None)
        self._core.outbox.go_on(scope)
        self.wake()

    def tick(self) -> None:
        """What was held long enough may be tried again."""
        now = self._core.clock.monotonic_s()
        for scope in [scope for scope, until in self._held.items() if now >= until]:
            self.release(scope)

    def take_settled(self, least: int = 1) -> list[int]:
        """Numbers whose fate is known and may be forgotten by the server, if there are at least so many."""
        if len(self._settled) < least:
            return []
        page, self._settled = self._settled[: limits.FATES_PAGE], self._settled[limits.FATES_PAGE :]
        return page


def _pages(numbers: list[int]) -> list[list[int]]:
    return [numbers[at : at + limits.FATES_PAGE] for at in range(0, len(numbers), limits.FATES_PAGE)]
