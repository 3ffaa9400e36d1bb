"""Events: everybody hears everything from then on, and a slow listener hears how much it missed."""

import asyncio

import pytest

from sotto.events import MAX_WAITING, Events
from sotto.values import Blocked, Missed

pytestmark = pytest.mark.pure


def blocked(number: int) -> Blocked:
    return Blocked(number.to_bytes(16, "big"))


def test_each_listener_hears_everything_since_it_listens() -> None:
    events = Events()
    first = events.listen()
    events.tell(blocked(1))
    second = events.listen()
    events.tell(blocked(2))
    assert [first.take(), first.take(), first.take()] == [blocked(1), blocked(2), None]
    assert [second.take(), second.take()] == [blocked(2), None]


def test_a_slow_listener_loses_the_oldest_and_is_told_how_many() -> None:
    events = Events()
    slow = events.listen()
    for number in range(MAX_WAITING + 3):
        events.tell(blocked(number))
    assert slow.take() == Missed(3)
    assert slow.take() == blocked(3)


def test_who_left_hears_nothing_more() -> None:
    events = Events()
    gone = events.listen()
    events.leave(gone)
    events.tell(blocked(1))
    assert gone.take() is None


async def test_closing_ends_every_listener_after_what_waits() -> None:
    events = Events()
    listener = events.listen()
    events.tell(blocked(1))
    events.close()
    async with asyncio.timeout(5):
        assert [event async for event in listener] == [blocked(1)]
        assert [event async for event in events.listen()] == []
