"""The bus of a single process: a turn of the event loop is its network."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from chatserver.bus.port import MAX_WAITING_MESSAGES, AlreadyHeard, End, Hear, HearHint


class Loop(Protocol):
    """What the bus needs of an event loop."""

    def call_soon(self, callback: Callable[..., object], *args: Any) -> object:
        """In the next turn."""


class _Line:
    """What waits for one node. Owned by the bus."""

    def __init__(self, hear: Hear) -> None:
        self.hear = hear
        self.waiting: deque[bytes] = deque()


class LocalBus:
    """The promises of `port.Bus` for nodes of one process. Lives on the loop's thread, which owns every field."""

    def __init__(self, loop: Loop | None = None) -> None:
        self.dropped = 0
        self._loop = loop or asyncio.get_running_loop()
        self._lines: dict[bytes, _Line] = {}
        self._hint_hearers: dict[int, HearHint] = {}
        self._hearers_ever = 0
        self._hinted = False

    def subscribe(self, node: bytes, hear: Hear) -> End:
        """See `port.Bus`. Raises `AlreadyHeard` if the node has a hearer."""
        if node in self._lines:
            raise AlreadyHeard
        line = self._lines[node] = _Line(hear)
        return lambda: self._end(node, line)

    def publish(self, node: bytes, message: bytes) -> None:
        """See `port.Bus`."""
        line = self._lines.get(node)
        if line is None or len(line.waiting) >= MAX_WAITING_MESSAGES:
            self.dropped += 1
            return
        line.waiting.append(message)
        self._loop.call_soon(self._deliver, line)

    def on_hint(self, hear: HearHint) -> End:
        """See `port.Bus`."""
        self._hearers_ever += 1
        number = self._hearers_ever
        self._hint_hearers[number] = hear
        return lambda: _forget(self._hint_hearers, number)

    def hint(self) -> None:
        """See `port.Bus`."""
        if not self._hinted:
            self._hinted = True
            self._loop.call_soon(self._deliver_hint)

    async def close(self) -> None:
        """See `port.Bus`."""
        for node, line in list(self._lines.items()):
            self._end(node, line)
        self._hint_hearers.clear()

    def _end(self, node: bytes, line: _Line) -> None:
        if self._lines.get(node) is line:
            del self._lines[node]
            self.dropped += len(line.waiting)
            line.waiting.clear()

    def _deliver(self, line: _Line) -> None:
        if line.waiting:  # else its subscription ended meanwhile
            line.hear(line.waiting.popleft())

    def _deliver_hint(self) -> None:
        self._hinted = False
        for number, hear in list(self._hint_hearers.items()):
            if number in self._hint_hearers:
                hear()


def _forget(hearers: dict[int, HearHint], number: int) -> None:
    hearers.pop(number, None)
