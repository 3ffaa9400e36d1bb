"""The composition root: the only file that names implementations, and the life of one node."""

import asyncio
import gc
import secrets
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from aiohttp import web

from chatserver.clock import Clock, SystemClock
from chatserver.follower import Follower
from chatserver.http import app as http
from chatserver.http import gate
from chatserver.http.deps import Deps
from chatserver.http.web import is_built
from chatserver.ops import logs
from chatserver.ops.logs import Event
from chatserver.people.attempts import Attempts
from chatserver.people.columns import Columns
from chatserver.people.credentials import Hasher
from chatserver.people.hello import Greeted, Greeter, greet, still_stands
from chatserver.people.lookup import Lookup
from chatserver.people.people import People
from chatserver.people.statements import Nonces
from chatserver.relay.franking import Stamp
from chatserver.relay.room import Drained, Room
from chatserver.settings import Settings
from chatserver.store.hinting import HintingStore
from chatserver.store.migrations import Migrated, migrate
from chatserver.store.opening import Kind, open_store
from chatserver.store.port import Store, StoreRefused
from chatserver.store.queries import TheTenant
from chatserver.tasks import Tasks
from chatserver.transports import socketio, upgrade
from chatserver.transports.door import Door, UpgradeFacts
from chatserver.transports.kept_alive import upgrade_handler
from chatserver.transports.places import CountedPlaces
from chatserver.transports.port import Port
from chatserver.transports.quiet_http import quiet_http
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import Hello
from crypto.keys import Transport

__all__ = ["Migrated", "Node", "Stopped", "StoreRefused", "migrate_store", "people_of", "records", "store_path"]

_FIRST_STAMP_KEY: Final = 1
_GC_THRESHOLDS: Final = (100_000, 50, 100)
"""A send lives for some milliseconds and holds no cycle when it ends: looking for some every 700 objects finds it alive
and cost 7 to 9 us a message."""
_HTTP_SHUTDOWN_S: Final = 2.0


class Stopped(NamedTuple):
    """What a stop did, and what this node dropped in its life, by name."""

    drained: Drained
    dropped: dict[str, int]


def store_path(settings: Settings) -> Path:
    """The file of an embedded store."""
    return Path(settings.store_url.removeprefix("sqlite:///"))


def migrate_store(settings: Settings) -> Migrated:
    """Bring the store to this version's schema. Raises `StoreRefused` with the sentence that mends it."""
    return migrate(store_path(settings))


async def people_of(settings: Settings, store: Store, clock: Clock) -> People:
    """The records of the organisation and the keys that open their columns."""
    (tenant,) = await store.read(TheTenant())
    columns = Columns(settings.column_key.get_secret_value(), secrets.token_bytes)
    lookup = Lookup(settings.lookup_key.get_secret_value())
    return People(store, tenant, columns, lookup, clock, secrets.token_bytes)


@asynccontextmanager
async def records(settings: Settings) -> AsyncIterator[People]:
    """The records for a command, beside a running node or without one. Raises `StoreRefused`."""
    store = open_store(store_path(settings), Kind.CLI)
    try:
        yield await people_of(settings, store, SystemClock())
    finally:
        await store.close()


