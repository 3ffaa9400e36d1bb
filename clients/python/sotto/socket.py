"""One WebSocket to the server: hello, welcome, then frames both ways (PROTOCOL, native transport).

Frames wait in a bounded queue until the frame loop takes them; when it is full the socket is not read, and the server's
own windows hold the rest back. Pings are answered here, so that silence is seen: after two and a half heartbeats
without a byte the socket counts as dead.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aiohttp

from chatserver.wire import limits
from chatserver.wire.errors import CATALOGUE
from chatserver.wire.frames import (
    ClientFrame,
    Ended,
    Hello,
    Malformed,
    ServerFrame,
    Welcome,
    decode_server,
    encode,
)
from crypto.keys import Hello as HelloStatement
from crypto.keys import Transport, ticket_hash
from sotto.api import Api
from sotto.core import Core
from sotto.errors import BadAnswer, Unreachable

SUBPROTOCOL: Final = "sotto.v1"
PATH: Final = "/v1/ws"
WELCOME_TIMEOUT_S: Final = 10.0
SILENT_HEARTBEATS: Final = 2.5
MAX_WAITING_FRAMES: Final = 1_024
MAX_BATCH: Final = 256
_CODES: Final = {refusal.closes: refusal.code for refusal in CATALOGUE.values() if refusal.closes}
_STOPS: Final = range(4400, 4500)
"""Close codes that mean: do not come back with what you have."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a socket ended: a code of the catalogue, or empty for the network's own reasons."""

    code: str = ""

    @property
    def stops(self) -> bool:
        """Whether coming back as before would be wrong."""
        refusal = CATALOGUE.get(self.code)
        return refusal is not None and refusal.closes in _STOPS


class Socket:
    """Made by `dial`. `read` is one task; `send` may be called by others."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws
        self._frames: asyncio.Queue[ServerFrame | Ending] = asyncio.Queue(MAX_WAITING_FRAMES)
        self._silence_s = limits.HEARTBEAT_S * SILENT_HEARTBEATS
        self._told = ""

    async def greet(self, hello: Hello) -> Welcome | Ending:
        """Say hello and hear the welcome."""
        await self.send(hello)
        first = await self._next(WELCOME_TIMEOUT_S)
        if isinstance(first, Welcome):
            self._silence_s = first.limits.heartbeat_ms / 1000 * SILENT_HEARTBEATS
        elif isinstance(first, Ended):
            return self._ending(first.code)
        elif not isinstance(first, Ending):
            raise BadAnswer("The server did not begin with a welcome.")
        return first

    async def send(self, frame: ClientFrame) -> None:
        """Put a frame on the wire. That the socket is gone is the reader's to tell."""
        with suppress(aiohttp.ClientError, OSError):
            await self._ws.send_bytes(encode(frame))

    async def read(self) -> None:
        """Bring frames in until the socket ends; its ending is the last thing brought."""
        while True:
            found = await self._next(self._silence_s)
            if isinstance(found, Ended):
                self._told = found.code
                continue
            await self._frames.put(found)
            if isinstance(found, Ending):
                return

    async def batch(self) -> Sequence[ServerFrame | Ending]:
        """Everything that came since the last call, at least one."""
        found = [await self._frames.get()]
        while len(found) < MAX_BATCH and not self._frames.empty():
            found.append(self._frames.get_nowait())
        return found

    async def close(self) -> None:
        """End the socket from this side."""
        await self._ws.close()

    async def _next(self, timeout_s: float) -> ServerFrame | Ending:
        while True:
            try:
                message = await self._ws.receive(timeout_s)
            except (TimeoutError, aiohttp.ClientError, OSError):
                await self._ws.close()
                return self._ending("")
            if message.type is aiohttp.WSMsgType.PING:
                await self._ws.pong(message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                return _decoded(message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                return self._ending(_CODES.get(self._ws.close_code or 0, ""))

    def _ending(self, code: str) -> Ending:
        """The code that the server said, else the one that its close code stands for."""
        return Ending(self._told or code)


def _decoded(payload: bytes) -> ServerFrame:
    try:
        return decode_server(payload)
    except Malformed:
        raise BadAnswer("The server sent a frame that could not be read.") from None


async def dial(api: Api) -> Socket:
    """Open the socket. Raises Unreachable."""
    address = "ws" + api.url.removeprefix("http") + PATH
    try:
        ws = await api.session.ws_connect(
            address,
            protocols=(SUBPROTOCOL,),
            autoping=False,
            compress=0,
            max_msg_size=limits.MAX_FRAME_BYTES,
            headers={"Origin": api.url},
        )
    except (aiohttp.ClientError, OSError, TimeoutError):
        raise Unreachable("The server cannot be reached.") from None
    return Socket(ws)


def signed_hello(core: Core, origin: str, ticket: bytes, epoch: bytes) -> Hello:
    """A hello over this ticket, signed by the device (CRYPTO section 4)."""
    own, newest = core.own_list, core.keys.newest
    statement = HelloStatement(
        tenant=core.profile.tenant,
        origin=origin,
        ticket_hash=ticket_hash(ticket),
        account=core.profile.account,
        device_id=core.pins.device,
        transport=Transport.WEBSOCKET,
        list_version=own.version,
        list_hash=own.list_hash,
        key_no=newest.key_no if newest else 0,
        epoch=epoch,
    )
    return Hello(
        ticket=ticket,
        account=statement.account,
        device=statement.device_id,
        origin=origin,
        transport=statement.transport,
        list_version=statement.list_version,
        list_hash=statement.list_hash,
        key_no=statement.key_no,
        epoch=epoch,
        signature=core.device.sign(statement),
    )
