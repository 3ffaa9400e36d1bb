"""The people that the bench needs, made in the store before the server starts.

Each has an account, a session, a device, a list and a key, through the same functions that the HTTP side calls. Only
the cost of the password hash is the least there is: making people is not what is measured.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from chatserver.app import people_of, store_path
from chatserver.care import conversations
from chatserver.care.purposes import Purpose
from chatserver.clock import SystemClock
from chatserver.people import bundles, devices, invitations, sign_in
from chatserver.people.attempts import Attempts
from chatserver.people.credentials import Cost, Hasher
from chatserver.people.devices import NewDevice
from chatserver.people.invitations import Joining
from chatserver.people.people import OPERATOR, People
from chatserver.people.roles import Role
from chatserver.people.sign_in import Attempt
from chatserver.settings import load
from chatserver.store.opening import Kind, open_store
from chatserver.wire.errors import Refusal
from crypto import keys
from crypto.keys import BoxKey, BundleBody, DeviceKey, DeviceList, IdentityKey, Use

_CHEAPEST: Final = Cost(1, 8_192)
_PROOF: Final = bytes(32)
_SALT: Final = bytes(16)
_AT_ONCE: Final = 100
_KEY_NO: Final = 1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with one device that may connect."""

    tenant: bytes
    account: bytes
    token: bytes
    key: DeviceKey
    devices: DeviceList
    key_no: int = _KEY_NO


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people in a conversation of their own."""

    scope: bytes
    sender: Person
    receiver: Person


class NotMadeError(Exception):
    """The house refused one of the people; carries the catalogue's code."""


def _made(answer: T | Refusal) -> T:
    if isinstance(answer, Refusal):
        raise NotMadeError(answer.code)
    return answer


async def build(folder: Path, pairs: int, others: int) -> tuple[list[Pair], list[Person]]:
    """A store in `folder` with so many pairs, and others who talk with nobody."""
    settings = load({"data_dir": folder}, environ={}, make_keys=True).settings
    store = open_store(store_path(settings), Kind.CLI)
    try:
        people = await people_of(settings, store, SystemClock())
        hasher = Hasher(os.urandom, _CHEAPEST, waiting=10 * _AT_ONCE)
        try:
            everybody = await _together(2 * pairs + others, lambda number: _person(people, hasher, number))
        finally:
            hasher.close()
        couples = list(zip(everybody[: 2 * pairs : 2], everybody[1 : 2 * pairs : 2], strict=True))
        made = await _together(pairs, lambda number: _pair(people, *couples[number]))
        return made, everybody[2 * pairs :]
    finally:
        await store.close()


async def _together(count: int, make: Callable[[int], Awaitable[T]]) -> list[T]:
    """So many of something, a bounded number of them at a time: they share commits."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> T:
        async with free:
            return await make(number)

    return await asyncio.gather(*(one(number) for number in range(count)))


async def _pair(people: People, sender: Person, receiver: Person) -> Pair:
    members = (sender.account, receiver.account)
    return Pair(_made(await conversations.create(people, Purpose.SUPPORT, members, OPERATOR)), sender, receiver)


async def _person(people: People, hasher: Hasher, number: int) -> Person:
    name, address = f"person-{number}", f"192.0.2.{number}"
    invited = _made(await invitations.invite(people, Role.PATIENT, name, OPERATOR))
    joining = Joining(invited.code, name, _SALT, _PROOF)
    joined = _made(await invitations.join(people, Attempts(), hasher, address, joining))
    opened = _made(await sign_in.sign_in(people, Attempts(), hasher, Attempt(address, name, _PROOF)))
    identity, key = IdentityKey(os.urandom(32)), DeviceKey(os.urandom(32))
    listed = _list(people, joined.account, identity, key)
    actor = opened.session.actor(key.id)
    _made(await devices.register(people, actor, NewDevice(key.public, "bench", keys.sign_list(listed, identity))))
    _made(await bundles.publish(people, actor, _bundle(people, key, listed)))
    return Person(people.tenant.id, joined.account, opened.token, key, listed)


def _list(people: People, account: bytes, identity: IdentityKey, key: DeviceKey) -> DeviceList:
    at = people.now()
    return DeviceList(
        tenant=people.tenant.id, account=account, version=1, prev_hash=bytes(32), identity_pk=identity.public,
        issued_ms=at, reset=False, devices=(keys.Device(key.public, may_add=True, added_ms=at),),
    )  # fmt: skip


def _bundle(people: People, key: DeviceKey, listed: DeviceList) -> bytes:
    at = people.now()
    body = BundleBody(
        use=Use.MAIL, scope=bytes(16), device_id=key.id, key_no=_KEY_NO, created_ms=at,
        expires_ms=at + keys.MAIL_LIFE_MS, box_pk=BoxKey(os.urandom(32)).public, list_version=1,
    )  # fmt: skip
    return keys.sign_bundle(body, key, listed).encode()
