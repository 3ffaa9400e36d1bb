"""Who makes a request: its session by bearer or cookie, and its device by a statement (CRYPTO section 4)."""

from typing import Final

from aiohttp import hdrs, web

from chatserver.http.answers import cookie_name
from chatserver.http.deps import Deps
from chatserver.http.raw import Bytes32, Raw
from chatserver.people import sessions, statements
from chatserver.people.devices import own_device
from chatserver.people.sessions import SignedIn
from chatserver.people.statements import Said
from chatserver.wire.errors import STATEMENT_REFUSED, UNAUTHENTICATED, Refusal
from crypto.keys import HttpStatement, body_hash

STATEMENT_HEADER: Final = "Sotto-Statement"
"""base64url of device id 16, nonce 32, signature 64."""
_BEARER: Final = "Bearer "


def address_of(request: web.Request, deps: Deps) -> str:
    """Where the request comes from: the peer, or what our own proxy says of it (ASVS 4.1.3: the last hop alone)."""
    if deps.behind_proxy:
        hops = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if hops:
            return hops
    return request.remote or ""


async def session_of(request: web.Request, deps: Deps) -> SignedIn | Refusal:
    """The living session of a request."""
    token = _bearer(request) or _cookie(request, deps)
    return await sessions.authenticate(deps.people, token) if token else UNAUTHENTICATED


def _bearer(request: web.Request) -> bytes | None:
    """RFC 6750 section 2.1."""
    header = request.headers.get(hdrs.AUTHORIZATION, "")
    return _token(header.removeprefix(_BEARER)) if header.startswith(_BEARER) else None


def _cookie(request: web.Request, deps: Deps) -> bytes | None:
    """The cookie's token; for anything but reading, only from a page of ours: browsers send Origin then."""
    if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD} and request.headers.get(hdrs.ORIGIN) not in deps.origins:
        return None
    return _token(request.cookies.get(cookie_name(deps), ""))


def _token(text: str) -> bytes | None:
    try:
        return Bytes32.decoded(text)
    except ValueError:
        return None


async def device_of(
    request: web.Request, deps: Deps, session: SignedIn, new_device_pk: bytes | None
) -> bytes | Refusal:
    """The device whose statement covers this very request: the one in the body, or a registered one of the account."""
    said = _said(request)
    if said is None:
        return STATEMENT_REFUSED
    device_pk = new_device_pk or await _registered(deps, session, said)
    if device_pk is None or not await _covers(request, deps, session, said, device_pk):
        return STATEMENT_REFUSED
    return deps.nonces.use(said.device, said.nonce, deps.people.now()) or said.device


def _said(request: web.Request) -> Said | None:
    try:
        return statements.parsed(Raw.decoded(request.headers.get(STATEMENT_HEADER, "")))
    except ValueError:
        return None


async def _registered(deps: Deps, session: SignedIn, said: Said) -> bytes | None:
    device = await own_device(deps.people, session.account, said.device)
    return device.device_pk if device else None


async def _covers(request: web.Request, deps: Deps, session: SignedIn, said: Said, device_pk: bytes) -> bool:
    """Method, path with query, and body as they arrived."""
    statement = HttpStatement(
        tenant=deps.people.tenant.id,
        account=session.account,
        device_id=said.device,
        method=request.method,
        path=request.raw_path,
        body_hash=body_hash(await request.read()),
        nonce=said.nonce,
    )
    return statements.verified(statement, said, device_pk)
