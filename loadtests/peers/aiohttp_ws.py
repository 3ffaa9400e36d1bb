"""A bare relay on aiohttp's WebSocket: four frames in msgpack, and nothing that a chat server is for."""

import time
from typing import Any, Final

import msgspec
import uvloop
from aiohttp import WSMsgType, web

from loadtests.peers.listening import listen

_KEY_ID: Final = 1
_STAMP: Final = bytes([7]) * 32
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder().decode


class Peer:
    """One socket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.id = b""
        self._socket = socket
        self._deliveries = 0
        self._waiting: dict[int, tuple[Peer, int]] = {}

    async def received(self, frame: list[Any]) -> None:
        """Act on a frame."""
        kind = frame[0]
        if kind == "send":
            await self._send(*frame[1:])
        elif kind == "ack":
            await self._ack(frame[1])
        elif kind == "hello":
            self.id = frame[1]
            peers[self.id] = self
            await self.put(["welcome"])

    async def _send(self, scope: bytes, n: int, c: bytes, boxes: list[list[Any]]) -> None:
        at = time.time_ns() // 1_000_000
        for device, key_no, box in boxes:
            to = peers.get(device)
            if to is not None:
                number = to.expect(self, n)
                await to.put(["deliver", number, scope, self.id, n, c, at, _KEY_ID, _STAMP, key_no, box])

    def expect(self, sender: "Peer", n: int) -> int:
        """Number a delivery."""
        self._deliveries += 1
        self._waiting[self._deliveries] = (sender, n)
        return self._deliveries

    async def _ack(self, numbers: list[int]) -> None:
        for number in numbers:
            sender, n = self._waiting.pop(number)
            await sender.put(["receipt", n, "delivered", time.time_ns() // 1_000_000, [], []])

    async def put(self, frame: list[Any]) -> None:
        """Write a frame."""
        await self._socket.send_bytes(_encode(frame))


peers: Final[dict[bytes, Peer]] = {}


async def relay(request: web.Request) -> web.WebSocketResponse:
    """One socket's life."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    peer = Peer(socket)
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await peer.received(_decode(message.data))
    peers.pop(peer.id, None)
    return socket


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/", relay)
    uvloop.run(listen(app))
