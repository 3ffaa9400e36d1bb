"""What an operator does from the command line, beside a running server or without one: the use cases and their words.

Ids are told as hexadecimal; wherever one is asked for, its first characters will do if nothing else begins so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from chatserver.audit.events import Event, Kind
from chatserver.care import conversations
from chatserver.care.purposes import Purpose
from chatserver.people import accounts, invitations
from chatserver.people.accounts import Person, person_of
from chatserver.people.commits import saved
from chatserver.people.invitations import Invited
from chatserver.people.people import OPERATOR, People
from chatserver.people.roles import Role
from chatserver.store import queries
from chatserver.store.port import Unit
from chatserver.wire.errors import ACCOUNT_DISABLED, BAD_REQUEST, NOT_FOUND, TOO_MANY_DEVICES, Refusal
from chatserver.wire.limits import MAX_DEVICES_PER_CONVERSATION

__all__ = ["Invited", "People", "Person", "Talk", "Unclear", "Unsaved"]

LEAST_CHARS: Final = 4
"""Of an id that is not written out."""

_TELLS: Final = {
    TOO_MANY_DEVICES: f"The conversation would have more than {MAX_DEVICES_PER_CONVERSATION} devices.",
    ACCOUNT_DISABLED: "That account is disabled.",
    NOT_FOUND: "That person never took part in that conversation.",
}

T = TypeVar("T")


class Unclear(Exception):
    """The order cannot be carried out as given; the text says why and repeats nothing of it."""


class Unsaved(Exception):
    """The store did not take it; the same order may succeed later."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation and the people who take part now."""

    id: bytes
    purpose: str
    created_at: int
    members: tuple[Person, ...]


async def invite(people: People, role: Role, alias: str) -> Invited:
    """An invitation with its code."""
    found = await invitations.invite(people, role, alias, OPERATOR)
    if found is BAD_REQUEST:
        raise Unclear("An alias has 1 to 64 visible characters.")
    return _done(found)


async def everybody(people: People) -> list[Person]:
    """Every account, oldest first."""
    return _done(await accounts.everybody(people, OPERATOR))


async def disable(people: People, who: str) -> Person:
    """End an account and its sessions."""
    person = await _person(people, who)
    _done(await accounts.disable(people, person.id, OPERATOR))
    return person


async def create(people: People, purpose: Purpose, members: Iterable[str]) -> bytes:
    """A conversation of these people; its id."""
    found = [(await _person(people, who)).id for who in members]
    return _done(await conversations.create(people, purpose, found, OPERATOR))


async def add(people: People, conversation: str, who: str) -> Person:
    """Somebody takes part."""
    at, person = await _conversation(people, conversation), await _person(people, who)
    _done(await conversations.add(people, at, person.id, OPERATOR))
    return person


async def remove(people: People, conversation: str, who: str) -> Person:
    """Somebody takes part no longer."""
    at, person = await _conversation(people, conversation), await _person(people, who)
    _done(await conversations.remove(people, at, person.id, OPERATOR))
    return person


async def talks(people: People) -> list[Talk]:
    """Every conversation and who takes part, oldest first. It tells who meets whom, so it is an event."""
    known = {row.id: person_of(people, row) for row in await people.store.read(queries.AllAccounts())}
    found = []
    for row in await people.store.read(queries.AllConversations()):
        members = await people.store.read(queries.MembersOf(row.id))
        present = tuple(known[member.account] for member in members if member.left_at is None)
        found.append(Talk(row.id, row.purpose, row.created_at, present))
    event = Event(Kind.PEOPLE_LISTED, people.now(), n=len(known))
    _done(await saved(people.store, Unit(events=(event,))))
    return found


def _done(answer: T | Refusal) -> T:
    """The value of a use case, or its refusal in words."""
    if not isinstance(answer, Refusal):
        return answer
    if answer.retry:
        raise Unsaved(answer.reason)
    raise Unclear(_TELLS.get(answer, answer.reason))


async def _person(people: People, who: str) -> Person:
    """Who is meant by a sign-in name or the first characters of an id."""
    by_name = await people.store.read(queries.AccountByName(people.lookup.name_key(who)))
    rows = await people.store.read(queries.AllAccounts())
    found = {row.id: row for row in (*by_name, *(row for row in rows if _begins(row.id, who)))}
    return person_of(people, _one(list(found.values()), "person", "sotto user list"))


async def _conversation(people: People, which: str) -> bytes:
    found = [row.id for row in await people.store.read(queries.AllConversations()) if _begins(row.id, which)]
    return _one(found, "conversation", "sotto conversation list")


def _begins(identity: bytes, typed: str) -> bool:
    return len(typed) >= LEAST_CHARS and identity.hex().startswith(typed.lower())


def _one(found: Sequence[T], kind: str, command: str) -> T:
    if not found:
        raise Unclear(f"There is no such {kind}: name it as `{command}` does, at least {LEAST_CHARS} characters of it.")
    if len(found) > 1:
        raise Unclear(f"That could be more than one {kind}: write more of its id.")
    return found[0]
