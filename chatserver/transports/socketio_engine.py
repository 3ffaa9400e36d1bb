"""python-engineio's server with our sessions: it reads the requests that the gate let pass, and makes the handshake.

tests/test_transports_socketio_engine.py holds what is assumed of the library; its minor version is pinned.
"""

from typing import Any, Final

import engineio  # type: ignore[import-untyped]  # as shipped
from engineio.packet import OPEN, Packet  # type: ignore[import-untyped]  # as shipped

from chatserver.transports.socketio_session import CallLater, Session
from chatserver.transports.socketio_waiting import Waiting
from chatserver.transports.socketio_wire import Driver
from chatserver.transports.upgrade import RETRY_AFTER_S
from chatserver.wire import limits

_NO_PLACE: Final = {
    "status": "503 SERVICE UNAVAILABLE",
    "headers": [("Retry-After", str(RETRY_AFTER_S))],
    "response": b"",
}


class Engine(engineio.AsyncServer):  # type: ignore[misc]  # untyped, see above
    """python-engineio's server with our sessions."""

    sockets: dict[str, Session]
    _async: dict[str, Any]

    def __init__(self, call_later: CallLater, **options: Any) -> None:
        super().__init__(**options)
        self.call_later = call_later
        self._async = {**self._async, "websocket": Driver}

    def create_queue(self) -> Waiting:
        """What waits for the polls of a session."""
        return Waiting()

    async def _handle_connect(
        self,
        environ: dict[str, Any],
        transport: str,
        jsonp_index: int | None = None,  # noqa: ARG002  # as the library calls it
    ) -> Any:
        session = Session(self, self.generate_id())
        self.sockets[session.sid] = session
        if await self._trigger_event("connect", session.sid, environ, run_async=False) is False:
            self.sockets.pop(session.sid, None)
            return _NO_PLACE
        await session.send(self._opening(session.sid, transport))
        session.schedule_ping()
        if transport == "polling":
            session.connected = True
            return self._ok(await session.poll())
        try:
            return await session.handle_get_request(environ)
        finally:
            session.end()

    def _opening(self, sid: str, transport: str) -> Packet:
        beat_ms = int(limits.HEARTBEAT_S * 1000)
        opening = {
            "sid": sid,
            "upgrades": self._upgrades(sid, transport),
            "pingInterval": beat_ms,
            "pingTimeout": beat_ms,
            "maxPayload": self.max_http_buffer_size,
        }
        return Packet(OPEN, opening)

    def _cors_headers(self, environ: dict[str, Any]) -> list[tuple[str, str]]:  # noqa: ARG002  # as the library calls it
        """None: nobody but our own pages reads an answer, as on the rest of the HTTP side."""
        return []
