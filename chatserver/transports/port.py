"""One port for everything: the first bytes of a connection choose who serves it.

`GET /v1/ws ` leads to the native WebSocket, anything else to aiohttp. Eleven bytes, or the first that differs, decide;
afterwards this module is out of the way. Works on uvloop and asyncio, in plain and under TLS, through `set_protocol`.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, cast

from chatserver.transports import upgrade
from chatserver.transports.door import Door, Timer
from chatserver.transports.entrance import address_of, enter
from chatserver.transports.websocket import CLOSE_WAIT_S, half_close

FIRST_BYTES_S: Final = 5.0
"""How long a connection may take to say what it wants; an upgrade's whole head has to come in this time."""
MAX_UNDECIDED: Final = 4_096
"""Connections that have not said. One more and the oldest is dropped."""
TLS_HANDSHAKE_S: Final = 5.0
BACKLOG: Final = 2_048

_PREFIX: Final = f"GET {upgrade.PATH} ".encode()
_END_OF_HEAD: Final = b"\r\n\r\n"


class FirstBytes(asyncio.Protocol):
    """A connection that has not said yet what it is."""

    def __init__(self, port: "Port") -> None:
        self._port = port
        self._raw: asyncio.Transport
        self._deadline: Timer
        self._seen = bytearray()  # at most a head and one read
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepted. It has 5 s."""
        self._raw = cast("asyncio.Transport", transport)
        self._deadline = self._port.door.call_later(FIRST_BYTES_S, self._raw.abort)
        self._port.wait(self)

    def data_received(self, data: bytes) -> None:
        """Look at all that came so far."""
        if self._refused:
            return
        self._seen += data
        if self._seen.startswith(_PREFIX):
            self._read_head()
        elif not _PREFIX.startswith(self._seen):
            self._leave_to_http()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """It never said, or was refused."""
        self._decided()

    def drop(self) -> None:
        """End it: it took too long, or the port closes."""
        self._raw.abort()

    def _decided(self) -> None:
        self._deadline.cancel()
        self._port.decided(self)

    def _leave_to_http(self) -> None:
        self._decided()
        protocol = self._port.http()
        self._raw.set_protocol(protocol)
        protocol.connection_made(self._raw)
        protocol.data_received(bytes(self._seen))

    def _read_head(self) -> None:
        end = self._seen.find(_END_OF_HEAD)
        if max(end, len(self._seen) if end < 0 else 0) > upgrade.MAX_HEAD_BYTES:
            self._refuse(upgrade.HEAD_TOO_LARGE)
        elif end >= 0:
            self._upgrade(bytes(self._seen[:end]), early=len(self._seen) > end + len(_END_OF_HEAD))

    def _upgrade(self, head: bytes, *, early: bool) -> None:
        headers = upgrade.BAD_REQUEST if early else upgrade.parse(head)  # early bytes: RFC 6455 section 4.1
        if isinstance(headers, upgrade.Refused):
            answer: upgrade.Accepted | upgrade.Refused = headers
        else:
            answer = upgrade.admit(headers, self._port.door, address_of(self._raw))
        if isinstance(answer, upgrade.Refused):
            self._refuse(answer)
            return
        self._decided()
        enter(self._raw, self._port.door, answer)

    def _refuse(self, answer: upgrade.Refused) -> None:
        """Answer, then throw away what comes for a moment: a reset would overtake the answer."""
        self._refused = True
        self._seen.clear()
        self._raw.write(answer.to_bytes())
        self._deadline.cancel()
        self._deadline = self._port.door.call_later(CLOSE_WAIT_S, self._raw.abort)
        half_close(self._raw)


class Port:
    """A listening socket and the connections on it that have not decided. `http` makes aiohttp's protocol."""

    def __init__(self, door: Door, http: Callable[[], asyncio.Protocol]) -> None:
        self.door = door
        self.http = http
        self.dropped_undecided = 0
        self._undecided: dict[FirstBytes, None] = {}  # oldest first
        self._server: asyncio.Server | None = None

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen, and say on which port (for `port` 0). OSError if it is taken."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: FirstBytes(self),
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=TLS_HANDSHAKE_S if tls else None,
            ssl_shutdown_timeout=CLOSE_WAIT_S if tls else None,
            backlog=BACKLOG,
        )
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Accept nobody more. Who is inside stays: draining them is for the relay and for aiohttp."""
        if self._server is not None:
            self._server.close()
        for waiting in list(self._undecided):
            waiting.drop()

    def wait(self, arrived: FirstBytes) -> None:
        """A connection is there and has said nothing."""
        self._undecided[arrived] = None
        if len(self._undecided) > MAX_UNDECIDED:
            oldest = next(iter(self._undecided))
            del self._undecided[oldest]
            self.dropped_undecided += 1
            oldest.drop()

    def decided(self, connection: FirstBytes) -> None:
        """It said, or it is gone."""
        self._undecided.pop(connection, None)
