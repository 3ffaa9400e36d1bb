"""How a node follows the change feed: at once what it commits itself, by hint and poll what others commit."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from chatserver.clock import Clock
from chatserver.feed import BLIND_S, POLL_S, Entry, Topic
from chatserver.store.port import Store, StoreLost
from chatserver.store.queries import FeedAfter, FeedHead

_PAGE: Final = 256


class Listener(Protocol):
    """Who must know what the feed says."""

    def forget(self, entries: Iterable[Entry]) -> None:
        """At once: nothing that these entries made untrue is used any more."""

    async def tell(self, entry: Entry) -> None:
        """Then: those whom it concerns. Raises `StoreLost`."""


class Follower:
    """Follows the feed for one node. Owned by the composition root, which runs `follow`."""

    def __init__(self, store: Store, listener: Listener, blind: Callable[[], None], clock: Clock) -> None:
        self._store = store
        self._listener = listener
        self._blind = blind
        self._clock = clock
        self._number = 0
        self._hint = asyncio.Event()
        self._seen_at = clock.mono_s()
        self._is_blind = False

    async def start(self) -> None:
        """Begin at the newest entry: what came before is in the store already. Raises `StoreLost`."""
        head = await self._store.read(FeedHead())
        self._number = head[0].number if head else 0
        self._seen_at = self._clock.mono_s()

    def hint(self, entries: Iterable[Entry]) -> None:
        """This node committed entries, or heard of some: it forgets at once and reads soon."""
        self._listener.forget(entries)
        self._hint.set()

    async def follow(self) -> None:
        """Read for ever: by hint and by poll."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hint.wait(), POLL_S)
            self._hint.clear()
            await self.catch_up()

    async def catch_up(self) -> None:
        """Read what is new; a feed that cannot be read for `BLIND_S` blinds the node once."""
        try:
            while rows := await self._store.read(FeedAfter(self._number, _PAGE)):
                for row in rows:
                    entry = Entry(Topic(row.topic), row.subject)
                    self._listener.forget((entry,))
                    await self._listener.tell(entry)
                    self._number = row.number
        except StoreLost:
            self._look_blind()
        else:
            self._seen_at = self._clock.mono_s()
            self._is_blind = False

    def _look_blind(self) -> None:
        if not self._is_blind and self._clock.mono_s() - self._seen_at >= BLIND_S:
            self._is_blind = True
            self._blind()
