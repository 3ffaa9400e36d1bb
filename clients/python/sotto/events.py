"""Events on their way to whoever listens. Nothing durable depends on them: the history has what was said."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from sotto.values import Event, Missed

MAX_WAITING: Final = 1_024
"""Events that a listener may leave waiting; beyond that the oldest are dropped and counted."""


class Listener:
    """One reader's events. Owned by the reader; filled by `Events.tell`."""

    def __init__(self) -> None:
        self._waiting: deque[Event] = deque()
        self._dropped = 0
        self._closed = False
        self._some = asyncio.Event()

    def put(self, event: Event) -> None:
        """Add an event; when full, the oldest goes."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(event)
        self._some.set()

    def close(self) -> None:
        """Nothing more comes; what waits may still be read."""
        self._closed = True
        self._some.set()

    def take(self) -> Event | None:
        """The next event, if one waits."""
        if self._dropped:
            missed, self._dropped = Missed(self._dropped), 0
            return missed
        return self._waiting.popleft() if self._waiting else None

    async def next(self) -> Event | None:
        """The next event, waited for; None when the client has closed."""
        while True:
            event = self.take()
            if event is not None or self._closed:
                return event
            self._some.clear()
            await self._some.wait()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events from now on, until the client closes."""
        while (event := await self.next()) is not None:
            yield event


class Events:
    """Tells every listener."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._closed = False

    def listen(self) -> Listener:
        """A listener that hears everything from now on."""
        listener = Listener()
        if self._closed:
            listener.close()
        self._listeners.append(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """That listener hears nothing more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def tell(self, event: Event) -> None:
        """Put an event before every listener."""
        for listener in self._listeners:
            listener.put(event)

    def close(self) -> None:
        """Nothing more will be told."""
        self._closed = True
        for listener in self._listeners:
            listener.close()
