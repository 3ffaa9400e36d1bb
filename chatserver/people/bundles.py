"""Publishing mail keys. The server stamps the key before as replaced; the rest of its clock is signed (CRYPTO 2)."""

from chatserver.audit.events import Event, Kind
from chatserver.feed import Entry, Topic
from chatserver.people.commits import NOTHING, Plan, carry_out
from chatserver.people.lists import dated, newest_list
from chatserver.people.people import Actor, People
from chatserver.store import changes, queries
from chatserver.store.port import Unit
from chatserver.wire.errors import BUNDLE_REFUSED, CLOCK_WRONG, Refusal
from crypto.keys import BundleBody, Refused, Use, parse_list, verify_bundle_in


async def publish(people: People, by: Actor, raw: bytes) -> int | Refusal:
    """A new mail key of the acting device, under the newest list. Returns its number; a repeat is no fault.

    A box key that another device has too is refused by the store's unique index, hence `bundle_refused` when stuck.
    """
    return await carry_out(people.store, lambda: _plan(people, by, raw), BUNDLE_REFUSED)


async def _plan(people: People, by: Actor, raw: bytes) -> Plan[int] | Refusal:
    known = await people.store.read(queries.BundlesOfDevice(by.device))
    if known and known[0].body == raw:
        return Plan(NOTHING, known[0].key_no)
    body = await _signed(people, by, raw)
    if body is None or (known and body.key_no <= known[0].key_no):
        return BUNDLE_REFUSED
    now = people.now()
    if not dated(body.created_ms, now):
        return CLOCK_WRONG
    return Plan(_unit(by, body, raw, now), body.key_no)


async def _signed(people: People, by: Actor, raw: bytes) -> BundleBody | None:
    """The body of a mail bundle that the acting device signed under its account's newest list."""
    newest = await newest_list(people, by.account)
    if newest is None:
        return None
    try:
        body = verify_bundle_in(raw, parse_list(newest.body).body).body
    except Refused:
        return None
    return body if body.use is Use.MAIL and body.device_id == by.device else None


def _unit(by: Actor, body: BundleBody, raw: bytes, now: int) -> Unit:
    added = changes.AddBundle(
        device=by.device,
        key_no=body.key_no,
        use=body.use,
        scope=body.scope,
        box_pk=body.box_pk,
        body=raw,
        created_at=body.created_ms,
        expires_at=body.expires_ms,
    )
    event = Event(Kind.BUNDLE_PUBLISHED, now, by.account, by.device, by.session, by.account, n=body.key_no)
    return Unit((changes.ReplaceBundles(by.device, now), added), (event,), (Entry(Topic.KEYS, by.account),))
