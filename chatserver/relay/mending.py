"""What mends a refused send: the newest signed lists and bundles, so that one round trip is enough (PROTOCOL 5)."""

from collections.abc import Collection, Sequence

from chatserver.relay import statements
from chatserver.relay.connection import Connection
from chatserver.store.port import Store, StoreLost
from chatserver.store.rows import Bundle
from chatserver.wire import errors
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import Refused, Send


class Mender:
    """Never bare ids: the client verifies what it is given before it seals to it (CRYPTO section 3)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def refuse(
        self,
        connection: Connection,
        frame: Send,
        refusal: Refusal,
        stale: Collection[bytes] | None,
        present: Collection[bytes],
        *,
        known: bool,
    ) -> None:
        """Refuse `frame` with the bundles of the `stale` devices, or with all lists and bundles if None.

        `present`: the accounts that a send must reach. Others (disabled ones) would mend it to a wrong set again.
        """
        try:
            read = statements.of_account if frame.scope in present else statements.of_conversation
            lists, bundles = await read(self._store, frame.scope)
        except StoreLost:
            connection.refuse(frame.n, errors.NOT_SAVED, known=known)
            return
        signed = tuple((row.account, row.body) for row in lists if row.account in present and stale is None)
        keys = _newest([bundle for bundle in bundles if bundle.account in present], stale)
        connection.put(Refused(frame.n, refusal.code, refusal.reason, refusal.retry, known, signed, keys))


def _newest(bundles: Sequence[Bundle], wanted: Collection[bytes] | None) -> tuple[tuple[bytes, bytes], ...]:
    newest: dict[bytes, bytes] = {}
    for bundle in bundles:
        if wanted is None or bundle.device in wanted:
            newest.setdefault(bundle.device, bundle.body)
    return tuple(newest.items())
