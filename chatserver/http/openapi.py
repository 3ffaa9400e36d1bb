"""The OpenAPI 3.1 document, made from the route table and the types."""

from importlib.metadata import version
from itertools import groupby
from typing import Any, Final

import msgspec

from chatserver.http import accounts, conversations, devices, health, links, server, sessions
from chatserver.http.answers import JSON
from chatserver.http.bodies import Refused
from chatserver.http.gate import STATEMENT_HEADER
from chatserver.http.raw import schema_hook
from chatserver.http.route import Route, Who
from chatserver.wire.errors import Refusal

ROUTES: Final = (
    *health.ROUTES,
    *server.ROUTES,
    *accounts.ROUTES,
    *sessions.ROUTES,
    *devices.ROUTES,
    *links.ROUTES,
    *conversations.ROUTES,
)

PATH: Final = "/v1/openapi.json"

_SECURITY: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The session's token, base64url."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-sotto"},
    "statement": {
        "type": "apiKey",
        "in": "header",
        "name": STATEMENT_HEADER,
        "description": "base64url of device id 16, nonce 32, signature 64 under sotto/v1/http.",
    },
}


def document() -> dict[str, Any]:
    """The whole document, ready for JSON."""
    kinds: set[type] = {kind for route in ROUTES for kind in (route.body, route.answer, route.query) if kind}
    ordered: list[type] = sorted({*kinds, Refused}, key=_name)
    refs, schemas = msgspec.json.schema_components(
        ordered, schema_hook=schema_hook, ref_template="#/components/schemas/{name}"
    )
    by_kind: dict[type, dict[str, Any]] = dict(zip(ordered, refs, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_kind, schemas)
    return {
        "openapi": "3.1.1",
        "info": {"title": "Sotto", "version": version("sotto-chat"), "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SECURITY},
    }


def _name(kind: type) -> str:
    return kind.__name__


def _operation(route: Route, refs: dict[type, dict[str, Any]], schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": route.name, "summary": route.says, "responses": {}}
    operation["responses"][str(route.status)] = _answer(route, refs)
    operation["responses"] |= _refusals(route, refs)
    if parameters := [*_in_path(route, schemas), *_in_query(route, schemas)]:
        operation["parameters"] = parameters
    if route.body:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": refs[route.body]}}}
    operation["security"] = _security(route)
    return operation


def _answer(route: Route, refs: dict[type, dict[str, Any]]) -> dict[str, Any]:
    content = {"content": {JSON: {"schema": refs[route.answer]}}} if route.answer else {}
    return {"description": route.says, **content}


def _refusals(route: Route, refs: dict[type, dict[str, Any]]) -> dict[str, Any]:
    """One response for each status; its examples are the catalogue's codes."""

    def status(refusal: Refusal) -> int:
        return refusal.status

    found: dict[str, Any] = {}
    for code, same in groupby(sorted(route.refusals, key=status), status):
        refusals = list(same)
        examples = {refusal.code: {"value": _example(refusal)} for refusal in refusals}
        found[str(code)] = {
            "description": " ".join(refusal.reason for refusal in refusals),
            "content": {JSON: {"schema": refs[Refused], "examples": examples}},
        }
    return found


def _example(refusal: Refusal) -> dict[str, Any]:
    return {"code": refusal.code, "reason": refusal.reason, "retry": refusal.retry}


def _in_path(route: Route, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """The one parameter that a path may have is an id."""
    schema = schemas["Account"]["properties"]["account"]
    return [{"name": "id", "in": "path", "required": True, "schema": schema}] if "{id}" in route.path else []


def _in_query(route: Route, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    fields = schemas[route.query.__name__]["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in fields.items()]


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.who is Who.ANYBODY:
        return []
    statement: dict[str, list[str]] = {"statement": []} if route.who is not Who.SESSION else {}
    return [{"bearer": [], **statement}, {"cookie": [], **statement}]
