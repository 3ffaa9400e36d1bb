from pathlib import Path
from typing import Any

import pytest

from chatserver.audit.events import Kind
from chatserver.care import conversations
from chatserver.care.purposes import Purpose
from chatserver.feed import Topic
from chatserver.people.people import OPERATOR
from chatserver.store.queries import BundlesOfDevice, DevicesOf, ListsOf
from chatserver.wire.limits import CLOCK_TOLERANCE_S, MAX_DEVICES_PER_CONVERSATION
from crypto.keys import MAIL_LIFE_MS, DeviceKey, IdentityKey, Use, sign_list
from tests.people_house import House, Person, b64, held_in, house, raw_of

SLACK_MS = CLOCK_TOLERANCE_S * 1000


async def test_a_device_is_registered_with_the_list_that_has_it(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        answer = await ada.register()
        assert answer.status == 201
        assert (raw_of(answer.body["device"]), answer.body["version"]) == (ada.phone.key.id, 1)
        events = (await h.events())[-2:]
        assert [event.kind for event in events] == [Kind.DEVICE_ADDED, Kind.LIST_PUBLISHED]
        assert {event.device for event in events} == {ada.phone.key.id}
        assert (events[0].object, events[1].n) == (ada.phone.key.id, 1)
        assert [(row.topic, row.subject) for row in await h.feed()] == [(Topic.LIST, ada.account)]


async def test_registering_again_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        await ada.register()
        assert ada.known is not None
        before = await h.kinds()
        again = await ada.state("/v1/devices", ada.device_body(ada.phone, ada.known), ada.phone)
        assert (again.status, again.body["version"]) == (201, 1)
        assert await h.kinds() == before


async def test_six_devices_fit_an_account(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        assert [(await ada.register()).status for _ in range(6)] == [201] * 6
        raw = bytearray(sign_list(ada.next_list(ada.phones), ada.identity))
        raw[16 + 16 + 1 + 4 + 32 + 32 + 8 + 1] = 7
        refused = await ada.state("/v1/lists", {"list": b64(bytes(raw))}, ada.phone)
        assert refused.code == "list_refused"


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "another tenant": ({"tenant": bytes(16)}, "list_refused"),
    "another account": ({"account": bytes(16)}, "list_refused"),
    "a version is left out": ({"version": 3}, "list_refused"),
    "another list before it": ({"prev_hash": bytes([1]) * 32}, "list_refused"),
    "dated too late": ({"issued_ms": 1_800_000_000_001 + SLACK_MS}, "clock_wrong"),
    "dated too early": ({"issued_ms": 1_799_999_999_999 - SLACK_MS}, "clock_wrong"),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_list_that_does_not_follow_or_is_dated_off_is_refused(tmp_path: Path, what: str) -> None:
    changed, code = CHANGES[what]
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        await ada.register()
        assert (await ada.register(**changed)).code == code
        assert (await ada.publish_list(ada.next_list(ada.phones, **changed))).code == code
        assert len(await h.store.read(ListsOf(ada.account, 0))) == 1


async def test_a_list_dated_within_five_minutes_is_taken(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        assert (await ada.register(issued_ms=h.clock.at_ms - SLACK_MS)).status == 201
        assert (await ada.register(issued_ms=h.clock.at_ms + SLACK_MS)).status == 201


async def test_a_device_that_was_added_long_ago_by_its_own_word_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        phone = ada.new_phone()
        new = ada.next_list([phone])
        h.clock.pass_s(CLOCK_TOLERANCE_S + 1)
        old = ada.next_list([phone], devices=new.devices)
        assert (await ada.state("/v1/devices", ada.device_body(phone, old), phone)).code == "clock_wrong"


async def test_another_identity_needs_the_word_of_the_old_one(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        await ada.register()
        old, ada.identity = ada.identity, IdentityKey(bytes([9]) * 32)
        new = ada.next_list(ada.phones)
        assert (await ada.publish_list(new)).code == "list_refused"
        raw = sign_list(new, ada.identity, old)
        assert (await ada.state("/v1/lists", {"list": b64(raw)}, ada.phone)).status == 201


async def test_a_new_device_cannot_come_by_a_list_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        answer = await ada.publish_list(ada.next_list([*ada.phones, ada.new_phone()]))
        assert answer.code == "list_refused"


async def test_a_device_that_is_not_in_its_list_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        phone, other = ada.new_phone(), ada.new_phone()
        body = ada.device_body(phone, ada.next_list([*ada.phones, other]))
        assert (await ada.state("/v1/devices", body, phone)).code == "list_refused"


async def test_a_device_of_somebody_else_and_a_removed_one_are_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, eve = await h.somebody("ada"), await h.somebody("eve")
        assert (await eve.register(ada.phone)).code == "list_refused"
        second = ada.new_phone()
        await ada.register(second)
        assert (await ada.publish_list(ada.next_list([second]), second)).status == 201
        first, ada.phones = ada.phone, [second]
        assert (await ada.register(first)).code == "list_refused"


async def test_a_list_without_a_device_removes_it(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        second = ada.new_phone()
        await ada.register(second)
        assert (await ada.publish_list(ada.next_list([second]), second)).status == 201
        assert [row.id for row in await h.store.read(DevicesOf(ada.account))] == [second.key.id]
        event = (await h.events())[-1]
        assert (event.kind, event.object, event.subject) == (Kind.DEVICE_REMOVED, ada.phone.key.id, ada.account)
        assert (await ada.publish_list(ada.next_list([second]), ada.phone)).code == "statement_refused"
        assert (await ada.post("/v1/tickets", {"device": b64(ada.phone.key.id)})).code == "not_found"


async def test_a_name_that_is_none_is_a_bad_request(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        phone = ada.new_phone()
        body = {**ada.device_body(phone, ada.next_list([phone])), "name": "a\u0000"}
        assert (await ada.state("/v1/devices", body, phone)).code == "bad_request"


async def full_conversation(h: House) -> tuple[Person, Person]:
    """Thirty-three devices: five people with six each, one with three. The last, and somebody outside with one."""
    people = [await h.joined(f"p{index}") for index in range(6)]
    for person, devices in zip(people, (6, 6, 6, 6, 6, 3), strict=True):
        await person.sign_in()
        assert [(await person.register()).status for _ in range(devices)] == [201] * devices
    members = [person.account for person in people]
    assert isinstance(await conversations.create(h.people, Purpose.SUPPORT, members, OPERATOR), bytes)
    return people[-1], await h.somebody("outside")


async def test_a_conversation_holds_thirty_three_devices(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        last, outside = await full_conversation(h)
        answer = await last.register()
        assert (answer.status, answer.code) == (409, "too_many_devices")
        conversation = raw_of((await last.get("/v1/conversations")).body["conversations"][0]["conversation"])
        refusal = await conversations.add(h.people, conversation, outside.account, OPERATOR)
        assert refusal is not None
        assert refusal.code == "too_many_devices"
        everybody = [
            row["account"] for row in (await last.get("/v1/conversations")).body["conversations"][0]["members"]
        ]
        accounts = [raw_of(account) for account in everybody] + [outside.account]
        made = await conversations.create(h.people, Purpose.SUPPORT, accounts, OPERATOR)
        assert getattr(made, "code", None) == "too_many_devices"
        assert MAX_DEVICES_PER_CONVERSATION == 33


async def test_a_device_may_take_the_place_of_another_in_a_full_conversation(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        last, _ = await full_conversation(h)
        new = last.new_phone()
        body = last.device_body(new, last.next_list([*last.phones[:2], new]))
        assert (await last.state("/v1/devices", body, new)).status == 201


# -- statements


async def test_a_request_that_needs_a_statement_is_refused_without_one(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        assert ada.known is not None
        body = {"list": b64(sign_list(ada.next_list(ada.phones), ada.identity))}
        for path in ("/v1/lists", "/v1/bundles", "/v1/devices"):
            sent = {"/v1/bundles": {"bundle": "AA"}, "/v1/devices": ada.device_body(ada.phone, ada.known)}.get(
                path, body
            )
            answer = await ada.post(path, sent)
            assert (answer.status, answer.code) == (403, "statement_refused")


STATEMENTS: dict[str, dict[str, Any]] = {
    "tenant": {"tenant": bytes(16)},
    "account": {"account": bytes(16)},
    "device": {"device_id": bytes(16)},
    "method": {"method": "PUT"},
    "path": {"path": "/v1/lists?x"},
    "body": {"body_hash": bytes(32)},
}


@pytest.mark.parametrize("what", STATEMENTS)
async def test_a_statement_about_anything_else_is_refused(tmp_path: Path, what: str) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        body = {"list": b64(sign_list(ada.next_list(ada.phones), ada.identity))}
        answer = await ada.state("/v1/lists", body, ada.phone, **STATEMENTS[what])
        assert answer.code == "statement_refused"


@pytest.mark.parametrize("header", ["", "x", "AAAA", "A" * 150, "é"])
async def test_a_statement_that_is_none_is_refused(tmp_path: Path, header: str) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        headers = {**ada.bearer, "Sotto-Statement": header}
        answer = await h.ask("POST", "/v1/lists", {"list": "AA"}, headers=headers)
        assert answer.code == "statement_refused"


async def test_a_statement_passes_once(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        assert ada.known is not None
        nonce, body = bytes(32), {"list": b64(sign_list(ada.known, ada.identity))}
        assert (await ada.state("/v1/lists", body, ada.phone, nonce=nonce)).status == 201
        assert (await ada.state("/v1/lists", body, ada.phone, nonce=nonce)).code == "statement_refused"
        assert (await ada.state("/v1/lists", body, ada.phone)).status == 201


async def test_a_device_of_another_account_cannot_speak_for_this_one(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, eve = await h.somebody("ada"), await h.somebody("eve")
        body = {"list": b64(sign_list(ada.next_list(ada.phones), ada.identity))}
        assert (await ada.state("/v1/lists", body, eve.phone)).code == "statement_refused"


async def test_writing_is_slowed_for_each_session(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        codes = [(await ada.post("/v1/tickets", {"device": b64(bytes(16))})).code for _ in range(31)]
        assert codes == ["not_found"] * 30 + ["too_fast"]


# -- bundles


async def test_a_bundle_is_published_and_the_one_before_it_stamped(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        event = (await h.events())[-1]
        assert (event.kind, event.n, event.device) == (Kind.BUNDLE_PUBLISHED, 1, ada.phone.key.id)
        h.clock.pass_s(100)
        ada.phone.box = ada.new_phone().box
        assert (await ada.publish_bundle()).body["key_no"] == 2
        newest, before = await h.store.read(BundlesOfDevice(ada.phone.key.id))
        assert (newest.key_no, newest.replaced_at) == (2, None)
        assert (before.key_no, before.replaced_at) == (1, h.clock.at_ms)
        assert [row.topic for row in await h.feed()] == [Topic.LIST, Topic.KEYS, Topic.KEYS]


async def test_key_numbers_never_fall(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        for key_no, status in ((5, 201), (4, 409), (5, 409), (6, 201)):
            ada.phone.box = ada.new_phone().box
            assert (await ada.publish_bundle(key_no=key_no)).status == status


async def test_publishing_a_bundle_again_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        ada.phone.key_no = 0
        before = await h.kinds()
        assert (await ada.publish_bundle()).body["key_no"] == 1
        assert await h.kinds() == before


BUNDLES: dict[str, tuple[dict[str, Any], str]] = {
    "the number of another key": ({"key_no": 1}, "bundle_refused"),
    "the key of a call": ({"use": Use.CALL, "scope": bytes([1]) * 16}, "bundle_refused"),
    "dated too early": ({"created_ms": 1_799_999_999_999 - SLACK_MS}, "clock_wrong"),
    "dated too late": ({"created_ms": 1_800_000_000_001 + SLACK_MS}, "clock_wrong"),
}


@pytest.mark.parametrize("what", BUNDLES)
async def test_a_bundle_that_may_not_be_is_refused(tmp_path: Path, what: str) -> None:
    changed, code = BUNDLES[what]
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        ada.phone.box = ada.new_phone().box
        life = {"expires_ms": changed.get("created_ms", h.clock.at_ms) + MAIL_LIFE_MS // 60}
        assert (await ada.publish_bundle(**{**life, **changed})).code == code


async def test_a_bundle_under_an_older_list_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        old = ada.known
        await ada.register()
        ada.known = old
        assert (await ada.publish_bundle()).code == "bundle_refused"


async def test_one_box_key_cannot_stand_in_two_devices_nor_twice_in_one(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, eve = await h.somebody("ada"), await h.somebody("eve")
        assert (await ada.publish_bundle()).code == "bundle_refused"
        eve.phone.box = ada.phone.box
        assert (await eve.publish_bundle()).code == "bundle_refused"


async def test_a_bundle_of_another_device_of_ones_own_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        second = ada.new_phone()
        await ada.register(second)
        answer = await ada.state("/v1/bundles", {"bundle": b64(ada.bundle(second, key_no=2))}, ada.phone)
        assert answer.code == "bundle_refused"


async def test_bytes_that_are_no_bundle_are_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        assert (await ada.state("/v1/bundles", {"bundle": ""}, ada.phone)).code == "bundle_refused"
        assert (await ada.state("/v1/lists", {"list": "AAAA"}, ada.phone)).code == "list_refused"


# -- tickets


async def test_a_ticket_is_for_a_device_of_ones_own(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, eve = await h.somebody("ada"), await h.somebody("eve")
        answer = await ada.post("/v1/tickets", {"device": b64(ada.phone.key.id)})
        assert answer.body["expires_at"] == h.clock.at_ms + 30_000
        assert len(raw_of(answer.body["ticket"])) == 32
        foreign = await ada.post("/v1/tickets", {"device": b64(eve.phone.key.id)})
        unknown = await ada.post("/v1/tickets", {"device": b64(DeviceKey(bytes(32)).id)})
        assert foreign.raw == unknown.raw
        assert foreign.code == "not_found"


async def test_a_ticket_stands_hashed_in_the_store(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        ticket = await ada.ticket()
        assert ticket not in held_in(tmp_path)
