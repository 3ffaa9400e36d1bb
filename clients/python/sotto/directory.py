"""Who takes part in what, and with which keys: fetched, verified against the pins, told to the person.

The server says who is a member; who can read is decided here. What does not hold is never pinned and never sealed to.
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from chatserver.wire.frames import Notice
from crypto.keys import Reason, Refused
from sotto.answers import TalkInfo
from sotto.api import Api
from sotto.core import Core
from sotto.errors import UnknownConversation
from sotto.pins import ForeignOwnList, ListsMissing
from sotto.state import Writes
from sotto.state.records import Person, Talk
from sotto.values import Alarm, Blocked, ContactChanged, Conversation, ConversationAdded, Member

_ALARMS: Final = {
    Reason.ROLLBACK: Alarm.ROLLBACK,
    Reason.KEY_FELL: Alarm.ROLLBACK,
    Reason.LIST_FORK: Alarm.FORK,
    Reason.KEY_FORK: Alarm.FORK,
}


class Directory:
    """Drives the pins. `fresh` conversations were read on this connection and not changed since."""

    def __init__(self, core: Core, api: Api) -> None:
        self._core = core
        self._api = api
        self._fresh: set[bytes] = set()
        self._alarmed: set[tuple[Alarm, bytes]] = set()

    # What is known

    def talk(self, scope: bytes) -> Talk:
        """What is known of a conversation; one's own devices are one, too. Raises UnknownConversation."""
        if scope == self._core.profile.account:
            return self._own()
        talk = self._core.talks.get(scope)
        if talk is None:
            raise UnknownConversation("No conversation of this account has that id.")
        return talk

    def _own(self) -> Talk:
        """One's own devices among themselves, under the account's id (CRYPTO section 9)."""
        profile = self._core.profile
        return Talk("", (Person(profile.account, profile.alias, profile.role),), (profile.account,))

    def known(self, scope: bytes) -> bool:
        """Whether something may be said or heard there."""
        return scope in self._core.talks or scope == self._core.profile.account

    def present(self, scope: bytes) -> list[bytes]:
        """The accounts that take part now."""
        return [person.account for person in self.talk(scope).people if person.present]

    def ever(self, scope: bytes) -> list[bytes]:
        """The accounts that take part or took part."""
        return [person.account for person in self.talk(scope).people]

    def unseen(self, scope: bytes) -> list[bytes]:
        """Accounts that the person must approve before anything is sealed to them."""
        talk, pins = self.talk(scope), self._core.pins
        present = self.present(scope)
        return [account for account in present if account not in talk.approved or not pins.approved(account)]

    def describe(self, scope: bytes) -> Conversation:
        """A conversation as it is shown."""
        talk = self.talk(scope)
        people = tuple(self._member(talk, person) for person in talk.people if person.present)
        waiting = sum(item.stage.value == "queued" for item in self._core.outbox.of(scope))
        return Conversation(scope, talk.purpose, people, bool(self.unseen(scope)), waiting)

    def _member(self, talk: Talk, person: Person) -> Member:
        pins, newest = self._core.pins, self._core.pins.newest(person.account)
        return Member(
            account=person.account,
            alias=person.alias,
            role=person.role,
            devices=len(newest.devices) if newest else 0,
            verified=pins.verified(person.account),
            approved=person.account in talk.approved and pins.approved(person.account),
            identity=newest.identity_pk if newest else b"",
            own=person.account == self._core.profile.account,
        )

    # Fetching

    def stale(self) -> None:
        """A new connection: nothing that was read before is taken as fresh."""
        self._fresh.clear()

    def stale_scope(self, scope: bytes) -> None:
        """What is known of that conversation did not do."""
        self._fresh.discard(scope)

    def stale_account(self, account: bytes) -> None:
        """Something about that account changed."""
        self._fresh -= {scope for scope, talk in self._core.talks.items() if account in _accounts(talk)}
        self._fresh.discard(account)

    async def refresh(self) -> None:
        """Read the conversations of this account."""
        infos: dict[bytes, TalkInfo] = {info.conversation: info for info in await self._api.conversations()}
        writes = Writes()
        for scope, info in infos.items():
            self._take_talk(writes, scope, info)
        for scope, talk in list(self._core.talks.items()):
            if scope not in infos and talk.member:
                self._core.keep_talk(writes, scope, replace(talk, member=False))
        await self._core.saved(writes)

    async def renew(self, scope: bytes) -> None:
        """Read the members, lists and bundles of a conversation again."""
        self._fresh.discard(scope)
        await self.refresh()
        if self.known(scope):
            await self.ensure(scope)

    async def ensure(self, scope: bytes) -> None:
        """Have the lists and bundles of a conversation, read on this connection."""
        if scope in self._fresh:
            return
        if not self.known(scope):
            await self.refresh()
        self._fresh.add(scope)
        try:
            if scope == self._core.profile.account:
                await self.fetch_lists(scope)
                await self._core.saved()
                return
            found = await self._api.bundles(scope)
            await self.mend(
                [(entry.account, entry.list) for entry in found.lists],
                [(entry.device, entry.bundle) for entry in found.bundles],
            )
            await self._pin_former(scope)
        except BaseException:
            self._fresh.discard(scope)
            raise

    async def _pin_former(self, scope: bytes) -> None:
        """Former members are pinned too, for what they said while they took part."""
        unknown = [account for account in self.ever(scope) if not self._core.pins.version(account)]
        for account in unknown:
            if account not in self.present(scope):
                await self.fetch_lists(account)
        await self._core.saved()

    async def fetch_lists(self, account: bytes) -> None:
        """Take every version above the pinned one, in order."""
        after = self._core.pins.version(account)
        for raw in await self._api.lists(account, after):
            if not self._take_list(account, raw):
                return

    async def mend(self, lists: Iterable[tuple[bytes, bytes]], bundles: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the signed statements of a refusal; fetch what lies between them and the pins."""
        for account, raw in lists:
            try:
                self._verified_list(account, raw)
            except ListsMissing:
                await self.fetch_lists(account)
        self.take_bundles(raw for _, raw in bundles)
        await self._core.saved()

    async def reconcile(self, scope: bytes, listed: set[bytes]) -> None:
        """The server takes these for the members that have devices: read the members again if that is news."""
        known = {account for account in self.present(scope) if self._core.pins.version(account)}
        if listed != known:
            await self.refresh()

    # Taking

    def take_bundles(self, bundles: Iterable[bytes]) -> None:
        """Pin those that hold; say aloud which do not."""
        for raw in bundles:
            try:
                self._core.pins.take_bundle(raw)
            except Refused as refused:
                self._alarm(_ALARMS.get(refused.reason, Alarm.FORGED), b"")

    def _take_list(self, account: bytes, raw: bytes) -> bool:
        try:
            return self._verified_list(account, raw)
        except ListsMissing:
            self._alarm(Alarm.FORGED, account)
            return False

    def _verified_list(self, account: bytes, raw: bytes) -> bool:
        try:
            changes = self._core.pins.take_list(account, raw)
        except ForeignOwnList:
            self._alarm(Alarm.OWN_LIST, account)
            return False
        except Refused as refused:
            self._alarm(_ALARMS.get(refused.reason, Alarm.FORGED), account)
            return False
        for alarm in changes:
            self._core.events.tell(ContactChanged(alarm, account))
        return True

    def _alarm(self, alarm: Alarm, account: bytes) -> None:
        """Once for each connection is enough to be seen."""
        if (alarm, account) not in self._alarmed:
            self._alarmed.add((alarm, account))
            self._core.events.tell(ContactChanged(alarm, account))

    def _take_talk(self, writes: Writes, scope: bytes, info: TalkInfo) -> None:
        """The members by the operator's word. Those seen at first sight are seen; later ones wait for the person."""
        before = self._core.talks.get(scope)
        people = tuple(Person(m.account, m.alias, m.role, m.left_at is None) for m in info.members)
        present = {person.account for person in people if person.present}
        if before is None:
            self._core.keep_talk(writes, scope, Talk(info.purpose, people, tuple(sorted(present))))
            self._core.events.tell(ConversationAdded(scope))
            return
        talk = replace(before, people=people, purpose=info.purpose, member=True)
        if talk != before:
            self._core.keep_talk(writes, scope, talk)
            self._fresh.discard(scope)
        self._tell_members(scope, {p.account for p in before.people if p.present}, present)

    def _tell_members(self, scope: bytes, before: set[bytes], after: set[bytes]) -> None:
        for account in sorted(after - before):
            self._core.events.tell(ContactChanged(Alarm.MEMBER_ADDED, account, scope))
        for account in sorted(before - after):
            self._core.events.tell(ContactChanged(Alarm.MEMBER_REMOVED, account, scope))

    # The person's word

    def touched_by(self, notice: Notice) -> list[bytes]:
        """The conversations whose devices a notice of `members` or `list` may have changed (PROTOCOL 10)."""
        if notice.change == "members":
            return [notice.subject]
        talks = self._core.talks.items() if notice.change == "list" else ()
        return [scope for scope, talk in talks if notice.subject in _accounts(talk)]

    def blocked(self, scope: bytes) -> bool:
        """Whether the queue of a conversation waits for the person; tells so."""
        unseen = self.unseen(scope)
        if unseen:
            self._core.events.tell(Blocked(scope))
        return bool(unseen)

    async def approve(self, shown: Conversation) -> list[bytes]:
        """The person accepts exactly what they were shown. Returns those who must be verified instead."""
        talk, writes = self.talk(shown.id), Writes()
        left = [one.account for one in shown.members if not self._core.pins.approve(one.account, one.identity)]
        approved = tuple(sorted({*talk.approved, *(one.account for one in shown.members)}))
        self._core.keep_talk(writes, shown.id, replace(talk, approved=approved))
        await self._core.saved(writes)
        return left


def _accounts(talk: Talk) -> set[bytes]:
    return {person.account for person in talk.people}
