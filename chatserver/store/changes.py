"""Every change that a unit can hold: tuples whose fields in order are `$2`, `$3`... of one SQL statement (sql.py).

`$1` is always the tenant, which the store binds itself: no caller can name another one. Times are milliseconds since
the epoch, ids 16 bytes. *Guarded*: must touch exactly one row. *Returns*: its rows stand in `Committed.rows`.
"""

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


# -- people ------------------------------------------------------------------------------------------------------


class AddInvitation(NamedTuple):
    """An invitation that whoever knows the code may use once."""

    id: bytes
    code_hash: bytes
    role: str
    alias_box: bytes
    created_at: int
    expires_at: int


class UseInvitation(NamedTuple):
    """Burn an invitation that is unused at `now`. Guarded."""

    code_hash: bytes
    account: bytes
    now: int


class AddAccount(NamedTuple):
    """A person. `name_key` is the keyed hash by which the sign-in name is found; `verifier` a PHC string."""

    id: bytes
    role: str
    name_key: bytes
    name_box: bytes
    alias_box: bytes
    salt: bytes
    verifier: str
    created_at: int


class DisableAccount(NamedTuple):
    """No sign-in, no socket. Guarded."""

    id: bytes
    now: int


class SetVerifier(NamedTuple):
    """A proven proof was hashed again at today's cost. Guarded."""

    account: bytes
    verifier: str


class AddSession(NamedTuple):
    """A signed-in session; only the hash of its token is kept."""

    id: bytes
    token_hash: bytes
    account: bytes
    created_at: int
    ends_at: int


class EndSession(NamedTuple):
    """The session and its tickets are over. Guarded: a session ends once."""

    id: bytes
    now: int


class EndSessionsOf(NamedTuple):
    """All sessions of an account are over."""

    account: bytes
    now: int


class TouchSession(NamedTuple):
    """The person behind the session was active at `now`."""

    id: bytes
    now: int


class AddTicket(NamedTuple):
    """A single-use ticket for one session and one device."""

    hash: bytes
    session: bytes
    device: bytes
    expires_at: int


class TakeTicket(NamedTuple):
    """Burn a ticket, whatever it is worth. Returns (session, device, expires_at); no row if it is unknown or burnt."""

    hash: bytes


class DropTickets(NamedTuple):
    """Forget tickets that expired before `now`."""

    now: int


# -- devices and keys --------------------------------------------------------------------------------------------


class AddDevice(NamedTuple):
    """A device of an account. Its id is the hash of its public key."""

    id: bytes
    account: bytes
    device_pk: bytes
    name_box: bytes
    added_at: int


class RemoveDevice(NamedTuple):
    """The device is off its account's list; its boxes go by `DropDeviceBoxes`. Guarded."""

    id: bytes
    now: int


class DropDeviceBoxes(NamedTuple):
    """Delete the mailbox of a removed device. Returns (sender, n, account) of each box."""

    device: bytes


class RequireMailbox(NamedTuple):
    """Exactly `boxes` boxes wait for the device, so that an event may count them. Guarded; changes nothing."""

    device: bytes
    boxes: int


class SettleMailbox(NamedTuple):
    """`SettleFate` for every box that waits for the device; stands before `DropDeviceBoxes`, which deletes them."""

    device: bytes
    outcome: int
    at: int


class RequireRoom(NamedTuple):
    """No conversation of the account has over `most` devices of present members. Guarded; changes nothing."""

    account: bytes
    most: int


class AddList(NamedTuple):
    """Version `version` of an account's device list. The primary key refuses a second one of the same version."""

    account: bytes
    version: int
    list_hash: bytes
    body: bytes
    published_at: int


class ReplaceBundles(NamedTuple):
    """Stamp the newest mail bundle of the device as replaced at `now`."""

    device: bytes
    now: int


class AddBundle(NamedTuple):
    """A key bundle. One box key in two devices is refused by a unique index."""

    device: bytes
    key_no: int
    use: int
    scope: bytes
    box_pk: bytes
    body: bytes
    created_at: int
    expires_at: int


class ClaimDevice(NamedTuple):
    """This node owns the device's socket from now on. Guarded; returns (generation,)."""

    id: bytes
    node: bytes
    now: int


# -- conversations -----------------------------------------------------------------------------------------------


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


# -- messages ----------------------------------------------------------------------------------------------------


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


Change = (
    AddInvitation
    | UseInvitation
    | AddAccount
    | DisableAccount
    | SetVerifier
    | AddSession
    | EndSession
    | EndSessionsOf
    | TouchSession
    | AddTicket
    | TakeTicket
    | DropTickets
    | AddDevice
    | RemoveDevice
    | DropDeviceBoxes
    | RequireMailbox
    | SettleMailbox
    | RequireRoom
    | AddList
    | ReplaceBundles
    | AddBundle
    | ClaimDevice
    | AddConversation
    | AddMember
    | RemoveMember
    | DropMemberBoxes
    | RequireWaiting
    | SettleWaiting
    | Accept
    | Unhold
    | StoreBox
    | DeleteBox
    | OpenFate
    | SettleFate
    | ReadFate
    | DropFate
    | DropOldFates
)
