"""docs/PROTOCOL.md says what the code does: its tables are compared with the code's, field by field."""

import importlib
import re
from collections.abc import Iterable
from typing import Any, Final, get_args

import msgspec.inspect as types
import pytest

from chatserver.http import serving
from chatserver.http.bodies import Refused
from chatserver.http.openapi import PATH as OPENAPI_PATH
from chatserver.http.openapi import ROUTES
from chatserver.people.clocks import LIMITS as CLOCKS
from chatserver.transports import upgrade
from chatserver.wire import frames, limits
from chatserver.wire.errors import CATALOGUE
from tests.documents import ROOT, below, headings, table, text_of

pytestmark = pytest.mark.pure

DOCUMENT: Final = "docs/PROTOCOL.md"
CLIENT: Final = get_args(frames.ClientFrame)
SERVER: Final = get_args(frames.ServerFrame)
PARTS: Final = (frames.Sealed, frames.Clocks, frames.Limits, frames.Told)

Bounds = tuple[int | None, int | None]

BYTES: Final[dict[Bounds, str]] = {
    (None, None): "bytes",
    (16, 16): "id",
    (32, 32): "hash",
    (64, 64): "signature",
    (min(limits.BOX_BYTES), limits.MAX_BOX_BYTES): "box",
}
INTEGERS: Final[dict[Bounds, str]] = {
    (1, limits.MAX_INTEGER): "number",
    (0, limits.MAX_INTEGER): "millis",
    (0, 2**32 - 1): "u32",
    (0, 255): "u8",
}


def shown(kind: types.Type) -> str:
    """A type as the document writes it."""
    match kind:
        case types.LiteralType(values=values):
            found = " / ".join(str(value) for value in values)
        case types.VarTupleType(item_type=item, max_length=most):
            found = f"list of {shown(item)}" + (f", at most {most}" if most else "")
        case types.TupleType(item_types=items):
            found = f"({', '.join(shown(item) for item in items)})"
        case types.StructType(cls=struct):
            found = struct.__name__.lower()
        case _:
            found = plain(kind)
    return found


def plain(kind: types.Type) -> str:
    """A type without types inside, as the document writes it."""
    match kind:
        case types.BytesType(min_length=least, max_length=most):
            return BYTES[least, most]
        case types.IntType(ge=least, le=most):
            return INTEGERS[least, most]
        case types.StrType(max_length=most):
            return f"text of at most {most}" if most else "text"
        case types.BoolType():
            return "bool"
    raise TypeError(kind)


def struct_of(body: type) -> types.StructType:
    """What msgspec knows of a struct."""
    found = types.type_info(body)
    assert isinstance(found, types.StructType)
    return found


def fields(struct: type) -> list[tuple[str, str]]:
    """Name and type of each field in its order; a `?` marks those that may be left off."""
    found = struct_of(struct).fields
    return [(field.encode_name, shown(field.type) + ("" if field.required else "?")) for field in found]


def tag(struct: type) -> str:
    return str(struct_of(struct).tag)


def heading(struct: type) -> str:
    if struct in PARTS:
        return f"The part `{struct.__name__.lower()}`"
    return f"`{tag(struct)}`, {'client to server' if struct in CLIENT else 'server to client'}"


@pytest.mark.parametrize("struct", [*CLIENT, *SERVER, *PARTS])
def test_every_frame_stands_there_field_by_field(struct: type) -> None:
    rows = table(DOCUMENT, heading(struct))
    first = 0 if struct in PARTS else 1
    assert [(row["field"], row["type"]) for row in rows] == fields(struct)
    assert [row["#"] for row in rows] == [str(first + at) for at in range(len(rows))]


def test_no_frame_stands_there_that_is_not_in_the_code() -> None:
    known = {heading(struct) for struct in (*CLIENT, *SERVER, *PARTS)}
    assert {found for found in headings(DOCUMENT) if found.startswith(("`", "The part"))} == known


def test_the_names_of_types_mean_what_the_code_means() -> None:
    told = {row["name"]: (row["least"], row["most"]) for row in table(DOCUMENT, "3.2 Types")}
    named = {name: bounds for bounds, name in (*BYTES.items(), *INTEGERS.items()) if name != "bytes"}
    assert told == {name: (f"{least:,}", f"{most:,}") for name, (least, most) in named.items()}


# -- limits ------------------------------------------------------------------------------------------------------------


def value(of: Any) -> str:
    """A limit as the document writes it."""
    if isinstance(of, bool | str):
        return str(of)
    if isinstance(of, float):
        return f"{of:,.7g}"
    if isinstance(of, Iterable):
        return " ".join(value(part) for part in (sorted(of) if isinstance(of, frozenset) else of))
    return f"{of:,}"


