"""The second way in: a client, or a proxy, that upgrades a connection on which aiohttp already answered a request.

aiohttp reads the request; then the socket leaves aiohttp for good. To aiohttp it looks like a lost connection, so its
own clean-up runs and nothing of it stays behind, and the socket is served exactly as one that came in the first way.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import HttpVersion11, web

from chatserver.transports import upgrade
from chatserver.transports.door import Door
from chatserver.transports.entrance import address_of, enter

_SEPARATORS_BYTES: Final = 4  # ": " and CRLF


class _EarlyBytes:
    """What the client sent before our answer: RFC 6455 section 4.1 has it wait."""

    def __init__(self) -> None:
        self.any = False

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.any = self.any or bool(data)
        return False, b""

    def feed_eof(self) -> None:
        """Told when the connection is lost; there is nothing to end."""


def upgrade_handler(door: Door) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler for GET of `upgrade.PATH`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        raw = request.transport
        if raw is None or raw.is_closing():
            return _refusal(upgrade.BAD_REQUEST)  # nobody is left to read it
        answer = _answer(request, raw, door)
        if isinstance(answer, upgrade.Refused):
            return _refusal(answer)
        _take_from_aiohttp(request)
        enter(raw, door, answer)
        return web.Response(status=101)  # for the app's signals; nobody is left to send it

    return handle


def _answer(request: web.Request, raw: asyncio.Transport, door: Door) -> upgrade.Accepted | upgrade.Refused:
    head_bytes = sum(len(name) + len(value) + _SEPARATORS_BYTES for name, value in request.raw_headers)
    if head_bytes + len(request.raw_path) > upgrade.MAX_HEAD_BYTES:
        return upgrade.HEAD_TOO_LARGE
    if request.version != HttpVersion11 or request.raw_path != upgrade.PATH:
        return upgrade.BAD_REQUEST
    if _came_early(request):
        return upgrade.BAD_REQUEST
    return upgrade.admit(upgrade.gather(request.headers.items()), door, address_of(raw))


def _came_early(request: web.Request) -> bool:
    if "Upgrade" not in request.headers:
        return False  # aiohttp keeps a pipelined request for itself; judge() refuses this one
    early = _EarlyBytes()
    request.protocol.set_parser(early)  # type: ignore[arg-type]  # it uses feed_data and feed_eof
    return early.any


def _take_from_aiohttp(request: web.Request) -> None:
    protocol = request.protocol
    protocol.transport = None  # so that its clean-up does not close what lives on
    protocol.connection_lost(None)


def _refusal(answer: upgrade.Refused) -> web.Response:
    response = web.Response(status=answer.status, headers={"Server": upgrade.SERVER, **dict(answer.headers)})
    response.force_close()
    return response
