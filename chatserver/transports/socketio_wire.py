"""The WebSocket under Engine.IO: aiohttp reads it, and what one turn of the loop gathered goes out in one write."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from chatserver.transports.socketio_packets import Item
from chatserver.transports.websocket import CLOSE_WAIT_S, HIGH_WATER_BYTES, LOW_WATER_BYTES
from chatserver.wire import limits

MAX_PACKET_BYTES: Final = limits.MAX_FRAME_BYTES + 16
"""aiohttp refuses more with 1009; the session above counts a message with its attachments."""

_SHORT_BYTES: Final = 125
_MEDIUM_BYTES: Final = 0xFFFF


def framed(opcode: int, payload: bytes) -> bytes:
    """A whole frame, unmasked and uncompressed (RFC 6455 section 5.2)."""
    size = len(payload)
    if size <= _SHORT_BYTES:
        return b"%c%c%b" % (opcode, size, payload)
    if size <= _MEDIUM_BYTES:
        return b"".join((b"%c\x7e" % opcode, size.to_bytes(2, "big"), payload))
    return b"".join((b"%c\x7f" % opcode, size.to_bytes(8, "big"), payload))


class Wire:
    """The way out of a WebSocket. Its fields are written here only, in the loop's thread."""

    __slots__ = ("_closing", "_draining", "_raw", "_request", "_response", "_weighed", "_writer", "paused")

    def __init__(
        self,
        request: web.Request,
        response: web.WebSocketResponse,
        writer: AbstractStreamWriter,
        raw: asyncio.Transport,
        weighed: Callable[[], None],
    ) -> None:
        self._request = request
        self._response = response
        self._writer = writer
        self._raw = raw
        self._weighed = weighed
        self._draining: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[bool] | None = None
        self.paused = False  # the kernel takes less than is written
        raw.set_write_buffer_limits(high=HIGH_WATER_BYTES, low=LOW_WATER_BYTES)

    def write(self, items: list[Item]) -> None:
        """Whole packets, in order, in one write."""
        if items and self._closing is None and not self._raw.is_closing():
            self._raw.write(b"".join([framed(opcode, payload) for opcode, payload in items]))
            if self._request.protocol.writing_paused and not self.paused:
                self.paused = True
                self._draining = asyncio.ensure_future(self._drain())

    def waiting_bytes(self) -> int:
        """What asyncio's transport holds."""
        return self._raw.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Say Close (RFC 6455 section 5.5.1) after what was written, and wait for the peer's."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._response.close(code=code, message=reason.encode()))

    def abort(self) -> None:
        """End now."""
        self._raw.abort()

    async def ended(self) -> None:
        """Nobody reads any more: wait for the rest of our own tasks, which are not left behind."""
        if self._draining is not None:
            self._draining.cancel()
        await asyncio.gather(*filter(None, (self._draining, self._closing)), return_exceptions=True)

    async def _drain(self) -> None:
        await self._writer.drain()
        self.paused = False
        self._weighed()


class Driver:
    """What python-engineio makes of a request that upgrades: in place of its own, which compresses."""

    def __init__(self, handler: Callable[["Driver"], Awaitable[None]], _server: object) -> None:
        self._handler = handler
        self._request: web.Request
        self._writer: AbstractStreamWriter
        self._raw: asyncio.Transport
        self.response: web.WebSocketResponse = web.WebSocketResponse(
            compress=False, max_msg_size=MAX_PACKET_BYTES, timeout=CLOSE_WAIT_S
        )

    async def __call__(self, environ: dict[str, Any]) -> web.StreamResponse:
        """Upgrade, and live until one side ends."""
        self._request = environ["aiohttp.request"]
        raw = self._request.transport
        if raw is None:
            return web.Response(status=400)  # nobody is left to read it
        self._raw = raw
        self._writer = await self.response.prepare(self._request)
        await self._handler(self)
        return self.response

    def wire(self, weighed: Callable[[], None]) -> Wire:
        """The way out. `weighed` is told when the kernel takes bytes again."""
        return Wire(self._request, self.response, self._writer, self._raw, weighed)
