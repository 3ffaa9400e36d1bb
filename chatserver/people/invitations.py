"""Accounts come to be by invitation alone: a code, told once, that one person may use in the next seven days."""

from dataclasses import dataclass
from typing import Final

from chatserver.audit.events import Event, Kind
from chatserver.people import codes, names, tokens
from chatserver.people.attempts import Attempts
from chatserver.people.columns import Column
from chatserver.people.commits import Plan, carry_out, saved
from chatserver.people.credentials import Hasher
from chatserver.people.people import Actor, People
from chatserver.people.roles import Role
from chatserver.store import changes, queries, rows
from chatserver.store.port import Unit
from chatserver.wire.errors import BAD_REQUEST, INVITATION_REFUSED, NAME_TAKEN, TOO_FAST, Refusal

TTL_MS: Final = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation and its code as it is shown, which nobody can ask for again."""

    id: bytes
    code: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Joining:
    """What somebody brings to an invitation: `salt` 16 bytes, `proof` 32 derived with it (CRYPTO section 8)."""

    code: str
    name: str
    salt: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Joined:
    """The account that the invitation became."""

    account: bytes
    role: Role
    alias: str


async def invite(people: People, role: Role, alias: str, by: Actor) -> Invited | Refusal:
    """A new invitation. `bad_request` if the alias cannot be one."""
    shown = names.display(alias)
    if shown is None:
        return BAD_REQUEST
    now, code, invitation = people.now(), people.random(codes.CODE_BYTES), people.new_id()
    alias_box = people.columns.seal(Column.INVITATION_ALIAS, invitation, shown)
    expires_at = now + TTL_MS
    added = changes.AddInvitation(invitation, tokens.invitation_hash(code), role, alias_box, now, expires_at)
    event = Event(Kind.INVITED, now, by.account, by.device, by.session, object=invitation)
    refusal = await saved(people.store, Unit((added,), (event,)))
    return refusal or Invited(invitation, codes.shown(code), expires_at)


async def join(people: People, attempts: Attempts, hasher: Hasher, address: str, person: Joining) -> Joined | Refusal:
    """Burn the invitation and make its account. Whether a name is free is told to those who were invited alone."""
    if not attempts.may_join(address, people.clock.mono_s()):
        return TOO_FAST
    code = codes.typed(person.code)
    code_hash = tokens.invitation_hash(code) if code else b""
    if await _usable(people, code_hash) is None:
        return INVITATION_REFUSED
    if names.display(person.name) is None:
        return BAD_REQUEST
    verifier = await hasher.hash(person.proof)
    if isinstance(verifier, Refusal):
        return verifier
    account = people.new_id()
    joined = await carry_out(people.store, lambda: _plan(people, person, code_hash, account, verifier), NAME_TAKEN)
    if isinstance(joined, Joined):
        attempts.was_rightful(address)
    return joined


async def _usable(people: People, code_hash: bytes, account: bytes | None = None) -> rows.Invitation | None:
    """The invitation, if it is open, or if it was `account` that used it."""
    found = await people.store.read(queries.InvitationByCode(code_hash))
    if not found or found[0].account not in (None, account) or people.now() >= found[0].expires_at:
        return None
    return found[0]


async def _plan(
    people: People, person: Joining, code_hash: bytes, account: bytes, verifier: str
) -> Plan[Joined] | Refusal:
    invitation = await _usable(people, code_hash, account)
    if invitation is None:
        return INVITATION_REFUSED
    alias = people.columns.open(Column.INVITATION_ALIAS, invitation.id, invitation.alias_box)
    joined = Joined(account, Role(invitation.role), alias)
    if invitation.account is not None:
        return Plan(Unit(), joined)  # the commit of unknown outcome was applied
    if await people.store.read(queries.AccountByName(people.lookup.name_key(person.name))):
        return NAME_TAKEN
    now = people.now()
    event = Event(Kind.JOINED, now, account, subject=account, object=invitation.id)
    used = changes.UseInvitation(code_hash, account, now)
    return Plan(Unit((_account(people, person, joined, verifier, now), used), (event,)), joined)


def _account(people: People, person: Joining, joined: Joined, verifier: str, now: int) -> changes.AddAccount:
    seal = people.columns.seal
    return changes.AddAccount(
        id=joined.account,
        role=joined.role,
        name_key=people.lookup.name_key(person.name),
        name_box=seal(Column.ACCOUNT_NAME, joined.account, names.display(person.name) or ""),
        alias_box=seal(Column.ACCOUNT_ALIAS, joined.account, joined.alias),
        salt=person.salt,
        verifier=verifier,
        created_at=now,
    )
