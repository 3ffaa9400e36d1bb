"""What is done to accounts from outside: listing them, and ending them."""

from dataclasses import dataclass

from chatserver.audit.events import Event, Kind
from chatserver.feed import Entry, Topic
from chatserver.people.columns import Column
from chatserver.people.commits import NOTHING, Plan, carry_out, saved
from chatserver.people.people import Actor, People
from chatserver.people.roles import Role
from chatserver.store import changes, queries, rows
from chatserver.store.port import Unit
from chatserver.wire.errors import NOT_FOUND, Refusal


@dataclass(frozen=True, slots=True)
class Person:
    """An account with its names opened."""

    id: bytes
    role: Role
    name: str
    alias: str
    created_at: int
    disabled_at: int | None


def person_of(people: People, row: rows.Account) -> Person:
    """The account of a row."""
    name = people.columns.open(Column.ACCOUNT_NAME, row.id, row.name_box)
    alias = people.columns.open(Column.ACCOUNT_ALIAS, row.id, row.alias_box)
    return Person(row.id, Role(row.role), name, alias, row.created_at, row.disabled_at)


async def everybody(people: People, by: Actor) -> list[Person] | Refusal:
    """Every account, oldest first. Reading all names is an event, and without it they are not told."""
    found = [person_of(people, row) for row in await people.store.read(queries.AllAccounts())]
    event = Event(Kind.PEOPLE_LISTED, people.now(), by.account, by.device, by.session, n=len(found))
    return await saved(people.store, Unit(events=(event,))) or found


async def disable(people: People, account: bytes, by: Actor) -> Refusal | None:
    """End the account: its sessions and sockets too. A repeat is no fault."""

    async def plan() -> Plan[None] | Refusal:
        found = await people.store.read(queries.AccountById(account))
        if not found:
            return NOT_FOUND
        if found[0].disabled_at is not None:
            return Plan(NOTHING, None)
        now = people.now()
        event = Event(Kind.ACCOUNT_DISABLED, now, by.account, by.device, by.session, subject=account)
        ended = (changes.DisableAccount(account, now), changes.EndSessionsOf(account, now))
        return Plan(Unit(ended, (event,), (Entry(Topic.DISABLED, account),)), None)

    return await carry_out(people.store, plan)
