"""A house with a real store and a real HTTP server, and people who come to it with keys of their own."""

import base64
import dataclasses
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from chatserver.audit.events import Event, Kind, event_in
from chatserver.http.app import build
from chatserver.http.deps import Deps
from chatserver.http.openapi import ROUTES
from chatserver.people import invitations
from chatserver.people.attempts import Attempts
from chatserver.people.columns import Columns
from chatserver.people.credentials import Cost, Hasher
from chatserver.people.lookup import Lookup
from chatserver.people.people import OPERATOR, People
from chatserver.people.roles import Role
from chatserver.people.statements import Nonces
from chatserver.store.opening import open_store
from chatserver.store.queries import EntriesOf, FeedAfter, TheTenant
from chatserver.store.rows import FeedRow
from chatserver.store.sqlite import SqliteStore
from crypto.keys import (
    MAIL_LIFE_MS,
    ZERO_HASH,
    ZERO_ID,
    BoxKey,
    BundleBody,
    Device,
    DeviceKey,
    DeviceList,
    HttpStatement,
    IdentityKey,
    Use,
    body_hash,
    sign_bundle,
    sign_list,
)

ORIGIN = "https://chat.example.org"
CHEAP = Cost(1, 8_192)
START_MS = 1_800_000_000_000
PROOF = bytes(range(32))
SALT = bytes(range(16))


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def raw_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class FakeClock:
    """Both clocks of the house, moved by hand."""

    at_ms: int = START_MS

    def wall_ms(self) -> int:
        return self.at_ms

    def mono_s(self) -> float:
        return self.at_ms / 1000

    def pass_s(self, seconds: float) -> None:
        self.at_ms += int(seconds * 1000)


class CountingHasher(Hasher):
    """Counts the argon2id runs, and keeps the parameters of the last verifier that was checked."""

    runs: int = 0
    checked: str = ""

    def hash_now(self, proof: bytes) -> str:
        self.runs += 1
        return super().hash_now(proof)

    def matches_now(self, verifier: str, proof: bytes) -> bool:
        self.runs += 1
        self.checked = verifier.rpartition("$")[0].rpartition("$")[0]
        return super().matches_now(verifier, proof)


@dataclass
class Answered:
    """A response, read to its end."""

    status: int
    headers: Any
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        return str(self.body["code"])


@dataclass
class House:
    """The server side."""

    store: SqliteStore
    people: People
    clock: FakeClock
    deps: Deps
    hasher: CountingHasher
    client: TestClient[Any, Any]
    failures: list[BaseException]

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Answered:
        """One request; its answer must be one that the route says it gives."""
        data = options.pop("data", None if body is None else json.dumps(body).encode())
        headers = {"Content-Type": "application/json"} if data is not None else {}
        headers |= options.pop("headers", {})
        response = await self.client.request(method, path, data=data, headers=headers, **options)
        return self.checked(method, await read(response), path)

    def checked(self, method: str, answer: Answered, path: str) -> Answered:
        for route in ROUTES:
            if route.method == method and matches(route.path, path):
                codes = {refusal.code for refusal in route.refusals}
                assert answer.status == route.status or answer.code in codes
        return answer

    async def events(self) -> list[Event]:
        found = await self.store.read(EntriesOf(bytes(16), 0, 1_000))
        return [event_in(row.entry) for row in found]

    async def kinds(self) -> list[Kind]:
        return [event.kind for event in await self.events()]

    async def feed(self) -> list[FeedRow]:
        return await self.store.read(FeedAfter(0, 1_000))

    async def invited(self, role: Role = Role.PATIENT, alias: str = "Robin") -> str:
        invited = await invitations.invite(self.people, role, alias, OPERATOR)
        assert isinstance(invited, invitations.Invited)
        return invited.code

    async def joined(self, name: str, role: Role = Role.PATIENT, alias: str = "Robin") -> "Person":
        """Somebody who came by invitation and has no session yet."""
        code = await self.invited(role, alias)
        body = {"code": code, "name": name, "salt": b64(SALT), "proof": b64(PROOF)}
        answer = await self.ask("POST", "/v1/accounts", body)
        assert answer.status == 201, answer.raw
        return Person(self, name, raw_of(answer.body["account"]))

    async def somebody(self, name: str, role: Role = Role.PATIENT) -> "Person":
        """Somebody who signed in and registered a device with a key."""
        person = await self.joined(name, role)
        await person.sign_in()
        await person.register()
        assert (await person.publish_bundle()).status == 201
        return person


def matches(pattern: str, path: str) -> bool:
    """Whether a path is one of a route."""
    parts = path.partition("?")[0].split("/")
    return len(parts) == len(pattern.split("/")) and all(
        want in (part, "{id}") for want, part in zip(pattern.split("/"), parts, strict=True)
    )


async def read(response: ClientResponse) -> Answered:
    return Answered(response.status, response.headers, await response.read())


@dataclass
class Phone:
    """A device: its signing key and its newest box key."""

    key: DeviceKey
    box: BoxKey
    key_no: int = 0


