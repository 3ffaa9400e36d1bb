"""Becoming somebody and signing in: the server sees the first half of what the password derives to (CRYPTO section 8).

The steps can be repeated from any point: an account without a device is finished by signing in, and a device whose
registration got no answer is registered again with the very same list.
"""

from os import urandom
from pathlib import Path
from typing import Final

from crypto.fields import KEY_BYTES, ZERO_HASH
from crypto.keys import Device, DeviceList, sign_list
from crypto.vault import SALT_BYTES, Derived
from sotto import passwords
from sotto.answers import Account, Session
from sotto.api import Api, Signer
from sotto.core import Core
from sotto.errors import LinkingNeeded, NothingToLinkTo, Refused, StateExists, WeakPassword
from sotto.state import Database, Writes
from sotto.state.database import stretched
from sotto.state.records import Counters, Profile, Store

DEVICE_NAME: Final = "terminal"


def require_absent(path: Path) -> None:
    """Refuse to put a new state where one is. Raises StateExists."""
    if path.exists() and path.stat().st_size:
        raise StateExists("There is a local state at that path already.")


def require_strong(password: str, *own_names: str) -> None:
    """Refuse a password that a guesser would try. Raises WeakPassword; its text holds nothing of the password."""
    weak = passwords.weakness(password, own_names)
    if weak is not None:
        raise WeakPassword(str(weak))


async def join(api: Api, code: str, name: str, password: str) -> tuple[Account, Derived, bytes]:
    """Use an invitation. Returns the account, the derived halves and their salt."""
    server = await api.server()
    require_strong(password, name, server.name)
    salt = urandom(SALT_BYTES)
    derived = await stretched(password, salt)
    return await api.join(code, name, salt, derived.login), derived, salt


async def sign_in(api: Api, name: str, password: str) -> tuple[Session, Derived, bytes]:
    """A session for a name and its password. Returns the session, the derived halves and their salt."""
    salt = await api.salt(name)
    derived = await stretched(password, salt)
    return await api.sign_in(name, derived.login), derived, salt


async def found_state(
    api: Api, path: Path, name: str, derived: Derived, salt: bytes, session: Session, *, links_as: str = ""
) -> Database:
    """The local state of a first device, with its secrets made and durable; nothing of it is published yet.

    With `links_as`, the name of the device, it is that of a further one, which has no identity of its own.
    """
    me, server = await api.me(), await api.server()
    if (me.list_version or me.devices) and not links_as:
        raise LinkingNeeded("This account has a device already. Link this one from there.")
    if links_as and not me.list_version:
        raise NothingToLinkTo("This account has no device yet. Sign in, and this one is its first.")
    profile = Profile(
        url=api.url,
        name=name,
        tenant=server.tenant,
        account=me.account,
        role=me.role,
        alias=me.alias,
        device_name=links_as or DEVICE_NAME,
        identity_seed=b"" if links_as else urandom(KEY_BYTES),
        linked=not links_as,
        device_seed=urandom(KEY_BYTES),
        token=session.token.hex(),
        place=session.place,
        session_ends_at=session.ends_at,
        epoch=server.epoch,
    )
    database = await Database.create(path, derived, salt, profile.tenant, profile.account)
    writes = Writes()
    writes.put(Store.PROFILE, b"", profile)
    writes.put(Store.COUNTERS, b"", Counters())
    await database.commit(writes)
    return database


async def register(core: Core, api: Api) -> None:
    """Register this device as the account's first, with list version 1. A repeat is no fault."""
    if core.profile.registered:
        return
    try:
        await _register(core, api)
    except Refused as refused:
        if refused.code != "clock_wrong":
            raise
        core.pins.begin_again()  # it was signed long ago and nobody has seen it: date it anew
        await _register(core, api)
    writes = Writes()
    core.keep_profile(writes, registered=True)
    await core.saved(writes)


async def _register(core: Core, api: Api) -> None:
    if not core.pins.version(core.profile.account):
        core.pins.take_own_list(sign_list(_first_list(core), core.identity))
        await core.saved()
    signer = Signer(core.profile.tenant, core.profile.account, core.device)
    await api.register(signer, core.profile.device_name, core.pins.raw_own(1))


def _first_list(core: Core) -> DeviceList:
    now, device = core.now_ms(), core.device
    listed = (Device(device.public, may_add=True, added_ms=now),)
    profile = core.profile
    return DeviceList(
        profile.tenant, profile.account, 1, ZERO_HASH, core.identity.public, now, reset=False, devices=listed
    )
