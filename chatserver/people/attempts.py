"""How often somebody may try a name, an invitation or a signed request.

The owner is slowed, never locked out: whoever signed in once holds a place token for that name (the device cookie of
OWASP's authentication guidance), and attempts with a genuine one have a bucket of their own, which no stranger can
empty. All others share the bucket of the name and the bucket of their address, to which an attempt that turns out to
be rightful costs nothing: a clinic's staff may sign in together. Fail-closed (throttle.py).
"""

from typing import Final

from chatserver.people.throttle import Rate, Throttle
from chatserver.wire.addresses import whose

PER_ADDRESS: Final = Rate(burst=20, per_s=1 / 6)
PER_NAME: Final = Rate(burst=10, per_s=1 / 30)
PER_PLACE: Final = Rate(burst=10, per_s=1 / 6)
SALTS_PER_ADDRESS: Final = Rate(burst=60, per_s=1)
PER_SESSION: Final = Rate(burst=30, per_s=1)


class Attempts:
    """The buckets of a node, a table for each kind. Owned by the event loop; times are monotonic seconds."""

    def __init__(self) -> None:
        self._addresses = Throttle(PER_ADDRESS)
        self._names = Throttle(PER_NAME)
        self._places = Throttle(PER_PLACE)
        self._salts = Throttle(SALTS_PER_ADDRESS)
        self._sessions = Throttle(PER_SESSION)

    def may_sign_in(self, address: str, name_key: bytes, place: bytes | None, now_s: float) -> bool:
        """A guess at a password. `place` is the seed of a genuine place token of that name."""
        if place is not None:
            return self._places.take(place, now_s)
        return self._addresses.take(whose(address), now_s) and self._names.take(name_key, now_s)

    def may_join(self, address: str, now_s: float) -> bool:
        """A guess at an invitation."""
        return self._addresses.take(whose(address), now_s)

    def was_rightful(self, address: str) -> None:
        """The attempt just made from this address, without a place token, led in."""
        self._addresses.give_back(whose(address))

    def may_ask_salt(self, address: str, now_s: float) -> bool:
        """A question for a salt."""
        return self._salts.take(whose(address), now_s)

    def may_write(self, session: bytes, now_s: float) -> bool:
        """A ticket, list, device or bundle."""
        return self._sessions.take(session, now_s)
