from pathlib import Path

from chatserver.audit.events import Kind
from chatserver.feed import Topic
from chatserver.people import accounts
from chatserver.people.people import OPERATOR
from chatserver.store.port import Failure
from tests.people_house import house
from tests.test_http_app import broken


async def test_listing_people_opens_their_names_and_is_an_event(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben = await h.joined("Ada", alias="A"), await h.joined("Ben", alias="B")
        found = await accounts.everybody(h.people, OPERATOR)
        assert isinstance(found, list)
        assert {(person.id, person.name, person.alias) for person in found} == {
            (ada.account, "Ada", "A"),
            (ben.account, "Ben", "B"),
        }
        event = (await h.events())[-1]
        assert (event.kind, event.n) == (Kind.PEOPLE_LISTED, 2)


async def test_without_its_event_no_list_is_told(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.joined("Ada")
        broken(h, commit=Failure.FULL)
        assert getattr(await accounts.everybody(h.people, OPERATOR), "code", "") == "not_saved"


async def test_disabling_ends_account_and_sessions_once(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.somebody("ada")
        assert await accounts.disable(h.people, ada.account, OPERATOR) is None
        assert await accounts.disable(h.people, ada.account, OPERATOR) is None
        assert (await h.kinds()).count(Kind.ACCOUNT_DISABLED) == 1
        assert [(row.topic, row.subject) for row in await h.feed()][-1] == (Topic.DISABLED, ada.account)
        assert (await ada.sign_in()).code == "sign_in_refused"


async def test_nobody_unknown_is_disabled(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        assert getattr(await accounts.disable(h.people, bytes(16), OPERATOR), "code", "") == "not_found"
