"""A slow line: bytes towards the person pass at a steady rate, bytes away from them at once. Its buffers are small."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

_PIECE_BYTES: Final = 2_048
_BUFFER_BYTES: Final = 16_384


@asynccontextmanager
async def modem(server_port: int, bytes_per_s: float) -> AsyncIterator[str]:
    """The URL of a line to a server on this machine."""
    lines: set[asyncio.Task[None]] = set()

    async def call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            lines.add(task)
            task.add_done_callback(lines.discard)
        try:
            with suppress(ConnectionError):
                await _line(reader, writer, server_port, bytes_per_s)
        finally:
            writer.transport.abort()

    listening = await asyncio.start_server(call, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        listening.close()
        for line in list(lines):
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        await listening.wait_closed()
        await asyncio.sleep(0)  # what was aborted is let go in the next turn


async def _line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, bytes_per_s: float) -> None:
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
    down, up = await asyncio.open_connection(sock=raw, limit=_BUFFER_BYTES)
    try:
        await asyncio.gather(_pass(reader, up, float("inf")), _pass(down, writer, bytes_per_s))
    finally:
        up.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bytes_per_s: float) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
        due = max(due, loop.time()) + len(piece) / bytes_per_s
        await asyncio.sleep(due - loop.time())  # the line's own pace, not a test's waiting
    if writer.can_write_eof():
        writer.write_eof()
