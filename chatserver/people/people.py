"""What the rooms people, care and http work with: values made by the composition root, none of them a setting."""

from dataclasses import dataclass

from chatserver.clock import Clock
from chatserver.people.columns import Columns, Random
from chatserver.people.lookup import Lookup
from chatserver.store.port import Store
from chatserver.store.rows import Tenant

ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class People:
    """The records of one organisation and the keys that open their columns."""

    store: Store
    tenant: Tenant
    columns: Columns
    lookup: Lookup
    clock: Clock
    random: Random

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self.clock.wall_ms()

    def new_id(self) -> bytes:
        """Sixteen random bytes."""
        return self.random(ID_BYTES)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: as it stands in the audit. The command line is nobody with nothing."""

    account: bytes = bytes(ID_BYTES)
    session: bytes = bytes(ID_BYTES)
    device: bytes = bytes(ID_BYTES)


OPERATOR = Actor()
