"""Devices, their lists and keys, and the tickets with which they say hello."""

from chatserver.http import bodies
from chatserver.http.raw import Bytes32, Id
from chatserver.http.route import Call, Route, Who
from chatserver.people import bundles, devices, lists, tickets
from chatserver.wire.errors import (
    BUNDLE_REFUSED,
    CLOCK_WRONG,
    LIST_REFUSED,
    NOT_FOUND,
    TOO_MANY_DEVICES,
    Refusal,
)


async def register(call: Call, body: bodies.NewDevice) -> bodies.Device | Refusal:
    """Add a device to one's account, with the list that has it."""
    device = devices.NewDevice(body.device_pk, body.name, body.list)
    added = await devices.register(call.deps.people, call.session.actor(call.device), device)
    return added if isinstance(added, Refusal) else bodies.Device(Id(added.device), added.version)


async def publish_list(call: Call, body: bodies.NewList) -> bodies.ListVersion | Refusal:
    """Publish the next list of one's account."""
    version = await lists.publish(call.deps.people, call.session.actor(call.device), body.list)
    return version if isinstance(version, Refusal) else bodies.ListVersion(version)


async def publish_bundle(call: Call, body: bodies.NewBundle) -> bodies.KeyNumber | Refusal:
    """Publish the next mail key of the device."""
    key_no = await bundles.publish(call.deps.people, call.session.actor(call.device), body.bundle)
    return key_no if isinstance(key_no, Refusal) else bodies.KeyNumber(key_no)


async def mint(call: Call, body: bodies.AskTicket) -> bodies.Ticket | Refusal:
    """A ticket for one hello of a device of one's own."""
    ticket = await tickets.mint(call.deps.people, call.session, body.device)
    return ticket if isinstance(ticket, Refusal) else bodies.Ticket(Bytes32(ticket.secret), ticket.expires_at)


ROUTES = (
    Route(
        method="POST",
        path="/v1/devices",
        says="Register a device with the list that has it.",
        who=Who.NEW_DEVICE,
        handle=register,
        body=bodies.NewDevice,
        answer=bodies.Device,
        status=201,
        refuses=(LIST_REFUSED, CLOCK_WRONG, TOO_MANY_DEVICES),
    ),
    Route(
        method="POST",
        path="/v1/lists",
        says="Publish the next device list of the account.",
        who=Who.DEVICE,
        handle=publish_list,
        body=bodies.NewList,
        answer=bodies.ListVersion,
        status=201,
        refuses=(LIST_REFUSED, CLOCK_WRONG),
    ),
    Route(
        method="POST",
        path="/v1/bundles",
        says="Publish the next mail key of the device.",
        who=Who.DEVICE,
        handle=publish_bundle,
        body=bodies.NewBundle,
        answer=bodies.KeyNumber,
        status=201,
        refuses=(BUNDLE_REFUSED, CLOCK_WRONG),
    ),
    Route(
        method="POST",
        path="/v1/tickets",
        says="A ticket for one hello.",
        who=Who.SESSION,
        handle=mint,
        body=bodies.AskTicket,
        answer=bodies.Ticket,
        status=201,
        refuses=(NOT_FOUND,),
    ),
)
