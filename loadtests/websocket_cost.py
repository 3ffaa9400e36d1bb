"""What the WebSocket costs: CPU per received small frame, against bare picows, and memory per idle socket.

    python loadtests/websocket_cost.py receive
    python loadtests/websocket_cost.py idle --sockets 2000 [--kept-alive]

`receive` feeds both parsers in memory, in turns, and prints the best of many rounds: quote the difference or the ratio.
`idle` starts a server process, opens sockets to it over loopback, and reads how its resident memory grew.
"""

import argparse
import asyncio
import logging
import multiprocessing
import multiprocessing.connection
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import uvloop
from aiohttp import web
from picows import WSAutoPingStrategy, WSFrame, WSListener, WSMsgType, WSTransport
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # see chatserver/transports/picows_parser.py

from chatserver.transports import upgrade
from chatserver.transports.door import Connection, Door, Timer, Transport, UpgradeFacts
from chatserver.transports.incoming import Incoming, Parser
from chatserver.transports.kept_alive import upgrade_handler
from chatserver.transports.places import CountedPlaces
from chatserver.transports.port import Port
from chatserver.transports.quiet_http import quiet_http
from chatserver.transports.websocket import WebSocket
from chatserver.wire import frames, limits

ROUNDS: Final = 40
READS_PER_ROUND: Final = 4_000
MASK: Final = b"\x00\x00\x00\x00"
HANDSHAKE: Final = (
    b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: sotto.v1\r\n\r\n"
)


@dataclass
class Nobody:
    """A connection that does nothing."""

    transport: Transport
    facts: UpgradeFacts | None = None
    max_message_bytes: int = limits.MAX_FRAME_BYTES

    def received(self, message: frames.ClientFrame) -> None:
        """Nothing."""

    def malformed(self) -> None:
        """Nothing."""

    def heard(self) -> None:
        """Nothing."""

    def pause_writing(self) -> None:
        """Nothing."""

    def resume_writing(self) -> None:
        """Nothing."""

    def lost(self) -> None:
        """Nothing."""


class Unconnected(asyncio.Transport):
    """A transport without a socket, for both parsers."""

    def get_extra_info(self, name: str, default: object = None) -> object:
        """A socket that takes options, and TLS so that picows does not write past this."""
        return {"socket": self, "ssl_object": self}.get(name, default)

    def fileno(self) -> int:
        """No file."""
        return -1

    def setsockopt(self, *_options: object) -> None:
        """Nothing."""

    def getsockopt(self, *_options: object) -> int:
        """Nothing."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing."""

    def get_write_buffer_size(self) -> int:
        """Nothing is buffered."""
        return 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Nothing."""


class Bare(WSListener):
    """The least that picows needs to hand decoded frames to somebody."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002  # picows' signature
        """Decode and hand over."""
        if frame.msg_type is WSMsgType.BINARY:
            self._connection.received(frames.decode_client(frame.get_payload_as_bytes()))


def bare_parser() -> asyncio.BufferedProtocol:
    """Picows alone."""
    bare = Bare(Nobody(cast("Transport", None)))
    ping = WSAutoPingStrategy.PING_WHEN_IDLE
    log = logging.getLogger("bare")
    log.disabled = True
    protocol: asyncio.BufferedProtocol = WSProtocol(
        None, None, False, lambda _request: bare, log, True, None, False, 20, 20, ping, True, 163_840, None, 2_048
    )
    protocol.connection_made(Unconnected())
    feed(protocol, HANDSHAKE)
    return protocol


def our_parser() -> asyncio.BufferedProtocol:
    """What the server runs."""
    loop = asyncio.get_running_loop()
    socket = WebSocket(Unconnected(), cast("Callable[[float, Callable[[], object]], Timer]", loop.call_later))
    return cast("asyncio.BufferedProtocol", Parser(Incoming(socket, Nobody(socket), lambda: None, print)))


def feed(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    """One read."""
    cast("memoryview", protocol.get_buffer(-1))[: len(data)] = data
    protocol.buffer_updated(len(data))


def us_per_frame(protocol: asyncio.BufferedProtocol, read: bytes, frames_per_read: int) -> float:
    """One round."""
    started = time.process_time()
    for _read in range(READS_PER_ROUND):
        feed(protocol, read)
    return (time.process_time() - started) / READS_PER_ROUND / frames_per_read * 1e6


async def receive() -> None:
    """Both parsers, in turns."""
    payload = frames.encode(frames.Ack((1_234, 1_235)))
    small = bytes((0x82, 0x80 | len(payload))) + MASK + payload
    for frames_per_read in (1, 10):
        bare, ours = bare_parser(), our_parser()
        read = small * frames_per_read
        rounds = [
            (us_per_frame(bare, read, frames_per_read), us_per_frame(ours, read, frames_per_read))
            for _round in range(ROUNDS)
        ]
        least_bare, least_ours = min(one for one, _other in rounds), min(other for _one, other in rounds)
        print(
            f"{frames_per_read:2} a read, {len(small)} bytes: picows with decoding {least_bare:.2f} us, "
            f"ours {least_ours:.2f} us, added {least_ours - least_bare:.2f} us a frame"
        )


def resident_bytes() -> int:
    """Of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def serve(pipe: multiprocessing.connection.Connection) -> None:
    """The server process: tells its port, then its memory each time it is asked."""
    uvloop.run(_serve(pipe))


async def _serve(pipe: multiprocessing.connection.Connection) -> None:
    loop = asyncio.get_running_loop()
    later = cast("Callable[[float, Callable[[], object]], Timer]", loop.call_later)
    door = Door(Nobody, lambda _origin: True, CountedPlaces(10**6, 10**6), later, print)
    app = web.Application()
    app.router.add_get(upgrade.PATH, upgrade_handler(door), allow_head=False)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = Port(door, quiet_http(cast("web.Server", runner.server), print))
    pipe.send(await port.open("127.0.0.1", 0))
    done = asyncio.Event()

    def answer() -> None:
        if pipe.recv():
            pipe.send(resident_bytes())
        else:
            done.set()

    loop.add_reader(pipe.fileno(), answer)
    await done.wait()


async def open_sockets(port: int, count: int, *, kept_alive: bool) -> list[asyncio.StreamWriter]:
    """`count` upgraded sockets, the second way if `kept_alive`."""
    sockets = []
    for _socket in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if kept_alive:
            writer.write(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            await reader.readuntil(b"Not Found")
            await reader.readuntil(b"404: Not Found")
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        sockets.append(writer)
    return sockets


async def idle(count: int, *, kept_alive: bool) -> None:
    """Open them twice: the first time warms the server up."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,))
    server.start()
    port = ours.recv()
    sockets = await open_sockets(port, 100, kept_alive=kept_alive)
    ours.send(True)
    before = ours.recv()
    sockets += await open_sockets(port, count, kept_alive=kept_alive)
    ours.send(True)
    after = ours.recv()
    print(f"{count} idle sockets: {(after - before) / count / 1024:.1f} KiB each")
    for socket in sockets:
        socket.transport.abort()
    ours.send(False)
    server.join()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("receive", "idle"))
    parser.add_argument("--sockets", type=int, default=2_000)
    parser.add_argument("--kept-alive", action="store_true")
    arguments = parser.parse_args()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if arguments.what == "receive":
        asyncio.run(receive())
    else:
        uvloop.run(idle(arguments.sockets, kept_alive=arguments.kept_alive))


if __name__ == "__main__":
    main()
