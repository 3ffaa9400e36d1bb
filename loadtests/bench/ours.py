"""Sotto itself: people with accounts, sessions, devices and keys, who say a signed hello with a fresh ticket."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import msgspec

from chatserver.wire import frames
from crypto import keys
from crypto.keys import Transport
from loadtests.actors import b64, unb64
from loadtests.bench import client_frames as ws
from loadtests.bench import frames_dialect as dialect
from loadtests.bench.line import Line, dial
from loadtests.bench.load import Flow, Load
from loadtests.bench.organisation import Pair, Person, build
from loadtests.bench.processes import Server, start
from loadtests.bench.side import BOX_BYTES, ROOT, expect, greeted, ignore

_PATH = "/v1/ws"
_SUBPROTOCOL = "sotto.v1"
_CREATED = 201


class NoTicketError(Exception):
    """The server refused a ticket."""


async def hello(port: int, person: Person, transport: Transport) -> frames.Hello:
    """A signed hello with a ticket that was minted over HTTP just now."""
    url = f"http://127.0.0.1:{port}"
    ticket = await _ticket(url, person)
    statement = keys.Hello(
        tenant=person.tenant, origin=url, ticket_hash=keys.ticket_hash(ticket), account=person.account,
        device_id=person.key.id, transport=transport, list_version=1, list_hash=person.devices.list_hash,
        key_no=person.key_no, epoch=frames.NO_EPOCH,
    )  # fmt: skip
    return frames.Hello(
        ticket, person.account, person.key.id, url, transport, 1, person.devices.list_hash, person.key_no,
        frames.NO_EPOCH, person.key.sign(statement),
    )  # fmt: skip


async def _ticket(url: str, person: Person) -> bytes:
    body = msgspec.json.encode({"device": b64(person.key.id)})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {b64(person.token)}"}
    async with aiohttp.request("POST", f"{url}/v1/tickets", data=body, headers=headers) as answer:
        if answer.status != _CREATED:
            raise NoTicketError(answer.status)
        return unb64(msgspec.json.decode(await answer.read())["ticket"])


@dataclass
class Native:
    """The native WebSocket path of a real `sotto serve`."""

    profile: Sequence[str] = ()
    port: int = 0
    pairs: list[Pair] = field(default_factory=list)
    others: list[Person] = field(default_factory=list)

    async def start(self, folder: Path, core: int, pairs: int, others: int) -> Server:
        """A store with these people, and a server on it."""
        self.pairs, self.others = await build(folder, pairs, others)
        command = [sys.executable, "-m", "loadtests.bench.serve", str(folder), *self.profile]
        server = await start(command, core, folder / "server.log", ROOT)
        self.port = server.port
        return server

    async def pair(self, load: Load, number: int) -> Flow:
        """Two people say hello."""
        pair = self.pairs[number]
        here, there = await self._enter(pair.sender, 2 * number), await self._enter(pair.receiver, 2 * number + 1)
        receiver = pair.receiver
        template = dialect.message(pair.scope, receiver.key.id, receiver.key_no, ws.random_box(BOX_BYTES))
        flow = Flow(dialect.writer(here, template))
        here.take, there.take = expect(load, flow)
        return flow

    async def idle(self, number: int) -> Line:
        """One person says hello."""
        line = await self._enter(self.others[number], number)
        line.take = ignore
        return line

    async def _enter(self, person: Person, number: int) -> Line:
        line = await dial(self.port, ws.upgrade(_PATH, self.port, _SUBPROTOCOL), ignore, number)
        said = await hello(self.port, person, Transport.WEBSOCKET)
        await greeted(line, ws.frame(ws.BINARY, frames.encode(said)))
        return line
