"""Everything that may happen to a message on one server, with canaries in it, and all that the server leaves behind."""

import asyncio
import itertools
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

from chatserver.settings import Settings
from chatserver.store.migrations import Migration, migrate, shipped
from chatserver.wire import frames
from loadtests.actors import SMALLEST_BOX
from loadtests.chaos.server import Organisation
from sotto import account
from sotto.client import Client
from sotto.values import Message, Stage
from tests.journeys.canaries import Canary
from tests.journeys.canary_strays import Heard, ended_sockets, faulted, refused_requests, refused_sends
from tests.journeys.cores import core_of, memory_of
from tests.journeys.pairs import pair
from tests.journeys.patience import until
from tests.journeys.processes import Command, serve_words, settings_for, sotto
from tests.sotto_house import knows, reached

HOLD_MS = 5_000
"""A live box stays in memory until it is acknowledged, however slow this machine is."""


@dataclass
class Scene:
    """Owned by whoever plays it; tests read it."""

    folder: Path
    content: Canary = field(default_factory=lambda: Canary("content"))
    identity: Canary = field(default_factory=lambda: Canary("identity"))
    stray: Canary = field(default_factory=lambda: Canary("stray"))
    control: Canary = field(default_factory=lambda: Canary("control"))
    heard: Heard = field(default_factory=Heard)
    stages: dict[str, Stage] = field(default_factory=dict)
    received: list[str] = field(default_factory=list)
    live_boxes: list[bytes] = field(default_factory=list)
    stored_box: bytes = b""
    memories: list[Path] = field(default_factory=list)
    _clients: dict[str, Client] = field(default_factory=dict)
    _said: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        (self.folder / "faults").mkdir()
        self.settings: Settings = settings_for(self.folder / "data")

    def text(self) -> str:
        """What the next message says: nothing that was said before."""
        return f"{self.content.word(str(next(self._said)))} ends {self.content.stem}"

    @property
    def database(self) -> Path:
        return self.settings.data_dir / "sotto.db"

    def files(self, *folders: str) -> list[Path]:
        """Every file of these folders, those of copies included."""
        return sorted(file for name in folders for file in (self.folder / name).rglob("*") if file.is_file())

    def keep(self, name: str) -> None:
        """Copy the store as its files are now, log included: what is deleted later was searched as well."""
        copies = self.folder / "copies" / name
        copies.mkdir(parents=True)
        for file in self.settings.data_dir.glob("sotto.db*"):
            shutil.copy(file, copies)

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """One of the planted faults is on."""
        switch = self.folder / "faults" / name
        switch.touch()
        try:
            yield
        finally:
            switch.unlink()

    @asynccontextmanager
    async def server(self, name: str, log_format: str) -> AsyncIterator[Command]:
        environ = {
            "TEST_FAULTS": str(self.folder / "faults"), "TEST_CONTROL": self.control.word("memory"),
            "SOTTO_LOG_FORMAT": log_format, "SOTTO_LOG_LEVEL": "debug", "SOTTO_HOLD_MS": str(HOLD_MS),
        }  # fmt: skip
        async with sotto(*serve_words(self.settings), folder=self.folder / name, environ=environ) as command:
            await command.listens()
            yield command

    # -- people ----------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def password(self, who: str) -> str:
        return self.content.word(f"umbrella quartz {who} violin")

    def state(self, who: str) -> Path:
        (self.folder / "clients").mkdir(exist_ok=True)
        return self.folder / "clients" / f"{who}.state"

    async def join(self, who: str) -> Client:
        async with Organisation(self.settings) as organisation:
            code = await organisation.invite(alias=self.identity.word(f"alias-{who}"))
        name = self.identity.word(f"name-{who}")
        client = await Client.join(self.url, self.state(who), invite=code, name=name, password=self.password(who))
        return self._started(who, client)

    async def open(self, who: str) -> Client:
        return self._started(who, await Client.open(self.state(who), self.password(who)))

    def _started(self, who: str, client: Client) -> Client:
        self._clients[who] = client
        client.start()
        return client

    async def close(self, *people: str) -> None:
        """These leave; all who are left, if nobody is named."""
        for who in people or list(self._clients):
            await self._clients.pop(who).close()


def play(folder: Path) -> Scene:
    """The whole scene, from an empty folder to a core dump."""
    scene = Scene(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "DEVICE_NAME", scene.identity.word("device"))
        asyncio.run(_played(scene))
    return scene


async def _played(scene: Scene) -> None:
    try:
        await _play(scene)
    finally:
        await scene.close()


