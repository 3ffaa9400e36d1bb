"""Two people and a real server: what they were promised holds over restarts of either side."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from chatserver.people.roles import Role
from sotto.client import Client
from sotto.errors import (
    LinkingNeeded,
    Refused,
    StateExists,
    StateInUse,
    TooLong,
    UnknownConversation,
    WeakPassword,
    WrongPassword,
)
from sotto.values import Link, Message, Stage
from tests.sotto_house import PASSWORD, House, house, knows, reached, texts, until

README = Path(__file__).parent.parent / "clients" / "python" / "README.md"


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


async def heard(client: Client) -> Message:
    async with asyncio.timeout(15):
        return await anext(client.messages())


async def test_two_people_talk_and_see_how_far_each_message_came(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage", Role.MENTOR) as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        await knows(sage, scope)
        said = await river.send(scope, "good morning")
        assert said.stage is Stage.QUEUED
        got = await heard(sage)
        assert (got.text, got.sender, got.outgoing) == ("good morning", river.account, False)
        await reached(river, said, Stage.DELIVERED)
        await sage.read(scope)
        await reached(river, said, Stage.READ)
        await sage.send(scope, "and to you")
        assert (await heard(river)).text == "and to you"
        assert texts(await sage.history(scope)) == ["good morning", "and to you"]


async def test_order_holds_over_more_messages_than_the_window(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        said = [await river.send(scope, str(number)) for number in range(300)]
        await reached(river, said[-1], Stage.DELIVERED)
        await until(lambda: river.waiting() == 0, river)
        assert texts(await sage.history(scope, limit=400)) == [str(number) for number in range(300)]


async def test_a_server_that_stops_in_mid_conversation_loses_nothing(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        await reached(river, await river.send(scope, "before"), Stage.DELIVERED)
        await home.stop()
        await until(lambda: river.link.link is Link.WAITING, river)
        last = await river.send(scope, "meanwhile")
        assert river.waiting() == 1
        await home.start()
        await reached(river, last, Stage.DELIVERED)
        assert texts(await sage.history(scope)) == ["before", "meanwhile"]


async def test_a_queue_survives_its_process_and_goes_out_at_the_next_start(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        await knows(sage, scope)
    river = await home.open("River")
    said = await river.send(scope, "written offline")
    await river.close()
    async with await home.open("River") as again:
        assert again.waiting() == 1
        await reached(again, said, Stage.SAFE)
    async with await home.open("Sage") as sage:
        assert (await heard(sage)).text == "written offline"
    async with await home.open("River") as again:
        await reached(again, said, Stage.DELIVERED)


async def test_messages_that_came_while_nobody_listened_come_later_and_once(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        await reached(river, await river.send(scope, "one"), Stage.DELIVERED)
        await reached(river, await river.send(scope, "two"), Stage.DELIVERED)
    sage = await home.open("Sage")
    reader = sage.messages()
    assert (await anext(reader)).text == "one"
    assert (await anext(reader)).text == "two"
    await sage.close()
    sage = await home.open("Sage")
    assert (await anext(sage.messages())).text == "two"
    await sage.close()


async def test_what_is_said_to_somebody_without_a_device_waits_until_they_have_one(home: House) -> None:
    async with await home.join("River") as river:
        late = await home.join("Sage")
        scope = await home.together(river, late)
        await knows(river, scope)
        said = await river.send(scope, "are you there?")
        await until(lambda: river.link.link is Link.CURRENT, river)
        assert river.waiting() == 1
        async with late:
            assert (await heard(late)).text == "are you there?"
            await reached(river, said, Stage.DELIVERED)


async def test_a_new_member_reads_nothing_before_the_person_has_seen_them(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage, await home.join("Reed") as reed:
        scope = await home.together(river, sage)
        await knows(river, scope)
        await reached(river, await river.send(scope, "for Sage"), Stage.DELIVERED)
        await home.add(scope, reed)
        await until(lambda: river.conversation(scope).blocked, river)
        said = await river.send(scope, "for both")
        await knows(reed, scope)
        assert texts(await reed.history(scope)) == []
        assert await river.approve(river.conversation(scope)) == []
        await reached(river, said, Stage.DELIVERED)
        assert (await heard(reed)).text == "for both"
        assert [entry.notes for entry in await reed.history(scope) if isinstance(entry, Message)] == [()]


async def test_typing_is_heard_and_can_be_switched_off(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        await reached(river, await river.send(scope, "hello"), Stage.DELIVERED)
        events = sage.events()
        await river.tell_others(typing=False)
        await river.typing(scope)
        await river.tell_others(typing=True)
        await river.typing(scope)
        async with asyncio.timeout(10):
            kinds = []
            while "Typing" not in kinds:
                kinds.append(type(await events.next()).__name__)
        assert kinds.count("Typing") == 1


async def test_both_see_the_same_safety_number_and_a_mark_stays(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        await reached(river, await river.send(scope, "hello"), Stage.DELIVERED)
        assert river.safety_number(sage.account) == sage.safety_number(river.account)
        await river.verify(sage.account, sage.safety_number(river.account))
    river = await home.open("River")
    assert [member.verified for member in river.conversation(scope).members if not member.own] == [True]
    await river.close()


async def test_a_text_that_does_not_fit_is_refused_before_it_takes_a_number(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        limit = river.text_limit(scope)
        with pytest.raises(TooLong) as refused:
            await river.send(scope, "x" * (limit + 1))
        assert refused.value.limit_bytes == limit
        assert river.waiting() == 0
        await reached(river, await river.send(scope, "x" * limit), Stage.DELIVERED)


async def test_a_draft_and_a_signed_out_session_survive(home: House) -> None:
    async with await home.join("River") as river, await home.join("Sage") as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        await river.keep_draft(scope, "half a thought")
        await river.sign_out()
        await until(lambda: river.link.link is Link.SIGN_IN_NEEDED, river)
        said = await river.send(scope, "while signed out")
        with pytest.raises(Refused):
            await river.sign_in("another four words entirely")
        await river.sign_in(PASSWORD)
        await reached(river, said, Stage.DELIVERED)
        assert river.draft(scope) == "half a thought"


async def test_a_state_belongs_to_one_process_one_password_and_one_account(home: House) -> None:
    async with await home.join("River") as river:
        await until(lambda: river.link.link is Link.CURRENT, river)
        with pytest.raises(StateInUse):
            await home.open("River")
        with pytest.raises(StateExists):
            await home.join("River")
    with pytest.raises(WrongPassword):
        await Client.open(home.folder / "River.state", "another four words entirely")
    with pytest.raises(LinkingNeeded):
        await Client.sign_in_here(home.url, home.folder / "new.state", name="River-name", password=PASSWORD)


async def test_a_weak_password_is_refused_before_the_invitation_is_used(home: House) -> None:
    code = await home.code("River")
    path = home.folder / "River.state"
    with pytest.raises(WeakPassword):
        await Client.join(home.url, path, invite=code, name="river", password="password12345678")
    client = await Client.join(home.url, path, invite=code, name="river", password=PASSWORD)
    await client.close()


async def test_an_account_whose_device_was_never_made_is_finished_by_signing_in(home: House) -> None:
    river = await home.join("River")
    await river.close()
    (home.folder / "River.state").unlink()
    async with await Client.sign_in_here(
        home.url, home.folder / "River.state", name="River-name", password=PASSWORD
    ) as again:
        await until(lambda: again.link.link is Link.CURRENT, again)


async def test_an_unknown_conversation_is_said_plainly(home: House) -> None:
    river = await home.join("River")
    with pytest.raises(UnknownConversation):
        await river.send(b"?" * 16, "hello")
    await river.close()


async def test_the_bot_of_the_readme_answers(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found is not None
    bot = await home.join("bot")
    bot_module = ModuleType("bot")
    exec(compile(found[1], "README.md", "exec"), bot_module.__dict__)  # noqa: S102  our own page, run as readers run it
    monkeypatch.chdir(home.folder)
    monkeypatch.setenv("BOT_PASSWORD", PASSWORD)
    async with await home.join("River") as river:
        scope = await home.together(river, bot)
        await bot.close()
        running = asyncio.create_task(bot_module.main())
        await knows(river, scope)
        await river.send(scope, "ping")
        assert (await heard(river)).text == "pong"
        running.cancel()
        await asyncio.wait([running])
