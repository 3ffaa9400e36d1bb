"""A door between people and the server that sees every frame and may keep, change or forge it: a hostile network."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web

from chatserver.wire import frames
from chatserver.wire.frames import Ack, ClientFrame, Deliver, ServerFrame
from loadtests.chaos.server import free_port

_HOP: Final = frozenset({"transfer-encoding", "connection", "content-length", "content-encoding"})

Change = Callable[[ServerFrame], Iterable[ServerFrame]]


def honest(frame: ServerFrame) -> Iterable[ServerFrame]:
    """Pass everything on."""
    return (frame,)


@dataclass
class Proxy:
    """Owned by the test. `change` decides what becomes of each frame of the server."""

    port: int = field(default_factory=free_port)
    change: Change = honest
    up: list[ClientFrame] = field(default_factory=list)  # everything that clients said, in order
    down: list[ServerFrame] = field(default_factory=list)  # everything that the server said, in order
    sockets: list[web.WebSocketResponse] = field(default_factory=list)  # those of clients, oldest first
    _in_flight: set[int] = field(default_factory=set)  # deliveries that the server waits for, of the newest socket

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def forge(self, payload: bytes) -> None:
        """Send a message to the client that came last, as if the server had."""
        await self.sockets[-1].send_bytes(payload)

    async def cut(self) -> None:
        """End the connection of whoever came last, as a network does."""
        await self.sockets[-1].close()

    async def serve(self, server: str, http: aiohttp.ClientSession) -> web.AppRunner:
        """Open the door to `server`, a URL."""

        async def socket(request: web.Request) -> web.WebSocketResponse:
            return await self._socket(request, server, http)

        async def pass_on(request: web.Request) -> web.Response:
            return await _pass_on(request, server, http)

        site = web.Application()
        site.router.add_get("/v1/ws", socket)
        site.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(site, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        return runner

    async def _socket(self, request: web.Request, server: str, http: aiohttp.ClientSession) -> web.WebSocketResponse:
        here = web.WebSocketResponse(protocols=("sotto.v1",), compress=False, max_msg_size=0)
        await here.prepare(request)
        async with http.ws_connect(server + "/v1/ws", protocols=("sotto.v1",), compress=0, max_msg_size=0) as there:
            self.sockets.append(here)
            self._in_flight.clear()
            upwards = asyncio.ensure_future(self._up(here, there))
            await self._down(here, there)
            await here.close(code=there.close_code or aiohttp.WSCloseCode.GOING_AWAY)
            upwards.cancel()
            await asyncio.wait([upwards])
        return here

    async def _up(self, here: web.WebSocketResponse, there: aiohttp.ClientWebSocketResponse) -> None:
        async for message in here:
            frame = frames.decode_client(message.data)
            self.up.append(frame)
            if isinstance(frame, Ack):
                frame = Ack(self._owed(frame.opened), self._owed(frame.unreadable))
            await there.send_bytes(frames.encode(frame))
        await there.close()

    def _owed(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Acknowledgements of what the server never sent are kept from it."""
        owed = []
        for number in numbers:
            if number in self._in_flight:
                self._in_flight.remove(number)
                owed.append(number)
        return tuple(owed)

    async def _down(self, here: web.WebSocketResponse, there: aiohttp.ClientWebSocketResponse) -> None:
        async for message in there:
            frame = frames.decode_server(message.data)
            self.down.append(frame)
            if isinstance(frame, Deliver):
                self._in_flight.add(frame.number)
            for changed in self.change(frame):
                if not here.closed:
                    await here.send_bytes(frames.encode(changed))


async def _pass_on(request: web.Request, server: str, http: aiohttp.ClientSession) -> web.Response:
    headers = {name: value for name, value in request.headers.items() if name.lower() not in {"host", "content-length"}}
    body = await request.read()
    async with http.request(request.method, server + request.path_qs, data=body or None, headers=headers) as answer:
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        return web.Response(status=answer.status, body=await answer.read(), headers=kept)


@asynccontextmanager
async def proxy(server: str, made: Proxy) -> AsyncIterator[Proxy]:
    """The door, open while the block runs."""
    async with aiohttp.ClientSession() as http:
        runner = await made.serve(server, http)
        try:
            yield made
        finally:
            await runner.cleanup()
