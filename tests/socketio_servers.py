"""A real Socket.IO server with remembering connections behind it, and clients that say what they like."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import msgspec
from aiohttp import web
from aiohttp.client import ClientResponse
from aiohttp.test_utils import TestServer
from engineio.packet import MESSAGE  # type: ignore[import-untyped]  # as shipped
from engineio.packet import Packet as EnginePacket
from socketio.packet import Packet  # type: ignore[import-untyped]  # as shipped

from chatserver.transports.door import Door, Transport, UpgradeFacts
from chatserver.transports.places import CountedPlaces
from chatserver.transports.socketio import Gate, Server, attach
from chatserver.transports.socketio_session import Session
from chatserver.wire.errors import CATALOGUE
from chatserver.wire.frames import ClientFrame, Current, Deliver
from tests.websocket_peers import Clock, Ear

ORIGIN = "https://clinic.example"
SEPARATOR = "\x1e"
PATH = "/socket.io/"


@dataclass
class House:
    """Everybody whose bearer is one letter is signed in."""

    port: TestServer
    server: Server
    places: CountedPlaces
    clock: Clock | None
    ears: list[Ear]
    faults: list[Exception]
    clients: list["Client"] = field(default_factory=list)

    def client(self, name: str | None = "a") -> "Client":
        headers = {"Authorization": f"Bearer {name}"} if name else {}
        made = Client(self, aiohttp.ClientSession(self.port.make_url("/"), headers=headers))
        self.clients.append(made)
        return made

    async def polling(self, name: str = "a") -> tuple["Client", Ear]:
        """A session of which the client knows the sid."""
        client = self.client(name)
        answer = await client.get()
        assert answer.status == 200
        client.sid = msgspec.json.decode((await answer.read())[1:])["sid"]
        return client, self.ears[-1]

    async def connected(self, name: str = "a") -> tuple["Client", Ear]:
        """And in it the Socket.IO connection."""
        client, ear = await self.polling(name)
        assert (await client.post("40")).status == 200
        (connected,) = await client.poll()
        assert connected.startswith('40{"sid":"')
        return client, ear

    async def websocket(self, name: str = "a") -> tuple[aiohttp.ClientWebSocketResponse, Ear]:
        """The same over a WebSocket from the start."""
        ws = await self.client(name).ws()
        assert (await ws.receive_str()).startswith('0{"sid":"')
        await ws.send_str("40")
        assert (await ws.receive_str()).startswith('40{"sid":"')
        return ws, self.ears[-1]


@dataclass
class Client:
    house: House
    http: aiohttp.ClientSession
    sid: str | None = None

    @property
    def session(self) -> Session:
        """The server's side."""
        return self.house.server.eio.sockets[self.sid or ""]

    def query(self, **changes: str | None) -> dict[str, str]:
        query = {"EIO": "4", "transport": "polling", "sid": self.sid, **changes}
        return {name: value for name, value in query.items() if value is not None}

    async def get(self, headers: dict[str, str] | None = None, **changes: str | None) -> ClientResponse:
        return await self.http.get(PATH, params=self.query(**changes), headers=headers)

    async def poll(self) -> list[str]:
        """The packets of one answer."""
        answer = await self.get()
        assert answer.status == 200, answer.status
        return (await answer.text()).split(SEPARATOR)

    async def post(
        self, body: str | bytes, headers: dict[str, str] | None = None, **changes: str | None
    ) -> ClientResponse:
        return await self.http.post(PATH, params=self.query(**changes), data=body, headers=headers)

    async def say(self, frame: ClientFrame) -> ClientResponse:
        return await self.post(polled(frame))

    async def ws(self, headers: dict[str, str] | None = None, **options: int) -> aiohttp.ClientWebSocketResponse:
        query = "&".join(f"{name}={value}" for name, value in self.query(transport="websocket").items())
        return await self.http.ws_connect(f"{PATH}?{query}", headers=headers, compress=options.get("compress", 0))


BOX = Deliver(1, bytes(16), bytes(16), 2, bytes(32), 3, 4, bytes(32), 5, bytes(16_672))
"""A box that fills a packet, and the outbox soon."""


def write(ear: Ear, *frames: Current | Deliver) -> None:
    ear.transport.write([ear.transport.encode(frame) for frame in frames])


def bye(code: str) -> str:
    refusal = CATALOGUE[code]
    return "42" + json.dumps(["bye", code, refusal.reason, refusal.retry], separators=(",", ":"))


async def until(holds: Callable[[], bool]) -> None:
    """Let everybody else run until it is so; the whole test has 20 s."""
    while not holds():  # noqa: ASYNC110  # what is looked at is a field of the server's, not an event
        await asyncio.sleep(0)


def listed(value: object) -> object:
    return [listed(part) for part in value] if isinstance(value, list | tuple) else value


def parts(frame: ClientFrame) -> list[str | bytes]:
    encoded = Packet(data=listed(msgspec.to_builtins(frame, builtin_types=(bytes,)))).encode()
    return encoded if isinstance(encoded, list) else [encoded]


def polled(frame: ClientFrame) -> str:
    """A body with one event."""
    return SEPARATOR.join(EnginePacket(MESSAGE, part).encode(b64=True) for part in parts(frame))


@asynccontextmanager
async def serving(
    *,
    clock: Clock | None = None,
    places: CountedPlaces | None = None,
    make: Callable[[Transport, UpgradeFacts], Ear] = Ear,
) -> AsyncIterator[House]:
    ears: list[Ear] = []
    faults: list[Exception] = []
    counted = CountedPlaces() if places is None else places

    def connect(transport: Transport, facts: UpgradeFacts) -> Ear:
        ears.append(make(transport, facts))
        return ears[-1]

    async def session_of(request: web.Request) -> bytes | None:
        await asyncio.sleep(0)
        name = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return name.encode() if len(name) == 1 else None

    later = asyncio.get_running_loop().call_later if clock is None else clock.call_later
    door = Door(connect, {None, ORIGIN}.__contains__, counted, later, faults.append)
    app = web.Application()
    server = attach(app, door, Gate(session_of, lambda request: request.remote or ""))
    port = TestServer(app)
    await port.start_server(access_log=None)
    house = House(port, server, counted, clock, ears, faults)
    try:
        async with asyncio.timeout(20):
            yield house
    finally:
        for ear in ears:
            ear.transport.abort()
        for client in house.clients:
            await client.http.close()
        await port.close()
