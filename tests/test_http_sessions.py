from pathlib import Path

import pytest

from chatserver.audit.events import Kind
from chatserver.feed import Topic
from chatserver.people import accounts, attempts
from chatserver.people.clocks import LIMITS
from chatserver.people.people import OPERATOR
from chatserver.people.roles import Role
from tests.people_house import ORIGIN, PROOF, SALT, House, b64, held_in, house, raw_of
from tests.test_people_invitations import Silent

WRONG = b64(bytes(32))


async def test_signing_in_gives_a_token_and_the_clocks_of_the_role(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada", Role.CLINICIAN)
        answer = await ada.sign_in()
        assert answer.status == 201
        assert len(raw_of(answer.body["token"])) == 32
        assert (answer.body["idle_ms"], answer.body["ends_at"]) == (15 * 60_000, h.clock.at_ms + 12 * 3_600_000)
        assert answer.body["server_time"] == h.clock.at_ms
        assert (await ada.get("/v1/me")).status == 200
        event = (await h.events())[-1]
        assert (event.kind, event.actor, event.session) == (
            Kind.SIGNED_IN,
            ada.account,
            raw_of(answer.body["session"]),
        )


async def test_the_token_is_not_in_any_file_of_the_store(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        token = raw_of((await ada.sign_in()).body["token"])
        assert token not in held_in(tmp_path)


async def refusal_of(h: House, name: str, proof: str) -> tuple[int, bytes, list[tuple[str, str]], str, int, list[Kind]]:
    """All that somebody outside could tell apart, the argon2id runs and the events."""
    runs, before = h.hasher.runs, len(await h.kinds())
    answer = await h.ask("POST", "/v1/sessions", {"name": name, "proof": proof})
    headers = sorted((key, value) for key, value in answer.headers.items() if key != "Date")
    return answer.status, answer.raw, headers, h.hasher.checked, h.hasher.runs - runs, (await h.kinds())[before:]


async def test_unknown_name_wrong_password_and_disabled_account_look_and_cost_the_same(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.joined("ada")
        gone = await h.joined("gone")
        assert await accounts.disable(h.people, gone.account, OPERATOR) is None
        wrong = await refusal_of(h, "ada", WRONG)
        assert wrong == await refusal_of(h, "nobody", WRONG)
        assert wrong == await refusal_of(h, "gone", b64(PROOF))
        assert wrong == await refusal_of(h, "gone", WRONG)
        assert wrong[0] == 401
        assert b"sign_in_refused" in wrong[1]
        assert wrong[3:] == ("$argon2id$v=19$m=8,t=1,p=1", 1, [Kind.SIGN_IN_REFUSED])


async def test_a_refused_sign_in_names_the_account_in_the_audit_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in(bytes(32))
        event = (await h.events())[-1]
        assert (event.subject, event.actor) == (ada.account, bytes(16))


async def test_a_salt_is_told_for_every_name_and_is_always_the_same(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.joined("Ada")
        known = await h.ask("POST", "/v1/salt", {"name": "ADA"})
        unknown = await h.ask("POST", "/v1/salt", {"name": "nobody"})
        again = await h.ask("POST", "/v1/salt", {"name": " Nobody"})
        other = await h.ask("POST", "/v1/salt", {"name": "nobody2"})
        assert raw_of(known.body["salt"]) == SALT
        assert unknown.raw == again.raw != other.raw
        assert len(unknown.raw) == len(known.raw)
        assert (unknown.status, unknown.headers.keys()) == (known.status, known.headers.keys())


async def test_questions_for_salts_are_slowed(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        codes = [(await h.ask("POST", "/v1/salt", {"name": "x"})).status for _ in range(61)]
        assert codes == [200] * 60 + [429]


async def test_guesses_at_a_name_are_slowed_and_the_owner_still_gets_in(tmp_path: Path) -> None:
    async with house(tmp_path, behind_proxy=True) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        place = ada.place
        hops = [{"X-Forwarded-For": f"192.0.2.{guess}"} for guess in range(20)]
        body = {"name": "ada", "proof": WRONG}
        codes = [(await h.ask("POST", "/v1/sessions", body, headers=hop)).code for hop in hops]
        assert codes[-1] == "too_fast"
        assert (await ada.sign_in()).code == "too_fast"  # from a new device: it has to wait like everybody
        assert (await ada.sign_in(place=place)).status == 201
        h.clock.pass_s(30)
        assert (await ada.sign_in()).status == 201


async def test_a_place_token_is_good_for_its_own_name_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, eve = await h.joined("ada"), await h.joined("eve")
        await eve.sign_in()
        for _ in range(int(attempts.PER_NAME.burst)):
            await ada.sign_in(bytes(32))
        assert (await ada.sign_in(place=eve.place)).code == "too_fast"
        assert (await ada.sign_in(place=b64(bytes(48)))).code == "too_fast"


async def test_guesses_with_a_place_token_are_slowed_too(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        codes = [(await ada.sign_in(bytes(32), place=ada.place)).code for _ in range(11)]
        assert codes == ["sign_in_refused"] * 10 + ["too_fast"]


async def test_one_address_cannot_go_through_many_names(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        bodies = [{"name": f"name{index}", "proof": WRONG} for index in range(21)]
        codes = [(await h.ask("POST", "/v1/sessions", body)).code for body in bodies]
        assert codes == ["sign_in_refused"] * 20 + ["too_fast"]


async def test_a_house_full_of_people_signs_in_behind_one_address(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        staff = [await h.joined(f"nurse{index}", Role.CLINICIAN) for index in range(25)]
        assert {(await nurse.sign_in()).status for nurse in staff} == {201}


async def test_an_ipv6_site_counts_as_one_address(tmp_path: Path) -> None:
    async with house(tmp_path, behind_proxy=True) as h:
        hops = [{"X-Forwarded-For": f"2001:db8::{index:x}"} for index in range(21)]
        bodies = [{"name": f"name{index}", "proof": WRONG} for index in range(21)]
        pairs = zip(hops, bodies, strict=True)
        codes = [(await h.ask("POST", "/v1/sessions", body, headers=hop)).code for hop, body in pairs]
        assert codes[-2:] == ["sign_in_refused", "too_fast"]


async def test_signing_out_ends_the_session_for_good(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        session = raw_of((await ada.sign_in()).body["session"])
        answer = await h.ask("DELETE", "/v1/sessions/current", headers=ada.bearer)
        assert (answer.status, answer.raw) == (204, b"")
        assert (await ada.get("/v1/me")).code == "session_ended"
        assert (await h.kinds())[-1] is Kind.SIGNED_OUT
        assert [(row.topic, row.subject) for row in await h.feed()] == [(Topic.SESSION, session)]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic abc", "Bearer " + WRONG, "bearer " + WRONG])
async def test_a_request_without_a_session_is_told_to_sign_in(tmp_path: Path, header: str) -> None:
    async with house(tmp_path) as h:
        answer = await h.ask("GET", "/v1/me", headers={"Authorization": header} if header else {})
        assert (answer.status, answer.code) == (401, "unauthenticated")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.CLINICIAN, Role.PATIENT])
async def test_idle_sessions_end_once_and_with_an_event(tmp_path: Path, role: Role) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada", role)
        await ada.sign_in()
        h.clock.pass_s(LIMITS[role].idle_ms / 1000 - 1)
        assert (await ada.get("/v1/me")).status == 200  # reading is not activity
        h.clock.pass_s(1)
        assert [(await ada.get("/v1/me")).code for _ in range(3)] == ["session_ended"] * 3
        assert (await h.kinds()).count(Kind.SESSION_EXPIRED) == 1
        assert [row.topic for row in await h.feed()] == [Topic.SESSION]


async def test_a_disabled_account_is_told_so_by_its_own_session(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        await ada.sign_in()
        await accounts.disable(h.people, ada.account, OPERATOR)
        assert (await ada.get("/v1/me")).code == "account_disabled"


async def test_a_cookie_stands_for_the_session_and_no_script_can_read_it(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        answer = await ada.sign_in(cookie=True)
        assert "token" not in answer.body
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-sotto=")
        assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        header = {"Cookie": cookie.partition(";")[0]}
        assert (await h.ask("GET", "/v1/me", headers=header)).status == 200
        assert (await h.ask("DELETE", "/v1/sessions/current", headers=header)).code == "unauthenticated"
        foreign = {**header, "Origin": ORIGIN + ".example.net"}
        assert (await h.ask("DELETE", "/v1/sessions/current", headers=foreign)).code == "unauthenticated"
        out = await h.ask("DELETE", "/v1/sessions/current", headers={**header, "Origin": ORIGIN})
        assert out.status == 204
        assert "Max-Age=0" in out.headers["Set-Cookie"]
        assert out.headers["Clear-Site-Data"] == '"cache", "cookies"'


async def test_on_a_plain_loopback_the_cookie_has_another_name(tmp_path: Path) -> None:
    async with house(tmp_path, secure=False) as h:
        cookie = (await (await h.joined("ada")).sign_in(cookie=True)).headers["Set-Cookie"]
        assert cookie.startswith("sotto=")
        assert "Secure" not in cookie


async def test_a_verifier_of_another_cost_is_made_anew_when_its_owner_signs_in(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        h.hasher._cost = h.hasher._cost._replace(passes=2)
        runs = h.hasher.runs
        assert (await ada.sign_in()).status == 201
        assert h.hasher.runs == runs + 2
        assert (await ada.sign_in()).status == 201
        assert h.hasher.runs == runs + 3


async def test_every_sign_in_has_a_token_of_its_own(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        tokens = {(await ada.sign_in()).body["token"] for _ in range(3)}
        assert len(tokens) == 3


async def test_a_sign_out_whose_commit_nobody_heard_of_ends_well(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        object.__setattr__(h.people, "store", Silent(h.store))
        assert (await h.ask("DELETE", "/v1/sessions/current", headers=ada.bearer)).status == 204
        assert (await ada.get("/v1/me")).code == "session_ended"
