"""The promises of `bus/port.py`, in their order."""

import asyncio

import pytest

from chatserver.bus.port import MAX_WAITING_MESSAGES, AlreadyHeard, Bus, End

HERE, THERE = b"h" * 16, b"t" * 16


async def turns() -> None:
    """Enough turns of the loop for everything under way to arrive."""
    for _ in range(MAX_WAITING_MESSAGES // 100):
        await asyncio.sleep(0)


async def test_a_message_comes_once_to_the_node_it_is_for(bus: Bus) -> None:
    here: list[bytes] = []
    there: list[bytes] = []
    bus.subscribe(HERE, here.append)
    bus.subscribe(THERE, there.append)
    bus.publish(THERE, b"hello")
    await turns()
    assert (here, there, bus.dropped) == ([], [b"hello"], 0)


async def test_what_one_node_publishes_for_another_keeps_its_order(bus: Bus) -> None:
    heard: list[bytes] = []
    bus.subscribe(THERE, heard.append)
    sent = [bytes([number]) for number in range(200)]
    for message in sent:
        bus.publish(THERE, message)
    await turns()
    assert heard == sent


async def test_a_hearer_is_never_called_inside_publish_or_hint(bus: Bus) -> None:
    heard: list[object] = []
    bus.subscribe(HERE, heard.append)
    bus.on_hint(lambda: heard.append("hint"))
    bus.publish(HERE, b"to myself")
    bus.hint()
    assert heard == []
    await turns()
    assert heard == [b"to myself", "hint"]


async def test_hints_that_nobody_heard_yet_are_one_hint(bus: Bus) -> None:
    heard: list[str] = []
    ends = [bus.on_hint(lambda: heard.append("one")), bus.on_hint(lambda: heard.append("two"))]
    bus.hint()
    bus.hint()
    await turns()
    assert sorted(heard) == ["one", "two"]
    ends[0]()
    bus.hint()
    await turns()
    assert sorted(heard) == ["one", "two", "two"]


async def test_more_than_may_wait_is_dropped_and_counted(bus: Bus) -> None:
    heard: list[bytes] = []
    bus.subscribe(HERE, heard.append)
    for _ in range(MAX_WAITING_MESSAGES + 3):
        bus.publish(HERE, b"m")
    await turns()
    assert (len(heard), bus.dropped) == (MAX_WAITING_MESSAGES, 3)


async def test_a_message_for_a_node_that_does_not_listen_is_counted(bus: Bus) -> None:
    bus.publish(THERE, b"anybody?")
    assert bus.dropped == 1


async def test_after_its_end_a_hearer_is_not_called_again(bus: Bus) -> None:
    heard: list[bytes] = []
    end = bus.subscribe(HERE, heard.append)
    bus.publish(HERE, b"under way")
    end()
    end()
    bus.subscribe(HERE, heard.append)
    bus.publish(HERE, b"for the next")
    await turns()
    assert heard == [b"for the next"]


async def test_a_node_has_one_hearer(bus: Bus) -> None:
    bus.subscribe(HERE, lambda _: None)
    with pytest.raises(AlreadyHeard):
        bus.subscribe(HERE, lambda _: None)


async def test_a_closed_bus_says_nothing_more(bus: Bus) -> None:
    heard: list[object] = []
    bus.subscribe(HERE, heard.append)
    bus.on_hint(lambda: heard.append("hint"))
    bus.publish(HERE, b"late")
    bus.hint()
    await bus.close()
    await turns()
    assert heard == []


async def test_a_hearer_that_ends_another_during_a_hint_is_obeyed(bus: Bus) -> None:
    heard: list[str] = []
    ends: list[End] = []

    def end_the_other() -> None:
        ends[0]()

    bus.on_hint(end_the_other)
    ends.append(bus.on_hint(lambda: heard.append("ended")))
    bus.hint()
    await turns()
    assert heard == []
