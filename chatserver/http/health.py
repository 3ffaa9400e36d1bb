"""GET /healthz: whether this node can work."""

from chatserver.http.bodies import Health
from chatserver.http.route import Route, Visit, Who
from chatserver.store.queries import TheTenant


async def show(visit: Visit) -> Health:
    """The store answers; if it cannot be read, `store_lost`."""
    await visit.deps.people.store.read(TheTenant())
    return Health("ok")


ROUTES = (
    Route(
        method="GET",
        path="/healthz",
        says="Whether this node can work.",
        who=Who.ANYBODY,
        handle=show,
        answer=Health,
    ),
)
