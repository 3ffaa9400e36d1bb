"""What is kept in memory of the local state, as it stands when the state is opened. Runs in the state's thread."""

from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from sotto.errors import StateDamaged
from sotto.state.file import File
from sotto.state.records import (
    BoxSecret,
    Chain,
    Contact,
    Counters,
    Opened,
    Outgoing,
    PinnedBundle,
    Profile,
    Store,
    Talk,
)
from sotto.values import Gap

R = TypeVar("R", bound=msgspec.Struct)


@dataclass(slots=True)
class Loaded:
    """Each part goes to the machine that owns it."""

    profile: Profile
    counters: Counters = field(default_factory=Counters)
    lists: dict[bytes, bytes] = field(default_factory=dict)
    contacts: dict[bytes, Contact] = field(default_factory=dict)
    bundles: dict[bytes, PinnedBundle] = field(default_factory=dict)
    talks: dict[bytes, Talk] = field(default_factory=dict)
    box_keys: list[BoxSecret] = field(default_factory=list)
    queue: list[Outgoing] = field(default_factory=list)
    chains: dict[bytes, Chain] = field(default_factory=dict)
    streams: dict[bytes, bytes] = field(default_factory=dict)
    gaps: dict[bytes, Gap] = field(default_factory=dict)
    drafts: dict[bytes, str] = field(default_factory=dict)


def load(file: File) -> Loaded:
    """Everything that is kept in memory. Raises StateDamaged."""
    try:
        return _load(file)
    except msgspec.MsgspecError:
        raise StateDamaged("A record of the local state cannot be read.") from None


def _load(file: File) -> Loaded:
    profile = file.get(Store.PROFILE, [b""]).get(b"")
    if profile is None:
        raise StateDamaged("The local state was never finished. Remove the file and begin again.")
    counters = file.get(Store.COUNTERS, [b""]).get(b"")
    return Loaded(
        profile=msgspec.msgpack.decode(profile, type=Profile),
        counters=msgspec.msgpack.decode(counters, type=Counters) if counters else Counters(),
        lists=dict(file.all(Store.LIST)),
        contacts=_records(file, Store.CONTACT, Contact),
        bundles=_records(file, Store.BUNDLE, PinnedBundle),
        talks=_records(file, Store.CONVERSATION, Talk),
        box_keys=list(_records(file, Store.BOX_KEY, BoxSecret).values()),
        queue=list(_records(file, Store.QUEUE, Outgoing).values()),
        chains=_records(file, Store.CHAIN, Chain),
        streams=dict(file.all(Store.STREAM)),
        gaps=_records(file, Store.GAP, Gap),
        drafts={key: value.decode() for key, value in file.all(Store.DRAFT)},
    )


def _records(file: File, store: Store, kind: type[R]) -> dict[bytes, R]:
    decoder = msgspec.msgpack.Decoder(kind)
    return {key: decoder.decode(value) for key, value in file.all(store)}


def forget_opened(file: File, before_ms: int) -> None:
    """Forget which sends were opened before that time."""
    decoder = msgspec.msgpack.Decoder(Opened)
    old = [key for key, value in file.all(Store.OPENED) if decoder.decode(value).accepted_at < before_ms]
    if old:
        file.apply((Store.OPENED, key, None) for key in old)
