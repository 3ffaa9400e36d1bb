"""Joining by invitation, and one's own account."""

from chatserver.http.bodies import Account, Me, NewAccount, OwnDevice
from chatserver.http.raw import Id
from chatserver.http.route import Call, Route, Visit, Who
from chatserver.people.accounts import person_of
from chatserver.people.columns import Column
from chatserver.people.invitations import Joining, join
from chatserver.people.lists import newest_list
from chatserver.people.people import People
from chatserver.store import queries, rows
from chatserver.wire.errors import INVITATION_REFUSED, NAME_TAKEN, NOT_FOUND, Refusal


async def create(visit: Visit, body: NewAccount) -> Account | Refusal:
    """Use an invitation. Its code travels in the body, because addresses end up in logs (ASVS 14.2.1)."""
    deps = visit.deps
    person = Joining(body.code, body.name, body.salt, body.proof)
    joined = await join(deps.people, deps.attempts, deps.hasher, visit.address, person)
    if isinstance(joined, Refusal):
        return joined
    return Account(Id(joined.account), joined.role, joined.alias)


async def me(call: Call) -> Me | Refusal:
    """One's own account, session and devices."""
    people, session = call.deps.people, call.session
    found = await people.store.read(queries.AccountById(session.account))
    if not found:
        return NOT_FOUND
    person = person_of(people, found[0])
    newest = await newest_list(people, session.account)
    devices = await people.store.read(queries.DevicesOf(session.account))
    return Me(
        account=Id(session.account),
        role=person.role,
        name=person.name,
        alias=person.alias,
        session=Id(session.id),
        server_time=people.now(),
        idle_ms=session.idle_ms,
        ends_at=session.ends_at,
        list_version=newest.version if newest else 0,
        devices=tuple(_own(people, device) for device in devices),
    )


def _own(people: People, row: rows.Device) -> OwnDevice:
    name = people.columns.open(Column.DEVICE_NAME, row.id, row.name_box)
    return OwnDevice(Id(row.id), name, row.added_at)


ROUTES = (
    Route(
        method="POST",
        path="/v1/accounts",
        says="Become somebody: use an invitation.",
        who=Who.ANYBODY,
        handle=create,
        body=NewAccount,
        answer=Account,
        status=201,
        refuses=(INVITATION_REFUSED, NAME_TAKEN),
    ),
    Route(
        method="GET",
        path="/v1/me",
        says="One's own account, session and devices.",
        who=Who.SESSION,
        handle=me,
        answer=Me,
    ),
)
