"""One thread with an inbox: where a store blocks, so that the loop does not."""

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Job = tuple[Callable[[], Any], Callable[[Any], None]]


class Loop(Protocol):
    """What a thread needs of an event loop."""

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any) -> object:
        """From another thread, in the loop's next turn."""


class Worker:
    """Runs jobs in order on its own thread. What a job returns or raises is told on the loop, once."""

    def __init__(self, name: str, loop: Loop) -> None:
        self._loop = loop
        self._inbox: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], T], told: Callable[[T | Exception], None]) -> None:
        """Run `job` after those before it. Never blocks; who calls bounds how many wait."""
        self._inbox.put((job, told))

    def stop(self) -> None:
        """End after the jobs that wait."""
        self._inbox.put(None)

    def join(self) -> None:
        """Wait for the end of a stopped worker."""
        self._thread.join()

    def _work(self) -> None:
        while (item := self._inbox.get()) is not None:
            job, told = item
            result = _attempt(job)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
                self._loop.call_soon_threadsafe(told, result)


def _attempt(job: Callable[[], Any]) -> Any:
    try:
        return job()
    except Exception as error:  # noqa: BLE001 - handed to the loop's side, which knows what to do with it
        return error
