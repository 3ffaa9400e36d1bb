"""The salt, signing in and signing out."""

from chatserver.http.bodies import AskSalt, GotSalt, NewSession, Session
from chatserver.http.raw import Blob, Bytes32, Id, Salt
from chatserver.http.route import Call, Route, Sent, Visit, Who
from chatserver.people.sessions import sign_out
from chatserver.people.sign_in import Attempt, Opened, salt_of, sign_in
from chatserver.wire.errors import SIGN_IN_REFUSED, Refusal


async def salt(visit: Visit, body: AskSalt) -> GotSalt | Refusal:
    """The salt of a name, whether somebody has it or not."""
    found = await salt_of(visit.deps.people, visit.deps.attempts, visit.address, body.name)
    return found if isinstance(found, Refusal) else GotSalt(Salt(found))


async def create(visit: Visit, body: NewSession) -> Session | Sent | Refusal:
    """Sign in. Web pages ask for a cookie that no script can read; other clients get the token."""
    deps = visit.deps
    attempt = Attempt(visit.address, body.name, body.proof, body.place or b"")
    opened = await sign_in(deps.people, deps.attempts, deps.hasher, attempt)
    if isinstance(opened, Refusal):
        return opened
    now = deps.people.now()
    return Sent(_session(opened, now, None), opened.token) if body.cookie else _session(opened, now, opened.token)


def _session(opened: Opened, now: int, token: bytes | None) -> Session:
    session = opened.session
    return Session(
        session=Id(session.id),
        account=Id(session.account),
        role=session.role,
        server_time=now,
        idle_ms=session.idle_ms,
        ends_at=session.ends_at,
        place=Blob(opened.place),
        token=Bytes32(token) if token else None,
    )


async def end(call: Call) -> Sent | Refusal:
    """Sign out: session, tickets and cookie end."""
    return await sign_out(call.deps.people, call.session) or Sent(None, b"")


ROUTES = (
    Route(
        method="POST",
        path="/v1/salt",
        says="The salt with which a password is derived.",
        who=Who.ANYBODY,
        handle=salt,
        body=AskSalt,
        answer=GotSalt,
    ),
    Route(
        method="POST",
        path="/v1/sessions",
        says="Sign in.",
        who=Who.ANYBODY,
        handle=create,
        body=NewSession,
        answer=Session,
        status=201,
        refuses=(SIGN_IN_REFUSED,),
    ),
    Route(
        method="DELETE",
        path="/v1/sessions/current",
        says="Sign out.",
        who=Who.SESSION,
        handle=end,
        status=204,
    ),
)
