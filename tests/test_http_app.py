import asyncio
import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatserver.http.openapi import PATH, ROUTES, document
from chatserver.http.raw import Blob, Bytes32, Id
from chatserver.http.serving import MAX_BODY_BYTES
from chatserver.store.port import Failure, Query, StoreLost, Unit
from tests.people_house import PROOF, SALT, b64, house, raw_of

CANARY = "canary-3f9a"


async def test_anybody_may_ask_who_this_is(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        body = (await h.ask("GET", "/v1/server")).body
        assert raw_of(body["tenant"]) == h.people.tenant.id
        assert (raw_of(body["epoch"]), body["name"], body["server_time"]) == (
            bytes(16),
            "Example Clinic",
            h.clock.at_ms,
        )
        assert body["protocols"] == [1]
        assert body["limits"]["max_body_bytes"] == 65_536


async def test_a_house_whose_store_answers_is_well(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        answer = await h.ask("GET", "/healthz")
        assert (answer.status, answer.body) == (200, {"status": "ok"})


class Broken:
    """A store that fails in one way: its reads, its commits, or with a bug."""

    def __init__(self, store: Any, commit: Failure | None = None, read: Exception | None = None) -> None:
        self._store, self._commit, self._read = store, commit, read

    async def read(self, query: Query[Any]) -> list[Any]:
        if self._read:
            raise self._read
        return list(await self._store.read(query))

    async def commit(self, unit: Unit) -> Any:
        return self._commit or await self._store.commit(unit)


def broken(h: Any, **how: Any) -> None:
    object.__setattr__(h.people, "store", Broken(h.store, **how))


async def test_a_store_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        broken(h, read=StoreLost())
        answer = await h.ask("GET", "/healthz")
        assert (answer.status, answer.code, answer.body["retry"]) == (503, "store_lost", True)


async def test_a_fault_tells_the_peer_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        broken(h, read=ZeroDivisionError(CANARY))
        answer = await h.ask("GET", "/healthz")
        assert (answer.status, answer.code) == (500, "internal")
        assert CANARY.encode() not in answer.raw
        assert [type(failure) for failure in h.failures] == [ZeroDivisionError]


@pytest.mark.parametrize("failure", [Failure.BUSY, Failure.FULL, Failure.LOST, Failure.UNKNOWN])
async def test_what_could_not_be_saved_is_said_to_be_worth_another_try(tmp_path: Path, failure: Failure) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        broken(h, commit=failure)
        ada.phone.box = ada.new_phone().box
        answers = [
            await h.ask("POST", "/v1/sessions", {"name": "ada", "proof": b64(PROOF)}),
            await h.ask("POST", "/v1/sessions", {"name": "ada", "proof": b64(bytes(32))}),
            await ada.publish_bundle(),
            await ada.publish_list(ada.next_list(ada.phones)),
            await ada.register(),
            await ada.post("/v1/tickets", {"device": b64(ada.phone.key.id)}),
            await h.ask("DELETE", "/v1/sessions/current", headers=ada.bearer),
        ]
        assert {(answer.status, answer.code, answer.body["retry"]) for answer in answers} == {(503, "not_saved", True)}


async def test_every_answer_carries_the_same_careful_headers(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        for path in ("/healthz", "/v1/server", "/v1/me", "/nowhere", PATH):
            headers = (await h.ask("GET", path)).headers
            assert headers["Server"] == "sotto"
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert headers["Content-Type"] == "application/json"


async def test_what_is_not_here_is_not_found_and_other_methods_are_not_offered(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        nowhere = await h.ask("GET", f"/{CANARY}")
        method = await h.ask("PUT", "/v1/me")
        assert (nowhere.status, nowhere.code) == (404, "not_found")
        assert (method.status, method.code, method.headers["Allow"]) == (405, "method_not_allowed", "GET")
        assert CANARY.encode() not in nowhere.raw


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"{" + CANARY.encode(),
    "another shape": b"[]",
    "a missing field": b'{"name":"x"}',
    "an unknown field": b'{"name":"x","proof":"' + b64(PROOF).encode() + b'","' + CANARY.encode() + b'":1}',
    "another type": b'{"name":1,"proof":"' + b64(PROOF).encode() + b'"}',
    "standard base64": b'{"name":"x","proof":"' + b"+" * 43 + b'"}',
    "padding": b'{"name":"x","proof":"' + b64(PROOF).encode() + b'="}',
    "a short proof": b'{"name":"x","proof":"' + b64(PROOF[1:]).encode() + b'"}',
    "bits that say nothing": b'{"name":"x","proof":"' + b64(PROOF).encode()[:-1] + b'9"}',
    "not UTF-8": b'{"name":"\xff","proof":"' + b64(PROOF).encode() + b'"}',
    "a lone surrogate": b'{"name":"\\ud800","proof":"' + b64(PROOF).encode() + b'"}',
    "deep": b"[" * 50_000,
}


@pytest.mark.parametrize("what", BODIES)
async def test_a_body_that_is_none_is_a_bad_request_and_never_quoted(tmp_path: Path, what: str) -> None:
    async with house(tmp_path) as h:
        answer = await h.ask("POST", "/v1/sessions", data=BODIES[what])
        assert (answer.status, answer.code) == (400, "bad_request")
        assert CANARY.encode() not in answer.raw


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_body_of_another_kind_is_a_bad_request(tmp_path: Path, kind: str) -> None:
    async with house(tmp_path) as h:
        answer = await h.ask("POST", "/v1/salt", {"name": "x"}, headers={"Content-Type": kind})
        assert answer.code == "bad_request"


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
async def test_a_body_above_64_kib_is_too_big_packed_or_not(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    async with house(tmp_path) as h:
        data = pack(b" " * (MAX_BODY_BYTES + 1))
        packed = {"Content-Encoding": "gzip"} if pack is gzip.compress else {}
        answer = await h.ask("POST", "/v1/salt", data=data, headers=packed)
        assert (answer.status, answer.code) == (413, "too_big")


async def test_a_body_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatserver.http.serving.BODY_TIMEOUT_S", 0.0)
    async with house(tmp_path) as h:
        reader, writer = await asyncio.open_connection(h.client.host, h.client.port)
        head = b"POST /v1/salt HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
        writer.write(head)
        assert b"400" in await reader.readline()
        writer.close()


async def test_too_many_hashes_at_once_are_too_fast(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.hasher._most = 0
        answer = await h.ask("POST", "/v1/sessions", {"name": "ada", "proof": b64(PROOF)})
        assert (answer.status, answer.code, answer.body["retry"]) == (429, "too_fast", True)
        body = {"code": await h.invited(), "name": "ada", "salt": b64(SALT), "proof": b64(PROOF)}
        assert (await h.ask("POST", "/v1/accounts", body)).code == "too_fast"


async def test_only_the_last_hop_of_our_own_proxy_is_believed(tmp_path: Path) -> None:
    async with house(tmp_path, behind_proxy=True) as h:
        sent = {"name": "x"}
        for index in range(60):
            forged = {"X-Forwarded-For": f"192.0.2.{index}, 10.0.0.1"}
            assert (await h.ask("POST", "/v1/salt", sent, headers=forged)).status == 200
        assert (await h.ask("POST", "/v1/salt", sent, headers={"X-Forwarded-For": "10.0.0.1"})).status == 429
        assert (await h.ask("POST", "/v1/salt", sent, headers={"X-Forwarded-For": "10.0.0.2"})).status == 200


async def test_without_a_proxy_nobody_chooses_an_address(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        forged = [{"X-Forwarded-For": f"192.0.2.{index}"} for index in range(61)]
        codes = [(await h.ask("POST", "/v1/salt", {"name": "x"}, headers=header)).status for header in forged]
        assert codes[-1] == 429


# -- the document


async def test_the_document_describes_exactly_the_routes_that_are_served(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        described = (await h.ask("GET", PATH)).body
        served = {
            (route.method, resource.canonical)
            for resource in h.client.app.router.resources()
            for route in resource
            if route.method != "HEAD" and resource.canonical != PATH
        }
        told = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
        assert told == served == {(route.method, route.path) for route in ROUTES}


def every_reference(value: Any) -> set[str]:
    """All `$ref` in a document."""
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*map(every_reference, value.values()))
    return set().union(*map(every_reference, value)) if isinstance(value, list) else set()


@pytest.mark.pure
def test_every_reference_of_the_document_leads_somewhere_and_every_name_is_used_once() -> None:
    described = document()
    schemas = described["components"]["schemas"]
    assert every_reference(described) <= {f"#/components/schemas/{name}" for name in schemas}
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert described["openapi"] == "3.1.1"


@pytest.mark.pure
def test_the_document_names_every_refusal_of_a_route_under_its_status() -> None:
    described = document()
    for route in ROUTES:
        responses = described["paths"][route.path][route.method.lower()]["responses"]
        for refusal in route.refusals:
            examples = responses[str(refusal.status)]["content"]["application/json"]["examples"]
            assert examples[refusal.code]["value"]["reason"] == refusal.reason


@pytest.mark.pure
@pytest.mark.parametrize("kind", [Id, Bytes32, Blob])
def test_a_pattern_of_the_document_fits_what_is_written(kind: type[Id]) -> None:
    schema = kind.schema()
    text = kind(b"\xfb" * min(kind.longest, 100)).encoded()
    assert re.fullmatch(str(schema["pattern"]), text)
    assert int(str(schema["minLength"])) <= len(text) <= int(str(schema["maxLength"]))
    assert kind.decoded(text).encoded() == text


# -- the catalogue


HTTP_BLOCK = re.search(
    r"\n# HTTP\.\n(.*)", (Path(__file__).parents[1] / "chatserver/wire/errors.py").read_text(), re.DOTALL
)


@pytest.mark.pure
def test_every_http_refusal_of_the_catalogue_is_expected_by_a_test() -> None:
    assert HTTP_BLOCK
    codes = re.findall(r'_entry\(\s*"(\w+)"', HTTP_BLOCK[1])
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_http_*.py"))
    assert len(codes) > 10
    assert [code for code in codes if f'"{code}"' not in tests] == []
