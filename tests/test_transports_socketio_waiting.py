import asyncio

import pytest

from chatserver.transports.socketio_packets import BINARY, TEXT, Item
from chatserver.transports.socketio_waiting import Waiting


def items(*sizes: int) -> list[Item]:
    return [(BINARY, bytes(size)) for size in sizes]


@pytest.mark.pure
def test_what_is_put_is_counted_and_taken_in_its_order() -> None:
    waiting = Waiting()
    waiting.put([(TEXT, b"one"), (BINARY, b"two")])
    waiting.put([(TEXT, b"three")])
    assert (len(waiting), waiting.size_bytes) == (3, 11)
    assert waiting.take(2, 100) == ([(TEXT, b"one"), (BINARY, b"two")], 6)
    assert (len(waiting), waiting.size_bytes) == (1, 5)


@pytest.mark.pure
def test_a_take_is_bounded_by_bytes_but_never_empty() -> None:
    waiting = Waiting()
    waiting.put(items(50, 50, 50))
    assert waiting.take(16, 10)[1] == 50
    assert waiting.take(16, 51)[1] == 100
    assert waiting.take(16, 51) == ([], 0)


async def test_a_poll_goes_on_when_something_is_put() -> None:
    waiting = Waiting()
    poll = asyncio.ensure_future(waiting.wait())
    await asyncio.sleep(0)
    waiting.put(items(1))
    await poll
    waiting.wake()


async def test_a_poll_goes_on_when_it_is_woken_for_nothing() -> None:
    waiting = Waiting()
    poll = asyncio.ensure_future(waiting.wait())
    await asyncio.sleep(0)
    waiting.wake()
    waiting.wake()
    await poll
    assert len(waiting) == 0