class Node:
    """One server process: store, rooms, port. `start` once, `stop` once, on one event loop."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._dropped: Counter[str] = Counter()
        self.tasks = Tasks(_task_failed)
        self._greeter: Greeter
        self.people: People
        self.serves_web = is_built()

    async def start(self) -> int:
        """Open the store, then the port; the port's number. Raises `StoreRefused`, `OSError` if the port is taken."""
        settings = self._settings
        self._store = HintingStore(
            open_store(store_path(settings), Kind.NODE, distance_s=settings.commit_distance_ms / 1000)
        )
        try:
            return await self._start(await people_of(settings, self._store, self._clock))
        except BaseException:
            await self._store.close()
            raise

    async def _start(self, people: People) -> int:
        settings, store = self._settings, self._store
        self.people = people
        stamp = Stamp(_FIRST_STAMP_KEY, settings.stamp_key.get_secret_value(), people.tenant.id)
        self._room = Room(
            store, self._clock, stamp, self.tasks, self._greet, self._still_stands, people.tenant.epoch,
            self._count, settings.hold_ms / 1000,
        )  # fmt: skip
        self._follower = Follower(store, self._room.watcher, self._room.blind, self._clock)
        store.hint = self._follower.hint
        await self._follower.start()
        self._hasher = Hasher(secrets.token_bytes)
        port = await self._open(people)
        self.tasks.spawn("feed", self._follower.follow())
        self.tasks.spawn("sweep", self._room.sweep())
        gc.collect()
        gc.freeze()  # a full collection would otherwise walk everything that start-up made
        gc.set_threshold(*_GC_THRESHOLDS)
        logs.info(Event.NODE_READY, port=port, tenant=people.tenant.id.hex())
        return port

    async def _open(self, people: People) -> int:
        settings = self._settings
        door = Door(
            connect=self._room.connect,
            origin_allowed=self._origin_allowed,
            places=CountedPlaces(),
            call_later=asyncio.get_running_loop().call_later,
            failed=_failed,
        )
        origins = set(settings.origins)
        secure = settings.tls_cert_file is not None or settings.behind_proxy
        deps = Deps(
            people, self._hasher, Attempts(), Nonces(), settings.organisation, origins, secure,
            settings.behind_proxy, _failed,
        )  # fmt: skip
        site = http.build(deps)
        site.router.add_get(upgrade.PATH, upgrade_handler(door))
        self._socketio = socketio.attach(site, door, _session_gate(deps))
        self._runner = web.AppRunner(site, access_log=None, shutdown_timeout=_HTTP_SHUTDOWN_S)
        await self._runner.setup()
        assert self._runner.server is not None  # noqa: S101  set up in the line above
        self._port = Port(door, quiet_http(self._runner.server, _failed))
        self._greeter = Greeter(people, origins, settings.node_name.encode().ljust(16, b"\0")[:16])
        port = await self._port.open(settings.host, settings.port, _tls(settings))
        _name_port(origins, port)
        return port

    def _origin_allowed(self, origin: str | None) -> bool:
        return origin is None or origin in self._greeter.origins

    async def _greet(self, hello: Hello, facts: UpgradeFacts) -> Greeted | Refusal:
        return await greet(self._greeter, hello, Transport(facts.transport), facts.session)

    async def _still_stands(self, greeted: Greeted) -> Refusal | None:
        return await still_stands(self.people, greeted)

    def _count(self, name: str) -> None:
        self._dropped[name] += 1

    async def stop(self) -> Stopped:
        """Accept nobody more, drain, let go of the store."""
        logs.info(Event.NODE_DRAINING, connections=len(self._room.connections))
        self._port.close()
        drained = await self._room.drain(self._settings.drain_timeout_s)
        await self._runner.cleanup()
        await self.tasks.close()
        self._hasher.close()
        await self._store.close()
        logs.info(Event.NODE_STOPPED, kept=drained.unsaved)
        return Stopped(drained, dict(self._dropped))


def _name_port(origins: set[str], port: int) -> None:
    """Where any free port was asked for, our own origins are those of the port that was found."""
    for origin in [origin for origin in origins if origin.endswith(":0")]:
        origins.remove(origin)
        origins.add(f"{origin.removesuffix('0')}{port}")


def _session_gate(deps: Deps) -> socketio.Gate:
    """Requests of Socket.IO show their session as all others do."""

    async def session_of(request: web.Request) -> bytes | None:
        found = await gate.session_of(request, deps)
        return None if isinstance(found, Refusal) else found.id

    return socketio.Gate(session_of, lambda request: gate.address_of(request, deps))


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file)
    return context


def _task_failed(_name: str, failure: BaseException) -> None:
    logs.error(Event.TASK_FAILED, failure)


def _failed(failure: BaseException) -> None:
    logs.error(Event.TASK_FAILED, failure)
