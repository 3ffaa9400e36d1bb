"""The messages and gaps of each conversation, read page by page."""

from collections.abc import Sequence

import msgspec

from sotto.state.database import Database
from sotto.state.records import Store, u64
from sotto.values import Entry

_entry: msgspec.msgpack.Decoder[Entry] = msgspec.msgpack.Decoder(Entry)


def place_key(scope: bytes, place: int) -> bytes:
    """The key of a history record."""
    return scope + u64(place)


class History:
    """Reads the history; whoever commits an entry writes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, scope: bytes, before: int, limit: int) -> list[Entry]:
        """At most `limit` entries of a conversation below the place `before`, oldest of them first."""
        rows = await self._database.read(
            lambda file: file.last_before(Store.HISTORY, scope + u64(0), scope + u64(before), limit)
        )
        return [_entry.decode(value) for _, value in reversed(rows)]

    async def entries(self, keys: Sequence[bytes]) -> dict[bytes, Entry]:
        """Those of the entries that exist, by key."""
        found = await self._database.read(lambda file: file.get(Store.HISTORY, keys))
        return {key: _entry.decode(value) for key, value in found.items()}
