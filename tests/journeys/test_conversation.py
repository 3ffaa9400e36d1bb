"""Two and three people hold a conversation through a real node with the real client, whatever happens to either."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatserver.care import conversations
from chatserver.people import accounts
from chatserver.people.people import OPERATOR
from chatserver.people.roles import Role
from chatserver.wire import limits
from sotto.values import Arrived, GapSeen, Link, Message, ReadUpTo, Stage, Typing
from tests.journeys.stage_clock import DAY_S, HOUR_S
from tests.journeys.stage_house import PASSWORD, House, Person, house
from tests.journeys.stage_until import stage_until


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


async def pair(home: House) -> tuple[Person, Person, bytes]:
    """Two people who know their conversation."""
    river, sage = await asyncio.gather(home.join("River"), home.join("Sage", Role.MENTOR))
    scope = await home.together(river, sage)
    for person in (river, sage):
        person.start()
        await person.knows(scope)
    return river, sage, scope


async def said_once(person: Person, scope: bytes, *texts: str) -> None:
    """The history has exactly these texts, in this order, and no gap."""
    entries = await person.history(scope)
    assert [entry.text if isinstance(entry, Message) else entry for entry in entries] == list(texts)


async def test_two_people_chat_both_ways_and_see_how_far_each_message_came(home: House) -> None:
    river, sage, scope = await pair(home)
    asked = await river.client.send(scope, "Did you sleep?")
    assert asked.stage is Stage.QUEUED
    await sage.got("Did you sleep?")
    await river.reached(asked, Stage.DELIVERED)
    assert river.stages(asked) == [Stage.SENT, Stage.DELIVERED]
    answer = await sage.client.send(scope, "Six hours. Better.")
    await river.got("Six hours. Better.")
    await sage.reached(answer, Stage.DELIVERED)
    for person in (river, sage):
        await said_once(person, scope, "Did you sleep?", "Six hours. Better.")


async def test_sent_safe_and_delivered_are_told_apart(home: House) -> None:
    river, sage, scope = await pair(home)
    await home.leave(sage)
    said = await river.client.send(scope, "for later")
    await river.reached(said, Stage.SAFE)
    assert river.stages(said) == [Stage.SENT, Stage.SAFE]
    sage = await home.open("Sage")
    sage.start()
    await sage.got("for later")
    await river.reached(said, Stage.DELIVERED)
    assert river.stages(said) == [Stage.SENT, Stage.SAFE, Stage.DELIVERED]


async def test_typing_is_seen_and_reading_is_the_readers_own_word(home: House) -> None:
    river, sage, scope = await pair(home)
    said = await river.client.send(scope, "hello")
    await sage.got("hello")
    await river.reached(said, Stage.DELIVERED)
    await sage.client.typing(scope)
    await river.until(lambda: river.told(Typing) == [Typing(scope, sage.account, on=True)], "typing")
    await sage.client.read(scope)
    await river.until(lambda: bool(river.told(ReadUpTo)), "the read mark")
    await river.reached(said, Stage.READ)


async def test_in_a_group_of_three_the_one_who_was_away_misses_nothing(home: House) -> None:
    river, sage, reed = await asyncio.gather(*(home.join(alias) for alias in ("River", "Sage", "Reed")))
    scope = await home.together(river, sage, reed)
    for person in (river, sage, reed):
        person.start()
        await person.knows(scope)
    first = await river.client.send(scope, "all of us")
    await river.reached(first, Stage.DELIVERED)
    await home.leave(reed)
    second = await river.client.send(scope, "two of us")
    await sage.got("all of us", "two of us")
    await river.reached(second, Stage.SAFE)
    reed = await home.open("Reed")
    reed.start()
    await reed.got("two of us")
    await said_once(reed, scope, "all of us", "two of us")
    await river.reached(second, Stage.DELIVERED)


async def test_a_server_that_stops_and_starts_in_mid_conversation_loses_and_doubles_nothing(home: House) -> None:
    river, sage, scope = await pair(home)

    async def chatter(person: Person, count: int) -> list[Message]:
        said = []
        for number in range(count):
            said.append(await person.client.send(scope, f"{person.alias} {number}"))
            await asyncio.sleep(0)
        return said

    talking = [asyncio.ensure_future(chatter(person, 60)) for person in (river, sage)]
    await sage.until(lambda: len(sage.shown) >= 5, "the conversation is under way")
    await home.stop()
    said = await asyncio.gather(*talking)
    assert river.client.waiting() or sage.client.waiting()
    await home.start()
    for person, messages in zip((river, sage), said, strict=True):
        for message in messages:
            await person.reached(message, Stage.DELIVERED)
    await river.got(*(f"Sage {number}" for number in range(60)))
    await sage.got(*(f"River {number}" for number in range(60)))
    assert len(await river.history(scope)) == len(await sage.history(scope)) == 120


async def test_a_process_that_ends_comes_back_from_its_encrypted_state(home: House) -> None:
    river, sage, scope = await pair(home)
    await river.reached(await river.client.send(scope, "one"), Stage.DELIVERED)
    await sage.got("one")
    await home.leave(river)
    await sage.client.send(scope, "two")
    river = await home.open("River")
    queued = await river.client.send(scope, "three")
    await home.leave(river)
    river = await home.open("River")
    assert river.client.waiting() == 1
    river.start()
    await river.got("two")
    await river.reached(queued, Stage.DELIVERED)
    await sage.got("one", "three")
    await said_once(sage, scope, "one", "two", "three")
    assert b"three" not in home.state("River").read_bytes()


async def test_both_rotate_their_keys_every_day_and_destroy_the_old_ones_when_current(home: House) -> None:
    river = await home.join("River", stay_signed_in=True)
    sage = await home.join("Sage", stay_signed_in=True)
    scope = await home.together(river, sage)
    for person in (river, sage):
        person.start()
        await person.knows(scope)
    texts = []
    for day in range(3):
        for person in (river, sage):
            texts.append(f"{person.alias} on day {day}")
            await person.reached(await person.client.send(scope, texts[-1]), Stage.DELIVERED)
        assert [_newest(person) for person in (river, sage)] == [day + 1, day + 1]
        home.shift.by(DAY_S)
        await _rotated(day + 2, river, sage)
        home.shift.by(HOUR_S)
        await _destroyed(river, sage)
    for person in (river, sage):
        await said_once(person, scope, *texts)


async def _rotated(key_no: int, *people: Person) -> None:
    for person in people:
        await person.until(lambda p=person: _newest(p) == key_no, f"key {key_no}")  # type: ignore[misc]  # a default binds


async def _destroyed(*people: Person) -> None:
    for person in people:
        await person.until(lambda p=person: len(_secrets(p)) == 1, "one secret is left")  # type: ignore[misc]  # same


def _newest(person: Person) -> int:
    newest = person.client._core.keys.newest
    return newest.key_no if newest else 0


def _secrets(person: Person) -> list[int]:
    return [no for no, secret in person.client._core.keys._secrets.items() if secret.secret]


async def test_more_messages_than_the_number_window_come_whole_and_in_order(home: House) -> None:
    river, sage, scope = await pair(home)
    await home.leave(sage)
    texts = [f"{number}" for number in range(limits.SEND_WINDOW + 40)]
    said = [await river.client.send(scope, text) for text in texts]
    await river.reached(said[-1], Stage.SAFE)
    sage = await home.open("Sage")
    sage.start()
    await sage.got(*texts)
    await river.reached(said[-1], Stage.DELIVERED)
    assert sage.told(GapSeen) == []


async def test_who_was_offline_gets_everything_in_order_and_then_is_current(home: House) -> None:
    river, sage, scope = await pair(home)
    await home.leave(sage)
    texts = [f"message {number}" for number in range(40)]
    said = [await river.client.send(scope, text) for text in texts]
    await river.reached(said[-1], Stage.SAFE)
    sage = await home.open("Sage")
    sage.start()
    await sage.until(lambda: sage.client.link.link is Link.CURRENT, "current")
    arrived = [event.message.text for event in sage.events if isinstance(event, Arrived)]
    assert arrived == texts
    await sage.got(*texts)


async def test_a_message_that_was_never_collected_is_told_to_its_sender_as_expired(home: House) -> None:
    river = await home.join("River", stay_signed_in=True)
    sage = await home.join("Sage")
    scope = await home.together(river, sage)
    for person in (river, sage):
        person.start()
        await person.knows(scope)
    await home.leave(sage)
    said = await river.client.send(scope, "nobody came")
    await river.reached(said, Stage.SAFE)
    home.shift.by(limits.BOX_TTL_S + HOUR_S)
    await river.reached(said, Stage.EXPIRED)


async def test_who_is_removed_while_boxes_wait_gets_none_of_them_and_the_sender_is_told(home: House) -> None:
    river, sage, scope = await pair(home)
    await home.leave(sage)
    said = await river.client.send(scope, "before the removal")
    await river.reached(said, Stage.SAFE)
    assert await conversations.remove(home.node.people, scope, sage.account, OPERATOR) is None
    await river.reached(said, Stage.LOST)
    sage = await home.open("Sage")
    sage.start()
    await sage.until(lambda: sage.client.link.link is Link.CURRENT, "current")
    assert sage.shown == []
    assert await sage.history(scope) == []


async def test_who_left_a_group_gets_nothing_more_and_the_others_go_on(home: House) -> None:
    river, sage, reed = await asyncio.gather(*(home.join(alias) for alias in ("River", "Sage", "Reed")))
    scope = await home.together(river, sage, reed)
    for person in (river, sage, reed):
        person.start()
        await person.knows(scope)
    await river.reached(await river.client.send(scope, "before"), Stage.DELIVERED)
    await home.leave(reed)
    waits = await river.client.send(scope, "waits for Reed")
    await river.reached(waits, Stage.SAFE)
    assert await conversations.remove(home.node.people, scope, reed.account, OPERATOR) is None
    await river.reached(await river.client.send(scope, "after"), Stage.DELIVERED)
    reed = await home.open("Reed")
    reed.start()
    await reed.until(lambda: reed.client.link.link is Link.CURRENT, "current")
    await said_once(reed, scope, "before")
    await sage.got("before", "waits for Reed", "after")


async def test_a_disabled_account_is_told_and_stopped_and_the_others_go_on(home: House) -> None:
    river, sage, scope = await pair(home)
    await river.reached(await river.client.send(scope, "before"), Stage.DELIVERED)
    assert await accounts.disable(home.node.people, sage.account, OPERATOR) is None
    await sage_stopped(sage)
    said = await river.client.send(scope, "is anybody there?")
    await river.until(lambda: Stage.SENT in river.stages(said), "it was tried")
    assert river.client.waiting() == 1


async def sage_stopped(person: Person) -> None:
    """Until the client says that it was stopped for good."""
    await stage_until(lambda: person.client.failure is not None, "the client was stopped")
    assert person.client.link.link is Link.STOPPED
    assert person.client.link.code == "account_disabled"


async def test_a_session_that_ended_keeps_the_queue_until_the_next_sign_in(home: House) -> None:
    river, sage, scope = await pair(home)
    await river.reached(await river.client.send(scope, "before"), Stage.DELIVERED)
    home.shift.by(HOUR_S)
    for person in (river, sage):
        await person.until(lambda p=person: p.client.link.link is Link.SIGN_IN_NEEDED, "signed out")  # type: ignore[misc]  # same
    said = await river.client.send(scope, "written while signed out")
    assert river.client.waiting() == 1
    for person in (river, sage):
        await person.client.sign_in(PASSWORD)
    await river.reached(said, Stage.DELIVERED)
    await sage.got("before", "written while signed out")
