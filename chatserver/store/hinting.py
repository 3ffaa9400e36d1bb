"""A store that tells this node at once what it wrote into the change feed itself.

The hint runs before the unit's own `done`, and so before the `done` of every unit behind it: what a removal made
untrue is forgotten before a later send is handed over (DESIGN section 3, "asked again at hand-off").
"""

import asyncio
from collections.abc import Callable

from chatserver.feed import Entry
from chatserver.store.port import Committed, Done, Outcome, Query, R_co, Store, Unit

Hint = Callable[[tuple[Entry, ...]], None]


class HintingStore:
    """Keeps every promise of the store that it wraps. `hint` is set by the composition root."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.hint: Hint = lambda _entries: None

    def submit(self, unit: Unit, done: Done) -> None:
        """As the port says."""
        self._store.submit(unit, self._heard(unit, done) if unit.feed else done)

    def _heard(self, unit: Unit, done: Done) -> Done:
        def heard(outcome: Outcome) -> None:
            if isinstance(outcome, Committed):
                self.hint(unit.feed)
            done(outcome)

        return heard

    async def commit(self, unit: Unit) -> Outcome:
        """As the port says."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self.submit(unit, lambda outcome: None if future.cancelled() else future.set_result(outcome))
        return await future

    async def read(self, query: Query[R_co]) -> list[R_co]:
        """As the port says."""
        return await self._store.read(query)

    async def close(self) -> None:
        """As the port says."""
        await self._store.close()
