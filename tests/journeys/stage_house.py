"""A real node in this process, with injected time and failures, and people who come to it with the real client."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import pytest

from chatserver import app
from chatserver.app import Node, Stopped
from chatserver.care import conversations
from chatserver.care.purposes import Purpose
from chatserver.people.invitations import Invited, invite
from chatserver.people.people import OPERATOR
from chatserver.people.roles import Role
from chatserver.settings import Settings, load
from chatserver.store.faults import Faults
from chatserver.store.opening import open_store
from loadtests.actors import Device
from loadtests.chaos.server import free_port
from sotto.client import Client
from sotto.values import Entry, Event, Message, Stage, StageChanged
from tests.journeys.stage_clock import PersonClock, ServerClock, Shift
from tests.journeys.stage_until import stage_until

T = TypeVar("T")
PASSWORD: Final = "umbrella quartz lantern violin"


@dataclass
class Person:
    """Somebody with the client open, and all that was shown to them since. Made by `House.join` and `House.open`."""

    alias: str
    client: Client
    shown: list[Message] = field(default_factory=list)  # what `messages()` gave, in that order
    events: list[Event] = field(default_factory=list)
    _ears: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def account(self) -> bytes:
        return self.client.account

    def start(self) -> None:
        """Connect and listen."""
        self._ears = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._listen())]
        self.client.start()

    async def _read(self) -> None:
        async for message in self.client.messages():
            self.shown.append(message)

    async def _listen(self) -> None:
        async for event in self.client.events():
            self.events.append(event)

    async def close(self) -> None:
        """Close the program; what waits stays in the state."""
        await self.client.close()
        await asyncio.gather(*self._ears)

    # What a test asks

    def texts(self) -> list[str]:
        return [message.text for message in self.shown]

    def stages(self, said: Message) -> list[Stage]:
        """The way of a message, as events told it; each stage once."""
        told = [event for event in self.events if isinstance(event, StageChanged)]
        return list(dict.fromkeys(event.stage for event in told if event.place == said.place))

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def history(self, scope: bytes) -> list[Entry]:
        return await self.client.history(scope, limit=5_000)

    async def knows(self, scope: bytes) -> None:
        """Until the conversation is there."""
        await self.until(lambda: any(talk.id == scope for talk in self.client.conversations()), "the conversation")

    async def got(self, *texts: str) -> None:
        """Until exactly these were shown, in this order."""
        await self.until(lambda: len(self.shown) >= len(texts), f"{self.alias} got {len(texts)} messages")
        assert self.texts() == list(texts)

    async def reached(self, said: Message, stage: Stage) -> None:
        """Until the message stands at that stage."""

        async def there() -> bool:
            return any(
                isinstance(entry, Message) and entry.place == said.place and entry.stage is stage
                for entry in await self.history(said.conversation)
            )

        await stage_until(lambda: self._alive(there), f"{self.alias}'s message is {stage}")

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Until something about this person holds, while their client lives."""
        await stage_until(lambda: self._alive(holds), what)

    def _alive(self, holds: Callable[[], T]) -> T:
        if self.client.failure is not None:
            raise self.client.failure
        return holds()


@dataclass
class House:
    """One organisation. `stop` and `start` keep its store. Owned by the test."""

    folder: Path
    shift: Shift = field(default_factory=Shift)
    port: int = field(default_factory=free_port)
    people: list[Person] = field(default_factory=list)
    faults: Faults | None = None
    commit_distance_ms: float = 2.0
    doors: tuple[str, ...] = ()  # other addresses by which people come
    _node: Node | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def node(self) -> Node:
        assert self._node is not None
        return self._node

    def settings(self) -> Settings:
        chosen = {
            "port": self.port, "data_dir": self.folder / "server", "origins": [self.url, *self.doors],
            "commit_distance_ms": self.commit_distance_ms,
        }  # fmt: skip
        return load(chosen, environ={}, make_keys=True).settings

    async def start(self) -> None:
        with pytest.MonkeyPatch.context() as patch:  # the one seam: which store the composition root opens
            patch.setattr(app, "open_store", functools.partial(open_store, faults=self.faults))
            self._node = Node(self.settings(), ServerClock(self.shift))
            await self._node.start()

    async def stop(self) -> Stopped:
        node, self._node = self.node, None
        return await node.stop()

    @property
    def runs(self) -> bool:
        return self._node is not None

    async def close(self) -> None:
        await asyncio.gather(*(person.close() for person in self.people))
        if self.runs:
            await self.stop()

    # People

    async def code(self, alias: str, role: Role = Role.PATIENT) -> str:
        invited = await invite(self.node.people, role, alias, OPERATOR)
        assert isinstance(invited, Invited)
        return invited.code

    async def join(
        self, alias: str, role: Role = Role.PATIENT, *, url: str = "", stay_signed_in: bool = False
    ) -> Person:
        """Somebody new who is not connected yet, by the address `url` if not by the house's own."""
        code, path = await self.code(alias, role), self.state(alias)
        client = await Client.join(
            url or self.url, path, invite=code, name=f"{alias}-name", password=PASSWORD, stay_signed_in=stay_signed_in
        )
        client._core.clock = PersonClock(self.shift)
        return self._put(Person(alias, client))

    async def open(self, alias: str) -> Person:
        """The same person with a new process, from their encrypted state."""
        return self._put(Person(alias, await Client.open(self.state(alias), PASSWORD, clock=PersonClock(self.shift))))

    async def leave(self, person: Person) -> None:
        """Close somebody's program for good."""
        self.people.remove(person)
        await person.close()

    def state(self, alias: str) -> Path:
        return self.folder / f"{alias}.state"

    def _put(self, person: Person) -> Person:
        self.people.append(person)
        return person

    async def together(self, *people: "Person | Device") -> bytes:
        """A conversation of these."""
        accounts = [person.account for person in people]
        made = await conversations.create(self.node.people, Purpose.SUPPORT, accounts, OPERATOR)
        assert isinstance(made, bytes)
        return made


@asynccontextmanager
async def house(folder: Path, faults: Faults | None = None) -> AsyncIterator[House]:
    made = House(folder, faults=faults)
    await made.start()
    try:
        yield made
    finally:
        await made.close()
