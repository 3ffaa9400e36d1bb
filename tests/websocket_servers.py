"""A real port with both ways in, on either loop, in plain or under TLS, and a client that sends what bytes it likes."""

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from aiohttp import web

from chatserver.transports import upgrade
from chatserver.transports.door import Transport, UpgradeFacts
from chatserver.transports.kept_alive import upgrade_handler
from chatserver.transports.port import Port
from chatserver.transports.quiet_http import quiet_http
from tests.websocket_peers import Ear, door, request

CERTIFICATE = Path(__file__).parent / "fixtures" / "localhost.pem"
LIMIT_S = 10.0  # nothing here waits: a test that takes this long has failed


@dataclass(frozen=True)
class Way:
    """How a socket comes in."""

    loop: str
    tls: bool
    kept_alive: bool

    def __str__(self) -> str:
        return f"{self.loop}-{'tls' if self.tls else 'plain'}-{'second' if self.kept_alive else 'first'}"

    def run(self, test: Callable[["Server"], Awaitable[None]]) -> None:
        """`test` against a fresh server."""

        async def scene() -> None:
            async with asyncio.timeout(LIMIT_S), serving(self) as server:
                await test(server)

        factory = uvloop.new_event_loop if self.loop == "uvloop" else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(scene())


WAYS = [Way(*choice) for choice in itertools.product(("asyncio", "uvloop"), (False, True), (False, True))]
FIRST_WAYS = [way for way in WAYS if not way.kept_alive]
SECOND_WAYS = [way for way in WAYS if way.kept_alive]


@dataclass
class Server:
    way: Way
    port: Port
    number: int
    faults: list[Exception]
    http: web.Server
    ears: list[Ear] = field(default_factory=list)
    clients: list["Client"] = field(default_factory=list)
    make: Callable[[Transport, UpgradeFacts], Ear] = Ear

    def connect(self, transport: Transport, facts: UpgradeFacts) -> Ear:
        self.ears.append(self.make(transport, facts))
        return self.ears[-1]

    async def client(self) -> "Client":
        """A connection on which nothing was said, or one request if the way in is the second."""
        context = ssl.create_default_context(cafile=str(CERTIFICATE)) if self.way.tls else None
        client = Client(*await asyncio.open_connection("127.0.0.1", self.number, ssl=context))
        self.clients.append(client)
        if self.way.kept_alive:
            client.send(b"GET / HTTP/1.1\r\nHost: clinic.example\r\n\r\n")
            head = await client.head()
            await client.reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        return client

    async def upgraded(self) -> tuple["Client", Ear]:
        client = await self.client()
        client.send(request())
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 101 "), head
        return client, self.ears[-1]


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def rest(self) -> bytes:
        """All that comes until the server closes."""
        chunks = []
        try:
            while chunk := await self.reader.read(65_536):
                chunks.append(chunk)
        except ConnectionError:
            pass
        return b"".join(chunks)

    def leave(self) -> None:
        self.writer.transport.abort()


def tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@asynccontextmanager
async def serving(way: Way) -> AsyncIterator[Server]:
    server: Server

    def connect(transport: Transport, facts: UpgradeFacts) -> Ear:
        return server.connect(transport, facts)

    faults: list[Exception] = []
    inside = door(connect, faults)

    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def fault(request: web.Request) -> web.Response:
        return web.Response(text=str(1 // len(request.match_info)))

    app = web.Application()
    app.router.add_get("/fault", fault)
    app.router.add_get("/", hello)
    app.router.add_get(upgrade.PATH, upgrade_handler(inside), allow_head=False)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    port = Port(inside, quiet_http(runner.server, faults.append))
    number = await port.open("127.0.0.1", 0, tls_context() if way.tls else None)
    server = Server(way, port, number, faults, runner.server)
    try:
        yield server
    finally:
        port.close()
        for client in server.clients:
            client.leave()
        for ear in server.ears:
            ear.transport.abort()
            await ear.ended.wait()
        await runner.cleanup()
