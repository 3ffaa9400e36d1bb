"""One statement for each change and each query: shared text with `$1` (tenant), `$2`... (the fields in order)."""

# ruff: noqa: S608 - every part of these texts stands in this file; values are only ever bound

import re
from typing import Final, NamedTuple

from chatserver.store import changes as c
from chatserver.store import queries as q

HOT: Final[tuple[type, ...]] = (c.Accept, c.StoreBox, c.OpenFate)
"""Changes of every message. They touch one table each and read no other, so rows of each may be gathered."""


class Statement(NamedTuple):
    """How one change or query is said.

    guarded: must touch, or if it only reads, find exactly one row. returns: its rows belong into `Committed.rows`.
    frees: asks for no room, so it is tried again when the disk is full. waits_for: the gathered changes that must be
    written before it.
    """

    text: str
    guarded: bool = False
    returns: bool = False
    frees: bool = False
    waits_for: tuple[type, ...] = HOT

    @property
    def answers(self) -> bool:
        """Whether it gives rows."""
        return self.text.startswith("select") or " returning " in self.text


_PLACEHOLDER: Final = re.compile(r"\$(\d+)")
_VALUES: Final = re.compile(r"values (\([^)]*\))")


def numbers_in(text: str) -> set[int]:
    """The numbers of the placeholders in `text`."""
    return {int(number) for number in _PLACEHOLDER.findall(text)}


def for_sqlite(text: str, tenant: bytes) -> str:
    """The tenant written into `text`, the fields bound by number (`$2` becomes `?1`)."""
    literal = f"x'{tenant.hex()}'"
    return _PLACEHOLDER.sub(lambda found: literal if found[1] == "1" else f"?{int(found[1]) - 1}", text)


def for_sqlite_rows(text: str, tenant: bytes, rows: int) -> str:
    """An insert of `rows` rows at once; their fields are bound in order, row after row.

    `or fail`: SQLite keeps no copies of the pages it changes, because who fails is rolled back as a whole anyway.
    """
    row = re.sub(r"\?\d+", "?", for_sqlite(_VALUES.findall(text)[0], tenant))
    many = _VALUES.sub(lambda _: f"values {', '.join([row] * rows)}", text, count=1)
    return many.replace("insert into", "insert or fail into", 1)


_PRESENT_DEVICES = (
    "join device on device.tenant = present.tenant and device.account = present.account"
    " where present.tenant = $1 and present.left_at is null and removed_at is null"
)
_ENABLED = (
    "not exists (select 1 from account where account.tenant = $1 and account.id = member.account"
    " and account.disabled_at is not null)"
)
_WAITING = (
    "from mailbox where mailbox.tenant = $1 and scope = $2"
    " and mailbox.device in (select id from device where device.tenant = $1 and device.account = $3)"
)
# Boxes of send n (of sender $2) that wait for the devices of account $4.
_OTHER_BOXES = (
    "select 1 from device join mailbox on mailbox.tenant = device.tenant and mailbox.device = device.id"
    " where device.tenant = $1 and device.account = $4 and mailbox.sender = $2 and mailbox.n = $3"
)

