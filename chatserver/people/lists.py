"""Publishing device lists: version by version, dated, and what a list removes is gone in the same commit."""

from dataclasses import dataclass

from chatserver.audit.events import Event, Kind
from chatserver.feed import Entry, Topic
from chatserver.people.commits import NOTHING, Plan, carry_out
from chatserver.people.people import Actor, People
from chatserver.store import changes, queries, rows
from chatserver.store.changes import Change, FateOutcome
from chatserver.store.port import Unit
from chatserver.wire import limits
from chatserver.wire.errors import CLOCK_WRONG, LIST_REFUSED, TOO_MANY_DEVICES, Refusal
from crypto.keys import DeviceList, Refused, parse_list, require_dated, verify_list


@dataclass(frozen=True, slots=True)
class Step:
    """From the newest list to the next: the devices that come and those that go."""

    list: DeviceList
    raw: bytes
    came: frozenset[bytes]
    went: tuple[bytes, ...]


async def publish(people: People, by: Actor, raw: bytes) -> int | Refusal:
    """The next list of the actor's account, all of whose devices are registered. Returns its version."""
    return await carry_out(people.store, lambda: _plan(people, by, raw), LIST_REFUSED)


async def _plan(people: People, by: Actor, raw: bytes) -> Plan[int] | Refusal:
    now = people.now()
    newest = await newest_list(people, by.account)
    if newest is not None and newest.body == raw:
        return Plan(NOTHING, newest.version)
    step = await next_step(people, by.account, newest, raw, now)
    if isinstance(step, Refusal):
        return step
    if step.came:
        return LIST_REFUSED
    return Plan(await published(people, by, step, now), step.list.version)


async def newest_list(people: People, account: bytes) -> rows.SignedList | None:
    """The newest list of an account."""
    found = await people.store.read(queries.NewestList(account))
    return found[0] if found else None


async def next_step(
    people: People, account: bytes, newest: rows.SignedList | None, raw: bytes, now: int
) -> Step | Refusal:
    """What the list would change. `list_refused` if it does not follow the newest, `clock_wrong` if it is dated off."""
    previous = parse_list(newest.body).body if newest else None
    try:
        body = verify_list(raw, people.tenant.id, account, previous).body
    except Refused:
        return LIST_REFUSED
    registered = {device.id for device in await people.store.read(queries.DevicesOf(account))}
    listed = {device.id: device for device in body.devices}
    came = listed.keys() - registered
    dates = [body.issued_ms, *(listed[device].added_ms for device in came)]
    if not all(dated(date, now) for date in dates):
        return CLOCK_WRONG
    return Step(body, raw, frozenset(came), tuple(sorted(registered - listed.keys())))


def dated(made_ms: int, now: int) -> bool:
    """Whether something is dated within five minutes of `now`."""
    try:
        require_dated(made_ms, now)
    except Refused:
        return False
    return True


async def room_for(people: People, account: bytes, step: Step) -> Refusal | None:
    """`too_many_devices` if a conversation of the account could not hold the devices that come."""
    found = await people.store.read(queries.LargestOf(account))
    devices = found[0].boxes if found else 0
    over = devices and devices + len(step.came) - len(step.went) > limits.MAX_DEVICES_PER_CONVERSATION
    return TOO_MANY_DEVICES if over else None


async def published(people: People, by: Actor, step: Step, now: int) -> Unit:
    """The unit of a list: the list, and everything that goes with the devices it leaves out."""
    body = step.list
    added = changes.AddList(by.account, body.version, body.list_hash, step.raw, now)
    event = Event(Kind.LIST_PUBLISHED, now, by.account, by.device, by.session, subject=by.account, n=body.version)
    unit = Unit((added,), (event,), (Entry(Topic.LIST, by.account),))
    for device in step.went:
        gone, told = await _removal(people, by, device, now)
        unit = unit._replace(changes=unit.changes + gone, events=(*unit.events, told))
    return unit


async def _removal(people: People, by: Actor, device: bytes, now: int) -> tuple[tuple[Change, ...], Event]:
    """A device goes, and its boxes with it: counted, settled and deleted in one commit."""
    boxes = sum(size.boxes for size in await people.store.read(queries.MailboxSize(device)))
    gone = (
        changes.RequireMailbox(device, boxes),
        changes.SettleMailbox(device, FateOutcome.DEVICE_REMOVED, now),
        changes.RemoveDevice(device, now),
        changes.DropDeviceBoxes(device),
    )
    event = Event(Kind.DEVICE_REMOVED, now, by.account, by.device, by.session, by.account, object=device, count=boxes)
    return gone, event
