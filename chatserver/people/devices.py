"""Registering a device: its key, its name, and the list that has it, in one commit."""

from dataclasses import dataclass

from chatserver.audit.events import Event, Kind
from chatserver.people import names
from chatserver.people.columns import Column
from chatserver.people.commits import NOTHING, Plan, carry_out
from chatserver.people.lists import newest_list, next_step, published, room_for
from chatserver.people.people import Actor, People
from chatserver.store import changes, queries, rows
from chatserver.wire import limits
from chatserver.wire.errors import BAD_REQUEST, LIST_REFUSED, Refusal
from crypto.keys import device_id


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device's Ed25519 key, how its person calls it, and the signed list that has it."""

    device_pk: bytes
    name: str
    list: bytes

    @property
    def id(self) -> bytes:
        """The device id, which is a hash of the key (CRYPTO section 2)."""
        return device_id(self.device_pk)


@dataclass(frozen=True, slots=True)
class Registered:
    """The device and the version of the list that has it."""

    device: bytes
    version: int


async def register(people: People, by: Actor, device: NewDevice) -> Registered | Refusal:
    """Add the device to the actor's account. A repeat is no fault; a removed device cannot come back."""
    if names.display(device.name) is None:
        return BAD_REQUEST
    return await carry_out(people.store, lambda: _plan(people, by, device), LIST_REFUSED)


async def _plan(people: People, by: Actor, device: NewDevice) -> Plan[Registered] | Refusal:
    now = people.now()
    newest = await newest_list(people, by.account)
    if newest is not None and newest.body == device.list and await own_device(people, by.account, device.id):
        return Plan(NOTHING, Registered(device.id, newest.version))
    step = await next_step(people, by.account, newest, device.list, now)
    if isinstance(step, Refusal):
        return step
    if step.came != {device.id}:
        return LIST_REFUSED
    refusal = await room_for(people, by.account, step)
    if refusal is not None:
        return refusal
    unit = await published(people, by, step, now)
    added = _added(people, by.account, device, now)
    room = changes.RequireRoom(by.account, limits.MAX_DEVICES_PER_CONVERSATION)
    event = Event(Kind.DEVICE_ADDED, now, by.account, by.device, by.session, by.account, object=device.id)
    linked = changes.DropLink(device.id, by.account)
    unit = unit._replace(changes=(added, *unit.changes, room, linked), events=(event, *unit.events))
    return Plan(unit, Registered(device.id, step.list.version))


def _added(people: People, account: bytes, device: NewDevice, now: int) -> changes.AddDevice:
    name_box = people.columns.seal(Column.DEVICE_NAME, device.id, names.display(device.name) or "")
    return changes.AddDevice(device.id, account, device.device_pk, name_box, now)


async def own_device(people: People, account: bytes, device: bytes) -> rows.Device | None:
    """The device, if it is one of the account and was not removed."""
    found = await people.store.read(queries.DeviceById(device))
    if not found or found[0].account != account or found[0].removed_at is not None:
        return None
    return found[0]
