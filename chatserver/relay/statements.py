"""The signed lists and bundles of those who may read a scope: a conversation's members, or one's own devices."""

from collections.abc import Sequence
from typing import NamedTuple

from chatserver.store.port import Store
from chatserver.store.queries import (
    BundlesOfConversation,
    BundlesOfDevice,
    DevicesOf,
    ListsOfConversation,
    NewestList,
)
from chatserver.store.rows import Bundle, SignedList


class Statements(NamedTuple):
    """The newest list of each account, and the newest two bundles of each device, newest first."""

    lists: Sequence[SignedList]
    bundles: Sequence[Bundle]


async def of_conversation(store: Store, scope: bytes) -> Statements:
    """Those of its present members. Raises `StoreLost`."""
    lists = await store.read(ListsOfConversation(scope))
    return Statements(lists, await store.read(BundlesOfConversation(scope)))


async def of_account(store: Store, account: bytes) -> Statements:
    """Those of one account alone: its devices write to each other under its own id (CRYPTO section 9)."""
    lists = await store.read(NewestList(account))
    devices = await store.read(DevicesOf(account))
    return Statements(lists, [row for device in devices for row in await store.read(BundlesOfDevice(device.id))])
