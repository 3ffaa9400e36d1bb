import dataclasses
from pathlib import Path
from typing import Any

import pytest

from chatserver.audit.events import Kind
from chatserver.feed import Topic
from chatserver.people import accounts, sessions
from chatserver.people.hello import Greeted, Greeter, greet, still_stands
from chatserver.people.people import OPERATOR
from chatserver.people.tokens import session_hash
from chatserver.store.changes import ClaimDevice, RemoveDevice
from chatserver.store.port import Committed, Failure, Outcome, Unit
from chatserver.store.queries import SessionByToken
from chatserver.wire import frames
from chatserver.wire.errors import Refusal
from crypto.keys import Hello, Transport, ticket_hash
from tests.people_house import ORIGIN, House, Person, Phone, house, raw_of
from tests.test_http_app import broken

NODE = bytes([5]) * 16
OTHER_ORIGIN = "https://other.example.org"


def greeter_of(h: House) -> Greeter:
    return Greeter(h.people, frozenset({ORIGIN, OTHER_ORIGIN}), NODE)


async def hello_of(person: Person, phone: Phone | None = None, **changed: Any) -> frames.Hello:
    """A hello signed as it is sent, some of its fields `changed` before signing."""
    phone = phone or person.phone
    assert person.known is not None
    fields: dict[str, Any] = {
        "ticket": changed.pop("ticket", None) or await person.ticket(phone),
        "account": person.account,
        "device": phone.key.id,
        "origin": ORIGIN,
        "transport": 1,
        "list_version": person.known.version,
        "list_hash": person.known.list_hash,
        "key_no": phone.key_no,
        "epoch": person.house.people.tenant.epoch,
    }
    fields |= changed
    return signed(person, phone, fields)


def signed(person: Person, phone: Phone, fields: dict[str, Any]) -> frames.Hello:
    statement = Hello(
        tenant=person.house.people.tenant.id,
        origin=fields["origin"],
        ticket_hash=ticket_hash(fields["ticket"]),
        account=fields["account"],
        device_id=fields["device"],
        transport=fields["transport"],
        list_version=fields["list_version"],
        list_hash=fields["list_hash"],
        key_no=fields["key_no"],
        epoch=fields["epoch"],
    )
    return frames.Hello(**fields, signature=phone.key.sign(statement))


async def greeted(h: House, hello: frames.Hello) -> Greeted:
    found = await greet(greeter_of(h), hello, Transport.WEBSOCKET)
    assert isinstance(found, Greeted), found
    return found


async def refused(h: House, hello: frames.Hello, transport: Transport = Transport.WEBSOCKET) -> str:
    found = await greet(greeter_of(h), hello, transport)
    assert isinstance(found, Refusal)
    assert found.closes is not None
    return found.code


