"""A bare relay on python-socketio and aiohttp: four events, and nothing that a chat server is for."""

import time
from typing import Any, Final

import socketio  # type: ignore[import-untyped]  # as shipped
import uvloop
from aiohttp import web

from loadtests.peers.listening import listen

_KEY_ID: Final = 1
_STAMP: Final = bytes([7]) * 32


class Peer:
    """One socket."""

    def __init__(self, sid: str) -> None:
        self.sid = sid
        self.id = b""
        self.deliveries = 0
        self.waiting: dict[int, tuple[Peer, int]] = {}

    def expect(self, sender: "Peer", n: int) -> int:
        """Number a delivery."""
        self.deliveries += 1
        self.waiting[self.deliveries] = (sender, n)
        return self.deliveries


io: Final = socketio.AsyncServer(async_mode="aiohttp", transports=["websocket"], cors_allowed_origins=[])
by_sid: Final[dict[str, Peer]] = {}
by_id: Final[dict[bytes, Peer]] = {}


async def connect(sid: str, _environ: object, _auth: object = None) -> None:
    """Somebody comes."""
    by_sid[sid] = Peer(sid)


async def disconnect(sid: str, _reason: object = None) -> None:
    """Somebody goes."""
    by_id.pop(by_sid.pop(sid).id, None)


async def hello(sid: str, device: bytes) -> None:
    """Who it is."""
    peer = by_sid[sid]
    peer.id = device
    by_id[device] = peer
    await io.emit("welcome", to=sid)


async def send(sid: str, scope: bytes, n: int, c: bytes, boxes: list[list[Any]]) -> None:
    """A message for these devices."""
    sender, at = by_sid[sid], time.time_ns() // 1_000_000
    for device, key_no, box in boxes:
        to = by_id.get(device)
        if to is not None:
            number = to.expect(sender, n)
            said = (number, scope, sender.id, n, c, at, _KEY_ID, _STAMP, key_no, box)
            await io.emit("deliver", said, to=to.sid)


async def ack(sid: str, numbers: list[int], _unreadable: list[int]) -> None:
    """Deliveries that were opened."""
    for number in numbers:
        sender, n = by_sid[sid].waiting.pop(number)
        await io.emit("receipt", (n, "delivered", time.time_ns() // 1_000_000, [], []), to=sender.sid)


if __name__ == "__main__":
    for handler in (connect, disconnect, hello, send, ack):
        io.on(handler.__name__, handler)
    app = web.Application()
    io.attach(app)
    uvloop.run(listen(app))
