"""Two people chat in two browsers, on a phone and at a desk."""

from pathlib import Path

import pytest
from playwright.async_api import ViewportSize, expect

from sotto.values import Message
from clients.demo_web.journeys.stage import DESK, PHONE, stage


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_two_people_chat_both_ways_and_see_how_far_each_message_came(tmp_path: Path, size: ViewportSize) -> None:
    async with stage(tmp_path) as on:
        river, sage = await on.pair(size, size)
        await river.says("Are you there?")
        await sage.sees("Are you there?")
        await sage.says("I am. How did the night go?")
        await river.sees("How did the night go?")
        await river.sees_state("Are you there?", "read")
        await sage.sees_state("How did the night go?", "read")
        name = "phone" if size is PHONE else "desk"
        await river.shot(f"thread-{name}")
        assert river.complaints + sage.complaints == []


async def test_a_thread_in_the_dark_has_its_own_colours(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        river = await on.enters("River", PHONE, dark=True)
        sage = await on.enters("Sage", DESK, dark=True)
        await sage.opens("River")
        await sage.says("Good evening. The group meets at seven.")
        await expect(river.page.locator(".unread")).to_contain_text("1")
        await river.shot("list-phone-dark")
        await river.opens("Sage")
        await river.says("I will be there.")
        await sage.sees("I will be there.")
        await sage.shot("thread-desk-dark")


async def test_a_browser_and_a_terminal_chat_with_each_other(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        river = await on.enters("River", PHONE)
        async with await on.terminal("Sage") as sage:
            await river.opens("Sage")
            await river.says("From a browser")
            messages = sage.messages()
            first = await anext(messages)
            assert isinstance(first, Message)
            assert first.text == "From a browser"
            await sage.send(first.conversation, "From a terminal")
            await river.sees("From a terminal")
            await river.sees_state("From a browser", "delivered")
            await sage.read(first.conversation)
            await river.sees_state("From a browser", "read")
            await messages.aclose()  # type: ignore[attr-defined]  # a generator, as written


async def test_typing_is_seen_and_goes_when_the_message_comes(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        river, sage = await on.pair()
        await river.says("First")
        await sage.sees("First")
        await sage.page.get_by_role("textbox").press_sequentially("Let me think")
        await expect(river.page.get_by_text("Sage is typing…")).to_be_visible()
        await sage.page.keyboard.press("Enter")
        await river.sees("Let me think")
        await expect(river.page.get_by_text("Sage is typing…")).to_be_hidden()


async def test_what_others_write_is_text_and_turns_nothing_around(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        river, sage = await on.pair()
        await sage.says("<img src=x onerror=alert(1)> & \u202ereversed\u202c \x07 end")
        await river.sees("<img src=x onerror=alert(1)> & <U+202E>reversed<U+202C> ␇ end")
        await sage.says("Z" + "\u0301" * 60 + "! " + "long" * 400)
        await river.sees("longlong")
        shown = await river.page.locator(".said").last.inner_text()
        assert shown.startswith("Z" + "\u0301" * 4 + "!")
        width = await river.page.evaluate("document.documentElement.scrollWidth")
        assert width == PHONE["width"]
        await river.shot("hostile-text-phone")


async def test_safety_numbers_are_the_same_on_both_sides_and_can_be_marked(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        river, sage = await on.pair()
        await river.says("Shall we compare?")
        await sage.sees("Shall we compare?")
        numbers = []
        for seat in (river, sage):
            await seat.page.locator(".readers").click()
            await seat.page.get_by_role("button", name="Compare the safety number").click()
            numbers.append(await seat.page.locator(".digits").inner_text())
        assert numbers[0] == numbers[1]
        assert len("".join(numbers[0].split())) == 60
        await river.shot("safety-phone")
        await river.page.get_by_role("button", name="They are the same").click()
        await river.page.get_by_role("button", name="Close").click()
        await expect(river.page.locator(".seal")).to_have_text("Verified")


async def test_the_keyboard_alone_leads_to_a_sent_message(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        river = await on.enters("River", DESK)
        sage = await on.enters("Sage", DESK)
        await expect(river.page.locator(".row")).to_have_count(1)
        await river.page.keyboard.press("Tab")  # sign out
        await river.page.keyboard.press("Tab")  # the conversation
        await river.page.keyboard.press("Enter")
        await expect(river.page.get_by_role("textbox")).to_be_focused()
        await river.page.keyboard.type("By keyboard")
        await river.page.keyboard.press("Enter")
        await sage.opens("River")
        await sage.sees("By keyboard")
