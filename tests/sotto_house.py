"""A real server in this process, and people who come to it with the real client."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chatserver.app import Node
from chatserver.care import conversations
from chatserver.care.purposes import Purpose
from chatserver.people.invitations import Invited, invite
from chatserver.people.people import OPERATOR
from chatserver.people.roles import Role
from chatserver.settings import Settings, load
from sotto.client import Client
from sotto.values import Entry, Message, Stage

PASSWORD = "umbrella quartz lantern violin"
PATIENCE_S = 15.0


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@dataclass
class House:
    """One organisation; `stop` and `start` keep its store."""

    folder: Path
    port: int = field(default_factory=free_port)
    node: Node | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self) -> Settings:
        chosen = {"port": self.port, "data_dir": self.folder / "server"}
        return load(chosen, environ={}, make_keys=True).settings

    async def start(self) -> None:
        self.node = Node(self.settings())
        await self.node.start()

    async def stop(self) -> None:
        if self.node is not None:
            await self.node.stop()
            self.node = None

    async def code(self, alias: str, role: Role = Role.PATIENT) -> str:
        assert self.node is not None
        invited = await invite(self.node.people, role, alias, OPERATOR)
        assert isinstance(invited, Invited)
        return invited.code

    async def join(self, alias: str, role: Role = Role.PATIENT) -> Client:
        code = await self.code(alias, role)
        path = self.folder / f"{alias}.state"
        return await Client.join(self.url, path, invite=code, name=f"{alias}-name", password=PASSWORD)

    async def open(self, alias: str) -> Client:
        return await Client.open(self.folder / f"{alias}.state", PASSWORD)

    async def together(self, *members: Client) -> bytes:
        assert self.node is not None
        accounts = [member.account for member in members]
        made = await conversations.create(self.node.people, Purpose.SUPPORT, accounts, OPERATOR)
        assert isinstance(made, bytes)
        return made

    async def add(self, conversation: bytes, member: Client) -> None:
        assert self.node is not None
        assert await conversations.add(self.node.people, conversation, member.account, OPERATOR) is None


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    made = House(folder)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def eventually(holds: Callable[[], bool], changed: asyncio.Event) -> None:
    """Wait for something to be so, looking again whenever `changed` is set."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            changed.clear()
            await changed.wait()


async def until(holds: Callable[[], bool], *clients: Client) -> None:
    """Wait for something to be so, looking again at each event."""
    async with asyncio.timeout(PATIENCE_S):
        listeners = [client.events() for client in clients]
        while not holds():
            for client in clients:
                if client.failure is not None:
                    raise client.failure
            await _any([listener.next() for listener in listeners])


async def _any(waits: list) -> None:  # type: ignore[type-arg]  # coroutines of whatever
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    _, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=0.2)
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)


async def knows(client: Client, conversation: bytes) -> None:
    await until(lambda: any(one.id == conversation for one in client.conversations()), client)


async def reached(client: Client, message: Message, stage: Stage) -> Message:
    """The message once it stands at `stage`."""
    found: list[Message] = []

    async def look() -> bool:
        entries = await client.history(message.conversation, limit=400)
        mine = [entry for entry in entries if isinstance(entry, Message) and entry.place == message.place]
        found.extend(entry for entry in mine if entry.stage is stage)
        return bool(found)

    async with asyncio.timeout(PATIENCE_S):
        listener = client.events()
        while not await look():
            if client.failure is not None:
                raise client.failure
            await _any([listener.next()])
    return found[0]


def texts(entries: list[Entry]) -> list[str]:
    return [entry.text for entry in entries if isinstance(entry, Message)]
