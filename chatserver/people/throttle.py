"""Attempts are slowed by token buckets, in tables that cannot grow.

Fail-closed: when a table is full and its longest idle bucket is not yet refilled, a newcomer is refused. Forgetting a
spent bucket instead would let anybody empty it by naming many others.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, NamedTuple

MAX_BUCKETS: Final = 16_384


class Rate(NamedTuple):
    """So many at once, and so many a second after that."""

    burst: float
    per_s: float


class _Bucket(NamedTuple):
    tokens: float
    at_s: float


class Throttle:
    """One bucket a key, least recently used first. Owned by the event loop."""

    def __init__(self, rate: Rate, most: int = MAX_BUCKETS) -> None:
        self._rate = rate
        self._most = most
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: Hashable, now_s: float) -> bool:
        """Take one token of `key` at the monotonic time `now_s`; False if there is none, or no room for the key."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if not self._room(now_s):
                return False
            bucket = _Bucket(self._rate.burst, now_s)
        tokens = self._tokens(bucket, now_s)
        taken = tokens >= 1
        self._buckets[key] = _Bucket(tokens - taken, now_s)
        self._buckets.move_to_end(key)
        return taken

    def give_back(self, key: Hashable) -> None:
        """Return a token of `key`: the attempt turned out to be rightful. Never above the burst."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            self._buckets[key] = bucket._replace(tokens=min(self._rate.burst, bucket.tokens + 1))

    def _tokens(self, bucket: _Bucket, now_s: float) -> float:
        return min(self._rate.burst, bucket.tokens + (now_s - bucket.at_s) * self._rate.per_s)

    def _room(self, now_s: float) -> bool:
        """Whether one more fits, the oldest bucket given up if it is full again and so says nothing."""
        if len(self._buckets) < self._most:
            return True
        oldest = next(iter(self._buckets))
        if self._tokens(self._buckets[oldest], now_s) < self._rate.burst:
            return False
        del self._buckets[oldest]
        return True
