from pathlib import Path

import pytest

from chatserver.audit.events import Kind
from chatserver.people.roles import Role
from tests.people_house import PROOF, SALT, b64, held_in, house, raw_of


async def test_an_invitation_makes_an_account_once(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        body = {"code": await h.invited(Role.MENTOR, "Robin"), "name": "ada", "salt": b64(SALT), "proof": b64(PROOF)}
        first = await h.ask("POST", "/v1/accounts", body)
        again = await h.ask("POST", "/v1/accounts", {**body, "name": "eve"})
        assert (first.status, first.body["role"], first.body["alias"]) == (201, "mentor", "Robin")
        assert (again.status, again.code) == (403, "invitation_refused")
        events = await h.events()
        assert [event.kind for event in events] == [Kind.INVITED, Kind.JOINED]
        assert events[1].actor == events[1].subject == raw_of(first.body["account"])
        assert events[1].object == events[0].object


async def test_a_code_is_read_however_it_is_typed(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        code = (await h.invited()).replace("-", " ").upper()
        body = {"code": code, "name": "ada", "salt": b64(SALT), "proof": b64(PROOF)}
        assert (await h.ask("POST", "/v1/accounts", body)).status == 201


@pytest.mark.parametrize("code", ["x", "aaaa-" * 7 + "aaaa", "ß" * 8])
async def test_a_code_that_is_none_is_refused_without_a_hash(tmp_path: Path, code: str) -> None:
    async with house(tmp_path) as h:
        runs = h.hasher.runs
        body = {"code": code, "name": "ada", "salt": b64(SALT), "proof": b64(PROOF)}
        assert (await h.ask("POST", "/v1/accounts", body)).code == "invitation_refused"
        assert h.hasher.runs == runs


async def test_an_invitation_ends_after_a_week(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        body = {"code": await h.invited(), "name": "ada", "salt": b64(SALT), "proof": b64(PROOF)}
        h.clock.pass_s(7 * 86_400)
        assert (await h.ask("POST", "/v1/accounts", body)).code == "invitation_refused"


async def test_a_name_is_taken_however_it_is_typed_and_the_invitation_stays_good(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.joined("Ada")
        body = {"code": await h.invited(), "salt": b64(SALT), "proof": b64(PROOF)}
        for typed in ("ada", " ADA ", "\uff21\uff24\uff21"):
            answer = await h.ask("POST", "/v1/accounts", {**body, "name": typed})
            assert (answer.status, answer.code) == (409, "name_taken")
        assert (await h.ask("POST", "/v1/accounts", {**body, "name": "ada2"})).status == 201


@pytest.mark.parametrize("name", ["", "  ", "a\u0000b", "a\u202eb", "x" * 65, "x" * 257])
async def test_a_name_that_cannot_be_one_is_a_bad_request(tmp_path: Path, name: str) -> None:
    async with house(tmp_path) as h:
        body = {"code": await h.invited(), "name": name, "salt": b64(SALT), "proof": b64(PROOF)}
        answer = await h.ask("POST", "/v1/accounts", body)
        assert (answer.status, answer.code) == (400, "bad_request")


async def test_guesses_at_invitations_are_slowed(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        body = {"code": "aaaa", "name": "ada", "salt": b64(SALT), "proof": b64(PROOF)}
        codes = [(await h.ask("POST", "/v1/accounts", body)).code for _ in range(21)]
        assert codes == ["invitation_refused"] * 20 + ["too_fast"]


async def test_one_reads_ones_own_account(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("Ada")
        me = (await ada.get("/v1/me")).body
        assert (raw_of(me["account"]), me["name"], me["alias"], me["role"]) == (ada.account, "Ada", "Robin", "patient")
        assert me["list_version"] == 1
        assert [(raw_of(device["device"]), device["name"]) for device in me["devices"]] == [(ada.phone.key.id, "Phone")]
        assert (me["idle_ms"], me["ends_at"]) == (30 * 60_000, h.clock.at_ms + 24 * 3_600_000)


async def test_names_stand_encrypted_in_every_file_of_the_store(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.joined("canary-name-51", alias="canary-alias-51")
        held = held_in(tmp_path)
        assert b"canary" not in held
        assert len(held) > 10_000
