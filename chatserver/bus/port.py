"""The bus's promises. It carries hints and hand-offs between nodes, never the truth: that is read from the store.

1. **At most once.** A message may be lost, without a word to the sender; it never comes twice. Losing all of them costs
   delay and nothing else.
2. **Order.** What one node publishes for another arrives in the order of publishing, with gaps where it was lost.
3. **Later.** `publish` and `hint` never block and never call a hearer before they return; a node's own messages to
   itself take the same way.
4. **Hints** say "the feed has grown" to every node, the hinting one included. Hints that nobody heard yet are one hint.
5. **Bounded.** At most `MAX_WAITING_MESSAGES` wait for a node; further ones are dropped and counted. So are those for
   a node that does not listen.
6. **Ended.** After its subscription ended a hearer is not called again.
"""

from collections.abc import Callable
from typing import Final, Protocol

MAX_WAITING_MESSAGES: Final = 1_000

Hear = Callable[[bytes], None]
HearHint = Callable[[], None]
End = Callable[[], None]


class Bus(Protocol):
    """What the house may ask of a bus. Called on the event loop, and calls back on it."""

    dropped: int
    """How many messages this side has dropped."""

    def subscribe(self, node: bytes, hear: Hear) -> End:
        """Call `hear` with each message for `node` (16 bytes) until the answer is called. One hearer a node."""

    def publish(self, node: bytes, message: bytes) -> None:
        """Send `message` to `node`."""

    def on_hint(self, hear: HearHint) -> End:
        """Call `hear` after hints until the answer is called."""

    def hint(self) -> None:
        """Tell every node that the feed has grown."""

    async def close(self) -> None:
        """End every subscription and drop what waits."""


class AlreadyHeard(Exception):
    """The node has a hearer."""
