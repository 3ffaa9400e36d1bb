"""Looking at the outside of another process: it sends no events, so a look is repeated until a deadline."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

PATIENCE_S = 20.0
_BETWEEN_LOOKS_S = 0.02
T = TypeVar("T")


async def until(look: Callable[[], T], patience_s: float = PATIENCE_S) -> T:
    """The first answer of `look` that is true. TimeoutError when patience is over."""
    never = asyncio.Event()
    async with asyncio.timeout(patience_s):
        while not (found := look()):
            with suppress(TimeoutError):
                await asyncio.wait_for(never.wait(), _BETWEEN_LOOKS_S)
    return found
