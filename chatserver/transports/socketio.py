"""Socket.IO as the relay's `Transport`: the same frames as on the native path, for any Socket.IO client (PROTOCOL 13).

python-socketio's server stands at the head with every option said aloud. Its event dispatch is not used: it makes a
task for each packet sent, keeps a room for each socket which all others pay for, and swallows what is malformed.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import socketio  # type: ignore[import-untyped]  # as shipped
from aiohttp import web

from chatserver.transports.door import Door, UpgradeFacts
from chatserver.transports.socketio_bodies import max_body_bytes
from chatserver.transports.socketio_engine import Engine
from chatserver.transports.socketio_gate import FACTS, Gate, handler
from chatserver.transports.socketio_packets import StrictPacket
from chatserver.transports.socketio_session import Session
from chatserver.transports.socketio_socket import SocketIo
from chatserver.wire import limits

__all__ = ["Gate", "Server", "attach"]

PATH: Final = "/socket.io/"


class _Quiet:
    """The libraries' logger: their messages quote payloads and sids, so only their faults are told, by type."""

    def __init__(self, failed: Callable[[Exception], object]) -> None:
        self._failed = failed

    def _drop(self, *_message: object) -> None:
        pass

    info = warning = error = _drop

    def exception(self, *_message: object) -> None:
        fault = sys.exc_info()[1]
        if isinstance(fault, Exception):
            self._failed(fault)


class Server(socketio.AsyncServer):  # type: ignore[misc]  # untyped, see above
    """python-socketio's server, in which every session is a socket of the relay's."""

    eio: Engine

    def __init__(self, door: Door) -> None:
        self._door = door
        quiet = _Quiet(door.failed)
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,
            serializer=StrictPacket,
            namespaces=["/"],
            logger=quiet,
            engineio_logger=quiet,
            call_later=door.call_later,
            ping_interval=limits.HEARTBEAT_S,
            ping_timeout=limits.HEARTBEAT_S,
            max_http_buffer_size=max_body_bytes(limits.MAX_FRAME_BYTES),
            allow_upgrades=True,
            transports=["polling", "websocket"],
            http_compression=False,
            cors_allowed_origins=lambda origin, _environ: door.origin_allowed(origin),  # never [], which allows all
            cors_credentials=False,
            cookie=None,
            monitor_clients=False,
        )

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> bool:
        """A session is opened: it gets a place and a connection of the relay, or it is refused."""
        door = self._door
        facts = environ["aiohttp.request"][FACTS]
        if not door.places.take(facts.remote_address):
            return False
        session = self.eio.sockets[eio_sid]
        leave = partial(door.places.give_back, facts.remote_address)
        return _received(door, session, facts, leave)


def _received(door: Door, session: Session, facts: UpgradeFacts, leave: Callable[[], None]) -> bool:
    socket = SocketIo(session, leave, door.failed)
    try:
        socket.receive_at(door.connect(socket, facts))
    except Exception as fault:  # noqa: BLE001  # a fault of ours ends this session, not the server
        door.failed(fault)
        leave()
        return False
    session.listener = socket
    session.owner = facts.session or b""
    return True


def attach(app: web.Application, door: Door, gate: Gate) -> Server:
    """Serve Socket.IO on an application, to whom the gate lets pass."""
    server = Server(door)
    handle = handler(server.eio, door, gate)
    app.router.add_get(PATH, handle, allow_head=False)
    app.router.add_post(PATH, handle)
    return server
