"""From a value to a response: JSON, the catalogue's refusals, and the headers that every answer has."""

from typing import Final

import msgspec
from aiohttp import web

from chatserver.http.bodies import Refused
from chatserver.http.deps import Deps
from chatserver.http.raw import Bytes32, enc_hook
from chatserver.http.route import Answer, Sent
from chatserver.wire.errors import Refusal

JSON: Final = "application/json"

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer that does not set its own (OWASP REST security sheet)."""

_encoder: Final = msgspec.json.Encoder(enc_hook=enc_hook)


def json(value: object, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=_encoder.encode(value), status=status, content_type=JSON)


def refused(refusal: Refusal) -> web.Response:
    """An entry of the catalogue, with nothing of the request in it."""
    return json(Refused(refusal.code, refusal.reason, refusal.retry), refusal.status)


def answered(answer: Answer, status: int, deps: Deps) -> web.Response:
    """What a handler gave back."""
    if isinstance(answer, Refusal):
        return refused(answer)
    if answer is None:
        return web.Response(status=status)
    if not isinstance(answer, Sent):
        return json(answer, status)
    response = web.Response(status=204) if answer.body is None else json(answer.body, status)
    _put_cookie(response, answer.cookie, deps)
    return response


def cookie_name(deps: Deps) -> str:
    """RFC 6265bis section 4.1.3.2: the prefix binds a cookie to this host, and browsers demand `Secure` for it."""
    return "__Host-sotto" if deps.secure else "sotto"


def _put_cookie(response: web.Response, token: bytes, deps: Deps) -> None:
    """Set the session's cookie, or end it and what the browser cached (ASVS 14.3.1)."""
    name = cookie_name(deps)
    if token:
        value = Bytes32(token).encoded()
        response.set_cookie(name, value, path="/", secure=deps.secure, httponly=True, samesite="Strict")
        return
    response.del_cookie(name, path="/", secure=deps.secure, httponly=True, samesite="Strict")
    response.headers["Clear-Site-Data"] = '"cache", "cookies"'


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """The signal that dresses every response just before it is sent."""
    response.headers["Server"] = "sotto"
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
