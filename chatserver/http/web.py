"""The web app, served from the package: the files that `make web` built, from memory, under a strict policy.

Only files that were there at the start have an address, so that no request names a path. Nothing here is secret and
nothing depends on who asks. Without built files there is no web app, and `/` is not found like any other address.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

STATIC: Final = Path(__file__).parent / "static"
INDEX: Final = "index.html"
_HASHED: Final = "assets/"
"""What stands below it carries the hash of its content in its name, and so never changes."""
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"
_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_COMPRESSES: Final = frozenset(_TYPES)


@dataclass(frozen=True, slots=True)
class Asset:
    """One built file: where it is, and everything that its answer needs."""

    path: str
    body: bytes
    gzipped: bytes
    """Empty where it would not be smaller."""
    content_type: str
    etag: str
    cache_control: str


def is_built(folder: Path = STATIC) -> bool:
    """Whether there is a web app to serve."""
    return (folder / INDEX).is_file()


def attach(app: web.Application, origins: AbstractSet[str], folder: Path = STATIC) -> None:
    """Serve the web app of `folder`, if it was built. `origins` are those of the node; the port may be found later."""
    for asset in _assets(folder) if is_built(folder) else ():
        app.router.add_get(asset.path, _handler(asset, origins))


def policy(origins: Iterable[str]) -> str:
    """The Content-Security-Policy (CSP 3): this origin alone, nothing inline; WebAssembly for the cryptography.

    Older browsers do not take a WebSocket of the same origin for 'self': it is named.
    """
    sockets = sorted(origin.replace("http", "ws", 1) for origin in origins)
    rules = (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        " ".join(("connect-src 'self'", *sockets)),
        "img-src 'self' data:",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(rules)


def _assets(folder: Path) -> list[Asset]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [_asset(path, path.relative_to(folder).as_posix()) for path in files]


def _asset(file: Path, name: str) -> Asset:
    body = file.read_bytes()
    packed = gzip.compress(body, mtime=0) if file.suffix in _COMPRESSES else body
    return Asset(
        path="/" if name == INDEX else f"/{name}",
        body=body,
        gzipped=packed if len(packed) < len(body) else b"",
        content_type=_TYPES.get(file.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream",
        etag=hashlib.blake2b(body, digest_size=16).hexdigest(),
        cache_control=_FOREVER if name.startswith(_HASHED) else _ASK_AGAIN,
    )


def _handler(asset: Asset, origins: AbstractSet[str]) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        response = _answer(asset, request)
        response.headers[hdrs.CACHE_CONTROL] = asset.cache_control
        response.headers["Content-Security-Policy"] = policy(origins)
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
        response.etag = asset.etag
        return response

    return serve


def _answer(asset: Asset, request: web.Request) -> web.Response:
    """The file, packed where the client unpacks; or nothing but that it has it already (RFC 9110 section 13.1.2)."""
    known = request.if_none_match or ()
    if any(tag.value in (asset.etag, "*") for tag in known):
        return web.Response(status=304)
    if asset.gzipped and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        packed = web.Response(body=asset.gzipped, content_type=asset.content_type, charset=_charset(asset))
        packed.headers[hdrs.CONTENT_ENCODING] = "gzip"
        return packed
    return web.Response(body=asset.body, content_type=asset.content_type, charset=_charset(asset))


def _charset(asset: Asset) -> str | None:
    return "utf-8" if asset.content_type.startswith("text/") else None
