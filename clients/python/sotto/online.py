"""Being connected: dial, say hello, catch up, go on, come back (DESIGN section 4).

One attempt after the other for as long as the client is open. A close code of 4400-4499 ends it with a typed error;
everything else is tried again after a while with jitter. Nothing is lost in between: what was not answered is repeated
under its number.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from itertools import groupby
from typing import Any, Final

from chatserver.wire.frames import (
    Active,
    Bye,
    ClientFrame,
    Current,
    Deliver,
    Fates,
    FatesTold,
    Notice,
    Receipt,
    Refused,
    ServerFrame,
    Welcome,
    Whisper,
)
from sotto import account, errors
from sotto.api import Api
from sotto.clock import Backoff
from sotto.core import Core
from sotto.directory import Directory
from sotto.fleeting import Whispers
from sotto.incoming import Intake
from sotto.link_asking import be_linked
from sotto.link_owed import Owed
from sotto.outgoing import Pump
from sotto.rotation import Rotation
from sotto.socket import Ending, Socket, dial, signed_hello
from sotto.state import Writes
from sotto.values import Link, LinkChanged, LinksChanged

TICK_S: Final = 5.0
ACTIVE_EVERY_S: Final = 30.0
SETTLED_PAGE: Final = 64
_SIGN_IN: Final = frozenset({"session_ended", "unauthenticated"})
_GONE: Final = "unauthenticated"
_AT_ONCE: Final = "resume_elsewhere"


class Online:
    """Owns the connection. `run` is its one task; the client calls the rest."""

    def __init__(self, core: Core, api: Api, directory: Directory, kept: int) -> None:
        self._core = core
        self._api = api
        self._directory = directory
        self._rotation = Rotation(core, api)
        self._intake = Intake(core, directory, kept)
        self._pump = Pump(core, directory, self._send, self._rotation.rotate)
        self._whispers = Whispers(core, directory)
        self._owed = Owed(core)
        self._backoff = Backoff()
        self._socket: Socket | None = None
        self._signed_in = asyncio.Event()
        self._active_at = float("-inf")
        self._left = False
        self.link = LinkChanged(Link.OFFLINE)
        self.sign_in_again: Callable[[], Awaitable[None]] | None = None

    # Called by the client

    def wake(self, scope: bytes | None = None) -> None:
        """There is something to send, or a conversation may go on."""
        if scope is not None:
            self._pump.release(scope)
        self._pump.wake()

    def signed_in(self) -> None:
        """There is a session again."""
        self._left = False
        self._signed_in.set()

    async def typing(self, scope: bytes, *, on: bool) -> None:
        """Whisper that this person types."""
        if self._socket is not None:
            await self._whisper(self._whispers.typing(scope, on=on))

    async def read(self, scope: bytes) -> None:
        """Whisper how far this person has read."""
        if self._socket is not None:
            await self._whisper(self._whispers.read(scope))

    async def active(self) -> None:
        """The person did something: wind the idle clock, now and then."""
        now = self._core.clock.monotonic_s()
        if self._socket is not None and now - self._active_at >= ACTIVE_EVERY_S:
            self._active_at = now
            await self._send(Active())

    def failed(self) -> None:
        """It ended for good."""
        if self.link.link is not Link.STOPPED:
            self._say(Link.STOPPED, code="internal")

    async def leave(self) -> None:
        """Say goodbye, if there is somebody to say it to, and stay away until `signed_in`."""
        self._left = True
        socket, self._socket = self._socket, None
        if socket is not None:
            settled = self._pump.take_settled()
            if settled:
                await socket.send(Fates((), tuple(settled)))
            await socket.send(Bye())
            await socket.close()

    # The one task

    async def run(self) -> None:
        """Connect, for ever. Raises what ends it for good: Stopped, StateFailed, StateRolledBack."""
        while True:
            ending = await self._attempt()
            if ending.code in _SIGN_IN:
                await self._await_sign_in()
            elif ending.stops:
                self._say(Link.STOPPED, code=ending.code)
                raise errors.Stopped(ending.code)
            else:
                await self._wait(ending)

    async def _attempt(self) -> Ending:
        """One connection, from the ticket to its end. Whoever said goodbye does not come back by themselves."""
        try:
            ending = Ending(_GONE) if self._left else await self._connect()
            return Ending(_GONE) if self._left else ending
        except errors.Refused as refused:
            return Ending(refused.code)
        except (errors.Unreachable, errors.BadAnswer):
            return Ending()
        finally:
            self._socket = None
            self._core.outbox.disconnected()

    async def _wait(self, ending: Ending) -> None:
        if ending.code == _AT_ONCE:
            self._backoff.reset()
        seconds = self._backoff.next_s()
        self._say(Link.WAITING, retry_in_s=seconds, code=ending.code)
        await self._core.clock.sleep(seconds)

    async def _await_sign_in(self) -> None:
        if self.sign_in_again is not None and not self._left:
            await self.sign_in_again()
            return
        self._signed_in.clear()
        self._say(Link.SIGN_IN_NEEDED)
        await self._signed_in.wait()

    async def _connect(self) -> Ending:
        self._say(Link.CONNECTING)
        epoch = await self._rotation.set_clock()
        if not self._api.token:
            return Ending(_GONE)
        await self._register()
        ticket = await self._api.ticket(self._core.pins.device)
        socket = await dial(self._api)
        try:
            welcome = await socket.greet(signed_hello(self._core, self._api.url, ticket, epoch))
            if isinstance(welcome, Ending):
                return welcome
            return await self._stay(socket, welcome)
        finally:
            await socket.close()

    async def _register(self) -> None:
        """Become a device of the account: its first, or one that another device adds."""
        if self._core.profile.registered or self._core.profile.linked:
            await account.register(self._core, self._api)
        else:
            await be_linked(self._core, self._api, lambda: self._say(Link.LINKING))

    async def _stay(self, socket: Socket, welcome: Welcome) -> Ending:
        """Everything between a welcome and the end of its socket."""
        self._socket = socket
        reader = asyncio.create_task(socket.read())
        try:
            await self._catch_up(welcome)
            return await _first_of(self._frames(socket), self._pump.run(), self._ticks(), _whole(reader))
        finally:
            await _end(reader)

    async def _catch_up(self, welcome: Welcome) -> None:
        self._say(Link.CATCHING_UP)
        self._rotation.correct(welcome.server_time)
        if welcome.list_version > self._core.own_list.version:
            await self._directory.fetch_lists(self._core.profile.account)
        await self._rotation.mend(welcome)
        self._directory.stale()
        await self._directory.refresh()
        pages = self._pump.welcomed(new_epoch=welcome.epoch != self._core.profile.epoch)
        writes = Writes()
        self._core.keep_profile(writes, epoch=welcome.epoch, session_ends_at=welcome.clocks.ends_at)
        await self._core.saved(writes)
        self._pay(news=True)
        await self._ask_fates(pages)

    async def _frames(self, socket: Socket) -> Ending:
        while True:
            for kind, group in groupby(await socket.batch(), type):
                if kind is Deliver:
                    await self._deliveries(frame for frame in group if isinstance(frame, Deliver))
                    continue
                for frame in group:
                    if isinstance(frame, Ending):
                        return frame
                    await self._frame(frame)
            await self._settle(SETTLED_PAGE)

    async def _deliveries(self, frames: Iterable[Deliver]) -> None:
        linked = self._core.profile.linked
        await self._send(await self._intake.take(list(frames)))
        if self._core.profile.linked and not linked:
            self._release()

    async def _frame(self, frame: ServerFrame) -> None:
        if isinstance(frame, Receipt):
            if self._pump.receipt(frame):
                await self._send(Fates((frame.n,)))
            self._pay()
        elif isinstance(frame, Refused):
            await self._pump.refused(frame)
        elif isinstance(frame, Whisper):
            await self._intake.overhear(frame)
        elif isinstance(frame, FatesTold):
            self._pump.fates(frame)
        elif isinstance(frame, Notice):
            await self._notice(frame)
        elif isinstance(frame, Current):
            await self._current(frame)

    async def _notice(self, frame: Notice) -> None:
        """Something changed: read it when it is needed next, and try what was held."""
        if frame.change == "links":
            self._core.events.tell(LinksChanged())
        elif frame.change == "members":
            await self._directory.refresh()
        elif frame.subject == self._core.profile.account and frame.change == "list":
            await self.list_changed()
        elif frame.subject == self._core.profile.account and frame.change == "keys":
            self._directory.stale_account(frame.subject)
            self._pay(news=True)
        elif frame.subject != self._core.profile.account or len(self._core.own_list.devices) > 1:
            self._directory.stale_account(frame.subject)
        self._release()
        touched = self._directory.touched_by(frame)
        self._intake.news(touched)
        await self._ask_fates(self._pump.unsettled(touched))

    async def list_changed(self) -> None:
        """The own list may be another: read it, publish a key under it, tell who was added (CRYPTO section 2)."""
        account = self._core.profile.account
        with suppress(errors.Unreachable, errors.Refused):
            await self._directory.fetch_lists(account)
        self._directory.stale_account(account)
        await self._core.saved()
        await self._rotation.rotate()
        self._pay(news=True)

    def _pay(self, *, news: bool = False) -> None:
        if self._owed.pay(news=news):
            self._pump.wake()

    def _release(self) -> None:
        for scope in (*self._core.talks, self._core.profile.account):
            if not self._directory.unseen(scope):
                self._pump.release(scope)

    async def _ask_fates(self, pages: Iterable[Iterable[int]]) -> None:
        for page in pages:
            await self._send(Fates(tuple(page)))

    async def _current(self, frame: Current) -> None:
        """Everything up to then is opened and committed: old keys go, and so do removed devices (CRYPTO section 2)."""
        self._core.keys.current(frame.at)
        self._core.pins.current()
        await self._core.saved()
        self._backoff.reset()
        self._say(Link.CURRENT)
        await self._settle(1)
        for scope in [scope for scope, talk in self._core.talks.items() if talk.read and talk.member]:
            await self._whisper(self._whispers.read(scope))

    async def _ticks(self) -> Ending:
        while True:
            await self._core.clock.sleep(TICK_S)
            self._core.keys.tick(self._core.now_ms())
            self._pump.tick()
            await self._rotation.rotate()
            self._pay()
            await self._core.saved()
            await self._settle(1)

    async def _settle(self, least: int) -> None:
        settled = self._pump.take_settled(least)
        if settled:
            await self._send(Fates((), tuple(settled)))

    async def _whisper(self, frame: ClientFrame | None) -> None:
        if frame is not None:
            await self._send(frame)

    async def _send(self, frame: ClientFrame) -> None:
        if self._socket is not None:
            await self._socket.send(frame)

    def _say(self, link: Link, *, retry_in_s: float = 0.0, code: str = "") -> None:
        self.link = LinkChanged(link, retry_in_s, code)
        self._core.events.tell(self.link)


async def _whole(task: "asyncio.Task[None]") -> Ending:
    """The reader alone never ends a connection: it brings the ending to the frame loop, unless it fails."""
    await task
    await asyncio.Event().wait()
    return Ending()


async def _first_of(*jobs: Coroutine[Any, Any, Ending | None]) -> Ending:
    """Run these side by side until one of them ends; the others are cancelled. Its failure is raised."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(iter([task.result() for task in done])) or Ending()
    finally:
        for task in tasks:
            await _end(task)


async def _end(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait until it is gone; what it failed with was raised by whoever asked for its result."""
    task.cancel()
    await asyncio.wait([task])
