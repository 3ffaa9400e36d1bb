"""What aiohttp says when bytes are not HTTP at all: the catalogue's words, and nothing of the peer's in any log."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from chatserver.http.answers import HEADERS, refused
from chatserver.wire.errors import BAD_REQUEST, INTERNAL


class QuietHandler(RequestHandler):
    """aiohttp's protocol, without its error texts: they repeat what the peer sent, to the peer and to the log."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002  its text is the peer's
        message: str | None = None,  # noqa: ARG002  same
    ) -> web.StreamResponse:
        """A refusal of the catalogue; the connection ends with it."""
        if request.writer.output_size > 0:
            raise ConnectionError
        response = refused(INTERNAL if status >= 500 else BAD_REQUEST)  # noqa: PLR2004  RFC 9110 section 15.6
        response.headers.update({**HEADERS, "Server": "sotto"})
        response.force_close()
        return response


def factory(server: web.Server) -> Callable[[], asyncio.Protocol]:
    """Makes protocols for the server of an `AppRunner` (`runner.server`), as the server itself would."""
    loop, options = server._loop, server._kwargs  # noqa: SLF001  aiohttp has no other way; its minor is pinned
    return lambda: QuietHandler(server, loop=loop, **options)
