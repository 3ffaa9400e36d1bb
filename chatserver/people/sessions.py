"""Sessions: an opaque token, idle and absolute limits refused on every request, an end that everybody hears of."""

from dataclasses import dataclass

from chatserver.audit.events import Event, Kind
from chatserver.feed import Entry, Topic
from chatserver.people import clocks, tokens
from chatserver.people.commits import NOTHING, Plan, carry_out, saved
from chatserver.people.people import Actor, People
from chatserver.people.roles import Role
from chatserver.store import changes, queries, rows
from chatserver.store.port import Unit
from chatserver.wire import limits
from chatserver.wire.errors import ACCOUNT_DISABLED, SESSION_ENDED, UNAUTHENTICATED, Refusal


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that lives: whose, as what, and its clocks."""

    id: bytes
    account: bytes
    role: Role
    active_at: int
    ends_at: int

    @property
    def idle_ms(self) -> int:
        """How long this role may do nothing."""
        return clocks.LIMITS[self.role].idle_ms

    def actor(self, device: bytes = bytes(16)) -> Actor:
        """As it stands in the audit."""
        return Actor(self.account, self.id, device)


def standing(row: rows.Session | None, now: int) -> SignedIn | Refusal:
    """Whether a session may act at `now`. Pure; says nothing of sessions that never were."""
    if row is None:
        return UNAUTHENTICATED
    if row.disabled_at is not None:
        return ACCOUNT_DISABLED
    if row.ended_at is not None or expired(row, now):
        return SESSION_ENDED
    return SignedIn(row.id, row.account, Role(row.role), row.active_at, row.ends_at)


def expired(row: rows.Session, now: int) -> bool:
    """Whether a limit of the session is reached at `now`."""
    return clocks.over(Role(row.role), row.active_at, row.ends_at, now) is not None


async def authenticate(people: People, token: bytes) -> SignedIn | Refusal:
    """The session behind a token. One that is found expired is ended on the spot, once, with its event."""
    found = await people.store.read(queries.SessionByToken(tokens.session_hash(token)))
    row = found[0] if found else None
    now = people.now()
    answer = standing(row, now)
    if row is not None and answer is SESSION_ENDED and row.ended_at is None:
        await expire(people, row.id, row.account, now)
    return answer


async def expire(people: People, session: bytes, account: bytes, now: int) -> None:
    """End a session whose clocks ran out. If it cannot be saved, the clocks still refuse it."""
    event = Event(Kind.SESSION_EXPIRED, now, account, session=session, subject=account)
    await saved(people.store, _ending(session, now, event))


async def sign_out(people: People, session: SignedIn) -> Refusal | None:
    """End the session; a repeat is no fault."""

    async def plan() -> Plan[None] | Refusal:
        found = await people.store.read(queries.SessionById(session.id))
        if not found or found[0].ended_at is not None:
            return Plan(NOTHING, None)
        now = people.now()
        event = Event(Kind.SIGNED_OUT, now, session.account, session=session.id, subject=session.account)
        return Plan(_ending(session.id, now, event), None)

    return await carry_out(people.store, plan)


def _ending(session: bytes, now: int, event: Event) -> Unit:
    return Unit((changes.EndSession(session, now),), (event,), (Entry(Topic.SESSION, session),))


def activity_due(active_at: int, now: int) -> bool:
    """Whether activity at `now` is far enough from the one last written to be written too."""
    return now - active_at >= limits.ACTIVE_EVERY_S * 1000


async def touch(people: People, session: bytes, now: int) -> Refusal | None:
    """Write that the person behind the session did something at `now`."""
    return await saved(people.store, Unit((changes.TouchSession(session, now),)))
