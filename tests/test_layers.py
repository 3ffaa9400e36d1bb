"""The doors of the house: which room may import which. The tables are the rule; everything else is a refusal."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.source import parsed

ROOT = Path(__file__).parents[1]
HOMES = {"chatserver": "chatserver", "signalling": "signalling", "crypto": "crypto", "sotto": "clients/python/sotto"}

STORE_TYPES = ("chatserver.store.port", "chatserver.store.changes", "chatserver.store.queries", "chatserver.store.rows")
TYPES = (
    *STORE_TYPES,
    "chatserver.bus.port",
    "chatserver.feed",
    "chatserver.clock",
    "chatserver.tasks",
    "chatserver.audit.events",
    "chatserver.wire",
    "chatserver.ops.logs",
    "chatserver.ops.metrics",
)
"""What every room of the server but wire may import: promises, values, and the two that everybody reports to."""

SERVER_CRYPTO = ("crypto.keys", "crypto.merkle", "crypto.notes")
COMMON = (*TYPES, *SERVER_CRYPTO)
RELAY = (*COMMON, "chatserver.people", "chatserver.care", "chatserver.audit", "chatserver.transports.door")
"""transports/door.py is the port between sockets and relay: both sides know it and neither knows the other."""

DOORS: dict[str, tuple[str, ...]] = {
    "chatserver": (),
    "chatserver.wire": (),
    "chatserver.clock": (),
    "chatserver.feed": ("chatserver.wire",),
    "chatserver.tasks": (),
    "chatserver.follower": COMMON,
    "chatserver.timers": COMMON,
    "chatserver.settings": (),
    **dict.fromkeys(STORE_TYPES, (*STORE_TYPES, "chatserver.audit.events", "chatserver.feed", "chatserver.wire")),
    "chatserver.store": COMMON,
    "chatserver.bus.port": ("chatserver.wire",),
    "chatserver.bus": COMMON,
    "chatserver.audit.events": ("chatserver.wire",),
    "chatserver.audit": COMMON,
    "chatserver.people": (*COMMON, "chatserver.audit"),
    "chatserver.care": (*COMMON, "chatserver.audit", "chatserver.people"),
    "chatserver.push": (*COMMON, "chatserver.audit"),
    "chatserver.ops.log_failures": ("chatserver.ops.log_fields",),
    "chatserver.ops.log_fields": (),
    "chatserver.ops.log_libraries": ("chatserver.ops.log_fields",),
    "chatserver.ops.logs": ("chatserver.ops.log_fields", "chatserver.ops.log_failures", "chatserver.ops.log_libraries"),
    "chatserver.ops.metrics": (),
    "chatserver.ops": COMMON,
    "chatserver.relay": RELAY,
    "chatserver.relay.calls": (*RELAY, "chatserver.relay", "signalling.calls", "signalling.ice"),
    "chatserver.http": (*COMMON, "chatserver.people", "chatserver.care", "chatserver.audit", "chatserver.push"),
    "chatserver.transports": COMMON,
    "chatserver.transports.door": ("chatserver.wire",),
    "chatserver.app": ("chatserver", *SERVER_CRYPTO, "signalling.calls", "signalling.ice"),
    "chatserver.demo": ("chatserver.people", "chatserver.care", *COMMON),
    "chatserver.desk": ("chatserver.people", "chatserver.care", *COMMON),
    "chatserver.commands": (
        "chatserver.app",
        "chatserver.demo",
        "chatserver.desk",
        "chatserver.people.roles",
        "chatserver.care.purposes",
        "chatserver.settings",
        "chatserver.ops.logs",
        "chatserver.wire",
    ),
    "chatserver.cli": ("chatserver.commands",),
    "signalling": (),
    "signalling.peer": ("signalling", "sotto"),
    "crypto": (),
    "sotto": ("crypto", "chatserver.wire"),
    "sotto.cli": ("sotto", "chatserver.cli"),
}
"""Room -> rooms that it may import beside itself. The longest prefix names a module's room."""

