"""One request from its route to its answer: session, body, statement, handler, in this order."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from chatserver.http import gate
from chatserver.http.answers import JSON, answered, refused
from chatserver.http.deps import Deps
from chatserver.http.raw import Id, dec_hook
from chatserver.http.route import Answer, Call, Route, Visit, Who
from chatserver.people.sessions import SignedIn
from chatserver.store.port import StoreLost
from chatserver.wire import errors
from chatserver.wire.errors import BAD_REQUEST, NOT_FOUND, TOO_FAST, Refusal

MAX_BODY_BYTES: Final = 64 * 1024
BODY_TIMEOUT_S: Final = 10.0

_NO_DEVICE: Final = bytes(16)
_BY_STATUS: Final = {
    404: errors.NOT_FOUND,
    405: errors.METHOD_NOT_ALLOWED,
    413: errors.TOO_BIG,
}


def handler_of(route: Route, deps: Deps) -> Handler:
    """The aiohttp handler of a route."""
    read = _reader_of(route)

    async def handle(request: web.Request) -> web.StreamResponse:
        return answered(await _serve(route, deps, read, request), route.status, deps)

    return handle


Reader = Callable[[web.Request], Awaitable[tuple[Any, ...] | Refusal]]


async def _serve(route: Route, deps: Deps, read: Reader, request: web.Request) -> Answer:
    address = gate.address_of(request, deps)
    if route.who is Who.ANYBODY:
        given = await read(request)
        return given if isinstance(given, Refusal) else await route.handle(Visit(deps, address), *given)
    session = await gate.session_of(request, deps)
    if isinstance(session, Refusal):
        return session
    if request.method != hdrs.METH_GET and not deps.attempts.may_write(session.id, deps.people.clock.mono_s()):
        return TOO_FAST
    given = await read(request)
    if isinstance(given, Refusal):
        return given
    call = await _call(route, deps, request, session, given)
    return call if isinstance(call, Refusal) else await route.handle(call, *given)


async def _call(
    route: Route, deps: Deps, request: web.Request, session: SignedIn, given: tuple[Any, ...]
) -> Call | Refusal:
    """The call of a session, with the device that stands for it where the route asks for one."""
    device: bytes | Refusal = _NO_DEVICE
    if route.who is not Who.SESSION:
        new_pk = given[0].device_pk if route.who is Who.NEW_DEVICE else None
        device = await gate.device_of(request, deps, session, new_pk)
    if isinstance(device, Refusal):
        return device
    try:
        at = Id.decoded(request.match_info.get("id", "A" * 22))
    except ValueError:
        return NOT_FOUND
    return Call(deps, gate.address_of(request, deps), session, device, at)


def _reader_of(route: Route) -> Reader:
    """Reads the one argument of a route, a body or a query; no argument where it has neither."""
    body = msgspec.json.Decoder(route.body, dec_hook=dec_hook) if route.body else None

    async def read(request: web.Request) -> tuple[Any, ...] | Refusal:
        try:
            if body is not None:
                return (body.decode(await _bytes_of(request)),)
            return (_query(request, route.query),) if route.query else ()
        except (msgspec.MsgspecError, ValueError, RecursionError, TimeoutError):
            return BAD_REQUEST

    return read


async def _bytes_of(request: web.Request) -> bytes:
    """The body, if it says it is JSON: a form of another site cannot (ASVS 3.5.2)."""
    if request.content_type != JSON:
        raise ValueError
    async with asyncio.timeout(BODY_TIMEOUT_S):
        return await request.read()


def _query(request: web.Request, kind: type[msgspec.Struct]) -> Any:
    if len(set(request.query)) != len(request.query):
        raise ValueError
    return msgspec.convert(dict(request.query), kind, strict=False, dec_hook=dec_hook)


def refusing(deps: Deps) -> Middleware:
    """The middleware by which every failure becomes an entry of the catalogue."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as raised:
            if raised.status < 400:  # noqa: PLR2004  RFC 9110 section 15: below it nothing is refused
                raise
            return _translated(raised)
        except StoreLost:
            return refused(errors.STORE_LOST)
        except Exception as error:  # noqa: BLE001  the last one who can keep its text from the peer
            deps.failed(error)
            return refused(errors.INTERNAL)

    return middleware


def _translated(raised: web.HTTPException) -> web.StreamResponse:
    """An answer of aiohttp's own, in the words of the catalogue."""
    response = refused(_BY_STATUS.get(raised.status, BAD_REQUEST))
    if hdrs.ALLOW in raised.headers:
        response.headers[hdrs.ALLOW] = raised.headers[hdrs.ALLOW]
    return response
