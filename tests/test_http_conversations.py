from pathlib import Path

from chatserver.care import conversations
from chatserver.care.purposes import Purpose
from chatserver.http.conversations import LISTS_PAGE
from chatserver.people.people import OPERATOR
from crypto.keys import parse_bundle, parse_list
from tests.people_house import House, Person, b64, house, raw_of


async def together(h: House, *people: Person) -> bytes:
    made = await conversations.create(h.people, Purpose.TREATMENT, [person.account for person in people], OPERATOR)
    assert isinstance(made, bytes)
    return made


async def test_members_see_their_conversation_and_who_is_in_it(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben, eve = await h.somebody("ada"), await h.somebody("ben"), await h.somebody("eve")
        made = await together(h, ada, ben)
        body = (await ada.get("/v1/conversations")).body
        assert [raw_of(found["conversation"]) for found in body["conversations"]] == [made]
        assert body["conversations"][0]["purpose"] == "treatment"
        members = body["conversations"][0]["members"]
        assert {raw_of(member["account"]) for member in members} == {ada.account, ben.account}
        assert {(member["role"], member["alias"]) for member in members} == {("patient", "Robin")}
        assert (await eve.get("/v1/conversations")).body == {"conversations": []}


async def test_who_left_is_shown_to_those_who_stay_and_sees_nothing_more(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben = await h.somebody("ada"), await h.somebody("ben")
        made = await together(h, ada, ben)
        h.clock.pass_s(60)
        await conversations.remove(h.people, made, ben.account, OPERATOR)
        members = (await ada.get("/v1/conversations")).body["conversations"][0]["members"]
        assert [member.get("left_at") for member in members if raw_of(member["account"]) == ben.account] == [
            h.clock.at_ms
        ]
        assert (await ben.get("/v1/conversations")).body == {"conversations": []}
        assert (await ben.get(f"/v1/conversations/{b64(made)}/bundles")).code == "not_found"


async def test_lists_are_served_to_present_and_former_co_members_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben, eve = await h.somebody("ada"), await h.somebody("ben"), await h.somebody("eve")
        made = await together(h, ada, ben)
        path = f"/v1/accounts/{b64(ben.account)}/lists"
        shown = (await ada.get(path)).body
        assert [parse_list(raw_of(row["list"])).body for row in shown["lists"]] == [ben.known]
        h.clock.pass_s(1)
        await conversations.remove(h.people, made, ben.account, OPERATOR)
        assert (await ada.get(path)).status == 200
        foreign, unknown = await eve.get(path), await eve.get(f"/v1/accounts/{b64(bytes(16))}/lists")
        assert foreign.status == 404
        assert foreign.raw == unknown.raw


async def test_ones_own_lists_are_served(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        assert len((await ada.get(f"/v1/accounts/{b64(ada.account)}/lists")).body["lists"]) == 1


async def test_lists_come_in_pages_from_the_version_asked_for(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        for _ in range(LISTS_PAGE + 1):
            h.clock.pass_s(1)
            assert (await ada.publish_list(ada.next_list(ada.phones))).status == 201
        path = f"/v1/accounts/{b64(ada.account)}/lists"
        first = (await ada.get(path)).body
        assert ([row["version"] for row in first["lists"]], first["more"]) == ([*range(1, LISTS_PAGE + 1)], True)
        rest = (await ada.get(f"{path}?after={LISTS_PAGE}")).body
        assert ([row["version"] for row in rest["lists"]], rest["more"]) == ([LISTS_PAGE + 1, LISTS_PAGE + 2], False)


async def test_a_question_that_is_none_is_a_bad_request(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        path = f"/v1/accounts/{b64(ada.account)}/lists"
        for query in ("?after=-1", "?after=x", "?after=4294967296", "?before=1", "?after=1&after=2", "?after="):
            assert (await ada.get(path + query)).code == "bad_request"


async def test_members_get_the_newest_lists_and_keys_of_a_conversation(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben, eve = await h.somebody("ada"), await h.somebody("ben"), await h.somebody("eve")
        made = await together(h, ada, ben)
        ben.phone.box = ben.new_phone().box
        await ben.publish_bundle()
        path = f"/v1/conversations/{b64(made)}/bundles"
        body = (await ada.get(path)).body
        keys = {raw_of(row["device"]): parse_bundle(raw_of(row["bundle"])).body.key_no for row in body["bundles"]}
        assert keys == {ada.phone.key.id: 1, ben.phone.key.id: 2}
        assert {raw_of(row["account"]) for row in body["lists"]} == {ada.account, ben.account}
        foreign, unknown = await eve.get(path), await eve.get(f"/v1/conversations/{b64(bytes(16))}/bundles")
        assert foreign.status == 404
        assert foreign.raw == unknown.raw


async def test_an_id_that_is_none_is_answered_like_an_unknown_one(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        unknown = await ada.get(f"/v1/conversations/{b64(bytes(16))}/bundles")
        for wrong in ("x", "AA", b64(bytes(17)), b64(bytes(16))[:-1] + "B", "é"):
            assert (await ada.get(f"/v1/conversations/{wrong}/bundles")).raw == unknown.raw
