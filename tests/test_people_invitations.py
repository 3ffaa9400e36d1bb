from pathlib import Path
from typing import Any

import pytest

from chatserver.audit.events import Kind
from chatserver.people import invitations
from chatserver.people.people import OPERATOR
from chatserver.people.roles import Role
from chatserver.store.port import Committed, Failure, Outcome, Unit
from chatserver.store.queries import AccountById, AllAccounts, OpenInvitations
from chatserver.wire.errors import Refusal
from tests.people_house import PROOF, SALT, House, house


class Silent:
    """A store whose next commit is applied without anybody hearing of it."""

    def __init__(self, store: Any) -> None:
        self._store, self._deaf = store, True
        self.read = store.read

    async def commit(self, unit: Unit) -> Outcome:
        outcome: Outcome = await self._store.commit(unit)
        if self._deaf:
            self._deaf = False
            assert isinstance(outcome, Committed)
            return Failure.UNKNOWN
        return outcome


async def come(h: House, code: str, name: str = "ada") -> invitations.Joined | Refusal:
    person = invitations.Joining(code, name, SALT, PROOF)
    return await invitations.join(h.people, h.deps.attempts, h.hasher, "192.0.2.1", person)


async def test_joining_whose_commit_nobody_heard_of_ends_well_and_once(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        code = await h.invited()
        object.__setattr__(h.people, "store", Silent(h.store))
        joined = await come(h, code)
        assert isinstance(joined, invitations.Joined)
        assert [row.id for row in await h.store.read(AllAccounts())] == [joined.account]
        assert (await h.kinds()).count(Kind.JOINED) == 1


async def test_two_who_come_with_one_code_make_one_account(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        code = await h.invited()
        first, second = await come(h, code, "ada"), await come(h, code, "ben")
        assert isinstance(first, invitations.Joined)
        assert getattr(second, "code", "") == "invitation_refused"
        assert await h.store.read(OpenInvitations()) == []


async def test_the_account_has_the_role_and_alias_of_its_invitation(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        joined = await come(h, await h.invited(Role.INTERPRETER, " Sam "))
        assert isinstance(joined, invitations.Joined)
        assert (joined.role, joined.alias) == (Role.INTERPRETER, "Sam")
        row = (await h.store.read(AccountById(joined.account)))[0]
        assert (row.role, row.salt) == ("interpreter", SALT)
        assert row.verifier.startswith("$argon2id$")


@pytest.mark.parametrize("alias", ["", "a\u0000", "x" * 65])
async def test_an_alias_that_is_none_is_refused(tmp_path: Path, alias: str) -> None:
    async with house(tmp_path) as h:
        found = await invitations.invite(h.people, Role.PATIENT, alias, OPERATOR)
        assert getattr(found, "code", "") == "bad_request"
        assert await h.kinds() == []