async def test_a_device_is_greeted_with_what_the_server_holds_of_it(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        found = await greeted(h, await hello_of(ada))
        assert (found.session.account, found.device, found.generation) == (ada.account, ada.phone.key.id, 1)
        assert (found.list_version, found.key_no) == (1, 1)
        assert (found.session.idle_ms, found.session.ends_at) == (1_800_000, h.clock.at_ms + 86_400_000)
        event, entry = (await h.events())[-1], (await h.feed())[-1]
        assert (event.kind, event.device, event.session) == (Kind.CONNECTED, ada.phone.key.id, found.session.id)
        assert (entry.topic, entry.subject) == (Topic.CLAIMED, ada.phone.key.id)
        assert await still_stands(h.people, found) is None


async def test_every_hello_raises_the_generation(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        assert [(await greeted(h, await hello_of(ada))).generation for _ in range(3)] == [1, 2, 3]


async def test_a_device_without_a_key_may_say_hello(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        await ada.register()
        assert (await greeted(h, await hello_of(ada))).key_no == 0


async def test_an_older_list_and_key_of_ones_own_pass_and_the_newest_are_told(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        old = ada.known
        await ada.register()
        newest, ada.known = ada.known, old
        assert newest is not None
        assert (await greeted(h, await hello_of(ada, key_no=0))).list_version == newest.version


WRONG: dict[str, dict[str, Any]] = {
    "account": {"account": bytes(16)},
    "device": {"device": bytes(16)},
    "origin": {"origin": "https://chat.example.net"},
    "transport": {"transport": Transport.SOCKETIO},
    "an unknown transport": {"transport": 9},
    "list hash": {"list_hash": bytes(32)},
    "a list to come": {"list_version": 2},
    "no list": {"list_version": 0},
    "a key to come": {"key_no": 2},
    "epoch": {"epoch": bytes([1]) * 16},
    "ticket": {"ticket": bytes([1]) * 32},
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_hello_that_says_anything_else_is_refused(tmp_path: Path, what: str) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        assert await refused(h, await hello_of(ada, **WRONG[what])) == "hello_refused"
        assert (await h.kinds())[-1] is Kind.HELLO_REFUSED


async def test_a_hello_over_another_transport_than_it_says_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        assert await refused(h, await hello_of(ada), Transport.SOCKETIO) == "hello_refused"


LATER: dict[str, Any] = {
    "account": bytes(16),
    "device": bytes(16),
    "origin": OTHER_ORIGIN,
    "transport": 2,
    "list_version": 1,
    "list_hash": bytes(32),
    "key_no": 0,
    "epoch": bytes([1]) * 16,
    "signature": bytes(64),
}


@pytest.mark.parametrize("field", LATER)
async def test_a_hello_that_was_changed_after_signing_is_refused(tmp_path: Path, field: str) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        await ada.publish_list(ada.next_list(ada.phones))
        assert await refused(h, replaced(await hello_of(ada), **{field: LATER[field]})) == "hello_refused"


async def test_a_hello_signed_by_another_key_is_refused_and_its_ticket_is_burnt(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        good = await hello_of(ada)
        bad = replaced(good, signature=bytes(64))
        assert await refused(h, bad) == "hello_refused"
        assert await refused(h, good) == "hello_refused"


def replaced(hello: frames.Hello, **changed: Any) -> frames.Hello:
    fields = {name: getattr(hello, name) for name in ("ticket", *LATER)}
    return frames.Hello(**{**fields, **changed})


async def test_the_signature_covers_the_ticket(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        other = await ada.ticket()
        assert await refused(h, replaced(await hello_of(ada), ticket=other)) == "hello_refused"


async def test_a_ticket_lets_in_once(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        hello = await hello_of(await h.somebody("ada"))
        await greeted(h, hello)
        assert await refused(h, hello) == "hello_refused"


async def test_a_ticket_is_for_its_own_device(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        second = ada.new_phone()
        await ada.register(second)
        assert await refused(h, await hello_of(ada, second, ticket=await ada.ticket())) == "hello_refused"


@pytest.mark.parametrize(("seconds", "in_time"), [(29.999, True), (30, False)])
async def test_a_ticket_is_good_for_thirty_seconds(tmp_path: Path, seconds: float, in_time: bool) -> None:
    async with house(tmp_path) as h:
        hello = await hello_of(await h.somebody("ada"))
        h.clock.pass_s(seconds)
        assert isinstance(await greet(greeter_of(h), hello, Transport.WEBSOCKET), Greeted) is in_time


async def test_a_session_that_ends_is_told_so_on_its_socket_and_its_tickets_are_gone(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        found, hello = await greeted(h, await hello_of(ada)), await hello_of(ada)
        await h.ask("DELETE", "/v1/sessions/current", headers=ada.bearer)
        assert getattr(await still_stands(h.people, found), "code", "") == "session_ended"
        assert await refused(h, hello) == "hello_refused"


async def test_a_session_past_its_absolute_limit_is_told_so(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        found = await greeted(h, await hello_of(ada))
        h.clock.at_ms = found.session.ends_at - 1_000
        await sessions.touch(h.people, found.session.id, h.clock.at_ms)
        hello = await hello_of(ada)
        assert await still_stands(h.people, found) is None
        h.clock.pass_s(1)
        assert getattr(await still_stands(h.people, found), "code", "") == "session_ended"
        assert await refused(h, hello) == "session_ended"


async def test_an_idle_session_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        h.clock.pass_s(1_800 - 10)
        hello = await hello_of(ada)
        h.clock.pass_s(10)
        assert await refused(h, hello) == "session_ended"


async def test_activity_keeps_a_session(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        row = (await h.store.read(SessionByToken(session_hash(raw_of(ada.token)))))[0]
        h.clock.pass_s(1_800 - 10)
        assert sessions.activity_due(row.active_at, h.clock.at_ms)
        assert await sessions.touch(h.people, row.id, h.clock.at_ms) is None
        assert not sessions.activity_due(h.clock.at_ms, h.clock.at_ms + 19_999)
        hello = await hello_of(ada)
        h.clock.pass_s(20)
        await greeted(h, hello)


async def test_a_disabled_account_and_a_removed_device_are_told_so(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        second = ada.new_phone()
        await ada.register(second)
        found = await greeted(h, await hello_of(ada))
        hello = await hello_of(ada)
        await ada.publish_list(ada.next_list([second]), second)
        assert await refused(h, hello) == "device_removed"
        assert getattr(await still_stands(h.people, found), "code", "") == "device_removed"
        ada.phones = [second]
        found, hello = await greeted(h, await hello_of(ada)), await hello_of(ada)
        await accounts.disable(h.people, ada.account, OPERATOR)
        assert getattr(await still_stands(h.people, found), "code", "") == "account_disabled"
        assert await refused(h, hello) == "hello_refused"  # its tickets ended with its sessions


async def test_a_restored_store_greets_those_who_know_more_than_it_does(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        tenant = h.people.tenant._replace(epoch=bytes([1]) * 16)
        restored = dataclasses.replace(greeter_of(h), people=dataclasses.replace(h.people, tenant=tenant))
        later = await hello_of(ada, list_version=9, list_hash=bytes(32), key_no=9, epoch=tenant.epoch)
        found = await greet(restored, later, Transport.WEBSOCKET)
        assert isinstance(found, Greeted)
        assert (found.list_version, found.key_no) == (1, 1)
        stale = await greet(restored, await hello_of(ada), Transport.WEBSOCKET)
        assert getattr(stale, "code", "") == "hello_refused"


@pytest.mark.parametrize("failure", [Failure.BUSY, Failure.UNKNOWN])
async def test_a_store_in_trouble_asks_to_come_again(tmp_path: Path, failure: Failure) -> None:
    async with house(tmp_path) as h:
        hello = await hello_of(await h.somebody("ada"))
        broken(h, commit=failure)
        assert await refused(h, hello) == "store_lost"


class Between:
    """A store in which something happens just before the commit that claims a device."""

    def __init__(self, store: Any, happens: Unit | Failure) -> None:
        self._store, self._happens = store, happens
        self.read = store.read

    async def commit(self, unit: Unit) -> Outcome:
        if any(isinstance(change, ClaimDevice) for change in unit.changes):
            if isinstance(self._happens, Failure):
                return self._happens
            assert isinstance(await self._store.commit(self._happens), Committed)
        outcome: Outcome = await self._store.commit(unit)
        return outcome


async def test_a_device_that_is_removed_meanwhile_is_not_claimed(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        hello = await hello_of(ada)
        removed = Unit((RemoveDevice(ada.phone.key.id, h.clock.at_ms),))
        object.__setattr__(h.people, "store", Between(h.store, removed))
        assert await refused(h, hello) == "device_removed"
        assert (await h.kinds())[-1] is Kind.HELLO_REFUSED


async def test_a_claim_that_may_not_have_been_saved_asks_to_come_again(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        hello = await hello_of(await h.somebody("ada"))
        object.__setattr__(h.people, "store", Between(h.store, Failure.UNKNOWN))
        assert await refused(h, hello) == "store_lost"
