"""Counting sockets, so that no address takes them all."""

from collections import Counter
from ipaddress import IPv6Address, ip_address
from typing import Final

from chatserver.wire import limits

_SITE_BITS: Final = 64
"""One IPv6 customer holds at least a /64 (RFC 6177), so addresses inside one count as one."""


def whose(address: str) -> str:
    """The party behind `address`: an IPv4 address itself, an IPv6 address's first 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> _SITE_BITS:x}::/64"


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
