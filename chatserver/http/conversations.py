"""What a member may read: conversations, and the lists and keys of those in them (DESIGN section 8).

An id that is unknown and an id that is somebody else's are answered alike.
"""

from typing import Final

from chatserver.care.conversations import takes_part
from chatserver.care.purposes import Purpose
from chatserver.http import bodies
from chatserver.http.raw import Blob, Id
from chatserver.http.route import Call, Route, Who
from chatserver.people.columns import Column
from chatserver.people.people import People
from chatserver.people.roles import Role
from chatserver.store import queries, rows
from chatserver.wire.errors import NOT_FOUND, Refusal

LISTS_PAGE: Final = 64


async def show(call: Call) -> bodies.Conversations:
    """The conversations that one takes part in, with all who do or did."""
    people = call.deps.people
    found = await people.store.read(queries.ConversationsOf(call.session.account))
    return bodies.Conversations(tuple([await _conversation(people, row) for row in found]))


async def _conversation(people: People, row: rows.Conversation) -> bodies.Conversation:
    members = await people.store.read(queries.MembersOf(row.id))
    shown = tuple(_member(people, member) for member in members)
    return bodies.Conversation(Id(row.id), Purpose(row.purpose), row.created_at, shown)


def _member(people: People, row: rows.Member) -> bodies.Member:
    alias = people.columns.open(Column.ACCOUNT_ALIAS, row.account, row.alias_box)
    left_at = row.left_at if row.left_at is not None else row.disabled_at  # a disabled account reads no more
    return bodies.Member(Id(row.account), Role(row.role), alias, row.joined_at, left_at)


async def lists(call: Call, query: bodies.After) -> bodies.SignedLists | Refusal:
    """Every version of the device list of oneself, or of anyone who was a member together with one."""
    store, own = call.deps.people.store, call.session.account
    if call.id != own and not (await store.read(queries.EverTogether(own, call.id)))[0].boxes:
        return NOT_FOUND
    found = await store.read(queries.ListsOf(call.id, query.after))
    page = tuple(_list(row) for row in found[:LISTS_PAGE])
    return bodies.SignedLists(page, more=len(found) > LISTS_PAGE)


async def bundles(call: Call) -> bodies.Bundles | Refusal:
    """The newest lists and mail keys of a conversation that one takes part in."""
    people = call.deps.people
    if not await takes_part(people, call.id, call.session.account):
        return NOT_FOUND
    signed_lists = await people.store.read(queries.ListsOfConversation(call.id))
    newest: dict[bytes, rows.Bundle] = {}
    for row in await people.store.read(queries.BundlesOfConversation(call.id)):
        newest.setdefault(row.device, row)
    return bodies.Bundles(
        tuple(_list(row) for row in signed_lists),
        tuple(bodies.SignedBundle(Id(row.account), Id(row.device), Blob(row.body)) for row in newest.values()),
    )


def _list(row: rows.SignedList) -> bodies.SignedList:
    return bodies.SignedList(Id(row.account), row.version, Blob(row.body))


ROUTES = (
    Route(
        method="GET",
        path="/v1/conversations",
        says="The conversations that one takes part in.",
        who=Who.SESSION,
        handle=show,
        answer=bodies.Conversations,
    ),
    Route(
        method="GET",
        path="/v1/accounts/{id}/lists",
        says="Every version of the device list of a present or former co-member.",
        who=Who.SESSION,
        handle=lists,
        query=bodies.After,
        answer=bodies.SignedLists,
        refuses=(NOT_FOUND,),
    ),
    Route(
        method="GET",
        path="/v1/conversations/{id}/bundles",
        says="The newest lists and mail keys of a conversation.",
        who=Who.SESSION,
        handle=bundles,
        answer=bodies.Bundles,
        refuses=(NOT_FOUND,),
    ),
)
