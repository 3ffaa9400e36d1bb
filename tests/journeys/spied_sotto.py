"""The command `sotto` as a person runs it, in a process that a test looks into from outside. Run as a script.

It may dump core, and tells all loaded modules on SIGUSR1. By environment: TEST_OPENS_THE_DOOR imports what no server
may; TEST_FAULTS names a folder in which the files `store`, `relay` and `http` switch a fault on, and where what goes
over the bus is written down. A fault tries its worst: its text holds everything that the faulty place was given.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any


def tell_modules(*_: object) -> None:
    """Write the names of all loaded modules, whole or not at all."""
    told = Path(os.environ["TEST_TELLS_MODULES"])
    new = told.with_suffix(".new")
    new.write_text(json.dumps(sorted(sys.modules)))
    new.replace(told)


def plant_faults(folder: Path) -> None:
    """Patch the running server's own classes."""
    from aiohttp import web  # noqa: PLC0415  a server without faults loads what it loads by itself

    from chatserver.bus.local import LocalBus  # noqa: PLC0415  same
    from chatserver.http import serving  # noqa: PLC0415  same
    from chatserver.relay.relay import Relay  # noqa: PLC0415  same
    from chatserver.store import sqlite_connection, sqlite_writer  # noqa: PLC0415  same

    commit, send, serve, publish = (
        sqlite_writer.Writer._commit, Relay._send, serving._serve, LocalBus.publish
    )  # fmt: skip

    def strikes(fault: str) -> bool:
        on = (folder / fault).exists()
        if on:
            (folder / f"{fault}-struck").touch()
        return on

    def committed(self: Any, units: Any, way: Any) -> Any:
        if strikes("store"):
            raise sqlite_connection.apsw.BusyError(repr(units))  # type: ignore[attr-defined]  # where it is loaded
        return commit(self, units, way)

    def sent(self: Any, seat: Any, frame: Any, view: Any) -> None:
        if strikes("relay"):
            raise ValueError(repr(frame), frame)
        send(self, seat, frame, view)

    async def served(route: Any, deps: Any, read: Any, request: web.Request) -> Any:
        if strikes("http"):
            raise RuntimeError(f"{request.raw_path} {request.headers!r}", await request.read())
        return await serve(route, deps, read, request)

    def published(self: LocalBus, node: bytes, message: bytes) -> None:
        with (folder / "bus").open("ab") as bus:
            bus.write(message)
        publish(self, node, message)

    sqlite_writer.Writer._commit, Relay._send = committed, sent  # type: ignore[method-assign]  # the planted faults
    serving._serve, LocalBus.publish = served, published  # type: ignore[method-assign]  # same


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, tell_modules)
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    if os.environ.get("TEST_OPENS_THE_DOOR"):
        import crypto.envelope  # noqa: F401  being loaded is its crime
    if faults := os.environ.get("TEST_FAULTS"):
        plant_faults(Path(faults))
    from sotto.cli import main

    main()