CLIENTS_ONLY = (
    "attachments",
    "envelope",
    "layers",
    "opening",
    "receiving",
    "recovery",
    "sealing",
    "seeds",
    "vault",
    "vectors",
)
SEALED = tuple(f"crypto.{name}" for name in CLIENTS_ONLY)
"""What opens or makes boxes: no path of imports leads there from the server."""

LIBRARIES: dict[str, tuple[str, ...]] = {
    "aiohttp": ("chatserver.transports", "chatserver.http", "chatserver.app", "sotto"),
    "aiortc": ("signalling.peer",),
    "apsw": ("chatserver.store.sqlite", "sotto"),
    "asyncpg": ("chatserver.store.postgres",),
    "engineio": ("chatserver.transports",),
    "picows": ("chatserver.transports", "sotto"),
    "prometheus_client": ("chatserver.ops",),
    "prompt_toolkit": ("sotto",),
    "pydantic": ("chatserver.settings",),
    "pydantic_settings": (),
    "redis": ("chatserver.bus.redis",),
    "rich": ("sotto", "chatserver.commands"),
    "socketio": ("chatserver.transports",),
    "sqlite3": ("sotto",),
    "structlog": ("chatserver.ops",),
    "typer": ("sotto", "chatserver.commands", "chatserver.cli"),
    "uvloop": ("chatserver.app", "chatserver.commands", "sotto"),
}
"""One library, one place on each side of the wire."""

IMPURE = frozenset({"asyncio", "time", "random", "secrets", "socket", "logging", "structlog", "selectors", "threading"})
PURE: dict[str, frozenset[str]] = {
    "chatserver.wire": IMPURE,
    "chatserver.relay.session": IMPURE,
    "chatserver.relay.mailbox": IMPURE,
    "chatserver.people.clocks": IMPURE,
    "chatserver.audit.events": IMPURE,
    "chatserver.push.templates": IMPURE,
    "chatserver.push.name_guard": IMPURE,
    "signalling.calls": IMPURE,
    "crypto": IMPURE - {"secrets"},  # keys and nonces are drawn there
}
CLOCK_CALLS = frozenset({"now", "utcnow", "today"})

DYNAMIC = frozenset({"sotto", "sotto.cli"})
"""The two modules that load others by name, and do so from tables in sight."""


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a module imports, and where."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Module:
    """What the check knows about a module."""

    name: str
    imports: tuple[Import, ...]
    clock_calls: tuple[int, ...]
    dynamic: tuple[int, ...]


def within(name: str, place: str) -> bool:
    """Say whether `name` is `place`, lies below it, or is one of its parts (`sqlite_reader` of `sqlite`)."""
    return name == place or name.startswith((place + ".", place + "_"))


def nearest(name: str, table: Mapping[str, object]) -> str | None:
    """The longest entry of a table that `name` lies in."""
    return max((place for place in table if within(name, place)), key=len, default=None)


def paths(root: Path) -> dict[str, Path]:
    """Every module of the four packages under `root`."""
    found = {}
    for package, home in HOMES.items():
        for path in sorted((root / home).rglob("*.py")):
            parts = path.relative_to(root / home).with_suffix("").parts
            found[".".join([package, *parts]).removesuffix(".__init__")] = path
    return found


def imported(node: ast.AST, name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules that a node imports; of `from a import b` the module a.b if there is one, else a."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            here = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            base = ".".join([*here[: len(here) - level + 1], *filter(None, [module])]) if level else str(module)
            wholes = (f"{base}.{alias.name}" for alias in names)
            yield from dict.fromkeys(whole if whole in known else base for whole in wholes)
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(literal)), *_]):
            yield literal


def is_dynamic(node: ast.AST) -> bool:
    """An import whose name no reader sees."""
    match node:
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(), *_]):
            return False
        case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
            return True
    return False


