"""What the client shows: messages, gaps, conversations, people and events. Values alone; none of them acts.

Ids are 16 bytes; times are milliseconds since the epoch by the server's clock. Messages and gaps are also the records
of the local history, encrypted there.
"""

from enum import IntEnum, StrEnum

import msgspec

from crypto.envelope import Note


class Kind(IntEnum):
    """What a class 1 content is (the `kind` byte)."""

    TEXT = 1
    LINK = 240  # among one's own devices: whom the account knows
    IDENTITY = 241  # the same: the identity, for a device that may add others


class Whispered(IntEnum):
    """What a class 2 content is (the `kind` byte)."""

    TYPING = 1
    READ = 2


class Stage(StrEnum):
    """How far a message of one's own has come. The first three may still change, and so may `withheld`."""

    QUEUED = "queued"  # durable here, not yet answered by the server
    SENT = "sent"  # on its way over this connection; kept as queued
    SAFE = "safe"  # durable at the server or at the recipients
    WITHHELD = "withheld"  # held back by a withdrawn consent
    DELIVERED = "delivered"  # a device of each other person has it
    READ = "read"  # a recipient's own word
    EXPIRED = "expired"  # never collected
    UNREADABLE = "unreadable"  # sealed again and again, and still not opened
    LOST = "lost"  # the recipient's device was removed, or nobody could be reached
    FAILED = "failed"  # refused for good


FINAL = frozenset({Stage.DELIVERED, Stage.READ, Stage.EXPIRED, Stage.UNREADABLE, Stage.LOST, Stage.FAILED})


class Value(msgspec.Struct, frozen=True, gc=False):
    """What every value here shares."""


class Message(Value, tag="message", frozen=True):
    """One message, said by somebody or by this account (`outgoing`)."""

    conversation: bytes
    place: int
    sender: bytes
    device: bytes
    kind: int
    body: bytes
    sent_at: int
    accepted_at: int = 0
    seq: int = 0
    outgoing: bool = False
    stage: Stage = Stage.QUEUED
    refusal: str = ""
    notes: tuple[Note, ...] = ()
    unapproved: bool = False
    """Said under an identity that the person has not accepted yet."""

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 show as U+FFFD."""
        return self.body.decode(errors="replace")


class Gap(Value, tag="gap", frozen=True):
    """Numbers of one sending device that never came. `missing` counts those still absent."""

    conversation: bytes
    place: int
    sender: bytes
    device: bytes
    first: int
    last: int
    missing: int


Entry = Message | Gap


class Member(Value, frozen=True):
    """Somebody who may read a conversation, by the operator's word, and what is pinned of them."""

    account: bytes
    alias: str
    role: str
    devices: int
    verified: bool
    approved: bool
    own: bool
    identity: bytes = b""
    """The identity key that this value speaks of; empty before they have one."""


class Conversation(Value, frozen=True):
    """One conversation; `members` are all who can read it. `blocked` says that `approve` is needed before sending."""

    id: bytes
    purpose: str
    members: tuple[Member, ...]
    blocked: bool
    waiting: int
    """Messages of one's own that are not safe yet."""


class Link(StrEnum):
    """The state of the connection."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    CATCHING_UP = "catching up"
    CURRENT = "current"
    LINKING = "linking"  # this device asks the account's others to add it
    WAITING = "waiting"
    SIGN_IN_NEEDED = "sign in needed"
    STOPPED = "stopped"


class LinkChanged(Value, frozen=True):
    """The connection changed. `retry_in_s` counts from now while it waits; `code` says why it ended, if known."""

    link: Link
    retry_in_s: float = 0.0
    code: str = ""


class Arrived(Value, frozen=True):
    """A message is in the history."""

    message: Message


class StageChanged(Value, frozen=True):
    """A message of one's own came further, or not."""

    conversation: bytes
    place: int
    stage: Stage
    refusal: str = ""
    seq: int = 0


class Unreachable(Value, frozen=True):
    """Nobody of these accounts can receive that message now; these devices are full."""

    conversation: bytes
    place: int
    persons: tuple[bytes, ...]
    full_devices: tuple[bytes, ...] = ()


class GapSeen(Value, frozen=True):
    """Messages of a sender are missing, or one of them came after all (`gap.missing` fell)."""

    gap: Gap


class ForkSeen(Value, frozen=True):
    """A device said two different things under one number; the first was kept."""

    conversation: bytes
    device: bytes


class Unopened(Value, frozen=True):
    """A box did not open. It is kept as it came, and its sender is asked to seal it again."""

    conversation: bytes
    device: bytes
    reason: str


class Typing(Value, frozen=True):
    """Somebody types, or stopped."""

    conversation: bytes
    account: bytes
    on: bool


class ReadUpTo(Value, frozen=True):
    """Somebody's own word that they read the messages of `device` up to `seq`."""

    conversation: bytes
    account: bytes
    device: bytes
    seq: int


class Alarm(StrEnum):
    """What a pinned contact's new statements mean."""

    PINNED = "pinned"  # first seen
    DEVICE_ADDED = "device_added"
    DEVICE_REMOVED = "device_removed"
    IDENTITY_CHANGED = "identity_changed"
    MEMBER_ADDED = "member_added"
    MEMBER_REMOVED = "member_removed"
    ROLLBACK = "rollback"  # the server showed an older list or key than the pinned one
    FORK = "fork"  # two lists under one version, or two keys under one number
    FORGED = "forged"  # a list or bundle whose signatures or chain do not hold
    OWN_LIST = "own_list"  # a list of one's own account that this device did not make


class ContactChanged(Value, frozen=True):
    """Something about who can read. Only `pinned`, `device_added`, `device_removed` and `member_removed` are calm."""

    alarm: Alarm
    account: bytes
    conversation: bytes = b""


class Blocked(Value, frozen=True):
    """The queue of this conversation waits until `approve` was called."""

    conversation: bytes


class ConversationAdded(Value, frozen=True):
    """This account takes part in another conversation now."""

    conversation: bytes


class Asking(Value, frozen=True):
    """A device that asks to be linked to this account. `key` is the server's word until its words were compared."""

    key: bytes
    name: str
    expires_at: int


class OwnDevice(Value, frozen=True):
    """A device of this account. `here` is this one; `may_add` holds the identity."""

    device: bytes
    may_add: bool
    added_at: int
    here: bool


class LinkWanted(Value, frozen=True):
    """This new device asks. The person types the eight words on another device, or scans the code there."""

    words: tuple[str, ...]
    code: bytes


class Linked(Value, frozen=True):
    """This device knows whom its account knows, and may send."""


class LinksChanged(Value, frozen=True):
    """Devices ask to be linked to this account, or do no more: `links` tells which."""


class Missed(Value, frozen=True):
    """This reader of events was too slow; `count` events were dropped. The history has everything durable."""

    count: int


Event = (
    LinkChanged
    | Arrived
    | StageChanged
    | Unreachable
    | GapSeen
    | ForkSeen
    | Unopened
    | Typing
    | ReadUpTo
    | ContactChanged
    | Blocked
    | ConversationAdded
    | LinkWanted
    | Linked
    | LinksChanged
    | Missed
)
