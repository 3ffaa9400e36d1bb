"""What a store holds, as plain dictionaries: the meaning of each change that the relay makes, and of each read."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

from chatserver.audit.events import Event
from chatserver.feed import Entry
from chatserver.store import changes as c
from chatserver.store import queries as q
from chatserver.store import rows
from chatserver.store.changes import FateOutcome
from chatserver.store.port import Unit

Slot = tuple[bytes, int]
Box = tuple[bytes, bytes, int]
FateKey = tuple[bytes, int, bytes]
Rows = tuple[tuple[object, ...], ...]


@dataclass
class Shelf:
    """Everything durable. `devices` maps a device to its account."""

    devices: dict[bytes, bytes] = field(default_factory=dict)
    members: dict[bytes, dict[bytes, rows.Member]] = field(default_factory=dict)
    lists: dict[bytes, rows.SignedList] = field(default_factory=dict)
    bundles: dict[bytes, list[rows.Bundle]] = field(default_factory=dict)
    accepted: dict[Slot, rows.Accepted] = field(default_factory=dict)
    mailbox: dict[Box, tuple[rows.StoredBox, int]] = field(default_factory=dict)
    fates: dict[FateKey, FateOutcome] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    feed: list[Entry] = field(default_factory=list)
    seq: int = 0

    def copy(self) -> "Shelf":
        """A shelf that changes by itself; the rows are values."""
        twin = copy(self)
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            setattr(twin, name, value if isinstance(value, int) else value.copy())
        return twin

    def apply(self, unit: Unit) -> tuple[Rows, ...]:
        """All of it. Returns the rows of those changes that return rows."""
        answers = [
            found for change in unit.changes if (found := CHANGES.get(type(change), _nothing)(self, change)) is not None
        ]
        self.events += unit.events
        self.feed += unit.feed
        return tuple(answers)

    def read(self, query: Any) -> list[Any]:
        """The rows of `query`."""
        return QUERIES[type(query)](self, query)

    def waits_for(self, account: bytes, sender: bytes, n: int) -> bool:
        """Whether a box of that send waits for a device of the account."""
        return any(
            (there, m) == (sender, n) and self.devices.get(device) == account for device, there, m in self.mailbox
        )

    # -- changes -------------------------------------------------------------------------------------------------

    def _accept(self, change: c.Accept) -> None:
        slot = (change.device, change.slot)
        before = self.accepted.get(slot)
        if before is not None and before.n > change.n:
            return
        if before is not None and before.n == change.n:
            self.accepted[slot] = before._replace(held=change.held)
        else:
            self.accepted[slot] = rows.Accepted(change.n, change.c, change.accepted_at, change.held)

    def _unhold(self, change: c.Unhold) -> None:
        slot = (change.device, change.slot)
        row = self.accepted.get(slot)
        if row is not None and row.n == change.n:
            self.accepted[slot] = row._replace(held=max(0, row.held - change.boxes))

    def _store_box(self, change: c.StoreBox) -> None:
        key = (change.device, change.sender, change.n)
        if key in self.mailbox:
            return
        self.seq += 1
        row = rows.StoredBox(
            self.seq, change.sender, change.n, change.scope, change.c, change.accepted_at, change.kid, change.t,
            change.key_no, change.box,
        )  # fmt: skip
        self.mailbox[key] = (row, change.expires_at)

    def _delete_box(self, change: c.DeleteBox) -> Rows:
        gone = self.mailbox.pop((change.device, change.sender, change.n), None)
        return () if gone is None else ((change.sender, change.n),)

    def _open_fate(self, change: c.OpenFate) -> None:
        key = (change.sender, change.n, change.account)
        before, after = self.fates.get(key), FateOutcome(change.outcome)
        stays = before is FateOutcome.OPENED or (
            before is not None
            and after > FateOutcome.OPENED
            and self.waits_for(change.account, change.sender, change.n)
        )
        if not stays:
            self.fates[key] = after

    def _settle_fate(self, change: c.SettleFate) -> None:
        key = (change.sender, change.n, change.account)
        before, after = self.fates.get(key), FateOutcome(change.outcome)
        if before is None:
            return
        last = before is FateOutcome.PENDING and not self.waits_for(change.account, change.sender, change.n)
        if after is FateOutcome.OPENED or last:
            self.fates[key] = after

    def _read_fate(self, change: c.ReadFate) -> Rows:
        found: list[tuple[object, ...]] = [
            (account, int(outcome))
            for (sender, n, account), outcome in self.fates.items()
            if (sender, n) == (change.sender, change.n)
        ]
        row = self.accepted.get((change.sender, change.slot))
        if row is not None and row.n == change.n:
            found.append((None, row.held))
        return tuple(found)

    def _drop_fate(self, change: c.DropFate) -> None:
        for key in [key for key in self.fates if key[:2] == (change.sender, change.n)]:
            del self.fates[key]

    # -- reads ---------------------------------------------------------------------------------------------------

    def _page(self, query: q.MailboxPage) -> list[rows.StoredBox]:
        mine = sorted(row for (device, _, _), (row, _) in self.mailbox.items() if device == query.device)
        page: list[rows.StoredBox] = []
        size = 0
        for row in [row for row in mine if row.seq > query.seq][: query.boxes]:
            if page and size >= query.bytes:
                break
            page.append(row)
            size += len(row.box)
        return page

    def _size(self, query: q.MailboxSize) -> list[rows.Size]:
        sizes = [len(row.box) for (device, _, _), (row, _) in self.mailbox.items() if device == query.device]
        return [rows.Size(len(sizes), sum(sizes))]

    def _ledger(self, query: q.LedgerOf) -> list[rows.Accepted]:
        mine = sorted(row for (device, _), row in self.accepted.items() if device == query.device)
        return [row for row in mine if row.n > mine[-1].n - 256]

    def _fates_of(self, query: q.FatesOf) -> list[rows.FateRow]:
        return sorted(
            rows.FateRow(n, account, outcome)
            for (sender, n, account), outcome in self.fates.items()
            if sender == query.sender and query.lowest <= n <= query.highest
        )

    def _expired(self, query: q.ExpiredBoxes) -> list[rows.ExpiredBox]:
        over = [(at, row.seq, key, len(row.box)) for key, (row, at) in self.mailbox.items() if at < query.now]
        return [
            rows.ExpiredBox(device, sender, n, self.devices[device], size)
            for _, _, (device, sender, n), size in sorted(over)[: query.limit]
        ]

    def _present(self, scope: bytes) -> list[bytes]:
        return [account for account, row in self.members.get(scope, {}).items() if row.left_at is None]

    def _bundles_in(self, query: q.BundlesOfConversation) -> list[rows.Bundle]:
        present = self._present(query.conversation)
        devices = sorted(device for device, account in self.devices.items() if account in present)
        return [bundle for device in devices for bundle in self.bundles.get(device, [])[:2]]

    def _contacts(self, query: q.ContactsOf) -> list[tuple[bytes]]:
        shared = [present for scope in self.members if query.account in (present := self._present(scope))]
        return [(account,) for account in sorted({each for present in shared for each in present} - {query.account})]


def _nothing(_shelf: Shelf, _change: object) -> None:
    """A change of a table that no test here looks at."""


CHANGES: dict[type, Callable[[Shelf, Any], Rows | None]] = {
    c.Accept: Shelf._accept,
    c.Unhold: Shelf._unhold,
    c.StoreBox: Shelf._store_box,
    c.DeleteBox: Shelf._delete_box,
    c.OpenFate: Shelf._open_fate,
    c.SettleFate: Shelf._settle_fate,
    c.ReadFate: Shelf._read_fate,
    c.DropFate: Shelf._drop_fate,
    c.DropOldLinks: _nothing,
}

QUERIES: dict[type, Callable[[Shelf, Any], list[Any]]] = {
    q.MailboxPage: Shelf._page,
    q.MailboxSize: Shelf._size,
    q.LedgerOf: Shelf._ledger,
    q.FatesOf: Shelf._fates_of,
    q.ExpiredBoxes: Shelf._expired,
    q.AccountById: lambda shelf, query: [
        rows.Account(account, "patient", b"", b"", b"", "", 0, None)
        for account in sorted(set(shelf.devices.values()) & {query.id})
    ],
    q.NewestList: lambda shelf, query: [row for account, row in shelf.lists.items() if account == query.account],
    q.BundlesOfDevice: lambda shelf, query: shelf.bundles.get(query.device, [])[:2],
    q.ConversationsOf: lambda shelf, query: [
        rows.Conversation(scope, "", 0) for scope in shelf.members if query.account in shelf._present(scope)
    ],
    q.MembersOf: lambda shelf, query: list(shelf.members.get(query.conversation, {}).values()),
    q.ListsOfConversation: lambda shelf, query: [shelf.lists[each] for each in shelf._present(query.conversation)],
    q.BundlesOfConversation: Shelf._bundles_in,
    q.DevicesOf: lambda shelf, query: [
        rows.Device(device, account, b"", b"", 0, None)
        for device, account in shelf.devices.items()
        if account == query.account
    ],
    q.ContactsOf: Shelf._contacts,
}
