"""The Socket.IO sides: bare peers, and Sotto's own Socket.IO path."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto.keys import Transport
from loadtests.actors import b64
from loadtests.bench import client_frames as ws
from loadtests.bench import events_dialect as dialect
from loadtests.bench.line import Line, dial
from loadtests.bench.load import Flow, Load
from loadtests.bench.organisation import Person
from loadtests.bench.ours import Native, hello
from loadtests.bench.processes import Server, start
from loadtests.bench.side import BOX_BYTES, KEY_NO, ROOT

_WAIT_S: Final = 10.0


async def connected(port: int, number: int, headers: tuple[tuple[str, str], ...] = ()) -> tuple[Line, dialect.Reader]:
    """A socket of Engine.IO with a Socket.IO connection in it."""
    said: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    reader = dialect.Reader(lambda _line, _said: said.set_result(None))
    line = await dial(port, ws.upgrade(dialect.PATH, port, None, headers), reader, number)
    await asyncio.wait_for(said, _WAIT_S)
    return line, reader


async def greeted(line: Line, reader: dialect.Reader, said: bytes) -> None:
    """Say hello and wait for the answer."""
    answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def heard(_line: Line, _said: list[object]) -> None:
        if not answered.done():
            answered.set_result(None)

    reader.heard = heard
    line.write(said)
    await asyncio.wait_for(answered, _WAIT_S)


def _nothing(_line: Line, _said: list[object]) -> None:
    """Nobody listens."""


@dataclass
class BareSocketIo:
    """A relay that speaks the four events, and asks nobody for anything."""

    command: list[str]
    ids_as_text: bool = False
    port: int = 0

    async def start(self, folder: Path, core: int, pairs: int, others: int) -> Server:  # noqa: ARG002  needs no people
        """The peer's process."""
        server = await start(self.command, core, folder / "server.log", ROOT)
        self.port = server.port
        return server

    async def pair(self, load: Load, number: int) -> Flow:
        """Two sockets."""
        here, sender, _ = await self._enter(2 * number)
        _, receiver, device = await self._enter(2 * number + 1)
        template = dialect.message(self._id(), device, KEY_NO, ws.random_box(BOX_BYTES))
        flow = Flow(dialect.writer(here, template))
        sender.heard, receiver.heard = dialect.sender(load, flow), dialect.receiver(load, flow)
        return flow

    async def idle(self, number: int) -> Line:
        """One socket."""
        line, reader, _ = await self._enter(number)
        reader.heard = _nothing
        return line

    def _id(self) -> bytes | str:
        return os.urandom(16).hex() if self.ids_as_text else os.urandom(16)

    async def _enter(self, number: int) -> tuple[Line, dialect.Reader, bytes | str]:
        device = self._id()
        line, reader = await connected(self.port, number)
        await greeted(line, reader, dialect.whole("hello", device))
        return line, reader, device


class OursSocketIo(Native):
    """The Socket.IO path of the same `sotto serve`: the upgrade shows the session, then a signed hello."""

    async def pair(self, load: Load, number: int) -> Flow:
        """Two people say hello."""
        pair = self.pairs[number]
        here, sender = await self._come(pair.sender, 2 * number)
        _, receiver = await self._come(pair.receiver, 2 * number + 1)
        to = pair.receiver
        flow = Flow(dialect.writer(here, dialect.message(pair.scope, to.key.id, to.key_no, ws.random_box(BOX_BYTES))))
        sender.heard, receiver.heard = dialect.sender(load, flow), dialect.receiver(load, flow)
        return flow

    async def idle(self, number: int) -> Line:
        """One person says hello."""
        line, reader = await self._come(self.others[number], number)
        reader.heard = _nothing
        return line

    async def _come(self, person: Person, number: int) -> tuple[Line, dialect.Reader]:
        shown = (("Authorization", f"Bearer {b64(person.token)}"),)
        line, reader = await connected(self.port, number, shown)
        await greeted(line, reader, dialect.frame(await hello(self.port, person, Transport.SOCKETIO)))
        return line, reader
