"""One side of the comparison: how its server is started and how its clients come in. And the bare WebSocket peers."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from chatserver.wire import limits
from loadtests.bench import client_frames as ws
from loadtests.bench import frames_dialect as dialect
from loadtests.bench.line import Line, Take, dial
from loadtests.bench.load import Flow, Load
from loadtests.bench.processes import Server, start

ROOT: Final = Path(__file__).parents[2]
PEERS: Final = ROOT / "loadtests" / "peers"
BOX_BYTES: Final = min(limits.BOX_BYTES)
KEY_NO: Final = 1
_AT_ONCE: Final = 32


class Side(Protocol):
    """A server and its clients, for one run. Whoever starts it stops its server."""

    async def start(self, folder: Path, core: int, pairs: int, others: int) -> Server:
        """A fresh server, and the people that will come."""

    async def pair(self, load: Load, number: int) -> Flow:
        """Pair `number` comes in: two sockets and what flows between them."""

    async def idle(self, number: int) -> Line:
        """Somebody comes in who will say nothing."""


def expect(load: Load, flow: Flow) -> tuple[Take, Take]:
    """What the sender's and the receiver's socket do with what they hear."""
    return dialect.sender(load, flow), dialect.receiver(load, flow)


async def greeted(line: Line, hello: bytes) -> None:
    """Say hello and wait until the server has answered with one message."""
    answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(_line: Line, _opcode: int, _payload: bytes) -> None:
        if not answered.done():
            answered.set_result(None)

    line.take = take
    line.write(hello)
    await asyncio.wait_for(answered, 10.0)


def ignore(_line: Line, _opcode: int, _payload: bytes) -> None:
    """Nobody listens."""


async def crowd(count: int, enter: Callable[[int], Awaitable[Line]]) -> list[Line]:
    """So many come in, a bounded number at a time."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> Line:
        async with free:
            return await enter(number)

    return await asyncio.gather(*(one(number) for number in range(count)))


@dataclass
class BarePeer:
    """A relay that speaks the four frames in msgpack over WebSocket, and asks nobody for anything."""

    command: list[str]
    port: int = 0

    async def start(self, folder: Path, core: int, pairs: int, others: int) -> Server:  # noqa: ARG002  needs no people
        """The peer's process."""
        server = await start(self.command, core, folder / "server.log", ROOT)
        self.port = server.port
        return server

    async def pair(self, load: Load, number: int) -> Flow:
        """Two sockets."""
        (here, _), (there, device) = await self._enter(2 * number), await self._enter(2 * number + 1)
        template = dialect.message(os.urandom(16), device, KEY_NO, ws.random_box(BOX_BYTES))
        flow = Flow(dialect.writer(here, template))
        here.take, there.take = expect(load, flow)
        return flow

    async def idle(self, number: int) -> Line:
        """One socket."""
        line, _ = await self._enter(number)
        line.take = ignore
        return line

    async def _enter(self, number: int) -> tuple[Line, bytes]:
        device = os.urandom(16)
        line = await dial(self.port, ws.upgrade("/", self.port, None), ignore, number)
        await greeted(line, dialect.said(["hello", device]))
        return line, device


def node(script: str) -> list[str]:
    """A peer on Node."""
    return ["node", str(PEERS / script)]


def python(module: str) -> list[str]:
    """A peer in Python."""
    return [sys.executable, "-m", f"loadtests.peers.{module}"]
