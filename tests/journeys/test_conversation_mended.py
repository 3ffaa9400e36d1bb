"""Refusals are mended in one round trip, what does not open is sealed again, a hostile server shows nothing false."""

from collections.abc import AsyncIterator, Callable, Iterable
from os import urandom
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatserver.care import conversations
from chatserver.people.people import OPERATOR
from chatserver.wire import frames, limits
from chatserver.wire.frames import Deliver, Notice, Refused, Send, ServerFrame
from sotto.values import Link, Stage, Unopened
from tests.journeys.stage_house import House, Person
from tests.journeys.stage_proxy import Proxy, proxy

NOBODY = bytes(16)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[tuple[House, Proxy]]:
    """A house, and a way to it that may be tampered with."""
    made = Proxy()
    home = House(tmp_path, doors=(made.url,))
    await home.start()
    try:
        async with proxy(home.url, made):
            yield home, made
            await home.close()
    finally:
        if home.runs:
            await home.stop()


async def pair(home: House, way: Proxy, *, tampered: str) -> tuple[Person, Person, bytes]:
    """River and Sage; the one named comes through the tampered way."""
    made = [
        await home.join(alias, url=way.url if alias == tampered else "", stay_signed_in=True)
        for alias in ("River", "Sage")
    ]
    scope = await home.together(*made)
    for person in made:
        person.start()
        await person.knows(scope)
    return made[0], made[1], scope


def without(kind: type[ServerFrame]) -> Callable[[ServerFrame], Iterable[ServerFrame]]:
    """Frames of that kind never arrive."""
    return lambda frame: () if isinstance(frame, kind) else (frame,)


def sends(way: Proxy) -> list[Send]:
    return [frame for frame in way.up if isinstance(frame, Send)]


def refusals(way: Proxy) -> list[str]:
    return [frame.code for frame in way.down if isinstance(frame, Refused)]


async def test_a_key_that_was_replaced_unheard_is_mended_in_one_round_trip(door: tuple[House, Proxy]) -> None:
    home, way = door
    river, sage, scope = await pair(home, way, tampered="River")
    await river.reached(await river.client.send(scope, "one"), Stage.DELIVERED)
    way.change = without(Notice)
    await sage.client._online._rotation._publish()
    home.shift.by(limits.KEY_GRACE_S)
    way.up.clear()
    await river.reached(await river.client.send(scope, "two"), Stage.DELIVERED)
    assert refusals(way) == ["stale_key"]
    first, again = sends(way)
    assert (first.n, first.c) == (again.n, again.c)
    await sage.got("one", "two")


async def test_a_member_who_left_unheard_is_mended_in_one_round_trip_and_gets_nothing(
    door: tuple[House, Proxy],
) -> None:
    home, way = door
    reed = await home.join("Reed")
    river = await home.join("River", url=way.url)
    sage = await home.join("Sage")
    scope = await home.together(river, sage, reed)
    for person in (river, sage, reed):
        person.start()
        await person.knows(scope)
    await river.reached(await river.client.send(scope, "all"), Stage.DELIVERED)
    way.change = without(Notice)
    assert await conversations.remove(home.node.people, scope, reed.account, OPERATOR) is None
    way.up.clear()
    await river.reached(await river.client.send(scope, "two of us"), Stage.DELIVERED)
    assert refusals(way) == ["wrong_devices"]
    assert [len(send.boxes) for send in sends(way)] == [2, 1]
    await sage.got("all", "two of us")
    await reed.got("all")


async def test_what_does_not_open_is_kept_and_comes_again_in_a_fresh_box(door: tuple[House, Proxy]) -> None:
    home, way = door
    river, sage, scope = await pair(home, way, tampered="Sage")
    spoilt: list[Deliver] = []

    def spoil_once(frame: ServerFrame) -> Iterable[ServerFrame]:
        if isinstance(frame, Deliver) and not spoilt:
            spoilt.append(frame)
            return (msgspec.structs.replace(frame, box=bytes(len(frame.box))),)
        return (frame,)

    way.change = spoil_once
    said = await river.client.send(scope, "sealed twice")
    await river.reached(said, Stage.DELIVERED)
    await sage.got("sealed twice")
    assert len(sage.told(Unopened)) == 1
    boxes = [frame.box for frame in way.down if isinstance(frame, Deliver)]
    assert len(boxes) == len(set(boxes)) == 2


async def test_what_never_opens_ends_as_unreadable_after_a_few_tries(door: tuple[House, Proxy]) -> None:
    home, way = door
    river, sage, scope = await pair(home, way, tampered="Sage")

    def spoil(frame: ServerFrame) -> Iterable[ServerFrame]:
        return (msgspec.structs.replace(frame, box=bytes(len(frame.box))) if isinstance(frame, Deliver) else frame,)

    way.change = spoil
    said = await river.client.send(scope, "never opens")
    await river.reached(said, Stage.UNREADABLE)
    assert sage.shown == []


