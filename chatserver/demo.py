"""A small organisation to try Sotto with: four people under neutral aliases, and the conversations between them.

Each person is an invitation and a file that `sotto chat --demo ROLE` reads: it signs up by itself, with a password
made here. The people are as real as any others: their devices make their own keys, and this server cannot read them.
"""

import asyncio
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlencode

from chatserver.care import conversations
from chatserver.care.purposes import Purpose
from chatserver.people import codes, tokens
from chatserver.people.invitations import invite
from chatserver.people.people import OPERATOR, People
from chatserver.people.roles import Role
from chatserver.store.port import StoreRefused
from chatserver.store.queries import ConversationsOf, InvitationByCode, MembersOf
from chatserver.wire.errors import Refusal

PEOPLE: Final = {
    Role.PATIENT: "River",
    Role.MENTOR: "Sage",
    Role.CLINICIAN: "Linden",
    Role.COORDINATOR: "Harbor",
}
CIRCLES: Final = (
    (Purpose.SUPPORT, (Role.PATIENT, Role.MENTOR)),
    (Purpose.TREATMENT, (Role.PATIENT, Role.CLINICIAN)),
    (Purpose.OPERATIONS, (Role.MENTOR, Role.CLINICIAN, Role.COORDINATOR)),
)
_LOOK_EVERY_S: Final = 0.3
_FILE_MODE: Final = 0o600


class Guest(NamedTuple):
    """One person of the demo, as their file says."""

    role: Role
    alias: str
    code: str
    link: str
    """Opens their chat in a browser. What stands behind the # never reaches the server (RFC 9110 section 4.2.5)."""


class Demo:
    """Owned by the command that runs it. `folder` is private to whoever runs the demo."""

    def __init__(self, people: People, folder: Path, url: str) -> None:
        self._people = people
        self._folder = folder
        self._url = url

    async def invite(self) -> list[Guest]:
        """The files of everybody, made once; the address is written anew at each start."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [await self._guest(role, alias) for role, alias in PEOPLE.items()]

    async def _guest(self, role: Role, alias: str) -> Guest:
        path = self._folder / f"{role}.toml"
        known = _read(path) if path.exists() else {}
        code = known.get("invite") or await self._code(role, alias)
        fields = {
            "url": self._url,
            "alias": alias,
            "name": f"{alias.lower()}-demo",
            "invite": code,
            "password": known.get("password") or secrets.token_urlsafe(24),
            "state": str((self._folder / f"{role}.state").resolve()),
        }
        _write(path, fields)
        way_in = urlencode({"join": code, "name": fields["name"], "password": fields["password"]})
        return Guest(role, alias, code, f"{self._url}/#{way_in}")

    async def _code(self, role: Role, alias: str) -> str:
        invited = await invite(self._people, role, alias, OPERATOR)
        if isinstance(invited, Refusal):
            raise StoreRefused("The demo could not be saved: make room on the disk and start again.")
        return invited.code

    async def bring_together(self, guests: list[Guest]) -> None:
        """Make each conversation as soon as all of its people have signed up."""
        missing = list(CIRCLES)
        while missing:
            accounts = {guest.role: await self._account(guest) for guest in guests}
            for purpose, roles in list(missing):
                members = [account for role in roles if (account := accounts[role]) is not None]
                if len(members) == len(roles):
                    await self._conversation(purpose, members)
                    missing.remove((purpose, roles))
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _account(self, guest: Guest) -> bytes | None:
        code = codes.typed(guest.code)
        rows = await self._people.store.read(InvitationByCode(tokens.invitation_hash(code))) if code else []
        return rows[0].account if rows else None

    async def _conversation(self, purpose: Purpose, members: list[bytes]) -> None:
        for conversation in await self._people.store.read(ConversationsOf(members[0])):
            found = await self._people.store.read(MembersOf(conversation.id))
            if {member.account for member in found} == set(members):
                return
        await conversations.create(self._people, purpose, members, OPERATOR)


def _read(path: Path) -> dict[str, str]:
    """The file's fields: `name = "value"` lines of this module's own making."""

    def pairs() -> Iterator[tuple[str, str]]:
        for line in path.read_text("utf-8").splitlines():
            name, _, value = line.partition(" = ")
            yield name, value.strip('"')

    return dict(pairs())


def _write(path: Path, fields: dict[str, str]) -> None:
    text = "".join(f'{name} = "{value}"\n' for name, value in fields.items())
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
