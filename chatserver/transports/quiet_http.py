"""aiohttp's protocol, told not to quote: its own 400 repeats the offending header in body and log."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from aiohttp import web

from chatserver.transports import upgrade

IDLE_S: Final = 30.0
"""How long a connection may take between requests, and for a request's head."""
LINGER_S: Final = 2.0
"""How long the body of a refused request is read and thrown away."""
_SERVER_FAULT: Final = 500


class QuietHandler(web.RequestHandler):
    """Says and logs nothing that a peer sent, nor which versions run here."""

    __slots__ = ("_failed",)

    def __init__(self, server: web.Server, failed: Callable[[Exception], object]) -> None:
        self._failed = failed
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as AppRunner passes it
            keepalive_timeout=IDLE_S,
            lingering_time=LINGER_S,
        )

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002  # aiohttp's signature
        status: int = _SERVER_FAULT,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # it quotes
    ) -> web.StreamResponse:
        """A bare status for what aiohttp could not parse and for handlers that failed."""
        if status >= _SERVER_FAULT and isinstance(exc, Exception):
            self._failed(exc)
        response = web.Response(status=status, headers={"Server": upgrade.SERVER})
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:  # noqa: ARG002  # the text quotes
        """A fault inside aiohttp."""
        fault = kw.get("exc_info")
        if isinstance(fault, Exception):
            self._failed(fault)


def quiet_http(server: web.Server, failed: Callable[[Exception], object]) -> Callable[[], asyncio.Protocol]:
    """Protocols for an `AppRunner.server`, to be given to a `Port`. `failed` is `Door.failed`."""
    return partial(QuietHandler, server, failed)