def raw(*fields: Any) -> bytes:
    return msgspec.msgpack.encode(fields)


def forged(scope: bytes, sender: bytes, n: int = 7, key_no: int = 1) -> Deliver:
    """A delivery of a box that nobody sealed."""
    return Deliver(n, scope, sender, n, urandom(32), 1, 1, urandom(32), key_no, urandom(544))


HOSTILE: dict[str, Callable[[bytes, bytes], bytes]] = {
    "no bytes": lambda _scope, _sender: b"",
    "no msgpack": lambda _scope, _sender: b"\xc1\xc1",
    "an unknown tag": lambda _scope, _sender: raw("gossip", 1),
    "a tag of the other direction": lambda scope, _sender: frames.encode(Send(scope, 1, bytes(32), ())),
    "too few fields": lambda _scope, _sender: raw("receipt", 1),
    "too many fields": lambda _scope, _sender: raw("current", 1, 2),
    "a text for a number": lambda _scope, _sender: raw("current", "now"),
    "a number above 2^53": lambda _scope, _sender: raw("current", 2**60),
    "a box of no length": lambda scope, sender: raw(
        "deliver", 1, scope, sender, 1, bytes(32), 1, 1, bytes(32), 1, b"short"
    ),
    "nested beyond reason": lambda _scope, _sender: b"\x91" * 10_000,
    "a second welcome": lambda _scope, _sender: frames.encode(
        frames.Welcome(1, NOBODY, 10**9, 9, 9, frames.Clocks(1, 1), frames.Limits(1, 1, 1, 1))
    ),
    "a receipt for nothing": lambda _scope, _sender: frames.encode(frames.Receipt(10**9, "delivered", 1)),
    "a refusal of nothing": lambda _scope, _sender: frames.encode(Refused(10**9, "wrong_devices", "x", retry=True)),
    "a refusal in no catalogue": lambda _scope, _sender: frames.encode(Refused(1, "because", "x", retry=True)),
    "a refusal with forged lists": lambda _scope, sender: frames.encode(
        Refused(1, "wrong_devices", "x", retry=True, lists=((NOBODY, b"junk"),), bundles=((sender, urandom(195)),))
    ),
    "fates of nothing": lambda _scope, _sender: frames.encode(
        frames.FatesTold((frames.Told(10**9, "settled", ((NOBODY, "expired"),)),))
    ),
    "a notice about nobody": lambda _scope, _sender: frames.encode(Notice("members", NOBODY)),
    "a current of the far future": lambda _scope, _sender: frames.encode(frames.Current(2**53 - 1)),
    "a forged delivery": lambda scope, sender: frames.encode(forged(scope, sender)),
    "a delivery in a foreign place": lambda _scope, sender: frames.encode(forged(urandom(16), sender)),
    "a delivery of a stranger": lambda scope, _sender: frames.encode(forged(scope, urandom(16))),
    "a delivery under no key": lambda scope, sender: frames.encode(forged(scope, sender, key_no=99)),
    "a forged whisper": lambda scope, sender: frames.encode(
        frames.Whisper(scope, sender, 1, urandom(32), 1, 1, urandom(544))
    ),
}


async def test_no_frame_of_a_hostile_server_ends_the_client_or_shows_what_nobody_said(
    door: tuple[House, Proxy],
) -> None:
    home, way = door
    river, sage, scope = await pair(home, way, tampered="River")
    await river.reached(await river.client.send(scope, "hello"), Stage.DELIVERED)
    await sage.got("hello")
    sender = sage.client._core.pins.device
    texts: list[str] = []
    for name, make in HOSTILE.items():
        await way.forge(make(scope, sender))
        texts.append(f"after {name}")
        await sage.client.send(scope, texts[-1])
        await river.until(lambda: len(river.shown) >= len(texts), texts[-1])
        await river.until(lambda: river.client.link.link is Link.CURRENT, "connected again")
    assert river.texts() == texts
    said = await river.client.send(scope, "still here")
    await river.reached(said, Stage.DELIVERED)
    assert await _all_texts(river, scope) == ["hello", *texts, "still here"]


async def _all_texts(person: Person, scope: bytes) -> list[str]:
    """Every entry of the history as a text; what is no message fails."""
    return [entry.text for entry in await person.history(scope)]  # type: ignore[union-attr]  # a gap has no text: that fails


async def test_a_delivery_that_is_replayed_is_shown_once(door: tuple[House, Proxy]) -> None:
    home, way = door
    river, sage, scope = await pair(home, way, tampered="Sage")
    way.change = lambda frame: (frame, frame) if isinstance(frame, Deliver) else (frame,)
    said = await river.client.send(scope, "once")
    await sage.until(lambda: len(sage.shown) >= 1, "shown")
    way.change = without(Notice)
    await river.reached(said, Stage.DELIVERED)
    after = await river.client.send(scope, "after")
    await river.reached(after, Stage.DELIVERED)
    await sage.got("once", "after")