def test_every_limit_of_the_wire_stands_there_with_its_value() -> None:
    names = [name for name in vars(limits) if name.isupper() and name != "KIB"]
    told = [(row["name"], row["value"]) for row in table(DOCUMENT, "12.1 Limits of the wire")]
    assert sorted(told) == sorted((name, value(getattr(limits, name))) for name in names)


def test_every_other_limit_that_it_names_has_its_value() -> None:
    rows = table(DOCUMENT, "12.2 Limits beside the wire")
    found = [getattr(importlib.import_module(f"chatserver.{row['module']}"), row["name"]) for row in rows]
    assert [row["value"] for row in rows] == [value(one) for one in found]


# -- the catalogue -----------------------------------------------------------------------------------------------------


def over_http() -> set[str]:
    """The codes with which a request may be answered: those of the routes, and those for aiohttp's own answers."""
    by_routes = {refusal.code for route in ROUTES for refusal in route.refusals}
    return by_routes | {refusal.code for refusal in serving._BY_STATUS.values()}


def test_the_catalogue_stands_there_entry_by_entry() -> None:
    rows = table(DOCUMENT, "11.1 The catalogue")
    told = [(row["code"], row["closes"], row["retry"], row["HTTP"], row["reason"]) for row in rows]
    spoken = over_http()
    assert told == [
        (
            refusal.code,
            str(refusal.closes or "-"),
            "yes" if refusal.retry else "no",
            str(refusal.status) if refusal.code in spoken else "-",
            refusal.reason,
        )
        for refusal in CATALOGUE.values()
    ]


# -- HTTP, clocks, references ------------------------------------------------------------------------------------------


def name_of(body: type | None) -> str:
    return body.__name__ if body else "-"


def test_every_route_stands_there() -> None:
    columns = ("method", "path", "who", "asks", "answers", "status")
    told = [tuple(row[column] for column in columns) for row in table(DOCUMENT, "2.2 The routes")]
    served = [
        (route.method, route.path, route.who.value, name_of(route.body or route.query), name_of(route.answer),
         str(route.status))
        for route in ROUTES
    ]  # fmt: skip
    beside = [(OPENAPI_PATH, "200"), (upgrade.PATH, "101")]
    assert told == [*served, *(("GET", path, "anybody", "-", "-", status) for path, status in beside)]


def bodies() -> dict[str, type]:
    """Every body of every route, and those inside them."""
    waiting = [body for route in ROUTES for body in (route.body, route.query, route.answer) if body]
    found: dict[str, type] = {Refused.__name__: Refused}
    for body in waiting:
        found[body.__name__] = body
        structs = [field.type for field in struct_of(body).fields]
        inner = [kind.item_type if isinstance(kind, types.VarTupleType) else kind for kind in structs]
        waiting += [kind.cls for kind in inner if isinstance(kind, types.StructType) and kind.cls not in waiting]
    return found


def test_every_body_stands_there_with_its_fields() -> None:
    told = {row["body"]: row["fields"] for row in table(DOCUMENT, "2.3 The bodies")}
    assert told == {
        name: ", ".join(field.encode_name + ("" if field.required else "?") for field in struct_of(body).fields)
        for name, body in bodies().items()
    }


def test_the_clocks_stand_there_role_by_role() -> None:
    told = [(row["role"], row["idle"], row["absolute"]) for row in table(DOCUMENT, "9.2 The clocks")]
    kept = [
        (role.value, f"{limit.idle_ms / 60_000:g} min", f"{limit.absolute_ms / 3_600_000:g} h")
        for role, limit in CLOCKS.items()
    ]
    assert told == kept


def test_every_clause_that_code_refers_to_exists() -> None:
    clauses = {found.split(" ")[0].rstrip(".") for found in headings(DOCUMENT)}
    cited = {
        number
        for home in ("chatserver", "clients", "loadtests")
        for path in (ROOT / home).rglob("*.py")
        for number in re.findall(r"PROTOCOL (?:section )?(\d+(?:\.\d+)?)", path.read_text(encoding="utf-8"))
    }
    assert cited
    assert cited - clauses == set()


def test_every_clause_that_it_refers_to_itself_exists() -> None:
    clauses = {found.split(" ")[0].rstrip(".") for found in headings(DOCUMENT)}
    cited = set(re.findall(r"\((?:see )?(\d+\.\d+)\)", text_of(DOCUMENT)))
    assert cited - clauses == set()


def test_the_handshake_is_named_as_it_is() -> None:
    text = text_of(DOCUMENT)
    assert f"`{upgrade.PATH}`" in text
    assert f"`{upgrade.SUBPROTOCOL}`" in text


def test_every_answer_to_a_handshake_that_is_none_is_named() -> None:
    answers = {one.status for one in vars(upgrade).values() if isinstance(one, upgrade.Refused)}
    told = re.findall(r"\b([45]\d\d)(?= \(| with)", "\n".join(below(DOCUMENT, "2.6 The WebSocket")))
    assert {int(status) for status in told} == answers
