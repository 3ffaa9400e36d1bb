"""Signing in, so that an unknown name, a wrong password and a disabled account cannot be told apart (ASVS 6.3.8).

Each of them does the same work in the same order: one read, one argon2id, one commit of one event.
"""

from dataclasses import dataclass

from chatserver.audit.events import NOBODY, Event, Kind
from chatserver.people import clocks, tokens
from chatserver.people.attempts import Attempts
from chatserver.people.commits import saved
from chatserver.people.credentials import Hasher
from chatserver.people.people import People
from chatserver.people.roles import Role
from chatserver.people.sessions import SignedIn
from chatserver.store import changes, queries, rows
from chatserver.store.port import Unit
from chatserver.wire.errors import SIGN_IN_REFUSED, TOO_FAST, Refusal

PLACE_SEED_BYTES = 16


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody at an address says a name, proves a password, and may show a place token."""

    address: str
    name: str
    proof: bytes
    place: bytes = b""


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session, its token, which is told once, and a place token for the next time."""

    session: SignedIn
    token: bytes
    place: bytes


async def salt_of(people: People, attempts: Attempts, address: str, name: str) -> bytes | Refusal:
    """The login salt of a name, 16 bytes; a name that nobody has, has one too (CRYPTO section 8)."""
    if not attempts.may_ask_salt(address, people.clock.mono_s()):
        return TOO_FAST
    decoy = people.lookup.decoy_salt(name)
    found = await people.store.read(queries.AccountByName(people.lookup.name_key(name)))
    return found[0].salt if found else decoy


async def sign_in(people: People, attempts: Attempts, hasher: Hasher, attempt: Attempt) -> Opened | Refusal:
    """A session for a name and the proof of its password."""
    name_key = people.lookup.name_key(attempt.name)
    seed = people.lookup.known_place(name_key, attempt.place)
    if not attempts.may_sign_in(attempt.address, name_key, seed, people.clock.mono_s()):
        return TOO_FAST
    found = await people.store.read(queries.AccountByName(name_key))
    account = found[0] if found else None
    proven = await hasher.matches(account.verifier if account else None, attempt.proof)
    if isinstance(proven, Refusal):
        return proven
    if account is None or not proven or account.disabled_at is not None:
        return await _refused(people, account)
    if seed is None:
        attempts.was_rightful(attempt.address)
    verifier = await _renewed(hasher, account.verifier, attempt.proof)
    return await _opened(people, account, name_key, seed, verifier)


async def _refused(people: People, account: rows.Account | None) -> Refusal:
    subject = account.id if account else NOBODY
    refusal = await saved(people.store, Unit(events=(Event(Kind.SIGN_IN_REFUSED, people.now(), subject=subject),)))
    return refusal or SIGN_IN_REFUSED


async def _renewed(hasher: Hasher, verifier: str, proof: bytes) -> str | None:
    """A verifier at today's cost, if the kept one is of another day and there is time for it now."""
    if not hasher.outdated(verifier):
        return None
    renewed = await hasher.hash(proof)
    return None if isinstance(renewed, Refusal) else renewed


async def _opened(
    people: People, account: rows.Account, name_key: bytes, seed: bytes | None, verifier: str | None
) -> Opened | Refusal:
    now, token, role = people.now(), people.random(tokens.TOKEN_BYTES), Role(account.role)
    session = SignedIn(people.new_id(), account.id, role, now, clocks.absolute_end(role, now))
    added = changes.AddSession(session.id, tokens.session_hash(token), account.id, now, session.ends_at)
    renewed = (changes.SetVerifier(account.id, verifier),) if verifier else ()
    event = Event(Kind.SIGNED_IN, now, account.id, session=session.id, subject=account.id)
    refusal = await saved(people.store, Unit((added, *renewed), (event,)))
    place = people.lookup.place(name_key, seed or people.random(PLACE_SEED_BYTES))
    return refusal or Opened(session, token, place)
