"""The sending queue as a value machine (DESIGN section 3). No socket, clock, randomness or disk inside.

A message waits until it gets a number; with the number come seq, prev and the commitment, and all of it is durable
before its first byte leaves. From then on the same bytes are sealed again at each repeat. A number is given only while
no number 256 below it lacks an answer. A refused message whose number the server does not know may give it back, and
then it waits again, so that one conversation that cannot go on never stops the others.

Whoever drives the machine persists `take_changes()` after each call, in one transaction.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from msgspec.structs import replace

from chatserver.wire.frames import Receipt, Refused, Told
from chatserver.wire.limits import SEND_WINDOW
from crypto.envelope import Committed, Content
from sotto.errors import QueueFull
from sotto.state.records import Chain, Outgoing
from sotto.values import FINAL, Stage

MAX_QUEUED: Final = 10_000
MAX_RESEALS: Final = 3
"""How often a message is sealed again because a device could not open it."""
MAX_MENDS: Final = 4
"""How often in a row a refused device set or key is mended before the message waits."""


class Reaction(Enum):
    """What a refusal asks of the one who drives the machine."""

    MEND = "mend"  # take the signed lists and bundles of the refusal, then send again
    HOLD = "hold"  # wait for a notice or a while
    FAILED = "failed"  # final; it was told to the person
    NONE = "none"  # the number is not of this queue any more


_REACTIONS: Final = {"wrong_devices": Reaction.MEND, "stale_key": Reaction.MEND, "no_device": Reaction.HOLD}
_GIVES_BACK: Final = frozenset({"wrong_devices", "stale_key", "no_device", "not_member", "bad_box"})
"""Refusals decided before anything was written: a number that was not known then never will be."""
_MARKS: Final = {"delivered": Stage.DELIVERED, "withheld": Stage.WITHHELD}
"""What a receipt alone decides. Of several persons only `fates` tells how all of them stand."""
_OUTCOMES: Final = {
    "expired": Stage.EXPIRED,
    "device_removed": Stage.LOST,
    "unreachable": Stage.LOST,
    "withheld": Stage.WITHHELD,
}

Commit = Callable[[Outgoing, int, int, bytes], Committed]
"""(item, n, seq, prev) -> the commitment to its content."""


@dataclass(slots=True)
class Changes:
    """What to persist: items in their new form, heads of chains, the highest number given."""

    items: dict[int, Outgoing] = field(default_factory=dict)
    chains: dict[bytes, Chain] = field(default_factory=dict)
    n: int = 0


class Outbox:
    """Owns every message that is not final. `n` is the highest number ever given on this device."""

    def __init__(self, items: Iterable[Outgoing], chains: dict[bytes, Chain], n: int) -> None:
        self.n = n
        self._items: dict[int, Outgoing] = {}
        self._unsafe: dict[int, Outgoing] = {}  # those of `_items` that the server has not vouched for
        self._by_n: dict[int, int] = {}
        self._chains = chains
        self._on_wire: set[int] = set()
        self._free: set[int] = set()  # numbers that the server certainly does not know
        self._again: set[int] = set()  # safe, but to be sealed and sent again
        self._mends: dict[int, int] = {}
        self._proven: set[bytes] = set()  # conversations whose devices and keys the server accepted, on this connection
        self._stopped: set[bytes] = set()  # conversations that wait for a person, a notice or a while
        self._changes = Changes()
        for item in sorted(items, key=lambda item: item.item):
            self._keep(item)

    # What is there

    def __len__(self) -> int:
        return len(self._items)

    def find(self, n: int) -> Outgoing | None:
        """The message that has this number."""
        return self._items.get(self._by_n.get(n, 0))

    def at(self, place: int) -> Outgoing | None:
        """The message at this place of the history that the server has not vouched for."""
        return next((item for item in self._unsafe.values() if item.place == place), None)

    def of(self, scope: bytes) -> list[Outgoing]:
        """Everything of a conversation that is not final, oldest first."""
        return [item for item in self._items.values() if item.scope == scope]

    def safe_in(self, scopes: Iterable[bytes]) -> list[int]:
        """The numbers in these conversations that the server has and that may still change."""
        wanted = set(scopes)
        return sorted(item.n for item in self._items.values() if item.scope in wanted and item.stage is Stage.SAFE)

    def unsafe(self) -> int:
        """How many messages the server has not vouched for."""
        return len(self._unsafe)

    def on_wire(self, item: Outgoing) -> bool:
        """Whether it was sent on this connection and not answered yet."""
        return item.n in self._on_wire

    def take_changes(self) -> Changes:
        """What changed since the last call."""
        changes, self._changes = self._changes, Changes()
        changes.n = self.n
        return changes

    # From the person

    def add(self, item: Outgoing) -> None:
        """A new message at the end of the queue. Raises QueueFull."""
        if len(self._items) >= MAX_QUEUED:
            raise QueueFull("Too many messages are waiting for the network.")
        self._put(item)

    def stop(self, scope: bytes) -> None:
        """Hold a conversation back. Numbers that the server does not know are given back."""
        self._stopped.add(scope)
        self._rewind(scope)

    def go_on(self, scope: bytes) -> None:
        """Let a conversation go on."""
        self._stopped.discard(scope)

    # Towards the wire

    def next_waiting(self) -> Outgoing | None:
        """The message that gets the next number, if one may be given now."""
        if not self._window_open():
            return None
        return next((item for item in self._unsafe.values() if not item.n and item.scope not in self._stopped), None)

    def number(self, item: Outgoing, commit: Commit) -> Outgoing:
        """Give `item` the next number and its place in the chain of its conversation."""
        head = self._chains.get(item.scope, Chain())
        self.n += 1
        made = commit(item, self.n, head.seq + 1, head.c)
        numbered = replace(item, n=self.n, seq=head.seq + 1, content=made.content, kf=made.kf, c=made.c)
        self._chain(item.scope, Chain(numbered.seq, numbered.c))
        self._free.add(self.n)
        self._put(numbered)
        return numbered

    def sendable(self) -> list[Outgoing]:
        """Numbered messages to seal and send now, lowest number first.

        Of a conversation whose devices and keys were not accepted yet only one is under way at a time: were a later
        message accepted before an earlier one, a device's stream would begin with it, and the earlier be refused there.
        """
        again = [self._items[self._by_n[n]] for n in self._again]
        ready = (item for item in (*self._unsafe.values(), *again) if self._may_go(item))
        busy = {item.scope for n in self._on_wire if (item := self.find(n)) is not None}
        return [item for item in sorted(ready, key=lambda item: item.n) if self._in_turn(item.scope, busy)]

    def _in_turn(self, scope: bytes, busy: set[bytes]) -> bool:
        if scope in self._proven:
            return True
        first = scope not in busy
        busy.add(scope)
        return first

    def sent(self, n: int) -> None:
        """Its bytes leave now."""
        self._on_wire.add(n)
        self._free.discard(n)
        self._again.discard(n)

    # From the wire

    def disconnected(self) -> None:
        """Nothing that was on the wire is certain any more."""
        self._on_wire.clear()
        self._mends.clear()
        self._proven.clear()

    def welcomed(self, *, new_epoch: bool) -> list[int]:
        """The numbers to ask the fates of. After a restore everything is repeated instead (DESIGN section 3)."""
        safe = [item for item in self._items.values() if item.n and item.stage is not Stage.QUEUED]
        if not new_epoch:
            return sorted(item.n for item in safe)
        for item in safe:
            self._put(replace(item, stage=Stage.QUEUED))
        return []

    def received(self, receipt: Receipt) -> Outgoing | None:
        """The message as a receipt leaves it; None for a number that is final already."""
        item = self.find(receipt.n)
        if item is None:
            return None
        self._on_wire.discard(receipt.n)
        self._mends.pop(receipt.n, None)
        self._proven.add(item.scope)
        return self._mark(item, receipt.mark)

    def refused(self, refusal: Refused) -> Reaction:
        """What a refusal asks for. `find` still tells the message, unless it failed."""
        item = self.find(refusal.n)
        if item is None:
            return Reaction.NONE
        self._on_wire.discard(item.n)
        self._proven.discard(item.scope)
        if not refusal.known and item.stage is Stage.QUEUED and refusal.code in _GIVES_BACK:
            self._free.add(item.n)
        otherwise = Reaction.HOLD if refusal.retry else Reaction.FAILED
        reaction = self._patience(item.n, _REACTIONS.get(refusal.code, otherwise))
        if reaction is Reaction.FAILED:
            self.fail(item, refusal.code)
        elif item.scope in self._stopped:
            self._rewind(item.scope)
        return reaction

    def told(self, told: Told) -> Outgoing | None:
        """The message as the answer to `fates` leaves it (DESIGN section 3 "Fate")."""
        item = self.find(told.n)
        if item is None or item.n in self._on_wire:
            return None
        if told.state == "unknown":
            return self._put(replace(item, stage=Stage.QUEUED))
        outcomes = {fate for _, fate in told.persons}
        if "unreadable" in outcomes:
            return self._reseal(item)
        stage = next((_OUTCOMES[fate] for fate in _OUTCOMES if fate in outcomes), Stage.DELIVERED)
        final = told.state == "settled" or stage is Stage.WITHHELD
        return self._put(replace(item, stage=stage if final else Stage.SAFE))

    def fail(self, item: Outgoing, code: str) -> Outgoing:
        """It will never be sent; `code` says why. Its place in the chain is given back where that is still possible."""
        self._rewind(item.scope, item.seq)
        return self._put(replace(self._items[item.item], stage=Stage.FAILED, refusal=code))

    # Inside

    def _mark(self, item: Outgoing, mark: str) -> Outgoing:
        if mark == "unreadable":
            return self._reseal(item)
        return self._put(replace(item, stage=_MARKS.get(mark, Stage.SAFE)))

    def _reseal(self, item: Outgoing) -> Outgoing:
        """A device could not open it: the same content goes again in fresh boxes, a bounded number of times."""
        if item.resealed >= MAX_RESEALS:
            return self._put(replace(item, stage=Stage.UNREADABLE))
        self._again.add(item.n)
        return self._put(replace(item, stage=Stage.SAFE, resealed=item.resealed + 1))

    def _patience(self, n: int, reaction: Reaction) -> Reaction:
        """A refusal that comes back after each mend becomes a wait."""
        if reaction is not Reaction.MEND:
            return reaction
        self._mends[n] = self._mends.get(n, 0) + 1
        if self._mends[n] <= MAX_MENDS:
            return Reaction.MEND
        self._mends.pop(n)
        return Reaction.HOLD

    def _may_go(self, item: Outgoing) -> bool:
        return bool(item.n) and item.n not in self._on_wire and item.scope not in self._stopped

    def _window_open(self) -> bool:
        lowest = min((item.n for item in self._unsafe.values() if item.n), default=self.n + 1)
        return self.n + 1 - lowest < SEND_WINDOW

    def _rewind(self, scope: bytes, down_to: int = 1) -> None:
        """Give back the newest numbers of a conversation, as far as the server does not know them."""
        for item in self._newest_first(scope):
            head = self._chains.get(scope, Chain())
            if item.seq != head.seq or item.seq < down_to or item.n not in self._free:
                return
            self._free.discard(item.n)
            del self._by_n[item.n]
            self._chain(scope, Chain(item.seq - 1, _prev(item)))
            self._put(replace(item, n=0, seq=0, content=b"", kf=b"", c=b""))

    def _newest_first(self, scope: bytes) -> Iterator[Outgoing]:
        numbered = (item for item in self._items.values() if item.scope == scope and item.n)
        return iter(sorted(numbered, key=lambda item: -item.seq))

    def _chain(self, scope: bytes, head: Chain) -> None:
        self._chains[scope] = self._changes.chains[scope] = head

    def _put(self, item: Outgoing) -> Outgoing:
        self._changes.items[item.item] = item
        if item.stage in FINAL:
            self._forget(item)
        else:
            self._keep(item)
        return item

    def _keep(self, item: Outgoing) -> None:
        self._items[item.item] = item
        if item.n:
            self._by_n[item.n] = item.item
        if item.stage is Stage.QUEUED:
            self._unsafe[item.item] = item
        else:
            self._unsafe.pop(item.item, None)

    def _forget(self, item: Outgoing) -> None:
        self._items.pop(item.item, None)
        self._unsafe.pop(item.item, None)
        self._by_n.pop(item.n, None)
        for numbers in (self._on_wire, self._free, self._again):
            numbers.discard(item.n)


def _prev(item: Outgoing) -> bytes:
    """The commitment that the content of a numbered message names as the one before it."""
    return Content.decode(item.content).prev