@cache
def read(root: Path) -> dict[str, Module]:
    """Parse every module under `root`."""
    known = paths(root)
    modules = {}
    for name, path in known.items():
        nodes = list(ast.walk(parsed(path.read_text(encoding="utf-8"))))
        found = [
            Import(target, getattr(node, "lineno", 0)) for node in nodes for target in imported(node, name, path, known)
        ]
        calls = [node for node in nodes if isinstance(node, ast.Call)]
        clocks = [c.lineno for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr in CLOCK_CALLS]
        dynamic = [call.lineno for call in calls if is_dynamic(call)]
        modules[name] = Module(name, tuple(found), tuple(clocks), tuple(dynamic))
    return modules


def closed_doors(root: Path) -> list[str]:
    """Imports between rooms that have no door, and rooms that the table does not know."""
    faults = []
    for module in read(root).values():
        room = nearest(module.name, DOORS)
        if room is None or (room == "chatserver" and module.name != room):
            faults.append(f"{module.name} is a room without doors: give it a line in DOORS.")
            continue
        for found in module.imports:
            ours = found.name.partition(".")[0] in HOMES
            if ours and not any(found.name == "chatserver" or within(found.name, to) for to in (room, *DOORS[room])):
                doors = ", ".join(DOORS[room]) or "nothing"
                faults.append(
                    f"{module.name}:{found.line} imports {found.name}: there is no door {room} -> {found.name}. "
                    f"{room} may import {doors}."
                )
    return faults


def strayed_libraries(root: Path) -> list[str]:
    """Libraries outside their one place."""
    return [
        f"{module.name}:{found.line} imports {top}: its place is {' or '.join(LIBRARIES[top]) or 'nowhere'}."
        for module in read(root).values()
        for found in module.imports
        if (top := found.name.partition(".")[0]) in LIBRARIES
        and not any(within(module.name, place) for place in LIBRARIES[top])
    ]


def impurities(root: Path) -> list[str]:
    """Pure rooms that reach for the loop, a clock, randomness, a socket or a logger; hidden imports anywhere."""
    faults = []
    for module in read(root).values():
        room = nearest(module.name, PURE)
        if room is not None:
            faults += [
                f"{module.name}:{found.line} imports {found.name}: {room} is pure; take it as an input."
                for found in module.imports
                if found.name.partition(".")[0] in PURE[room]
            ]
            faults += [f"{module.name}:{line} reads a clock: {room} is pure; take it." for line in module.clock_calls]
        if module.name not in DYNAMIC:
            faults += [f"{module.name}:{line} imports a name that no reader sees." for line in module.dynamic]
    return faults


def ways_to_open_a_box(root: Path) -> list[str]:
    """Paths of imports from the server to what opens boxes, the whole path in the sentence."""
    modules = read(root)
    came_from: dict[str, str | None] = {name: None for name in modules if within(name, "chatserver")}
    waiting = list(came_from)
    for name in waiting:
        for found in modules[name].imports if name in modules else ():
            if found.name not in came_from and found.name.partition(".")[0] in HOMES:
                came_from[found.name] = name
                waiting.append(found.name)
    faults = []
    for sealed in [name for name in came_from if any(within(name, place) for place in SEALED)]:
        way, step = [sealed], came_from[sealed]
        while step is not None:
            way, step = [step, *way], came_from[step]
        faults.append(f"The server can open boxes: {' -> '.join(way)}.")
    return faults


CHECKS = [closed_doors, strayed_libraries, impurities, ways_to_open_a_box]


@pytest.mark.parametrize("check", CHECKS)
def test_the_house_keeps_its_doors(check: object) -> None:
    assert callable(check)
    assert check(ROOT) == []


def test_a_process_with_the_whole_server_in_it_has_not_loaded_what_opens_boxes() -> None:
    names = [name for name in paths(ROOT) if within(name, "chatserver")]
    program = (
        "import importlib, json, sys\n"
        "for name in json.loads(sys.argv[1]): importlib.import_module(name)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603  our own words
        [sys.executable, "-c", program, json.dumps(names)], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-1000:]
    loaded = set(json.loads(done.stdout))
    assert set(names) <= loaded
    assert not {name for name in loaded if within(name, "sotto") or any(within(name, place) for place in SEALED)}


