"""An asyncio loop on virtual time: no socket, no thread; when nobody can go on, the clock jumps to the next timer."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

from tests.fakes.clock import EPOCH_MS

P = ParamSpec("P")
_TICK_S = 1e-6


class Stuck(Exception):
    """Everybody waits and no timer is set."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs as fast as the machine does."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1_000.0
        self._selector = self
        self._clock_resolution = _TICK_S

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[object]:
        """Where a real loop would wait for sockets."""
        if timeout is None:
            raise Stuck
        self._now += timeout + (_TICK_S if timeout else 0.0)
        return []

    def _process_events(self, event_list: list[object]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


class LoopClock:
    """A `Clock` that reads the running loop's time."""

    @staticmethod
    def mono_s() -> float:
        return asyncio.get_running_loop().time()

    @classmethod
    def wall_ms(cls) -> int:
        return EPOCH_MS + round(cls.mono_s() * 1000)


async def later(seconds: float) -> None:
    """Let so much virtual time pass."""
    loop = asyncio.get_running_loop()
    due = loop.create_future()
    loop.call_later(seconds, due.set_result, None)
    await due


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A coroutine test, run on a loop of its own."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        loop = VirtualLoop()
        faults: list[object] = []
        loop.set_exception_handler(lambda _loop, context: faults.append(context.get("exception", context)))
        try:
            loop.run_until_complete(test(*args, **kwargs))
        finally:
            loop.close()
        assert faults == []

    return run
