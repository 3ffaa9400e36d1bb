"""The views of conversations that are in use on this node, loaded on a miss and thrown away by the change feed."""

from typing import Final

from chatserver.care.views import View, view_of
from chatserver.clock import Clock
from chatserver.relay import statements
from chatserver.store.port import Store, StoreLost
from chatserver.store.queries import AccountById, MailboxSize, MembersOf
from chatserver.store.rows import Member
from chatserver.tasks import Tasks
from chatserver.wire import limits

MAX_VIEWS: Final = 100_000
MAX_SIZES: Final = 500_000


class Size:
    """What waits in a mailbox, as this node knows it. Owned by the directory."""

    __slots__ = ("boxes", "bytes", "counting")

    def __init__(self, boxes: int, size: int) -> None:
        self.boxes = boxes
        self.bytes = size
        self.counting = False  # it is being read anew

    def full(self, more: int) -> bool:
        """Whether a box of `more` bytes would be too much."""
        return self.boxes + 1 > limits.MAILBOX_BOXES or self.bytes + more > limits.MAILBOX_BYTES


class Directory:
    """Owned by the relay. `views` is read on the path of every message; only this class changes it."""

    def __init__(self, store: Store, clock: Clock, tasks: Tasks) -> None:
        self.views: dict[bytes, View] = {}
        self.sizes: dict[bytes, Size] = {}
        self._scopes: dict[bytes, set[bytes]] = {}  # of each account, the conversations in `views`
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._changes = 0  # counts what the feed told; a load that it overtook starts again

    async def load(self, scope: bytes) -> View:
        """The view of a conversation, fresh from the store. An unknown one has no members and is not kept."""
        while True:
            seen = self._changes
            view = await self._read(scope)
            if seen == self._changes:
                break
        if view.roles:
            self._keep(view)
        return view

    async def _read(self, scope: bytes) -> View:
        members = await self._store.read(MembersOf(scope))
        if members:
            lists, bundles = await statements.of_conversation(self._store, scope)
            view = view_of(scope, members, lists, bundles, self._clock.wall_ms())
        else:
            view = await self._own(scope)
        if len(self.sizes) > MAX_SIZES:
            self.sizes.clear()
        for device in view.receivers.keys() - self.sizes.keys():
            (size,) = await self._store.read(MailboxSize(device))
            self.sizes[device] = Size(size.boxes, size.bytes)
        return view

    async def _own(self, account: bytes) -> View:
        """The scope of an account's own devices among themselves (CRYPTO section 9); empty if it is no account."""
        found = await self._store.read(AccountById(account))
        lists, bundles = await statements.of_account(self._store, account)
        alone = [Member(account, row.id, row.role, row.alias_box, 0, None, row.disabled_at) for row in found]
        return view_of(account, alone, lists, bundles, self._clock.wall_ms())

    def _keep(self, view: View) -> None:
        self._drop(view.scope)
        while len(self.views) >= MAX_VIEWS:
            self._drop(next(iter(self.views)))
        self.views[view.scope] = view
        for account in view.roles:
            self._scopes.setdefault(account, set()).add(view.scope)

    def _drop(self, scope: bytes) -> None:
        view = self.views.pop(scope, None)
        if view is None:
            return
        view.valid = False
        for account in view.roles:
            scopes = self._scopes[account]
            scopes.discard(scope)
            if not scopes:
                del self._scopes[account]

    def forget_conversation(self, scope: bytes) -> View | None:
        """Its members changed. The view as it was, if it was in use."""
        self._changes += 1
        before = self.views.get(scope)
        self._drop(scope)
        return before

    def forget_account(self, account: bytes) -> None:
        """Its devices, keys or rights changed."""
        self._changes += 1
        for scope in list(self._scopes.get(account, ())):
            self._drop(scope)

    def forget_all(self) -> None:
        """Nothing is known any more: the feed could not be followed."""
        self._changes += 1
        for scope in list(self.views):
            self._drop(scope)

    def is_full(self, device: bytes, more: int) -> bool:
        """Whether the mailbox of `device` cannot take `more` bytes."""
        size = self.sizes.get(device)
        if size is None or not size.full(more):
            return False
        self._tasks.spawn("recount", self._recount(device, size))  # others delete too: the next send knows better
        return True

    async def _recount(self, device: bytes, size: Size) -> None:
        if size.counting:
            return
        size.counting = True
        try:
            (found,) = await self._store.read(MailboxSize(device))
            size.boxes, size.bytes = found.boxes, found.bytes
        except StoreLost:
            return
        finally:
            size.counting = False

    def count(self, device: bytes, boxes: int, size: int) -> None:
        """So many boxes and bytes came to (or left) a mailbox."""
        known = self.sizes.get(device)
        if known is not None:
            known.boxes += boxes
            known.bytes += size
