"""Linking: a new device asks, a device of the account that holds its identity answers with the list that has it.

The server passes both on and believes neither more than before: the new device registers itself with the signed list
(people/devices.py), and what else it needs comes to it in a box. Whether the key that asks is the one on the other
screen is for the two clients to compare (CRYPTO section 9).
"""

from dataclasses import dataclass
from typing import Final

from chatserver.audit.events import Event, Kind
from chatserver.feed import Entry, Topic
from chatserver.people import names
from chatserver.people.columns import Column
from chatserver.people.commits import Plan, carry_out
from chatserver.people.devices import own_device
from chatserver.people.lists import newest_list, next_step
from chatserver.people.people import Actor, People
from chatserver.store import changes, queries
from chatserver.store.port import Unit
from chatserver.wire import limits
from chatserver.wire.errors import BAD_REQUEST, LIST_REFUSED, NOT_FOUND, TOO_FAST, Refusal
from crypto.keys import device_id

MAX_ASKING: Final = 3
"""Devices of one account that may ask at once."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A device that asks, as its account sees it. `list` is the answer, if there is one."""

    device: bytes
    device_pk: bytes
    name: str
    asked_at: int
    expires_at: int
    list: bytes | None


async def ask(people: People, by: Actor, device_pk: bytes, name: str) -> int | Refusal:
    """The device asks to be linked to the actor's account; until when. `too_fast` if three others ask already."""
    shown = names.display(name)
    if shown is None:
        return BAD_REQUEST
    device = device_id(device_pk)

    async def plan() -> Plan[int] | Refusal:
        if await people.store.read(queries.DeviceById(device)):
            return LIST_REFUSED  # a device of an account needs no link, a removed one gets none
        now = people.now()
        others = [link for link in await people.store.read(queries.LinksOf(by.account, now)) if link.device != device]
        if len(others) >= MAX_ASKING:
            return TOO_FAST
        expires_at = now + limits.LINK_TTL_S * 1000
        name_box = people.columns.seal(Column.DEVICE_NAME, device, shown)
        asked = changes.AskLink(device, by.account, device_pk, name_box, now, expires_at)
        event = Event(Kind.LINK_ASKED, now, by.account, session=by.session, subject=by.account, object=device)
        return Plan(Unit((asked,), (event,), (Entry(Topic.LINK, by.account),)), expires_at)

    return await carry_out(people.store, plan)


async def waiting(people: People, account: bytes) -> list[Asking]:
    """Every device that asks to be linked to the account now."""
    links = await people.store.read(queries.LinksOf(account, people.now()))
    opened = people.columns.open
    return [
        Asking(
            link.device, link.device_pk, opened(Column.DEVICE_NAME, link.device, link.name_box),
            link.asked_at, link.expires_at, link.list,
        )
        for link in links
    ]  # fmt: skip


async def answer(people: People, by: Actor, device: bytes, raw: bytes) -> Refusal | None:
    """Give the asking device the list that has it and nobody else new. It then registers itself."""

    async def plan() -> Plan[None] | Refusal:
        now = people.now()
        if device not in {link.device for link in await people.store.read(queries.LinksOf(by.account, now))}:
            return NOT_FOUND
        step = await next_step(people, by.account, await newest_list(people, by.account), raw, now)
        if isinstance(step, Refusal):
            return step
        if step.came != {device} or step.went:
            return LIST_REFUSED
        event = Event(Kind.LINK_ANSWERED, now, by.account, by.device, by.session, by.account, object=device)
        answered = changes.AnswerLink(device, by.account, raw)
        return Plan(Unit((answered,), (event,), (Entry(Topic.LINK, by.account),)), None)

    return await carry_out(people.store, plan)


async def withdraw(people: People, by: Actor, device: bytes) -> Refusal | None:
    """Nobody wants this link any more; a repeat is no fault."""
    if await own_device(people, by.account, device):
        return NOT_FOUND

    async def plan() -> Plan[None] | Refusal:
        return Plan(Unit((changes.DropLink(device, by.account),), (), (Entry(Topic.LINK, by.account),)), None)

    return await carry_out(people.store, plan)
