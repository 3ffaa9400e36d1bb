"""What waits for a client's next poll, counted in bytes."""

import asyncio
from collections import deque

from chatserver.transports.socketio_packets import Item


class Waiting:
    """Packets in their order, and at most one poll that waits for them. The session above keeps it bounded."""

    __slots__ = ("_items", "_waiter", "size_bytes")

    def __init__(self) -> None:
        self.size_bytes = 0
        self._items: deque[Item] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def put(self, items: list[Item]) -> None:
        """One event's packets, or more."""
        self._items.extend(items)
        self.size_bytes += sum(len(payload) for _, payload in items)
        self.wake()

    def take(self, most_packets: int, most_bytes: int) -> tuple[list[Item], int]:
        """The oldest packets and their bytes; one at least, if there is one."""
        taken: list[Item] = []
        taken_bytes = 0
        while self._items and len(taken) < most_packets and (taken_bytes < most_bytes or not taken):
            taken.append(self._items.popleft())
            taken_bytes += len(taken[-1][1])
        self.size_bytes -= taken_bytes
        return taken, taken_bytes

    async def wait(self) -> None:
        """Until something is put, or somebody wakes the poll."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def wake(self) -> None:
        """The poll that waits, if there is one, goes on."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
