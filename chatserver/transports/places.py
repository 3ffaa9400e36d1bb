"""Counting sockets, so that no address takes them all."""

from collections import Counter

from chatserver.wire import limits
from chatserver.wire.addresses import whose


class CountedPlaces:
    """At most `total` sockets, and at most `per_address` of one party."""

    def __init__(self, per_address: int = limits.CONNECTIONS_PER_ADDRESS, total: int = limits.CONNECTIONS) -> None:
        self._per_address = per_address
        self._total = total
        self._taken: Counter[str] = Counter()  # no zero entries: it is as large as the number of sockets
        self._all = 0

    def __len__(self) -> int:
        return self._all

    def take(self, address: str) -> bool:
        """Take a place for a socket of `address`; False if that party or the house is full."""
        party = whose(address)
        if self._all >= self._total or self._taken[party] >= self._per_address:
            return False
        self._taken[party] += 1
        self._all += 1
        return True

    def give_back(self, address: str) -> None:
        """Return the place of one socket of `address`."""
        party = whose(address)
        self._taken[party] -= 1
        self._all -= 1
        if not self._taken[party]:
            del self._taken[party]
