"""Bugs to plant in a server, so that the checker can be held to finding them. Never part of the product.

`python -m loadtests.chaos.bugs NAME serve ...` plants one and runs the command line.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Final

from chatserver.audit.events import Event, Kind
from chatserver.relay import deletions, hub, relay, spool
from chatserver.relay.entries import Place
from chatserver.wire.frames import Receipt


def dropped_ack() -> None:
    """Acknowledgements of stored boxes are forgotten."""
    deletions.Deletions.acknowledged = lambda *_args: None  # type: ignore[method-assign]  # the planted bug


def duplicate() -> None:
    """A box is handed over a second time as another message."""
    offer = hub.Hub.offer

    def twice(self: hub.Hub, device: bytes, parcel: Any, held: Any) -> bool:
        taken = offer(self, device, parcel, held)
        if taken and parcel.n % 7 == 0:
            offer(self, device, parcel._replace(n=parcel.n + 100_000), None)
        return taken

    hub.Hub.offer = twice  # type: ignore[method-assign]  # the planted bug


def swap() -> None:
    """Two boxes of one sender change places on their way out."""
    offer = hub.Hub.offer
    kept: dict[bytes, tuple[Any, Any]] = {}

    def swapped(self: hub.Hub, device: bytes, parcel: Any, held: Any) -> bool:
        if parcel.n % 5 == 0 and device not in kept:
            kept[device] = (parcel, held)
            return True
        taken = offer(self, device, parcel, held)
        if device in kept:
            offer(self, device, *kept.pop(device))
        return taken

    hub.Hub.offer = swapped  # type: ignore[method-assign]  # the planted bug


def suppressed_box() -> None:
    """The ledger answers a repeat as if its boxes were safe."""
    known = relay.Relay._known  # noqa: SLF001  a bug may look inside

    def answered(self: relay.Relay, seat: Any, frame: Any, row: Any) -> bool:
        if row.known and row.c == frame.c:
            self.tell(seat.device, Receipt(frame.n, "delivered", 0))
            return True
        return known(self, seat, frame, row)

    relay.Relay._known = answered  # type: ignore[method-assign]  # noqa: SLF001  the planted bug


def early_receipt() -> None:
    """`safe` is told before the commit."""
    accept = spool.Spool.accept

    def early(self: spool.Spool, entry: Any, event: Any) -> None:
        self.house.tell(entry.key.sender, Receipt(entry.key.n, "safe", 0))
        asyncio.get_running_loop().call_later(0.05, accept, self, entry, event)

    spool.Spool.accept = early  # type: ignore[method-assign]  # the planted bug


def second_event() -> None:
    """A repeat is audited again."""
    accept = spool.Spool.accept

    def again(self: spool.Spool, entry: Any, event: Any) -> None:
        if event is None:
            event = Event(Kind.SEND, 0, entry.account, entry.key.sender, n=entry.key.n)
        accept(self, entry, event)

    spool.Spool.accept = again  # type: ignore[method-assign]  # the planted bug


def never_written() -> None:
    """A held box counts as durable without being written."""

    def pretend(self: spool.Spool, held: Any) -> None:
        held.place = Place.SETTLED
        self.landed(held.entry)

    spool.Spool.write = pretend  # type: ignore[method-assign]  # the planted bug


BUGS: Final[dict[str, Callable[[], None]]] = {
    bug.__name__: bug
    for bug in (dropped_ack, duplicate, swap, suppressed_box, early_receipt, second_event, never_written)
}


if __name__ == "__main__":
    from sotto.cli import main

    name = sys.argv.pop(1)
    if name != "none":
        BUGS[name]()
    main()
