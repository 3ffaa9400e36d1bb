"""Conversations: making them, and who takes part. Every change is one commit with its event and its feed entry."""

from collections.abc import Iterable

from chatserver.audit.events import Event, Kind
from chatserver.care.purposes import Purpose
from chatserver.feed import Entry, Topic
from chatserver.people.commits import NOTHING, Plan, carry_out
from chatserver.people.people import Actor, People
from chatserver.store import changes, queries, rows
from chatserver.store.changes import Change, FateOutcome
from chatserver.store.port import Unit
from chatserver.wire import limits
from chatserver.wire.errors import ACCOUNT_DISABLED, NOT_FOUND, TOO_MANY_DEVICES, Refusal


async def create(people: People, purpose: Purpose, members: Iterable[bytes], by: Actor) -> bytes | Refusal:
    """A conversation of these accounts. Returns its id."""
    accounts, conversation = tuple(dict.fromkeys(members)), people.new_id()

    async def plan() -> Plan[bytes] | Refusal:
        if await _conversation(people, conversation) is not None:
            return Plan(NOTHING, conversation)
        refusal = await _welcome_all(people, accounts)
        if refusal is not None:
            return refusal
        now = people.now()
        made = changes.AddConversation(conversation, purpose, now)
        event = _event(Kind.CONVERSATION_CREATED, now, by, conversation)
        unit = Unit((made,), (event,), (Entry(Topic.MEMBERS, conversation),))
        for account in accounts:
            unit = _joining(unit, conversation, account, by, now)
        return Plan(unit, conversation)

    return await carry_out(people.store, plan)


async def add(people: People, conversation: bytes, account: bytes, by: Actor) -> Refusal | None:
    """The account takes part (again). A repeat is no fault."""

    async def plan() -> Plan[None] | Refusal:
        if await _conversation(people, conversation) is None:
            return NOT_FOUND
        if await takes_part(people, conversation, account):
            return Plan(NOTHING, None)
        refusal = await _may_join(people, conversation, account)
        if refusal is not None:
            return refusal
        unit = Unit(feed=(Entry(Topic.MEMBERS, conversation),))
        return Plan(_joining(unit, conversation, account, by, people.now()), None)

    return await carry_out(people.store, plan)


async def remove(people: People, conversation: bytes, account: bytes, by: Actor) -> Refusal | None:
    """The account takes part no longer; what waits for it of this conversation goes in the same commit."""

    async def plan() -> Plan[None] | Refusal:
        members = await people.store.read(queries.MembersOf(conversation))
        stays = {member.account: member.left_at is None for member in members}
        if account not in stays:
            return NOT_FOUND
        return Plan(await _leaving(people, conversation, account, by) if stays[account] else NOTHING, None)

    return await carry_out(people.store, plan)


async def takes_part(people: People, conversation: bytes, account: bytes) -> bool:
    """Whether the account is a present member."""
    members = await people.store.read(queries.MembersOf(conversation))
    return any(member.account == account and member.left_at is None for member in members)


async def _conversation(people: People, conversation: bytes) -> rows.Conversation | None:
    found = await people.store.read(queries.ConversationById(conversation))
    return found[0] if found else None


async def _devices_of(people: People, account: bytes) -> int | Refusal:
    """How many devices an account would bring; a refusal if it is not there or disabled."""
    found = await people.store.read(queries.AccountById(account))
    if not found:
        return NOT_FOUND
    if found[0].disabled_at is not None:
        return ACCOUNT_DISABLED
    return len(await people.store.read(queries.DevicesOf(account)))


async def _welcome_all(people: People, accounts: Iterable[bytes]) -> Refusal | None:
    total = 0
    for account in accounts:
        devices = await _devices_of(people, account)
        if isinstance(devices, Refusal):
            return devices
        total += devices
    return TOO_MANY_DEVICES if total > limits.MAX_DEVICES_PER_CONVERSATION else None


async def _may_join(people: People, conversation: bytes, account: bytes) -> Refusal | None:
    devices = await _devices_of(people, account)
    if isinstance(devices, Refusal):
        return devices
    there = await people.store.read(queries.DevicesIn(conversation))
    total = devices + sum(size.boxes for size in there)
    return TOO_MANY_DEVICES if total > limits.MAX_DEVICES_PER_CONVERSATION else None


def _joining(unit: Unit, conversation: bytes, account: bytes, by: Actor, now: int) -> Unit:
    """The unit with one more member. Room is guarded in the commit, where no other can slip in between."""
    added: tuple[Change, ...] = (
        changes.AddMember(conversation, account, now),
        changes.RequireRoom(account, limits.MAX_DEVICES_PER_CONVERSATION),
    )
    event = _event(Kind.MEMBER_ADDED, now, by, conversation, account)
    return unit._replace(changes=unit.changes + added, events=(*unit.events, event))


async def _leaving(people: People, conversation: bytes, account: bytes, by: Actor) -> Unit:
    waiting = await people.store.read(queries.WaitingFor(conversation, account))
    boxes, now = sum(size.boxes for size in waiting), people.now()
    gone = (
        changes.RequireWaiting(conversation, account, boxes),
        changes.SettleWaiting(conversation, account, FateOutcome.DEVICE_REMOVED, now),
        changes.RemoveMember(conversation, account, now),
        changes.DropMemberBoxes(conversation, account),
    )
    event = _event(Kind.MEMBER_REMOVED, now, by, conversation, account, boxes)
    return Unit(gone, (event,), (Entry(Topic.MEMBERS, conversation),))


def _event(kind: Kind, now: int, by: Actor, conversation: bytes, account: bytes = bytes(16), count: int = 0) -> Event:
    return Event(kind, now, by.account, by.device, by.session, account, conversation, count=count)
