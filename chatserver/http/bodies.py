"""What clients send and what they are answered: the structs behind JSON and OpenAPI. Unknown fields are refused.

Times are milliseconds since the epoch.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from chatserver.care.purposes import Purpose
from chatserver.http.raw import Blob, Bytes32, Id, Salt
from chatserver.people.codes import MAX_TYPED_CHARS
from chatserver.people.roles import Role
from chatserver.wire.limits import MAX_INTEGER

Typed = Annotated[str, Meta(min_length=1, max_length=256)]
"""A name as somebody typed it; what is kept is its NFKC form of at most 64 characters."""
Number = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
U32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every body shares."""


class Refused(Body, frozen=True):
    """Every refusal: a stable code, a reason for people, and whether the same request may succeed later."""

    code: str
    reason: str
    retry: bool


class Health(Body, frozen=True):
    """The store can be read."""

    status: str


class Limits(Body, frozen=True):
    """What a client must keep to."""

    max_body_bytes: Number
    max_frame_bytes: Number
    max_boxes: Number
    max_devices_per_account: Number
    max_devices_per_conversation: Number
    ticket_ttl_ms: Number
    clock_tolerance_ms: Number


class Server(Body, frozen=True):
    """Who this is. A new epoch tells of a restored store: publish and repeat what it may have lost."""

    tenant: Id
    epoch: Id
    name: str
    server_time: Number
    protocols: tuple[int, ...]
    limits: Limits


class AskSalt(Body, frozen=True):
    """A sign-in name."""

    name: Typed


class GotSalt(Body, frozen=True):
    """The salt with which the password is derived. A name that nobody has, has one too."""

    salt: Salt


class NewAccount(Body, frozen=True):
    """An invitation's code and who comes: `proof` is the first half of what the password derives to under `salt`."""

    code: Annotated[str, Meta(min_length=1, max_length=MAX_TYPED_CHARS)]
    name: Typed
    salt: Salt
    proof: Bytes32


class Account(Body, frozen=True):
    """The account that an invitation became."""

    account: Id
    role: Role
    alias: str


class NewSession(Body, frozen=True):
    """A name and the proof of its password. `place` is what an earlier sign-in gave; `cookie` asks for one."""

    name: Typed
    proof: Bytes32
    place: Blob | None = None
    cookie: bool = False


class Session(Body, frozen=True):
    """A signed-in session. `token` is null where a cookie was asked for. Keep `place` for the next sign-in."""

    session: Id
    account: Id
    role: Role
    server_time: Number
    idle_ms: Number
    ends_at: Number
    place: Blob
    token: Bytes32 | None = None


class OwnDevice(Body, frozen=True):
    """A device of one's own."""

    device: Id
    name: str
    added_at: Number


class Me(Body, frozen=True):
    """One's own account and session."""

    account: Id
    role: Role
    name: str
    alias: str
    session: Id
    server_time: Number
    idle_ms: Number
    ends_at: Number
    list_version: U32
    devices: tuple[OwnDevice, ...]


class NewDevice(Body, frozen=True):
    """A device's key, how its person calls it, and the signed list that has it."""

    device_pk: Bytes32
    name: Typed
    list: Blob


class Device(Body, frozen=True):
    """The device, and the version of the list that has it."""

    device: Id
    version: U32


class NewList(Body, frozen=True):
    """The next signed device list of the account."""

    list: Blob


class ListVersion(Body, frozen=True):
    """The version that is the newest now."""

    version: U32


class NewBundle(Body, frozen=True):
    """A signed key bundle of the device that makes the request."""

    bundle: Blob


class KeyNumber(Body, frozen=True):
    """The key number that is the newest now."""

    key_no: U32


class AskLink(Body, frozen=True):
    """A device's key, and how its person calls it."""

    device_pk: Bytes32
    name: Typed


class LinkAsked(Body, frozen=True):
    """It waits until then for an answer."""

    expires_at: Number


class Link(Body, frozen=True):
    """A device that asks to be linked. `list` is the signed list that has it, once another device gave it."""

    device: Id
    device_pk: Bytes32
    name: str
    asked_at: Number
    expires_at: Number
    list: Blob | None = None


class Links(Body, frozen=True):
    """The devices that ask now, the longest waiting first."""

    links: tuple[Link, ...]


class AskTicket(Body, frozen=True):
    """A device of one's own that will say hello."""

    device: Id


class Ticket(Body, frozen=True):
    """Good once, for this session and device, until `expires_at`."""

    ticket: Bytes32
    expires_at: Number


class Member(Body, frozen=True):
    """Somebody who takes part in a conversation, or once did."""

    account: Id
    role: Role
    alias: str
    joined_at: Number
    left_at: Number | None = None


class Conversation(Body, frozen=True):
    """A conversation that one takes part in."""

    conversation: Id
    purpose: Purpose
    created_at: Number
    members: tuple[Member, ...]


class Conversations(Body, frozen=True):
    """All conversations that one takes part in, oldest first."""

    conversations: tuple[Conversation, ...]


class After(Body, frozen=True):
    """Versions above this one."""

    after: U32 = 0


class SignedList(Body, frozen=True):
    """One version of an account's device list."""

    account: Id
    version: U32
    list: Blob


class SignedLists(Body, frozen=True):
    """Versions, oldest first. `more` says that the next page begins after the last of them."""

    lists: tuple[SignedList, ...]
    more: bool


class SignedBundle(Body, frozen=True):
    """The newest mail key of a device."""

    account: Id
    device: Id
    bundle: Blob


class Bundles(Body, frozen=True):
    """The newest list of each present member, and the newest mail key of each of their devices."""

    lists: tuple[SignedList, ...]
    bundles: tuple[SignedBundle, ...]
