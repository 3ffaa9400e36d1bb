"""On a new device: asking to be linked, and taking what a device of the same account tells in a box (CRYPTO section 9).

The server carries the question and the answer. What counts is the signed list: it must continue the chain of the
account from its first version, and have this very device. Until another device has told whom the account knows, nothing
is sealed to anybody.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from crypto.envelope import Content
from crypto.keys import DeviceList, Refused, verify_list
from crypto.linking import link_qr_bytes, link_words
from crypto.seeds import open_seed
from sotto.answers import AskingDevice
from sotto.api import Api, Signer
from sotto.core import Core
from sotto.errors import BadAnswer
from sotto.link_parts import Known, Seen, decode_part, decode_seed
from sotto.state import Writes
from sotto.state.records import Talk
from sotto.values import Alarm, ContactChanged, Event, Kind, Linked, LinkWanted

ASK_EVERY_S: Final = 2.0
"""How often the answer is looked for."""


async def be_linked(core: Core, api: Api, waits: Callable[[], None]) -> None:
    """Ask, wait for the signed list that has this device, and register with it. `waits` is called once it asks."""
    signer = Signer(core.profile.tenant, core.profile.account, core.device)
    waits()
    core.events.tell(wanted(core))
    while not await _listed(core, api):
        mine = await _mine(core, api)
        if mine is None:
            await api.ask_link(signer, core.profile.device_name)
        elif mine.list is not None:
            await api.register(signer, core.profile.device_name, _verified(core, mine.list))
            continue
        await core.clock.sleep(ASK_EVERY_S)
    writes = Writes()
    core.keep_profile(writes, registered=True)
    await core.saved(writes)


def wanted(core: Core) -> LinkWanted:
    """What this device shows for the comparison."""
    return LinkWanted(link_words(core.device.public), link_qr_bytes(core.device.public))


async def _mine(core: Core, api: Api) -> AskingDevice | None:
    return next((link for link in await api.links() if link.device == core.pins.device), None)


async def _listed(core: Core, api: Api) -> bool:
    """Follow the account's lists from the first on; whether the newest has this device."""
    account = core.profile.account
    for raw in await api.lists(account, core.pins.version(account)):
        try:
            core.pins.take_own_list(raw)
        except Refused:
            raise _forged(core) from None
    await core.saved()
    newest = core.pins.newest(account)
    return newest is not None and newest.device(core.pins.device) is not None


def _verified(core: Core, raw: bytes) -> bytes:
    """The answer, if it is the next list of this account, under the same identity, and has this very device."""
    newest = core.pins.newest(core.profile.account)
    try:
        body = verify_list(raw, core.profile.tenant, core.profile.account, newest).body
    except Refused:
        raise _forged(core) from None
    if newest is None or not _adds_only(newest, body, core.pins.device):
        raise _forged(core)
    return raw


def _adds_only(newest: DeviceList, body: DeviceList, device: bytes) -> bool:
    before, after = ({one.id for one in of.devices} for of in (newest, body))
    return body.identity_pk == newest.identity_pk and after - before == {device} and before <= after


def _forged(core: Core) -> BadAnswer:
    core.events.tell(ContactChanged(Alarm.FORGED, core.profile.account))
    return BadAnswer("The server's lists of this account do not hold.")


# What comes in boxes among one's own devices


def take_from_own(core: Core, writes: Writes, sender: bytes, content: Content) -> list[Event]:
    """Take what another device of this account tells; only one that may add devices is listened to."""
    teller = core.own_list.device(sender)
    handler = _KINDS.get(content.kind)
    if handler is None or teller is None or not teller.may_add:
        return []
    try:
        return handler(core, writes, content.body)
    except Refused:
        return []


def _take_part(core: Core, writes: Writes, body: bytes) -> list[Event]:
    part = decode_part(body)
    if core.profile.linked or part.device != core.pins.device:
        return []
    events: list[Event] = []
    for item in part.items:
        if isinstance(item, Known):
            events += _know(core, item)
        else:
            _see(core, writes, item)
    have = {*core.profile.link_parts, part.index}
    linked = len(have) >= part.of
    core.keep_profile(writes, link_parts=tuple(sorted(have)), linked=linked)
    return [*events, Linked()] if linked else events


def _know(core: Core, known: Known) -> list[Event]:
    if known.account == core.profile.account:
        return []
    holds = core.pins.anchor(known.account, known.version, known.list_hash, known.approved, known.verified)
    return [] if holds else [ContactChanged(Alarm.FORK, known.account)]


def _see(core: Core, writes: Writes, seen: Seen) -> None:
    """Whoever the person has not accepted on the other device is not accepted here either."""
    talk = core.talks.get(seen.conversation) or Talk("", (), (), member=False)
    core.keep_talk(writes, seen.conversation, replace(talk, approved=tuple(sorted(seen.accounts))))


def _take_seed(core: Core, writes: Writes, body: bytes) -> list[Event]:
    told, own = decode_seed(body), core.own_list.device(core.pins.device)
    held = core.keys.held(told.key_no)
    if told.device == core.pins.device and own is not None and own.may_add and held is not None:
        seed = open_seed(told.sealed, held.key, core.own_list.identity_pk)
        core.keep_profile(writes, identity_seed=seed)
    return []


_KINDS: Final[dict[int, Callable[[Core, Writes, bytes], list[Event]]]] = {
    Kind.LINK: _take_part,
    Kind.IDENTITY: _take_seed,
}