@dataclass
class Person:
    """The client side: identity, devices, session."""

    house: House
    name: str
    account: bytes
    token: str = ""
    place: str = ""
    known: DeviceList | None = None
    phones: list[Phone] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.identity = IdentityKey(self.house.people.random(32))

    @property
    def phone(self) -> Phone:
        return self.phones[0]

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def sign_in(self, proof: bytes = PROOF, **more: Any) -> Answered:
        body = {"name": self.name, "proof": b64(proof), **more}
        answer = await self.house.ask("POST", "/v1/sessions", body)
        if answer.status == 201:
            self.token, self.place = answer.body.get("token", ""), answer.body["place"]
        return answer

    async def get(self, path: str) -> Answered:
        return await self.house.ask("GET", path, headers=self.bearer)

    async def post(self, path: str, body: Any) -> Answered:
        return await self.house.ask("POST", path, body, headers=self.bearer)

    async def delete(self, path: str) -> Answered:
        return await self.house.ask("DELETE", path, headers=self.bearer)

    async def state(self, path: str, body: Any, phone: Phone, /, **changed: Any) -> Answered:
        """A request with the statement of a device, of which some fields may be `changed`."""
        data = json.dumps(body).encode()
        statement = HttpStatement(
            tenant=self.house.people.tenant.id,
            account=self.account,
            device_id=phone.key.id,
            method="POST",
            path=path,
            body_hash=body_hash(data),
            nonce=changed.pop("nonce", None) or self.house.people.random(32),
        )
        signature = phone.key.sign(dataclasses.replace(statement, **changed))
        header = b64(statement.device_id + statement.nonce + signature)
        return await self.house.ask("POST", path, data=data, headers={**self.bearer, "Sotto-Statement": header})

    def new_phone(self) -> Phone:
        draw = self.house.people.random
        return Phone(DeviceKey(draw(32)), BoxKey(draw(32)))

    def next_list(self, phones: list[Phone], **changed: Any) -> DeviceList:
        """The list that follows the newest, of these phones."""
        now, old = self.house.people.now(), self.known
        known = {device.device_pk: device for device in old.devices} if old else {}
        devices = [known.get(phone.key.public, Device(phone.key.public, True, now)) for phone in phones]
        fields: dict[str, Any] = {
            "tenant": self.house.people.tenant.id,
            "account": self.account,
            "version": old.version + 1 if old else 1,
            "prev_hash": old.list_hash if old else ZERO_HASH,
            "identity_pk": self.identity.public,
            "issued_ms": now,
            "reset": False,
            "devices": tuple(sorted(devices, key=lambda device: device.device_pk)),
        }
        return DeviceList(**{**fields, **changed})

    async def register(self, phone: Phone | None = None, **changed: Any) -> Answered:
        """Register one more phone; the list is kept as the newest if the server took it."""
        phone = phone or self.new_phone()
        new = self.next_list([*self.phones, phone], **changed)
        answer = await self.state("/v1/devices", self.device_body(phone, new), phone)
        if answer.status == 201:
            self.known, self.phones = new, [*self.phones, phone]
        return answer

    def device_body(self, phone: Phone, body: DeviceList) -> dict[str, str]:
        signed = sign_list(body, self.identity)
        return {"device_pk": b64(phone.key.public), "name": "Phone", "list": b64(signed)}

    async def publish_list(self, body: DeviceList, by: Phone | None = None) -> Answered:
        signed = sign_list(body, self.identity)
        answer = await self.state("/v1/lists", {"list": b64(signed)}, by or self.phone)
        if answer.status == 201:
            self.known = body
        return answer

    def bundle(self, phone: Phone, **changed: Any) -> bytes:
        """A bundle of the phone's box key, one number above its newest."""
        assert self.known is not None
        now = self.house.people.now()
        fields: dict[str, Any] = {
            "use": Use.MAIL,
            "scope": ZERO_ID,
            "device_id": phone.key.id,
            "key_no": phone.key_no + 1,
            "created_ms": now,
            "expires_ms": now + MAIL_LIFE_MS,
            "box_pk": phone.box.public,
            "list_version": self.known.version,
        }
        return sign_bundle(BundleBody(**{**fields, **changed}), phone.key, self.known).encode()

    async def publish_bundle(self, phone: Phone | None = None, **changed: Any) -> Answered:
        phone = phone or self.phone
        raw = self.bundle(phone, **changed)
        answer = await self.state("/v1/bundles", {"bundle": b64(raw)}, phone)
        if answer.status == 201:
            phone.key_no = answer.body["key_no"]
        return answer

    async def ticket(self, phone: Phone | None = None) -> bytes:
        answer = await self.post("/v1/tickets", {"device": b64((phone or self.phone).key.id)})
        assert answer.status == 201, answer.raw
        return raw_of(answer.body["ticket"])


def held_in(folder: Path) -> bytes:
    """Every byte of every file of a store."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def drawing(seed: int) -> Callable[[int], bytes]:
    """Random bytes that are the same in every run."""
    return random.Random(seed).randbytes  # noqa: S311  made-up secrets


@asynccontextmanager
async def house(folder: Path, **deps: Any) -> AsyncIterator[House]:
    """An empty house on a fresh store. `deps` replace fields of Deps."""
    store = open_store(folder / "sotto.db", distance_s=0)
    clock, draw = FakeClock(), drawing(7)
    failures: list[BaseException] = []
    hasher = CountingHasher(draw, CHEAP)
    tenant = (await store.read(TheTenant()))[0]
    people = People(store, tenant, Columns(bytes(32), draw), Lookup(bytes([1]) * 32), clock, draw)
    made = Deps(
        people=people,
        hasher=hasher,
        attempts=Attempts(),
        nonces=Nonces(),
        organisation="Example Clinic",
        origins=frozenset({ORIGIN}),
        secure=True,
        behind_proxy=False,
        failed=failures.append,
    )
    made = dataclasses.replace(made, **deps)
    async with TestClient(TestServer(build(made))) as client:
        yield House(store, people, clock, made, hasher, client, failures)
    hasher.close()
    await store.close()
