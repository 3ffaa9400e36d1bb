"""Raw devices at a server: they speak frames, keep what they were told, and their boxes are random bytes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp

from chatserver.wire import frames
from chatserver.wire.frames import Ack, Deliver, Receipt, Refused, ServerFrame
from loadtests.actors import Device, EndedError, Socket
from tests.journeys.stage_until import PATIENCE_S, stage_until

F = TypeVar("F", bound=ServerFrame)
Code = Callable[[str], Awaitable[str]]
"""An invitation for somebody of that name."""


@dataclass
class Raw:
    """A connected device and everything that its socket brought. `acks`: whether it acknowledges at once."""

    device: Device
    acks: bool = True
    heard: list[ServerFrame] = field(default_factory=list)
    ended: int | None = None
    socket: Socket | None = None
    _reading: asyncio.Task[None] | None = None

    async def connect(self, line: str = "") -> "Raw":
        """Say hello, over another line to the server if one is named, and read on in the background."""
        self.ended = None
        self.socket = await self._dial(line) if line else await self.device.connect()
        self._reading = asyncio.ensure_future(self._read(self.socket))
        return self

    async def _dial(self, line: str) -> Socket:
        ws = await self.device.http.ws_connect(line + "/v1/ws", protocols=("sotto.v1",), compress=0, max_msg_size=0)
        socket = Socket(ws)
        await socket.send(await self.device.hello())
        socket.welcome = await socket.until(frames.Welcome)
        return socket

    async def live(self) -> "Raw":
        """Connected, with nothing left to fetch."""
        await self.connect()
        await self.until(lambda: bool(self.of(frames.Current)), "current")
        return self

    async def _read(self, socket: Socket) -> None:
        try:
            while True:
                frame = await socket.receive(PATIENCE_S * 10)
                self.heard.append(frame)
                if self.acks and isinstance(frame, Deliver):
                    await socket.send(Ack((frame.number,)))
        except EndedError as ended:
            self.ended = ended.code or 1006
        except ConnectionError:
            self.ended = 1006

    async def put(self, frame: frames.ClientFrame) -> None:
        """Send a frame."""
        assert self.socket is not None
        await self.socket.send(frame)

    async def say(self, scope: bytes, to: list[Device], size: int = 544) -> frames.Send:
        """A new message."""
        message = self.device.message(scope, to, size)
        await self.put(message)
        return message

    async def leave(self) -> None:
        """Close the socket and forget what it brought."""
        if self.socket is not None:
            await self.socket.close()
        if self._reading is not None:
            await self._reading
        self.socket, self._reading = None, None
        self.heard.clear()

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        await stage_until(holds, f"{self.device.name}: {what}")

    # What it was told

    def of(self, kind: type[F]) -> list[F]:
        return [frame for frame in self.heard if isinstance(frame, kind)]

    def marks(self, n: int) -> list[str]:
        return [frame.mark for frame in self.of(Receipt) if frame.n == n]

    def refusals(self, n: int) -> list[Refused]:
        return [frame for frame in self.of(Refused) if frame.n == n]

    def got(self) -> list[tuple[bytes, int]]:
        return [(frame.sender, frame.n) for frame in self.of(Deliver)]


async def joined(url: str, http: aiohttp.ClientSession, names: list[str], code: Code) -> list[Device]:
    """New people with one device each."""
    devices = [Device(url, http, name) for name in names]
    for device in devices:
        await device.join(await code(device.name))
    return devices
