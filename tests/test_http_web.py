"""The web app as it is served: what was built and nothing else, under a policy that lets in nothing foreign."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

from chatserver.http.web import attach, is_built, policy

ORIGIN = "https://chat.example.org"
PAGE = b"<!doctype html><title>Sotto</title>" + b" " * 400


def built(folder: Path) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(PAGE)
    (folder / "assets" / "main-1a2b.js").write_bytes(b"export {};\n" * 60)
    (folder / "icon.svg").write_bytes(b"<svg/>")
    return folder


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[ClientSession, TestServer]]:
    app = web.Application()
    attach(app, {ORIGIN}, folder)
    server = TestServer(app)
    async with server, ClientSession(auto_decompress=False) as client:
        yield client, server


def rules(response: ClientResponse) -> dict[str, str]:
    said = response.headers["Content-Security-Policy"].split("; ")
    return {name: rest for name, _, rest in (rule.partition(" ") for rule in said)}


async def test_the_page_lets_in_nothing_foreign_and_nothing_inline(tmp_path: Path) -> None:
    async with served(built(tmp_path / "static")) as (client, server):
        response = await client.get(server.make_url("/"))
        assert response.status == 200
        assert response.content_type == "text/html"
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        found = rules(response)
        assert found["default-src"] == "'none'"
        assert found["script-src"] == "'self' 'wasm-unsafe-eval'"
        assert found["style-src"] == "'self'"
        assert found["connect-src"] == "'self' wss://chat.example.org"
        for closed in ("base-uri", "form-action", "frame-ancestors"):
            assert found[closed] == "'none'"


def test_the_policy_speaks_of_the_nodes_own_origins_alone() -> None:
    assert "connect-src 'self' ws://127.0.0.1:8080 ws://localhost:8080;" in policy(
        ["http://localhost:8080", "http://127.0.0.1:8080"]
    )
    assert "unsafe-inline" not in policy([ORIGIN])


async def test_what_has_its_hash_in_its_name_is_kept_for_ever_and_the_page_is_asked_for_again(tmp_path: Path) -> None:
    async with served(built(tmp_path / "static")) as (client, server):
        script = await client.get(server.make_url("/assets/main-1a2b.js"))
        assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert script.content_type == "text/javascript"
        page = await client.get(server.make_url("/"))
        assert page.headers["Cache-Control"] == "no-cache"
        again = await client.get(server.make_url("/"), headers={"If-None-Match": page.headers["ETag"]})
        assert (again.status, await again.read()) == (304, b"")
        assert "Content-Security-Policy" in again.headers


async def test_who_unpacks_gets_it_packed_and_who_does_not_gets_the_same_bytes(tmp_path: Path) -> None:
    async with served(built(tmp_path / "static")) as (client, server):
        packed = await client.get(server.make_url("/"), headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await packed.read()) == PAGE
        plain = await client.get(server.make_url("/"), headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert await plain.read() == PAGE


async def test_no_request_names_a_path_beyond_what_was_built(tmp_path: Path) -> None:
    folder = built(tmp_path / "static")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    async with served(folder) as (client, server):
        for path in ("/../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/", "/other.js"):
            address = URL(f"http://{server.host}:{server.port}{path}", encoded=True)  # as written, not tidied up
            assert (await client.get(address)).status == 404


async def test_without_built_files_there_is_no_page(tmp_path: Path) -> None:
    assert not is_built(tmp_path)
    async with served(tmp_path) as (client, server):
        assert (await client.get(server.make_url("/"))).status == 404
