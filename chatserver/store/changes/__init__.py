"""Every change that a unit can hold: tuples whose fields in order are `$2`, `$3`... of one SQL statement (sql.py).

`$1` is always the tenant, which the store binds itself: no caller can name another one. Times are milliseconds since
the epoch, ids 16 bytes. *Guarded*: must touch exactly one row. *Returns*: its rows stand in `Committed.rows`.
"""

from chatserver.store.changes.conversations import (
    AddConversation,
    AddMember,
    DropMemberBoxes,
    RemoveMember,
    RequireWaiting,
    SettleWaiting,
)
from chatserver.store.changes.devices import (
    AddBundle,
    AddDevice,
    AddList,
    AnswerLink,
    AskLink,
    ClaimDevice,
    DropDeviceBoxes,
    DropLink,
    DropOldLinks,
    RemoveDevice,
    ReplaceBundles,
    RequireMailbox,
    RequireRoom,
    SettleMailbox,
)
from chatserver.store.changes.messages import (
    Accept,
    DeleteBox,
    DropFate,
    DropOldFates,
    FateOutcome,
    OpenFate,
    ReadFate,
    SettleFate,
    StoreBox,
    Unhold,
)
from chatserver.store.changes.people import (
    AddAccount,
    AddInvitation,
    AddSession,
    AddTicket,
    DisableAccount,
    DropTickets,
    EndSession,
    EndSessionsOf,
    SetVerifier,
    TakeTicket,
    TouchSession,
    UseInvitation,
)

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
    | AskLink
    | AnswerLink
    | DropLink
    | DropOldLinks
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

__all__ = [
    "Accept",
    "AddAccount",
    "AddBundle",
    "AddConversation",
    "AddDevice",
    "AddInvitation",
    "AddList",
    "AddMember",
    "AddSession",
    "AddTicket",
    "AnswerLink",
    "AskLink",
    "Change",
    "ClaimDevice",
    "DeleteBox",
    "DisableAccount",
    "DropDeviceBoxes",
    "DropFate",
    "DropLink",
    "DropMemberBoxes",
    "DropOldFates",
    "DropOldLinks",
    "DropTickets",
    "EndSession",
    "EndSessionsOf",
    "FateOutcome",
    "OpenFate",
    "ReadFate",
    "RemoveDevice",
    "RemoveMember",
    "ReplaceBundles",
    "RequireMailbox",
    "RequireRoom",
    "RequireWaiting",
    "SetVerifier",
    "SettleFate",
    "SettleMailbox",
    "SettleWaiting",
    "StoreBox",
    "TakeTicket",
    "TouchSession",
    "Unhold",
    "UseInvitation",
]
