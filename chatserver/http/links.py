"""Devices that ask to be linked to one's account, and the answers of those that may add them."""

from chatserver.http import bodies
from chatserver.http.raw import Blob, Bytes32, Id
from chatserver.http.route import Call, Route, Who
from chatserver.people import links
from chatserver.wire.errors import CLOCK_WRONG, LIST_REFUSED, NOT_FOUND, Refusal


async def ask(call: Call, body: bodies.AskLink) -> bodies.LinkAsked | Refusal:
    """Ask that this device be added to the account that signed in on it."""
    until = await links.ask(call.deps.people, call.session.actor(), body.device_pk, body.name)
    return until if isinstance(until, Refusal) else bodies.LinkAsked(until)


async def show(call: Call) -> bodies.Links:
    """The devices that ask, and the answers they got."""
    found = await links.waiting(call.deps.people, call.session.account)
    return bodies.Links(tuple(_link(asking) for asking in found))


def _link(asking: links.Asking) -> bodies.Link:
    return bodies.Link(
        Id(asking.device), Bytes32(asking.device_pk), asking.name, asking.asked_at, asking.expires_at,
        Blob(asking.list) if asking.list is not None else None,
    )  # fmt: skip


async def answer(call: Call, body: bodies.NewList) -> Refusal | None:
    """Give the device the signed list that has it."""
    return await links.answer(call.deps.people, call.session.actor(call.device), bytes(call.id), body.list)


async def withdraw(call: Call) -> Refusal | None:
    """The link is not wanted."""
    return await links.withdraw(call.deps.people, call.session.actor(), bytes(call.id))


ROUTES = (
    Route(
        method="POST",
        path="/v1/links",
        says="Ask to be linked.",
        who=Who.NEW_DEVICE,
        handle=ask,
        body=bodies.AskLink,
        answer=bodies.LinkAsked,
        status=201,
        refuses=(LIST_REFUSED,),
    ),
    Route(
        method="GET",
        path="/v1/links",
        says="The devices that ask to be linked to one's account.",
        who=Who.SESSION,
        handle=show,
        answer=bodies.Links,
    ),
    Route(
        method="POST",
        path="/v1/links/{id}",
        says="Answer a device with the signed list that has it.",
        who=Who.DEVICE,
        handle=answer,
        body=bodies.NewList,
        status=204,
        refuses=(NOT_FOUND, LIST_REFUSED, CLOCK_WRONG),
    ),
    Route(
        method="DELETE",
        path="/v1/links/{id}",
        says="Forget a device that asks.",
        who=Who.SESSION,
        handle=withdraw,
        status=204,
        refuses=(NOT_FOUND,),
    ),
)
