"""GET /v1/server: who this is, what time it is, and what a client must keep to."""

from chatserver.http.bodies import Limits, Server
from chatserver.http.raw import Id
from chatserver.http.route import Route, Visit, Who
from chatserver.http.serving import MAX_BODY_BYTES
from chatserver.wire import limits

PROTOCOLS = (1,)

LIMITS = Limits(
    max_body_bytes=MAX_BODY_BYTES,
    max_frame_bytes=limits.MAX_FRAME_BYTES,
    max_boxes=limits.MAX_BOXES_PER_SEND,
    max_devices_per_account=limits.MAX_DEVICES_PER_ACCOUNT,
    max_devices_per_conversation=limits.MAX_DEVICES_PER_CONVERSATION,
    ticket_ttl_ms=limits.TICKET_TTL_S * 1000,
    clock_tolerance_ms=limits.CLOCK_TOLERANCE_S * 1000,
)


async def show(visit: Visit) -> Server:
    """Nothing here is secret: it is read before signing in."""
    people = visit.deps.people
    return Server(
        tenant=Id(people.tenant.id),
        epoch=Id(people.tenant.epoch),
        name=visit.deps.organisation,
        server_time=people.now(),
        protocols=PROTOCOLS,
        limits=LIMITS,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/server",
        says="Tenant, epoch, time and limits.",
        who=Who.ANYBODY,
        handle=show,
        answer=Server,
    ),
)
