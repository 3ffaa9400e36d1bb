"""What the change feed means for this node: who loses their seat, what must be read again, who is told."""

from collections.abc import Iterable
from typing import Final

from chatserver.clock import Clock
from chatserver.feed import Entry, Topic
from chatserver.relay.connection import Connection
from chatserver.relay.directory import Directory
from chatserver.relay.hub import Hub, Seat
from chatserver.store.port import Store
from chatserver.store.queries import ContactsOf, ConversationsOf, DevicesOf, MembersOf
from chatserver.wire import errors, limits
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import Change, Notice

_NOT_RIGHTS: Final = frozenset({Topic.CLAIMED, Topic.LINK})
_CHANGES: Final[dict[Topic, Change]] = {Topic.LIST: "list", Topic.KEYS: "keys"}


class Watcher:
    """Owned by the relay room; called by the feed's follower."""

    def __init__(self, store: Store, clock: Clock, hub: Hub, directory: Directory) -> None:
        self._store = store
        self._clock = clock
        self._hub = hub
        self._directory = directory

    def forget(self, entries: Iterable[Entry]) -> None:
        """Let go of what these entries made untrue: at once, in the turn in which this node hears of them."""
        for topic, subject in entries:
            if topic is Topic.MEMBERS:
                self._directory.forget_conversation(subject)
            elif topic is Topic.SESSION:
                self._end((seat for seat in self._hub.seats.values() if seat.session == subject), errors.SESSION_ENDED)
            elif topic not in _NOT_RIGHTS:
                self._directory.forget_account(subject)
                if topic is Topic.DISABLED:
                    self._end(self._hub.of_account(subject), errors.ACCOUNT_DISABLED)

    def forget_all(self) -> None:
        """The feed could not be followed: nothing that is remembered can be trusted."""
        self._directory.forget_all()

    async def tell(self, entry: Entry) -> None:
        """Read what `entry` is about and tell those whom it concerns. Raises `StoreLost`."""
        topic, subject = entry
        if topic is Topic.MEMBERS:
            members = await self._store.read(MembersOf(subject))
            self._hub.tell_accounts({member.account for member in members}, Notice("members", subject))
        elif topic is Topic.DISABLED:
            for conversation in await self._store.read(ConversationsOf(subject)):
                await self.tell(Entry(Topic.MEMBERS, conversation.id))
        elif topic is Topic.LINK:
            self._hub.tell_accounts((subject,), Notice("links", subject))
        elif topic in _CHANGES:
            await self._devices_changed(topic, subject)

    async def _devices_changed(self, topic: Topic, account: bytes) -> None:
        listed = {device.id for device in await self._store.read(DevicesOf(account))}
        own = self._hub.of_account(account)
        self._end((seat for seat in own if seat.device not in listed), errors.DEVICE_REMOVED)
        due = self._clock.mono_s() + limits.CURRENT_AFTER_CHANGE_S
        for seat in own:
            seat.current_due = due
        contacts = {row[0] for row in await self._store.read(ContactsOf(account))}
        self._hub.tell_accounts(contacts | {account}, Notice(_CHANGES[topic], account))

    @staticmethod
    def _end(seats: Iterable[Seat], refusal: Refusal) -> None:
        for seat in list(seats):
            seat.connection.end(refusal)


def end_all(connections: Iterable[Connection], refusal: Refusal) -> None:
    """End every socket for the same reason."""
    for connection in list(connections):
        connection.end(refusal)
