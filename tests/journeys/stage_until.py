"""The one way in which journeys wait: for a condition, until a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

PATIENCE_S: Final = 20.0
_LOOK_EVERY_S: Final = 0.01


async def stage_until(holds: Callable[[], bool | Awaitable[bool]], what: str, patience_s: float = PATIENCE_S) -> None:
    """Look again and again until `holds`; `what` names the hope that was given up. Fails after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while not await _held(holds):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience_s:g} s: {what}")
        await asyncio.sleep(_LOOK_EVERY_S)


async def _held(holds: Callable[[], bool | Awaitable[bool]]) -> bool:
    found = holds()
    return found if isinstance(found, bool) else await found
