"""One client socket of the generator: bytes in, messages out to its owner, one write for each read."""

import asyncio
from collections.abc import Callable
from typing import Final, cast

from loadtests.bench import client_frames as ws

_ADDRESSES: Final = 100
_HEAD_END: Final = b"\r\n\r\n"
_PER_ADDRESS: Final = 400
_OPEN_S: Final = 20.0

Take = Callable[["Line", int, bytes], None]
"""Called with opcode and payload of each message."""


class LineEndedError(Exception):
    """The server ended a socket; carries the head of its answer or its close code, both the server's own."""


class Line(asyncio.Protocol):
    """A WebSocket of the generator's. Owned by the flow or the idle crowd that opened it."""

    def __init__(self, take: Take) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.take = take
        self._raw: asyncio.Transport
        self._rest = b""
        self._out: list[bytes] = []
        self._reading = False
        self.ended: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._raw = cast("asyncio.Transport", transport)  # a stream's always is

    def data_received(self, data: bytes) -> None:
        """Act on every whole message, then write once."""
        data = self._rest + data if self._rest else data
        if not self.opened.done():
            head, found, data = data.partition(_HEAD_END)
            if not found:
                self._rest = head
                return
            self._answered(head)
        self._reading = True
        self._rest = ws.split(data, self._frame)
        self._reading = False
        if self._out:
            self._raw.write(b"".join(self._out))
            self._out.clear()

    def _answered(self, head: bytes) -> None:
        if head.startswith(b"HTTP/1.1 101 "):
            self.opened.set_result(None)
        else:
            self.opened.set_exception(LineEndedError(head.split(b"\r\n", 1)[0].decode("ascii", "replace")))

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == ws.BINARY or opcode == ws.TEXT:  # noqa: PLR1714  a tuple costs more, and this is every message
            self.take(self, opcode, payload)
        elif opcode == ws.PING:
            self.write(ws.pong(payload))
        elif opcode == ws.CLOSE:
            self.ended = f"close {int.from_bytes(payload[:2])}"

    def write(self, data: bytes) -> None:
        """At the end of this read, or now if nothing is being read."""
        if self._reading:
            self._out.append(data)
        else:
            self._raw.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self.ended = self.ended or type(exc).__name__
        if not self.opened.done():
            self.opened.set_exception(LineEndedError(self.ended))

    def alive(self) -> None:
        """Raise if the server ended it: what is measured would not be there."""
        if self.ended is not None:
            raise LineEndedError(self.ended)

    def abort(self) -> None:
        """Let it go."""
        self._raw.abort()


async def dial(port: int, request: bytes, take: Take, number: int) -> Line:
    """Open the socket with this number. They come from several loopback addresses: one may hold 512 at most."""
    source = f"127.0.0.{2 + number // _PER_ADDRESS % _ADDRESSES}"
    loop = asyncio.get_running_loop()
    raw, line = await loop.create_connection(lambda: Line(take), "127.0.0.1", port, local_addr=(source, 0))
    raw.write(request)
    await asyncio.wait_for(line.opened, _OPEN_S)
    return line