def house(root: Path, **files: str) -> Path:
    """A small tree with the given modules (`chatserver__relay__hub="import x"`)."""
    for name, text in files.items():
        package, *rest = name.split("__")
        path = (root / HOMES[package]).joinpath(*rest).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def told(root: Path) -> str:
    return "\n".join(fault for check in CHECKS for fault in check(root))


@pytest.mark.parametrize(
    ("module", "text", "sentence"),
    [
        ("chatserver__relay__hub", "from crypto import envelope", "no door chatserver.relay -> crypto.envelope"),
        ("chatserver__relay__hub", "import crypto.vault", "The server can open boxes"),
        ("chatserver__relay__hub", "def f():\n import crypto.envelope", "hub:2 imports crypto.envelope"),
        ("chatserver__relay__hub", "from .. import app", "chatserver.relay -> chatserver.app"),
        ("chatserver__relay__hub", "from ..store import sqlite", "chatserver.relay -> chatserver.store.sqlite"),
        ("chatserver__people__x", "from chatserver.relay import hub", "chatserver.people -> chatserver.relay"),
        ("chatserver__people__x", "import sotto", "chatserver.people -> sotto"),
        ("chatserver__relay__hub", "from chatserver.settings import Settings", "-> chatserver.settings"),
        ("chatserver__wire__frames", "from chatserver.clock import Clock", "chatserver.wire -> chatserver.clock"),
        ("chatserver__store__port", "from chatserver.store.sqlite import X", "-> chatserver.store.sqlite"),
        ("chatserver__newroom__x", "", "chatserver.newroom.x is a room without doors"),
        ("signalling__calls", "import chatserver.wire", "signalling -> chatserver.wire"),
        ("crypto__keys", "import signalling.calls", "crypto -> signalling.calls"),
        ("sotto__client", "import chatserver.relay.hub", "sotto -> chatserver.relay.hub"),
        ("sotto__client", "import importlib\nimportlib.import_module('chatserver.app')", "sotto -> chatserver.app"),
        ("chatserver__app", "import importlib\nimportlib.import_module(x)", "a name that no reader sees"),
        ("chatserver__app", "__import__(x)", "a name that no reader sees"),
        ("chatserver__relay__hub", "import picows", "imports picows: its place is chatserver.transports"),
        ("chatserver__store__port", "from apsw import Connection", "imports apsw"),
        ("chatserver__relay__session", "import asyncio", "chatserver.relay.session is pure"),
        ("chatserver__wire__frames", "import time", "chatserver.wire is pure"),
        ("crypto__keys", "from random import random", "crypto is pure"),
        ("chatserver__people__clocks", "import datetime\ndatetime.datetime.now()", "clocks:2 reads a clock"),
    ],
)
def test_a_door_that_is_opened_is_told(tmp_path: Path, module: str, text: str, sentence: str) -> None:
    others = {
        "chatserver__relay__hub": "",
        "chatserver__store__sqlite": "",
        "crypto__envelope": "",
        "chatserver__app": "",
    }
    assert told(house(tmp_path / "closed", **others)) == ""
    assert sentence in told(house(tmp_path / "open", **(others | {module: text})))


def test_a_box_cannot_be_opened_through_a_permitted_room(tmp_path: Path) -> None:
    root = house(
        tmp_path, chatserver__relay__hub="import crypto.keys", crypto__keys="import crypto.vault", crypto__vault=""
    )
    assert told(root) == "The server can open boxes: chatserver.relay.hub -> crypto.keys -> crypto.vault."


def test_a_part_of_a_place_belongs_to_it(tmp_path: Path) -> None:
    assert told(house(tmp_path, chatserver__store__sqlite_reader="import apsw", crypto__box="import secrets")) == ""