CHANGES: Final[dict[type, Statement]] = {
    c.AddInvitation: Statement(
        "insert into invitation (tenant, id, code_hash, role, alias_box, created_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)"
    ),
    c.UseInvitation: Statement(
        "update invitation set account = $3, used_at = $4"
        " where tenant = $1 and code_hash = $2 and account is null and expires_at > $4",
        guarded=True,
    ),
    c.AddAccount: Statement(
        "insert into account (tenant, id, role, name_key, name_box, alias_box, salt, verifier, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    ),
    c.DisableAccount: Statement(
        "update account set disabled_at = $3 where tenant = $1 and id = $2 and disabled_at is null", guarded=True
    ),
    c.SetVerifier: Statement("update account set verifier = $3 where tenant = $1 and id = $2", guarded=True),
    c.AddSession: Statement(
        "insert into session (tenant, id, token_hash, account, created_at, active_at, ends_at)"
        " values ($1, $2, $3, $4, $5, $5, $6)"
    ),
    c.EndSession: Statement(
        "update session set ended_at = $3 where tenant = $1 and id = $2 and ended_at is null",
        guarded=True,
        frees=True,
    ),
    c.EndSessionsOf: Statement(
        "update session set ended_at = $3 where tenant = $1 and account = $2 and ended_at is null", frees=True
    ),
    c.TouchSession: Statement(
        "update session set active_at = $3 where tenant = $1 and id = $2 and active_at < $3", waits_for=()
    ),
    c.AddTicket: Statement(
        "insert into ticket (tenant, hash, session, device, expires_at) values ($1, $2, $3, $4, $5)"
    ),
    c.TakeTicket: Statement(
        "delete from ticket where tenant = $1 and hash = $2 returning session, device, expires_at",
        returns=True,
        frees=True,
    ),
    c.AskLink: Statement(
        "insert into link (tenant, device, account, device_pk, name_box, asked_at, expires_at)"
        " select $1, $2, $3, $4, $5, $6, $7"
        " where (select count(*) from link where tenant = $1 and account = $3 and device <> $2 and expires_at > $6) < 3"
        " on conflict (tenant, device) do update set asked_at = excluded.asked_at, expires_at = excluded.expires_at,"
        " name_box = excluded.name_box where link.account = excluded.account",
        guarded=True,
    ),
    c.AnswerLink: Statement(
        "update link set list = $4 where tenant = $1 and device = $2 and account = $3", guarded=True
    ),
    c.DropLink: Statement("delete from link where tenant = $1 and device = $2 and account = $3", frees=True),
    c.DropOldLinks: Statement("delete from link where tenant = $1 and expires_at < $2", frees=True),
    c.DropTickets: Statement("delete from ticket where tenant = $1 and expires_at < $2", frees=True),
    c.AddDevice: Statement(
        "insert into device (tenant, id, account, device_pk, name_box, added_at) values ($1, $2, $3, $4, $5, $6)"
    ),
    c.RemoveDevice: Statement(
        "update device set removed_at = $3 where tenant = $1 and id = $2 and removed_at is null", guarded=True
    ),
    c.DropDeviceBoxes: Statement(
        "delete from mailbox where tenant = $1 and device = $2 returning sender, n,"
        " (select account from device where device.tenant = $1 and device.id = $2)",
        returns=True,
        frees=True,
    ),
    c.RequireMailbox: Statement(
        "select 1 where $3 = (select count(*) from mailbox where tenant = $1 and device = $2)", guarded=True, frees=True
    ),
    c.SettleMailbox: Statement(
        "update fate set outcome = $3, at = $4 where tenant = $1"
        " and account = (select account from device where device.tenant = $1 and device.id = $2)"
        " and (sender, n) in (select gone.sender, gone.n from mailbox as gone"
        " where gone.tenant = $1 and gone.device = $2)"
        " and ($3 = 1 or (outcome = 0 and not exists (select 1 from device as sibling join mailbox as other"
        " on other.tenant = sibling.tenant and other.device = sibling.id where sibling.tenant = $1"
        " and sibling.account = fate.account and sibling.id <> $2"
        " and other.sender = fate.sender and other.n = fate.n)))",
        frees=True,
    ),
    c.RequireRoom: Statement(
        "select 1 where not exists (select 1 from member as own join member as present using (tenant, conversation)"
        f" {_PRESENT_DEVICES} and own.account = $2 and own.left_at is null group by conversation having count(*) > $3)",
        guarded=True,
        frees=True,
    ),
    c.AddList: Statement(
        "insert into device_list (tenant, account, version, list_hash, body, published_at)"
        " values ($1, $2, $3, $4, $5, $6)"
    ),
    c.ReplaceBundles: Statement(
        "update bundle set replaced_at = $3 where tenant = $1 and device = $2 and use = 0 and replaced_at is null"
    ),
    c.AddBundle: Statement(
        "insert into bundle (tenant, device, key_no, use, scope, box_pk, body, created_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    ),
    c.ClaimDevice: Statement(
        "update device set owner = $3, generation = generation + 1, seen_at = $4"
        " where tenant = $1 and id = $2 and removed_at is null returning generation",
        guarded=True,
        returns=True,
    ),
    c.AddConversation: Statement("insert into conversation (tenant, id, purpose, created_at) values ($1, $2, $3, $4)"),
    c.AddMember: Statement(
        "insert into member (tenant, conversation, account, first_joined_at, joined_at) values ($1, $2, $3, $4, $4)"
        " on conflict (tenant, conversation, account) do update set joined_at = excluded.joined_at, left_at = null"
        " where member.left_at is not null",
        guarded=True,
    ),
    c.RemoveMember: Statement(
        "update member set left_at = $4 where tenant = $1 and conversation = $2 and account = $3 and left_at is null",
        guarded=True,
    ),
    c.DropMemberBoxes: Statement(
        f"delete {_WAITING} returning sender, n, $3",
        returns=True,
        frees=True,
    ),
    c.RequireWaiting: Statement(f"select 1 where $4 = (select count(*) {_WAITING})", guarded=True, frees=True),
    c.SettleWaiting: Statement(
        "update fate set outcome = $4, at = $5 where tenant = $1 and account = $3 and ($4 = 1 or outcome = 0)"
        f" and (sender, n) in (select sender, n {_WAITING})",
        frees=True,
    ),
    c.Accept: Statement(
        "insert into accepted (tenant, device, slot, n, c, accepted_at, held) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict (tenant, device, slot) do update set n = excluded.n, held = excluded.held,"
        " c = case when accepted.n = excluded.n then accepted.c else excluded.c end,"
        " accepted_at = case when accepted.n = excluded.n then accepted.accepted_at else excluded.accepted_at end"
        " where accepted.n <= excluded.n"
    ),
    c.Unhold: Statement(
        "update accepted set held = case when held > $5 then held - $5 else 0 end"
        " where tenant = $1 and device = $2 and slot = $3 and n = $4",
        frees=True,
        waits_for=(c.Accept,),
    ),
    c.StoreBox: Statement(
        "insert into mailbox"
        " (tenant, device, sender, n, scope, c, accepted_at, kid, t, key_no, box, size, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " on conflict (tenant, device, sender, n) do nothing"
    ),
    c.DeleteBox: Statement(
        "delete from mailbox where tenant = $1 and device = $2 and sender = $3 and n = $4 returning sender, n",
        returns=True,
        frees=True,
        waits_for=(c.StoreBox,),
    ),
    c.OpenFate: Statement(
        "insert into fate (tenant, sender, n, account, outcome, at) values ($1, $2, $3, $4, $5, $6)"
        " on conflict (tenant, sender, n, account) do update set outcome = excluded.outcome, at = excluded.at"
        " where fate.outcome <> 1"
    ),
    c.SettleFate: Statement(
        "update fate set outcome = $5, at = $6 where tenant = $1 and sender = $2 and n = $3 and account = $4"
        f" and ($5 = 1 or (outcome = 0 and not exists ({_OTHER_BOXES})))",
        frees=True,
        waits_for=(c.StoreBox, c.OpenFate),
    ),
    c.ReadFate: Statement(
        "select account, outcome from fate where tenant = $1 and sender = $2 and n = $4 union all"
        " select null, held from accepted where tenant = $1 and device = $2 and slot = $3 and n = $4",
        returns=True,
        frees=True,
        waits_for=(c.Accept, c.OpenFate),
    ),
    c.DropFate: Statement(
        "delete from fate where tenant = $1 and sender = $2 and n = $3", frees=True, waits_for=(c.OpenFate,)
    ),
    c.DropOldFates: Statement("delete from fate where tenant = $1 and at < $2", frees=True, waits_for=(c.OpenFate,)),
}

ADD_EVENT: Final = "insert into event (tenant, shard, idx, entry, leaf) values ($1, $2, $3, $4, $5)"
ADD_FEED: Final = "insert into feed (tenant, number, topic, subject) values ($1, $2, $3, $4)"
LAST_FEED: Final = "select coalesce(max(number), 0) from feed"
LAST_LEAF: Final = "select idx, leaf from event where tenant = $1 and shard = $2 order by idx desc limit 1"
LEAF_AT: Final = "select leaf from event where tenant = $1 and shard = $2 and idx = $3"
SET_MARK: Final = "update shard set mark = $3 where tenant = $1 and id = $2"
MARK_OF: Final = "select mark from shard where tenant = $1 and id = $2"
ADD_SHARD: Final = (
    "insert into shard (tenant, id, name, epoch) select $1, $2, $3, epoch from tenant where id = $1"
    " on conflict (tenant, name, epoch) do nothing"
)
SHARD_NAMED: Final = (
    "select shard.id from shard join tenant on tenant.id = shard.tenant and tenant.epoch = shard.epoch"
    " where shard.tenant = $1 and shard.name = $2"
)

_ACCOUNT = "select id, role, name_box, alias_box, salt, verifier, created_at, disabled_at from account"
_INVITATION = "select id, role, alias_box, expires_at, account from invitation"
_SESSION = (
    "select session.id, account, role, session.created_at, active_at, ends_at, ended_at, disabled_at from session"
    " join account on account.tenant = session.tenant and account.id = session.account where session.tenant = $1"
)
_DEVICE = "select id, account, device_pk, name_box, added_at, removed_at from device where tenant = $1"
_LIST = "select account, version, list_hash, body from device_list"
_BUNDLE = "bundle.device, account, key_no, box_pk, body, bundle.created_at, bundle.expires_at, replaced_at"
_NEWER = "bundle as newer where newer.tenant = $1 and newer.device = bundle.device and newer.use = 0"
_NEWEST_TWO = f"use = 0 and (select count(*) from {_NEWER} and newer.key_no > bundle.key_no) < 2"
_MEMBER = "member.conversation, account, role, alias_box, joined_at, left_at, disabled_at"

QUERIES: Final[dict[type, str]] = {
    q.TheTenant: "select id, epoch from tenant where id = $1",
    q.AccountById: f"{_ACCOUNT} where tenant = $1 and id = $2",
    q.AccountByName: f"{_ACCOUNT} where tenant = $1 and name_key = $2",
    q.AllAccounts: f"{_ACCOUNT} where tenant = $1 order by created_at, id",
    q.InvitationByCode: f"{_INVITATION} where tenant = $1 and code_hash = $2",
    q.OpenInvitations: f"{_INVITATION} where tenant = $1 and account is null order by created_at, id",
    q.SessionByToken: f"{_SESSION} and token_hash = $2",
    q.SessionById: f"{_SESSION} and session.id = $2",
    q.LinksOf: (
        "select device, device_pk, name_box, asked_at, expires_at, list from link"
        " where tenant = $1 and account = $2 and expires_at > $3 order by asked_at, device"
    ),
    q.DeviceById: f"{_DEVICE} and id = $2",
    q.DevicesOf: f"{_DEVICE} and account = $2 and removed_at is null order by added_at, id",
    q.ListsOf: f"{_LIST} where tenant = $1 and account = $2 and version > $3 order by version",
    q.NewestList: f"{_LIST} where tenant = $1 and account = $2 order by version desc limit 1",
    q.BundlesOfDevice: (
        f"select {_BUNDLE} from bundle join device on device.tenant = bundle.tenant and device.id = bundle.device"
        " where bundle.tenant = $1 and bundle.device = $2 and use = 0 order by key_no desc limit 2"
    ),
    q.BundlesOfConversation: (
        f"select {_BUNDLE} from member join device using (tenant, account)"
        " join bundle on bundle.tenant = device.tenant and bundle.device = device.id"
        " where member.tenant = $1 and conversation = $2 and left_at is null and removed_at is null"
        f" and {_ENABLED} and {_NEWEST_TWO} order by bundle.device, key_no desc"
    ),
    q.ListsOfConversation: (
        f"{_LIST} join member using (tenant, account) where tenant = $1 and conversation = $2 and left_at is null"
        f" and {_ENABLED}"
        " and version = (select max(version) from device_list as newest"
        " where newest.tenant = $1 and newest.account = member.account) order by account"
    ),
    q.ConversationsOf: (
        "select id, purpose, created_at from conversation join member"
        " on member.tenant = conversation.tenant and member.conversation = conversation.id"
        " where member.tenant = $1 and account = $2 and left_at is null order by created_at, id"
    ),
    q.ConversationById: "select id, purpose, created_at from conversation where tenant = $1 and id = $2",
    q.AllConversations: "select id, purpose, created_at from conversation where tenant = $1 order by created_at, id",
    q.LargestOf: (
        "select coalesce(max(devices), 0), 0 from (select count(*) as devices from member as own"
        f" join member as present using (tenant, conversation) {_PRESENT_DEVICES}"
        " and own.account = $2 and own.left_at is null group by conversation) as sized"
    ),
    q.DevicesIn: f"select count(*), 0 from member as present {_PRESENT_DEVICES} and conversation = $2",
    q.WaitingFor: f"select count(*), coalesce(sum(size), 0) {_WAITING}",
    q.MembersOf: (
        f"select {_MEMBER} from member join account on account.tenant = member.tenant and account.id = member.account"
        " where member.tenant = $1 and conversation = $2 order by joined_at, account"
    ),
    q.EverTogether: (
        "select count(*), 0 from member as one join member as other using (tenant, conversation)"
        " where tenant = $1 and one.account = $2 and other.account = $3"
        " and (other.left_at is null or one.first_joined_at < other.left_at)"
        " and (one.left_at is null or other.first_joined_at < one.left_at)"
    ),
    q.ContactsOf: (
        "select distinct other.account from member as one join member as other using (tenant, conversation)"
        " where tenant = $1 and one.account = $2 and one.left_at is null and other.left_at is null"
        " and other.account <> $2 order by other.account"
    ),
    q.LedgerOf: (
        "select n, c, accepted_at, held from accepted where tenant = $1 and device = $2 and n >"
        " (select max(newest.n) - 256 from accepted as newest where newest.tenant = $1 and newest.device = $2)"
        " order by n"
    ),
    q.MailboxPage: (
        "select seq, sender, n, scope, c, accepted_at, kid, t, key_no, box from"
        " (select sized.seq as place, sum(sized.size) over (order by sized.seq) - sized.size as bytes_before from"
        " (select seq, size from mailbox where tenant = $1 and device = $2 and seq > $3 order by seq limit $4)"
        " as sized) as page join mailbox on seq = place"
        " where bytes_before = 0 or bytes_before < $5 order by place"
    ),
    q.MailboxSize: "select count(*), coalesce(sum(size), 0) from mailbox where tenant = $1 and device = $2",
    q.ExpiredBoxes: (
        "select device, sender, n, (select account from device as owner where owner.tenant = $1 and owner.id = device),"
        " size from mailbox where tenant = $1 and expires_at < $2 order by expires_at, seq limit $3"
    ),
    q.FatesOf: (
        "select n, account, outcome from fate where tenant = $1 and sender = $2 and n between $3 and $4"
        " order by n, account"
    ),
    q.FeedAfter: "select number, topic, subject from feed where tenant = $1 and number > $2 order by number limit $3",
    q.FeedHead: "select number, topic, subject from feed where tenant = $1 order by number desc limit 1",
    q.EntriesOf: (
        "select shard, idx, entry, leaf from event where tenant = $1 and (shard, idx) > ($2, $3)"
        " order by shard, idx limit $4"
    ),
}
