"""Messages that the program has not taken yet: durable, so that what came while nobody listened is not passed over."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

from sotto.core import Core
from sotto.errors import StateFailed
from sotto.state import History, Writes
from sotto.state.file import File, Row
from sotto.state.records import Store, u64
from sotto.values import Message

PAGE: Final = 64


async def unread(core: Core, history: History, closed: asyncio.Event) -> AsyncIterator[Message]:
    """Each message once, in the order of arrival; it leaves the inbox when the next one is asked for.

    A state that was closed in the middle of a page is the end, too: what was not taken comes again.
    """
    try:
        async for message in _each(core, history, closed):
            yield message
    except StateFailed:
        if not core.database.closed:
            raise


async def _each(core: Core, history: History, closed: asyncio.Event) -> AsyncIterator[Message]:
    after = 0
    while True:
        core.arrived.clear()
        rows = await core.database.read(partial(_page, after=after))
        entries = await history.entries([key for _, key in rows])
        for arrival, key in rows:
            after = int.from_bytes(arrival, "big")
            entry = entries.get(key)
            if isinstance(entry, Message):
                yield entry
            await _taken(core, arrival)
        if not rows and closed.is_set():
            return
        if not rows:
            await core.arrived.wait()


async def _taken(core: Core, arrival: bytes) -> None:
    writes = Writes()
    writes.drop(Store.INBOX, arrival)
    await core.saved(writes)


def _page(file: File, after: int) -> Sequence[Row]:
    return file.first_from(Store.INBOX, u64(after + 1), PAGE)
