"""Tasks that run until they read the store, and go on when a test finishes that read."""

from collections.abc import Coroutine
from typing import Any

from chatserver.tasks import Tasks
from tests.fakes.store import Reading


class SteppedTasks(Tasks):
    """What a task raises goes to the test."""

    def __init__(self) -> None:
        super().__init__(lambda _name, _error: None)
        self.waiting: list[tuple[Reading, Coroutine[Any, Any, None]]] = []

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:  # noqa: ARG002 - as `Tasks` has it
        self._go_on(work)

    def finish(self, index: int = 0, *, lost: bool = False) -> None:
        """One read comes back, or the store is lost to it."""
        reading, work = self.waiting.pop(index)
        reading.lost = lost
        self._go_on(work)

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            reading = work.send(None)
        except StopIteration:
            return
        self.waiting.append((reading, work))

    def end(self) -> None:
        """The node dies."""
        for _, work in self.waiting:
            work.close()
        self.waiting.clear()
