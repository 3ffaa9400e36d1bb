"""Publishing: box keys by their clock, and lists and keys again where the server shows older ones (CRYPTO 2 and 4)."""

import asyncio
from contextlib import suppress
from typing import Final

from chatserver.wire.frames import Welcome
from crypto.clock import SENDS_FOR_MS
from sotto.api import Api, Signer
from sotto.core import Core
from sotto.errors import Refused, SottoError, StateRolledBack
from sotto.state import Writes

_ATTEMPTS: Final = 2
_AGAIN: Final = frozenset({"clock_wrong", "bundle_refused"})
"""Refusals that a new key under a corrected clock may mend."""


class Rotation:
    """Keeps the server's copy of this device's statements as new as they must be."""

    def __init__(self, core: Core, api: Api) -> None:
        self._core = core
        self._api = api
        self._one_at_a_time = asyncio.Lock()

    @property
    def _signer(self) -> Signer:
        profile = self._core.profile
        return Signer(profile.tenant, profile.account, self._core.device)

    async def set_clock(self) -> bytes:
        """Correct the clock by the server's, and give back the server's epoch."""
        server = await self._api.server()
        if server.tenant != self._core.profile.tenant:
            raise StateRolledBack("This address belongs to another organisation now.")
        self.correct(server.server_time)
        return server.epoch

    def correct(self, server_ms: int) -> None:
        """The server's time is this now."""
        writes = Writes()
        self._core.keep_profile(writes, clock_offset_ms=server_ms - self._core.clock.wall_ms())
        self._core.save(writes)

    async def mend(self, welcome: Welcome) -> None:
        """Bring up to date what a welcome shows as older than this device knows it. Raises StateRolledBack."""
        core = self._core
        if welcome.highest_n > core.outbox.n or core.keys.unknown(welcome.key_no):
            raise StateRolledBack("The local state is older than what the server has of this device.")
        for version in range(welcome.list_version + 1, core.own_list.version + 1):
            await self._api.publish_list(self._signer, core.pins.raw_own(version))
        core.keys.shown(welcome.key_no, core.now_ms())
        await core.saved()
        await self.rotate()

    async def rotate(self) -> None:
        """Publish a new key if it is due. A key that may still send goes on where that fails."""
        async with self._one_at_a_time:
            core = self._core
            if not core.keys.due(core.now_ms(), core.own_list.version):
                return
            newest = core.keys.newest
            if newest is None or core.now_ms() >= newest.created_ms + SENDS_FOR_MS:
                await self._publish()
            else:
                with suppress(SottoError):
                    await self._publish()

    async def _publish(self) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                await self._publish_new()
            except Refused as refused:
                if refused.code not in _AGAIN or attempt + 1 == _ATTEMPTS:
                    raise
                self._core.keys.give_up()
                await self.set_clock()
            else:
                return

    async def _publish_new(self) -> None:
        core = self._core
        now, own = core.now_ms(), core.own_list
        made = core.keys.pending(now, own.version) or core.keys.make(now, core.device, own, core.random)
        await core.saved()  # a key that somebody seals to must not be lost
        await self._api.publish_bundle(self._signer, made.bundle)
        core.keys.published(made.key_no, core.now_ms())
        await core.saved()
