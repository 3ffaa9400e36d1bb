"""How a command works on the records: opens them beside a running server, and turns what goes wrong into an exit."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from chatserver.commands.options import refuse

if TYPE_CHECKING:
    from chatserver.desk import People
    from chatserver.settings import Settings

T = TypeVar("T")

FAILURE = 1


def work(settings: "Settings", order: "Callable[[People], Awaitable[T]]") -> T:
    """Carry an order out. Ends with 1 if it cannot be as given, with 69 if the store did not take it."""
    from chatserver.app import StoreRefused, records  # noqa: PLC0415  help must not wait for it
    from chatserver.desk import Unclear, Unsaved  # noqa: PLC0415  same

    async def at_the_desk() -> T:
        async with records(settings) as people:
            return await order(people)

    try:
        return asyncio.run(at_the_desk())
    except Unclear as unclear:
        refuse((str(unclear),), FAILURE)
    except (Unsaved, StoreRefused) as trouble:
        refuse((str(trouble),), os.EX_UNAVAILABLE)


def day(at_ms: int) -> str:
    """A time for people."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows in columns as wide as their widest cell, the last one as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    return "\n".join(
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    )
