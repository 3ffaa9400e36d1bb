"""A server process of the harness's own, and the organisation in its store."""

import asyncio
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import aiohttp

from chatserver.app import people_of, store_path
from chatserver.audit.events import Kind as EventKind
from chatserver.audit.events import event_in
from chatserver.care import conversations
from chatserver.care.purposes import Purpose
from chatserver.clock import SystemClock
from chatserver.people.invitations import invite
from chatserver.people.people import OPERATOR, People
from chatserver.people.roles import Role
from chatserver.settings import Settings, load
from chatserver.store.opening import Kind, open_store
from chatserver.store.queries import EntriesOf, MailboxPage
from chatserver.wire.errors import Refusal
from loadtests.chaos.history import History

_READY_S = 15.0
_PAGE = 5_000
_OF_SENDS = (EventKind.SEND, EventKind.REPEATED)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One `sotto serve` on a data directory; it can be killed and started again. Owned by the harness."""

    def __init__(self, folder: Path, bug: str = "none") -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings: Settings = load({"data_dir": folder, "port": self.port}, environ={}, make_keys=True).settings
        self._bug = bug
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, http: aiohttp.ClientSession) -> None:
        """Start, and return once it answers."""
        command = (sys.executable, "-m", "loadtests.chaos.bugs", self._bug, "serve")
        log = (self.folder / "server.log").open("ab")
        self._process = await asyncio.create_subprocess_exec(
            *command, "--data-dir", str(self.folder), "--port", str(self.port),
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        async with asyncio.timeout(_READY_S):
            while not await self._answers(http):
                await asyncio.sleep(0.02)

    async def _answers(self, http: aiohttp.ClientSession) -> bool:
        process = self._process
        if process is None or process.returncode is not None:
            raise RuntimeError((self.folder / "server.log").read_text()[-2_000:])
        try:
            async with http.get(self.url + "/healthz") as answer:
                return answer.status == 200  # noqa: PLR2004  RFC 9110 section 15
        except aiohttp.ClientError:
            return False

    @property
    def pid(self) -> int:
        """The process."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    async def kill(self) -> None:
        """SIGKILL: nothing is said, nothing is finished."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM: it drains. Its exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        process = self._process
        if process is None:
            return os.EX_OK
        if process.returncode is None:
            process.send_signal(number)
        self._process = None
        return await process.wait()


class Organisation:
    """The operator's hand on the store, beside the server or before it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Self:
        self._store = open_store(store_path(self._settings), Kind.CLI)
        self.people: People = await people_of(self._settings, self._store, SystemClock())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._store.close()

    async def invite(self, role: Role = Role.PATIENT, alias: str = "River") -> str:
        """An invitation's code."""
        invited = await invite(self.people, role, alias, OPERATOR)
        if isinstance(invited, Refusal):
            raise RuntimeError(invited.code)  # noqa: TRY004  the type says that it was refused
        return invited.code

    async def converse(self, *accounts: bytes) -> bytes:
        """A conversation of these accounts."""
        made = await conversations.create(self.people, Purpose.SUPPORT, accounts, OPERATOR)
        if isinstance(made, Refusal):
            raise RuntimeError(made.code)  # noqa: TRY004  same
        return made

    async def sends(self) -> Counter[tuple[bytes, int]]:
        """How many events the audit has of each send."""
        found: Counter[tuple[bytes, int]] = Counter()
        shard, index = bytes(16), -1
        while rows := await self._store.read(EntriesOf(shard, index, _PAGE)):
            events = (event_in(row.entry) for row in rows)
            found.update((event.device, event.n) for event in events if event.kind in _OF_SENDS)
            shard, index = rows[-1].shard, rows[-1].number
        return found

    async def tell(self, history: History, devices: Iterable[bytes]) -> None:
        """Put what the store holds of messages into the history: the events of sends, and boxes that still wait."""
        for (sender, n), count in (await self.sends()).items():
            for _ in range(count):
                history.add("event", sender=sender, n=n)
        for device in devices:
            for row in await self._store.read(MailboxPage(device, 0, _PAGE, 2**40)):
                history.add("row", to=device, sender=row.sender, n=row.n)
