"""Changes of conversations and their members."""

from typing import NamedTuple


class AddConversation(NamedTuple):
    """A conversation; its purpose of use is a code."""

    id: bytes
    purpose: str
    created_at: int


class AddMember(NamedTuple):
    """The account takes part (again). Guarded: not if it already does."""

    conversation: bytes
    account: bytes
    now: int


class RemoveMember(NamedTuple):
    """The account takes part no longer. Guarded."""

    conversation: bytes
    account: bytes
    now: int


class DropMemberBoxes(NamedTuple):
    """Delete the boxes of one conversation that wait for the devices of an account. Returns (sender, n, account)."""

    conversation: bytes
    account: bytes


class RequireWaiting(NamedTuple):
    """Exactly `boxes` boxes of the conversation wait for the devices of the account. Guarded; changes nothing."""

    conversation: bytes
    account: bytes
    boxes: int


class SettleWaiting(NamedTuple):
    """`SettleFate` for every box that `DropMemberBoxes` will delete; stands before it."""

    conversation: bytes
    account: bytes
    outcome: int
    at: int
