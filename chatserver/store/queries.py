"""Every read: frozen dataclasses whose fields in order are `$2`, `$3`... of one SQL statement; `$1` is the tenant."""

from dataclasses import dataclass
from typing import ClassVar

from chatserver.store.port import Query
from chatserver.store.rows import (
    Accepted,
    Account,
    Bundle,
    Conversation,
    Device,
    EntryRow,
    ExpiredBox,
    FateRow,
    FeedRow,
    Invitation,
    Link,
    Member,
    Session,
    SignedList,
    Size,
    StoredBox,
    Tenant,
)


@dataclass(frozen=True, slots=True)
class TheTenant(Query[Tenant]):
    """The one tenant."""

    row: ClassVar = Tenant


@dataclass(frozen=True, slots=True)
class AccountById(Query[Account]):
    """That account."""

    row: ClassVar = Account
    id: bytes


@dataclass(frozen=True, slots=True)
class AccountByName(Query[Account]):
    """The account with that keyed name hash."""

    row: ClassVar = Account
    name_key: bytes


@dataclass(frozen=True, slots=True)
class AllAccounts(Query[Account]):
    """Every account, oldest first."""

    row: ClassVar = Account


@dataclass(frozen=True, slots=True)
class InvitationByCode(Query[Invitation]):
    """The invitation with that code hash."""

    row: ClassVar = Invitation
    code_hash: bytes


@dataclass(frozen=True, slots=True)
class OpenInvitations(Query[Invitation]):
    """Every invitation that nobody used."""

    row: ClassVar = Invitation


@dataclass(frozen=True, slots=True)
class SessionByToken(Query[Session]):
    """The session with that token hash, ended or not."""

    row: ClassVar = Session
    token_hash: bytes


@dataclass(frozen=True, slots=True)
class SessionById(Query[Session]):
    """That session, ended or not."""

    row: ClassVar = Session
    id: bytes


@dataclass(frozen=True, slots=True)
class DeviceById(Query[Device]):
    """That device, removed or not."""

    row: ClassVar = Device
    id: bytes


@dataclass(frozen=True, slots=True)
class DevicesOf(Query[Device]):
    """The devices of an account that are not removed."""

    row: ClassVar = Device
    account: bytes


@dataclass(frozen=True, slots=True)
class LinksOf(Query[Link]):
    """The devices that ask at `now` to be linked to an account."""

    row: ClassVar = Link
    account: bytes
    now: int


@dataclass(frozen=True, slots=True)
class ListsOf(Query[SignedList]):
    """All versions of an account's list above `after`, oldest first."""

    row: ClassVar = SignedList
    account: bytes
    after: int


@dataclass(frozen=True, slots=True)
class NewestList(Query[SignedList]):
    """The newest list of an account."""

    row: ClassVar = SignedList
    account: bytes


@dataclass(frozen=True, slots=True)
class BundlesOfDevice(Query[Bundle]):
    """The newest mail bundle of a device and the one before it, newest first."""

    row: ClassVar = Bundle
    device: bytes


@dataclass(frozen=True, slots=True)
class BundlesOfConversation(Query[Bundle]):
    """The newest two mail bundles of each device of each present member, by device, newest first."""

    row: ClassVar = Bundle
    conversation: bytes


@dataclass(frozen=True, slots=True)
class ListsOfConversation(Query[SignedList]):
    """The newest list of each present member."""

    row: ClassVar = SignedList
    conversation: bytes


@dataclass(frozen=True, slots=True)
class ConversationsOf(Query[Conversation]):
    """The conversations that an account takes part in."""

    row: ClassVar = Conversation
    account: bytes


@dataclass(frozen=True, slots=True)
class ConversationById(Query[Conversation]):
    """That conversation."""

    row: ClassVar = Conversation
    id: bytes


@dataclass(frozen=True, slots=True)
class AllConversations(Query[Conversation]):
    """Every conversation, oldest first."""

    row: ClassVar = Conversation


@dataclass(frozen=True, slots=True)
class LargestOf(Query[Size]):
    """The most devices of present members that a conversation of the account has (as `boxes`; `bytes` is 0)."""

    row: ClassVar = Size
    account: bytes


@dataclass(frozen=True, slots=True)
class DevicesIn(Query[Size]):
    """How many devices the present members of a conversation have (as `boxes`; `bytes` is 0)."""

    row: ClassVar = Size
    conversation: bytes


@dataclass(frozen=True, slots=True)
class WaitingFor(Query[Size]):
    """What waits of one conversation for the devices of an account."""

    row: ClassVar = Size
    conversation: bytes
    account: bytes


@dataclass(frozen=True, slots=True)
class MembersOf(Query[Member]):
    """All members of a conversation, former ones too."""

    row: ClassVar = Member
    conversation: bytes


@dataclass(frozen=True, slots=True)
class EverTogether(Query[Size]):
    """How many conversations two accounts were ever members of together (as `boxes`; `bytes` is 0)."""

    row: ClassVar = Size
    one: bytes
    other: bytes


@dataclass(frozen=True, slots=True)
class ContactsOf(Query[tuple[bytes]]):
    """Accounts that share a present conversation with this one, itself excepted."""

    row: ClassVar = staticmethod(lambda account: (account,))
    account: bytes


@dataclass(frozen=True, slots=True)
class LedgerOf(Query[Accepted]):
    """The ledger window of a sending device, lowest number first."""

    row: ClassVar = Accepted
    device: bytes


@dataclass(frozen=True, slots=True)
class MailboxPage(Query[StoredBox]):
    """The boxes of a mailbox after `seq`, in order: at most `boxes`, and no more than needed to reach `bytes`."""

    row: ClassVar = StoredBox
    device: bytes
    seq: int
    boxes: int
    bytes: int


@dataclass(frozen=True, slots=True)
class MailboxSize(Query[Size]):
    """What waits for a device."""

    row: ClassVar = Size
    device: bytes


@dataclass(frozen=True, slots=True)
class ExpiredBoxes(Query[ExpiredBox]):
    """At most `limit` boxes that expired before `now`."""

    row: ClassVar = ExpiredBox
    now: int
    limit: int


@dataclass(frozen=True, slots=True)
class FatesOf(Query[FateRow]):
    """The fate rows of one sender between two numbers, both included."""

    row: ClassVar = FateRow
    sender: bytes
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class FeedAfter(Query[FeedRow]):
    """At most `limit` feed entries after `number`."""

    row: ClassVar = FeedRow
    number: int
    limit: int


@dataclass(frozen=True, slots=True)
class FeedHead(Query[FeedRow]):
    """The newest feed entry."""

    row: ClassVar = FeedRow


@dataclass(frozen=True, slots=True)
class EntriesOf(Query[EntryRow]):
    """At most `limit` audit entries of all shards after (shard, index), by shard and index."""

    row: ClassVar = EntryRow
    shard: bytes
    index: int
    limit: int