async def _play(scene: Scene) -> None:
    async with scene.server("first", "console") as command:
        river, sage = await scene.join("river"), await scene.join("sage")
        scope = await _talk_live(scene, river, sage)
        await scene.close("sage")
        await _talk_to_nobody(scene, river, scope)
        sage = await scene.open("sage")
        await _talk_through_faults(scene, river, scope)
        await _raw_devices(scene)
        scene.keep("before-drain")
        assert await command.end(signal.SIGTERM) == os.EX_OK
    _keep_backup(scene)
    async with scene.server("second", "json") as command:
        said = await river.send(scope, scene.text())
        scene.stages["after a restart"] = (await reached(river, said, Stage.DELIVERED)).stage
        with scene.fault("http"):
            await refused_requests(scene.url, "", scene.stray, scene.heard)
        scene.keep("before-death")
        scene.memories = [memory_of(command), await core_of(command)]
    scene.received += [message.text async for message in _all_of(sage)]


async def _talk_live(scene: Scene, river: Client, sage: Client) -> bytes:
    """Both are there; they type and read as well. The conversation."""
    async with Organisation(scene.settings) as organisation:
        scope = await organisation.converse(river.account, sage.account)
    await knows(river, scope)
    await knows(sage, scope)
    for sender, other in ((river, sage), (sage, river)):
        await sender.typing(scope)
        said = await sender.send(scope, scene.text())
        scene.stages["live"] = (await reached(sender, said, Stage.DELIVERED)).stage
        await other.read(scope)
        await reached(sender, said, Stage.READ)
        await sender.keep_draft(scope, scene.text())
    scene.keep("live")
    return scope


async def _talk_to_nobody(scene: Scene, river: Client, scope: bytes) -> None:
    """What waits is stored, and expires, or is collected."""
    lost = await river.send(scope, scene.text())
    await reached(river, lost, Stage.SAFE)
    scene.keep("offline")
    with closing(apsw.Connection(str(scene.database))) as database:
        database.set_busy_timeout(5_000)
        database.execute("update mailbox set expires_at = 1")  # thirty days later
    scene.stages["expired"] = (await reached(river, lost, Stage.EXPIRED)).stage
    kept = await river.send(scope, scene.text())
    await reached(river, kept, Stage.SAFE)
    await scene.open("sage")
    scene.stages["offline"] = (await reached(river, kept, Stage.DELIVERED)).stage
    await scene.close("sage")


async def _talk_through_faults(scene: Scene, river: Client, scope: bytes) -> None:
    """The store fails and handlers raise while people talk; afterwards nothing is missing."""
    for fault in ("store", "relay"):
        with scene.fault(fault):
            said = await river.send(scope, scene.text())
            await until((scene.folder / "faults" / f"{fault}-struck").exists)
        await river.retry(scope)
        scene.stages[f"through a fault of the {fault}"] = (await reached(river, said, Stage.DELIVERED)).stage


async def _raw_devices(scene: Scene) -> None:
    """Refusals, faults under strays, boxes that must be in no file, and one, unsealed, that must be in one."""
    async with pair(scene.settings, scene.url) as two:
        scene.live_boxes = [(await two.say()).boxes[0].box for _ in range(5)]
        await refused_sends(two, scene.stray, scene.heard)
        await refused_requests(scene.url, two.reader.token, scene.stray, scene.heard)
        with scene.fault("http"):
            await refused_requests(scene.url, two.reader.token, scene.stray, scene.heard)
        await ended_sockets(two.reader, scene.stray, scene.heard)
        with scene.fault("store"):
            await faulted(two, scene.stray, scene.heard)
        await two.reading.close()
        two.sender.n += 10
        plain = two.sender.message(two.scope, [two.reader])
        scene.stored_box = scene.control.filled(SMALLEST_BOX)
        sealed = frames.Sealed(two.reader.id, two.reader.key_no, scene.stored_box)
        await two.sending.send(frames.Send(two.scope, plain.n, plain.c, (sealed,)))
        await two.sending.until(frames.Receipt)
        with scene.fault("relay"):
            await faulted(two, scene.stray, scene.heard)


def _keep_backup(scene: Scene) -> None:
    """A copy of the store as an upgrade keeps it."""
    upgraded = scene.folder / "upgraded"
    shutil.copytree(scene.settings.data_dir, upgraded)
    migrations = (*shipped(), Migration(len(shipped()) + 1, "select 1"))
    assert migrate(upgraded / "sotto.db", migrations=migrations).copy is not None


async def _all_of(client: Client) -> AsyncIterator[Message]:
    """What is in the history of each of its conversations."""
    for conversation in client.conversations():
        for entry in await client.history(conversation.id, limit=200):
            if isinstance(entry, Message):
                yield entry
