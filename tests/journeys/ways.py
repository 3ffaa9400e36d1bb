"""Ways in, one protocol: a raw device over the native WebSocket, and over Socket.IO by WebSocket, polling, or both."""

import asyncio
from contextlib import suppress
from enum import Enum
from typing import Any, cast

import aiohttp
import msgspec
import socketio  # type: ignore[import-untyped]  # as shipped

from chatserver.wire import frames
from chatserver.wire.errors import CATALOGUE
from crypto.keys import Transport
from loadtests.actors import Device, EndedError, Socket

BYTES = (bytes,)
_GOODBYE_S = 1.0


class Way(Enum):
    """How a device comes in."""

    NATIVE = "native"
    WEBSOCKET = "socketio-websocket"
    POLLING = "socketio-polling"
    UPGRADED = "socketio-upgraded"

    @property
    def byte(self) -> Transport:
        return Transport.WEBSOCKET if self is Way.NATIVE else Transport.SOCKETIO

    @property
    def carriers(self) -> list[str]:
        """As socket.io clients name them."""
        return ["polling", "websocket"] if self is Way.UPGRADED else [self.value.removeprefix("socketio-")]


class SocketIoSocket(Socket):
    """The stock Python client under the same frames. An ending that was told by no `bye` has no code."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        # The client's own headers go with its first request alone: a session's go with every one.
        self.client = socketio.AsyncClient(reconnection=False, http_session=http, handle_sigint=False)
        self.http = http
        self.inbox: asyncio.Queue[frames.ServerFrame | None] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.client.on("*", self._event)
        self.client.on("disconnect", self._disconnected)
        self._ended: int | None = None

    def _event(self, name: str, *arguments: object) -> None:
        said = msgspec.convert([name, *arguments], frames.ServerFrame, builtin_types=BYTES)
        if isinstance(said, frames.Ended):
            self._ended = CATALOGUE[said.code].closes
        self.inbox.put_nowait(said)

    def _disconnected(self, _reason: str) -> None:
        self.inbox.put_nowait(None)
        self.gone.set()

    async def open(self, url: str, carriers: list[str]) -> None:
        await self.client.connect(url, transports=carriers, wait_timeout=10)

    async def emit(self, name: str, *arguments: object) -> None:
        await self.client.emit(name, arguments)

    async def send(self, frame: frames.ClientFrame) -> None:
        name, *arguments = listed(msgspec.to_builtins(frame, builtin_types=BYTES))
        await self.emit(name, *arguments)

    async def receive(self, timeout_s: float = 10.0) -> frames.ServerFrame:
        said = await asyncio.wait_for(self.inbox.get(), timeout_s)
        if said is None:
            raise EndedError(self._ended)
        return said

    async def close(self) -> None:
        with suppress(TimeoutError):  # one that is in the middle of a request forgets to say goodbye, and waits for it
            await asyncio.wait_for(self.client.disconnect(), _GOODBYE_S)
        loops = [loop for loop in (self.client.eio.read_loop_task, self.client.eio.write_loop_task) if loop]
        for loop in loops:  # one that was ended by the server goes on for 25 s
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await self.http.close()


def listed(value: Any) -> Any:
    """The client's packets know lists, no tuples."""
    return [listed(part) for part in value] if isinstance(value, list | tuple) else value


def bearer(device: Device) -> aiohttp.ClientSession:
    """Requests that show the device's session, each of them."""
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {device.token}"})


async def opened(device: Device, way: Way) -> Socket:
    """A socket on which nothing was said."""
    if way is Way.NATIVE:
        ws = await device.http.ws_connect(
            device.url + "/v1/ws", protocols=("sotto.v1",), compress=0, max_msg_size=0, autoclose=False
        )
        return Socket(ws)
    socket = SocketIoSocket(bearer(device))
    await socket.open(device.url, way.carriers)
    return socket


async def connected(device: Device, way: Way) -> Socket:
    """Welcomed."""
    return await device.welcomed(await opened(device, way), way.byte)


async def live(device: Device, way: Way) -> Socket:
    """Connected, with nothing left to read."""
    socket = await connected(device, way)
    await socket.until(frames.Current)
    return socket


async def ended(socket: Socket) -> str:
    """Why the socket ended, once it did: by its `bye`, or the code that closed it. Everything before is let go."""
    code: int | None = None
    try:
        while True:
            frame = await socket.receive()
            if isinstance(frame, frames.Ended):
                code = CATALOGUE[frame.code].closes
    except EndedError as end:
        code = end.code or code
    return next(name for name, refusal in CATALOGUE.items() if refusal.closes == cast("int", code))
