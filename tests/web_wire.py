"""The browser's types of the wire, written from the server's: frames, limits and the catalogue of refusals.

`python -m tests.web_wire` writes `clients/demo_web/src/protocol/wire.ts`; a test compares it with what it would write.
"""

from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect

from chatserver.wire import frames, limits
from chatserver.wire.errors import CATALOGUE

PATH: Final = Path(__file__).parents[1] / "clients/demo_web/src/protocol/wire.ts"
_HEAD: Final = """\
// Written by `python -m tests.web_wire` from chatserver/wire. Edit that, not this.

import type { Bytes } from "../bytes";
import { bytes, choice, flag, integer, list, pair, part, type Shape, text } from "./shapes";
"""
_LIMITS: Final = (
    "BOX_OVERHEAD_BYTES",
    "BUCKET_BYTES",
    "FATES_PAGE",
    "HEARTBEAT_S",
    "MAX_BOXES_PER_SEND",
    "MAX_FRAME_BYTES",
    "SEND_WINDOW",
)


def render() -> str:
    """The whole file."""
    sides = {"ClientFrame": frames.ClientFrame, "ServerFrame": frames.ServerFrame}
    pieces = [_HEAD, *(_limit(name) for name in _LIMITS), "\n"]
    pieces += [_interface(part, "") for part in (frames.Sealed, frames.Clocks, frames.Limits, frames.Told)]
    for side in sides.values():
        pieces += [_interface(struct, _tag(struct)) for struct in side.__args__]
    for name, side in sides.items():
        pieces.append(
            f"\nexport type {name} =" + "".join(f"\n  | {struct.__name__}" for struct in side.__args__) + ";\n"
        )
    for name, side in sides.items():
        shapes = "".join(f"  {_tag(struct)}: {_fields(struct)},\n" for struct in side.__args__)
        pieces.append(f'\nexport const {_shouted(name)}: Record<{name}["frame"], Shape> = {{\n{shapes}}};\n')
    return "".join([*pieces, _catalogue()])


def _limit(name: str) -> str:
    value = getattr(limits, name)
    shown = list(value) if isinstance(value, tuple) else int(value)
    return f"export const {name} = {shown};\n"


def _catalogue() -> str:
    rows = "".join(
        f"  {code}: {{ reason: {msgspec.json.encode(entry.reason).decode()}, retry: {_bool(entry.retry)}, "
        f"closes: {entry.closes or 0} }},\n"
        for code, entry in CATALOGUE.items()
    )
    return (
        "\n/** Every refusal and ending: words for people, whether to try again, the close code (0: none). */\n"
        "export const CATALOGUE: Readonly<\n"
        "  Record<string, { readonly reason: string; readonly retry: boolean; readonly closes: number }>\n"
        f"> = {{\n{rows}}};\n"
    )


def _tag(struct: Any) -> str:
    return str(struct.__struct_config__.tag)


def _interface(struct: Any, tag: str) -> str:
    found = _struct(struct)
    lines = [f'  readonly frame: "{tag}";\n'] if tag else []
    lines += [f"  readonly {_camel(field.name)}: {_type(field.type)};\n" for field in found.fields]
    return f"\nexport interface {struct.__name__} {{\n{''.join(lines)}}}\n"


def _struct(kind: Any) -> inspect.StructType:
    found = inspect.type_info(kind)
    assert isinstance(found, inspect.StructType)
    return found


def _fields(struct: Any) -> str:
    """The fields with their shapes; those that may be left off from the end are marked."""
    rows = [
        f'["{_camel(field.name)}", {_shape(field.type)}{", true" if not field.required else ""}]'
        for field in _struct(struct).fields
    ]
    return f"[{', '.join(rows)}]"


def _type(kind: inspect.Type) -> str:  # noqa: PLR0911  one line for each kind of field
    match kind:
        case inspect.BytesType():
            return "Bytes"
        case inspect.IntType():
            return "number"
        case inspect.BoolType():
            return "boolean"
        case inspect.LiteralType(values=values):
            return " | ".join(f'"{value}"' for value in values)
        case inspect.StrType():
            return "string"
        case inspect.VarTupleType(item_type=item):
            return f"readonly {_item(_type(item))}[]"
        case inspect.TupleType(item_types=items):
            return f"readonly [{', '.join(_type(item) for item in items)}]"
        case inspect.StructType(cls=cls):
            return cls.__name__
    raise TypeError(kind)


def _item(inner: str) -> str:
    return f"({inner})" if " " in inner else inner


def _shape(kind: inspect.Type) -> str:  # noqa: PLR0911  the same
    match kind:
        case inspect.BytesType(min_length=least, max_length=most):
            return f"bytes({least or 0}, {most or limits.MAX_FRAME_BYTES})"
        case inspect.IntType(ge=least, le=most):
            return f"integer({least}, {most})"
        case inspect.BoolType():
            return "flag"
        case inspect.LiteralType(values=values):
            return _choice(values)
        case inspect.StrType(max_length=most):
            return f"text({most or limits.MAX_FRAME_BYTES})"
        case inspect.VarTupleType(item_type=item, max_length=most):
            return f"list({_shape(item)}, {most or limits.MAX_FRAME_BYTES})"
        case inspect.TupleType(item_types=items):
            return f"pair({', '.join(_shape(item) for item in items)})"
        case inspect.StructType(cls=cls):
            return f"part({_fields(cls)})"
    raise TypeError(kind)


def _choice(values: tuple[Any, ...]) -> str:
    return "choice(" + ", ".join(f'"{value}"' for value in values) + ")"


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _shouted(name: str) -> str:
    return {"ClientFrame": "CLIENT_FRAMES", "ServerFrame": "SERVER_FRAMES"}[name]


def _bool(value: bool) -> str:
    return "true" if value else "false"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
