"""A person of the chaos runs: the client's side of the protocol with nothing but its promises (PROTOCOL 5 to 7).

It keeps a send until it is delivered, repeats under the same number what has no receipt, drops what it has seen, and
acknowledges at its own, sometimes slow, pace. Its memory survives the server's deaths, as a phone's does.
"""

import asyncio
import os
import random
import socket as socketlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field

import aiohttp

from chatserver.wire import frames, limits
from loadtests.actors import Device, EndedError, RefusedError, Socket
from loadtests.chaos.history import History

SLOW_ACKS = 0.1
VANISHES = 0.003
_GONE = (EndedError, RefusedError, aiohttp.ClientError, TimeoutError, OSError)


@dataclass
class Person:
    """Owned by the harness. `circles` maps a conversation to everybody in it."""

    device: Device
    history: History
    rng: random.Random
    circles: dict[bytes, list[Device]] = field(default_factory=dict)
    open: dict[int, frames.Send] = field(default_factory=dict)  # sends that are not delivered, by number
    safe: set[int] = field(default_factory=set)
    receipted: set[int] = field(default_factory=set)  # those of which any receipt came
    seen: set[tuple[bytes, int]] = field(default_factory=set)
    socket: Socket | None = None
    reconnects: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def live(self, stop: asyncio.Event) -> None:
        """Be connected until told to stop, whatever happens to the server."""
        while not stop.is_set():
            try:
                await self._session(stop)
            except _GONE:
                self.reconnects += 1
                await asyncio.sleep(self.rng.uniform(0.02, 0.2))
            finally:
                self.socket = None

    async def _session(self, stop: asyncio.Event) -> None:
        if not self.device.token:
            await self.device.sign_in()
        socket = await self.device.connect()
        try:
            await self._resume(socket)
            self.socket = socket  # only now: what is said next goes behind what is repeated
            while not stop.is_set():
                if self.rng.random() < VANISHES:
                    await self._vanish(socket)
                await self._take(socket, await socket.receive(60.0))
        except RefusedError as refused:
            if refused.code in {"session_ended", "unauthenticated"}:
                self.device.token = ""
            raise
        finally:
            await socket.ws.close()

    async def _resume(self, socket: Socket) -> None:
        settled = sorted(self.safe & self.open.keys())
        for start in range(0, len(settled), limits.FATES_PAGE):
            await socket.send(frames.Fates(tuple(settled[start : start + limits.FATES_PAGE])))
        repeated: set[int] = set()
        while waiting := sorted(self.open.keys() - self.safe - repeated):  # last: nothing said now is left behind
            await socket.send(self.open[waiting[0]])
            repeated.add(waiting[0])

    async def _vanish(self, socket: Socket) -> None:
        """A phone in a tunnel: it takes nothing for a while, then its socket is gone with all that was in it."""
        await asyncio.sleep(self.rng.uniform(0.0, 0.5))
        raw = socket.ws.get_extra_info("socket")
        if raw is not None:
            with socketlib.socket(fileno=os.dup(raw.fileno())) as own:
                own.shutdown(socketlib.SHUT_RDWR)
        raise EndedError(None)

    async def say(self, scope: bytes) -> None:
        """Take a number and send, if the window has room. What cannot be sent now goes with the next connection."""
        if min(self.open, default=self.device.n + 1) + limits.SEND_WINDOW <= self.device.n + 1:
            return
        others = [device for device in self.circles[scope] if device is not self.device]
        message = self.device.message(scope, others)
        self.open[message.n] = message
        to = [device.id.hex() for device in others]
        self.history.add("send", sender=self.device.id, n=message.n, scope=scope, c=message.c, to=to)
        if self.socket is not None:
            try:
                await self.socket.send(message)
            except _GONE:
                self.reconnects += 1

    async def _take(self, socket: Socket, frame: frames.ServerFrame) -> None:
        if isinstance(frame, frames.Deliver):
            self._show(frame)
            self._later(self._ack(socket, frame.number))
        elif isinstance(frame, frames.Receipt):
            self._receipt(frame.n, frame.mark)
        elif isinstance(frame, frames.FatesTold):
            for told in frame.fates:
                await self._told(socket, told)
        elif isinstance(frame, frames.Refused) and frame.n in self.open:
            self._later(self._again(socket, frame.n))

    def _show(self, frame: frames.Deliver) -> None:
        key = (frame.sender, frame.n)
        if key not in self.seen:
            self.seen.add(key)
            self.history.add(
                "shown", to=self.device.id, sender=frame.sender, n=frame.n, scope=frame.scope, c=frame.c
            )  # fmt: skip

    async def _ack(self, socket: Socket, number: int) -> None:
        if self.rng.random() < SLOW_ACKS:  # a slow phone: the box is written before it is acknowledged
            await asyncio.sleep(self.rng.uniform(0.2, 0.5))
        try:
            await socket.send(frames.Ack((number,)))
        except _GONE:
            self.reconnects += 1

    async def _again(self, socket: Socket, n: int) -> None:
        await asyncio.sleep(self.rng.uniform(0.05, 0.2))
        try:
            if n in self.open:
                await socket.send(self.open[n])
        except _GONE:
            self.reconnects += 1

    def _receipt(self, n: int, mark: str) -> None:
        self.receipted.add(n)
        if mark == "safe":
            self.safe.add(n)
            self.history.add("safe", sender=self.device.id, n=n)
        elif mark == "delivered":
            self._done(n)

    def _done(self, n: int) -> None:
        if self.open.pop(n, None) is not None:
            self.history.add("delivered", sender=self.device.id, n=n)

    async def _told(self, socket: Socket, told: frames.Told) -> None:
        if told.state == "settled" and not told.persons:
            self._done(told.n)
        elif told.state == "unknown" and told.n in self.open:
            await socket.send(self.open[told.n])

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Let acknowledgements that are under way go out."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def quiet(people: Sequence[Person]) -> bool:
    """Whether every send of everybody has come to its end."""
    return not any(person.open for person in people)
