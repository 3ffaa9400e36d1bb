"""Changes of messages: ledger, mailboxes, fates. Those of every message are plain inserts."""

import enum
from typing import NamedTuple


class FateOutcome(enum.IntEnum):
    """What became of a send for one person."""

    PENDING = 0
    OPENED = 1
    UNREADABLE = 2
    EXPIRED = 3
    WITHHELD = 4
    DEVICE_REMOVED = 5


class Accept(NamedTuple):
    """The ledger row of send n: its commitment, and how many of its boxes this commit leaves in memory.

    A row is kept in slot n mod 256, so that a new number takes the place of the one that left the window; a number
    below the window changes nothing.
    """

    device: bytes
    slot: int
    n: int
    c: bytes
    accepted_at: int
    held: int


class Unhold(NamedTuple):
    """`boxes` boxes of send n are no longer only in memory."""

    device: bytes
    slot: int
    n: int
    boxes: int


class StoreBox(NamedTuple):
    """A box for the mailbox of `device`. One that is already there stays as it is."""

    device: bytes
    sender: bytes
    n: int
    scope: bytes
    c: bytes
    accepted_at: int
    kid: int
    t: bytes
    key_no: int
    box: bytes
    size: int
    expires_at: int


class DeleteBox(NamedTuple):
    """A box was acknowledged. Returns (sender, n), or nothing if it was not there."""

    device: bytes
    sender: bytes
    n: int


class OpenFate(NamedTuple):
    """A box of send n for a device of `account` was stored (pending), or ended unstored with `outcome`.

    On a row that is there: `opened` stays, everything else is replaced.
    """

    sender: bytes
    n: int
    account: bytes
    outcome: int
    at: int


class SettleFate(NamedTuple):
    """A box of send n for `account` is gone, with `outcome`.

    `opened` beats everything; another outcome stands only while the row is pending and no other box of that send
    waits for the same account.
    """

    sender: bytes
    n: int
    account: bytes
    outcome: int
    at: int


class ReadFate(NamedTuple):
    """Returns (account, outcome) of each fate row of send n, and (NULL, held) of its ledger row if it is there."""

    sender: bytes
    slot: int
    n: int


class DropFate(NamedTuple):
    """The sender knows what became of n."""

    sender: bytes
    n: int


class DropOldFates(NamedTuple):
    """Forget fates from before `before`."""

    before: int
