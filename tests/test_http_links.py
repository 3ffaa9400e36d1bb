from pathlib import Path

from chatserver.audit.events import Kind
from chatserver.feed import Topic
from chatserver.wire.limits import LINK_TTL_S
from crypto.keys import sign_list
from tests.people_house import House, Person, Phone, b64, house, raw_of


async def _asks(person: Person, name: str = "tablet") -> tuple[Phone, int]:
    """A device of nobody's asks in the person's session; its key and the status of the answer."""
    phone = person.new_phone()
    answer = await person.state("/v1/links", {"device_pk": b64(phone.key.public), "name": name}, phone)
    return phone, answer.status


async def _ada(h: House) -> Person:
    ada = await h.joined("ada")
    await ada.sign_in()
    await ada.register()
    return ada


async def test_a_device_that_asks_is_shown_to_its_own_account_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben = await _ada(h), await h.joined("ben")
        await ben.sign_in()
        tablet, status = await _asks(ada)
        assert status == 201
        shown = (await ada.get("/v1/links")).body["links"]
        assert [(raw_of(link["device_pk"]), link["name"], link.get("list")) for link in shown] == [
            (tablet.key.public, "tablet", None)
        ]
        assert (await ben.get("/v1/links")).body["links"] == []
        assert (await h.kinds())[-1] == Kind.LINK_ASKED
        assert [row.topic for row in await h.feed()][-1] == Topic.LINK


async def test_the_answer_is_the_list_with_which_the_device_registers_itself(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await _ada(h)
        tablet, _ = await _asks(ada)
        raw = sign_list(ada.next_list([*ada.phones, tablet]), ada.identity)
        path = f"/v1/links/{b64(tablet.key.id)}"
        assert (await ada.state(path, {"list": b64(raw)}, ada.phone)).status == 204
        (link,) = (await ada.get("/v1/links")).body["links"]
        assert raw_of(link["list"]) == raw
        assert (await h.kinds())[-1] == Kind.LINK_ANSWERED
        body = {"device_pk": b64(tablet.key.public), "name": "tablet", "list": link["list"]}
        assert (await ada.state("/v1/devices", body, tablet)).status == 201
        assert (await ada.get("/v1/links")).body["links"] == []


async def test_an_answer_may_add_the_asking_device_and_nobody_else(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await _ada(h)
        tablet, _ = await _asks(ada)
        path = f"/v1/links/{b64(tablet.key.id)}"
        for phones in ([*ada.phones], [tablet], [*ada.phones, tablet, ada.new_phone()], [*ada.phones, ada.new_phone()]):
            raw = sign_list(ada.next_list(phones), ada.identity)
            assert (await ada.state(path, {"list": b64(raw)}, ada.phone)).code == "list_refused"
        good = sign_list(ada.next_list([*ada.phones, tablet]), ada.identity)
        foreign = good[:-1] + bytes([good[-1] ^ 1])
        assert (await ada.state(path, {"list": b64(foreign)}, ada.phone)).code == "list_refused"


async def test_only_a_device_of_the_account_answers(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben = await _ada(h), await h.joined("ben")
        await ben.sign_in()
        await ben.register()
        tablet, _ = await _asks(ada)
        raw = b64(sign_list(ada.next_list([*ada.phones, tablet]), ada.identity))
        path = f"/v1/links/{b64(tablet.key.id)}"
        assert (await ben.state(path, {"list": raw}, ben.phone)).code == "not_found"
        assert (await ada.state(path, {"list": raw}, tablet)).code == "statement_refused"
        unknown = f"/v1/links/{b64(bytes(16))}"
        assert (await ada.state(unknown, {"list": raw}, ada.phone)).code == "not_found"


async def test_three_devices_may_ask_at_once_and_each_for_ten_minutes(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await _ada(h)
        assert [(await _asks(ada))[1] for _ in range(4)] == [201, 201, 201, 429]
        h.clock.pass_s(LINK_TTL_S)
        assert (await ada.get("/v1/links")).body["links"] == []
        assert (await _asks(ada))[1] == 201


async def test_a_registered_device_needs_no_link_and_a_link_can_be_forgotten(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await _ada(h)
        known = {"device_pk": b64(ada.phone.key.public), "name": "phone"}
        assert (await ada.state("/v1/links", known, ada.phone)).code == "list_refused"
        tablet, _ = await _asks(ada)
        path = f"/v1/links/{b64(tablet.key.id)}"
        assert (await ada.delete(path)).status == 204
        assert (await ada.get("/v1/links")).body["links"] == []
        assert (await ada.delete(path)).status == 204
        assert (await ada.delete(f"/v1/links/{b64(ada.phone.key.id)}")).code == "not_found"
