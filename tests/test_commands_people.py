"""`sotto user` and `sotto conversation` as an operator meets them."""

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from chatserver.app import Node, people_of, store_path
from chatserver.audit.events import Kind, event_in
from chatserver.clock import SystemClock
from chatserver.people.attempts import Attempts
from chatserver.people.credentials import Hasher
from chatserver.people.invitations import Joined, Joining, join
from chatserver.settings import Settings, load
from chatserver.store.opening import Kind as Writer
from chatserver.store.opening import open_store
from chatserver.store.queries import EntriesOf, FeedAfter
from sotto.cli import app
from tests.people_house import CHEAP, PROOF, SALT


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sotto(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def told(*words: str) -> Any:
    done = sotto(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def settings() -> Settings:
    return load({}, make_keys=True).settings


def joined(name: str, role: str = "patient", alias: str = "Robin") -> str:
    """The id of somebody who was invited by the command and came."""
    code = told("user", "invite", "--role", role, "--alias", alias)["code"]

    async def come() -> str:
        store = open_store(store_path(settings()), Writer.CLI)
        people = await people_of(settings(), store, SystemClock())
        hasher = Hasher(secrets.token_bytes, CHEAP)
        found = await join(people, Attempts(), hasher, "192.0.2.1", Joining(code, name, SALT, PROOF))
        hasher.close()
        await store.close()
        assert isinstance(found, Joined)
        return found.account.hex()

    return asyncio.run(come())


def kinds() -> list[Kind]:
    async def read() -> list[Kind]:
        store = open_store(store_path(settings()), Writer.CLI)
        found = await store.read(EntriesOf(bytes(16), 0, 1_000))
        await store.close()
        return [event_in(row.entry).kind for row in found]

    return asyncio.run(read())


def test_an_invitation_shows_its_code_once_and_how_to_join() -> None:
    done = sotto("user", "invite", "--role", "clinician", "--alias", "Linden")
    lines = [line.strip() for line in done.output.splitlines()]
    assert done.exit_code == 0
    code = next(line for line in lines if line.count("-") == 7 and " " not in line)
    assert f"sotto chat http://127.0.0.1:8080 --invite {code}" in lines
    assert kinds() == [Kind.INVITED]


def test_an_invitation_for_no_such_role_or_alias_is_refused() -> None:
    assert sotto("user", "invite", "--role", "king", "--alias", "Robin").exit_code == 2
    done = sotto("user", "invite", "--role", "patient", "--alias", "x" * 65)
    assert (done.exit_code, done.stderr) == (1, "sotto: An alias has 1 to 64 visible characters.\n")


def test_people_are_listed_and_the_listing_is_an_event() -> None:
    assert sotto("user", "list").output == "Nobody yet: sotto user invite --help\n"
    ada = joined("ada", "mentor", "Sage")
    [person] = told("user", "list")
    assert (person["id"], person["role"], person["name"], person["alias"]) == (ada, "mentor", "ada", "Sage")
    assert person["disabled_at"] is None
    assert sotto("user", "list").output.split()[:4] == [ada, "mentor", "Sage", "ada"]
    assert kinds().count(Kind.PEOPLE_LISTED) == 3


@pytest.mark.parametrize("by", ["name", "prefix", "id"])
def test_somebody_is_disabled_by_name_or_by_the_beginning_of_the_id(by: str) -> None:
    ada = joined("ada")
    done = sotto("user", "disable", {"name": "ADA", "prefix": ada[:6].upper(), "id": ada}[by])
    assert (done.exit_code, done.output) == (0, "Robin (patient) is disabled.\n")
    assert told("user", "list")[0]["disabled_at"] > 0
    assert "disabled" in sotto("user", "list").output


def test_what_names_nobody_or_more_than_one_is_refused() -> None:
    ada = joined("ada")
    joined(ada[:4])  # somebody whose name begins as the other's id
    for who, says in (("nobody", "no such person"), (ada[:3], "no such person"), (ada[:4], "more than one person")):
        done = sotto("user", "disable", who)
        assert done.exit_code == 1
        assert says in done.stderr
    assert [person["disabled_at"] for person in told("user", "list")] == [None, None]


def test_a_conversation_is_made_changed_and_listed() -> None:
    ada, ben = joined("ada", alias="Robin"), joined("ben", "clinician", "Linden")
    assert sotto("conversation", "list").output == "None yet: sotto conversation create --help\n"
    made = told("conversation", "create", "--purpose", "support", "ada")["id"]
    assert sotto("conversation", "add", made[:8], ben).output == "Linden (clinician) takes part.\n"
    [talk] = told("conversation", "list")
    assert (talk["id"], talk["purpose"]) == (made, "support")
    assert {member["id"] for member in talk["members"]} == {ada, ben}
    assert sotto("conversation", "remove", made, "ada").output == "Robin (patient) takes part no longer.\n"
    assert sotto("conversation", "list").output.split()[-2:] == ["Linden", "(clinician)"]
    assert kinds()[-2:] == [Kind.MEMBER_REMOVED, Kind.PEOPLE_LISTED]


def test_a_conversation_with_nobody_or_of_none_is_refused() -> None:
    joined("ada")
    made = told("conversation", "create", "ada")["id"]
    joined("gone")
    sotto("user", "disable", "gone")
    orders = {
        ("create", "nobody"): "no such person",
        ("create", "gone"): "That account is disabled.",
        ("add", "ffff", "ada"): "no such conversation",
        ("add", made, "gone"): "That account is disabled.",
        ("remove", made, "gone"): "never took part",
    }
    for order, says in orders.items():
        done = sotto("conversation", *order)
        assert done.exit_code == 1
        assert says in done.stderr


def test_orders_work_beside_a_running_server_which_hears_of_them() -> None:
    chosen = load({"port": 0}, make_keys=True).settings

    async def beside() -> None:
        node = Node(chosen)
        await node.start()
        await asyncio.to_thread(joined, "ada")
        assert (await asyncio.to_thread(sotto, "conversation", "create", "ada")).exit_code == 0
        assert (await asyncio.to_thread(sotto, "user", "disable", "ada")).exit_code == 0
        feed = await node.people.store.read(FeedAfter(0, 10))
        assert [row.number for row in feed] == [1, 2]
        await node.stop()

    asyncio.run(beside())


def test_a_store_that_cannot_be_opened_ends_with_69(here: Path) -> None:
    (here / "data").mkdir()
    (here / "data" / "sotto.db").write_bytes(b"not a database" * 100)
    done = sotto("user", "list")
    assert done.exit_code == 69
    assert done.stderr.startswith("sotto: ")
