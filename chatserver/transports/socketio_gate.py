"""Who may ask anything under /socket.io/: looked at for every request, before the library sees it.

The sid in the URL of an Engine.IO request opens nothing (CRYPTO section 4): whoever uses it shows, each time, the
session that opened it, and that session is the one whose device may say hello.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from aiohttp import hdrs, web

from chatserver.transports import upgrade
from chatserver.transports.door import Door, UpgradeFacts
from chatserver.transports.socketio_bodies import max_body_bytes
from chatserver.transports.socketio_engine import Engine
from chatserver.wire import errors
from crypto.keys import Transport

FACTS: Final = web.RequestKey("facts", UpgradeFacts)

_ONCE: Final = ("sid", "transport", "EIO")
_TRANSPORTS: Final = frozenset({"polling", "websocket"})


@dataclass(frozen=True, slots=True)
class Gate:
    """How a request shows its session, and where it comes from: the HTTP side's own rules."""

    session_of: Callable[[web.Request], Awaitable[bytes | None]]
    """The id of the living session of its bearer or cookie."""
    address_of: Callable[[web.Request], str]


def handler(engine: Engine, door: Door, gate: Gate) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler for everything under /socket.io/."""

    async def handle(request: web.Request) -> web.StreamResponse:
        query = parse_qs(request.query_string)  # as the library will read it
        if _is_wrong(request, query):
            return _refused(400)
        origin = request.headers.get(hdrs.ORIGIN)
        if not door.origin_allowed(origin):
            return _refused(403)
        session = await gate.session_of(request)
        sid = query.get("sid", [None])[0]
        if session is None or (sid is not None and not _is_owner(engine, sid, session)):
            return _refused(errors.UNAUTHENTICATED.status)
        if request.method == hdrs.METH_POST and sid is not None and (status := _body_status(engine, sid, request)):
            return _refused(status)
        request[FACTS] = _facts(request, gate, origin, session)
        response: web.StreamResponse = await engine.handle_request(request)
        return response

    return handle


def _is_wrong(request: web.Request, query: dict[str, list[str]]) -> bool:
    """Whether it is no request of Engine.IO 4, or one of JSONP, which any page could read as a script."""
    repeated = any(len(query.get(name, ())) > 1 for name in _ONCE) or len(request.headers.getall(hdrs.ORIGIN, ())) > 1
    version = query.get("EIO") == ["4"] and query.get("transport", [""])[0] in _TRANSPORTS
    sends_first = request.method == hdrs.METH_POST and ("sid" not in query or query["transport"] != ["polling"])
    return repeated or not version or "j" in query or sends_first or hdrs.CONTENT_ENCODING in request.headers


def _is_owner(engine: Engine, sid: str, session: bytes) -> bool:
    """A sid that was never given and one that is somebody else's are answered alike."""
    found = engine.sockets.get(sid)
    return found is not None and found.owner == session


def _body_status(engine: Engine, sid: str, request: web.Request) -> int | None:
    """What is wrong with the length of a body, by what its session may say now."""
    if request.content_length is None:
        return 411
    listener = engine.sockets[sid].listener
    if request.content_length <= max_body_bytes(listener.max_message_bytes):
        return None
    listener.fail(errors.TOO_BIG)
    return errors.TOO_BIG.status


def _facts(request: web.Request, gate: Gate, origin: str | None, session: bytes) -> UpgradeFacts:
    secure = request.transport is not None and request.transport.get_extra_info("ssl_object") is not None
    address = gate.address_of(request)
    return UpgradeFacts(address, origin, secure, request.path, Transport.SOCKETIO, session)


def _refused(status: int) -> web.Response:
    response = web.Response(status=status, headers={"Server": upgrade.SERVER})
    response.force_close()
    return response
