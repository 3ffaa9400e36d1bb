"""The owner of every task that is not a message: named, counted, ended together."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """A registry of running tasks. Owned by the composition root."""

    def __init__(self, failed: Callable[[str, BaseException], None]) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._failed = failed

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`; if it fails, the house hears its name and the exception's type."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(task.get_name(), error)

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
