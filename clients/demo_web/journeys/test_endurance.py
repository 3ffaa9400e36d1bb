"""Networks that go, pages that are reloaded or killed, tabs that close: nothing is lost and nothing comes twice."""

from pathlib import Path

from playwright.async_api import Request, expect

from clients.demo_web.journeys.held import can_be_held, has_no_websocket, hold, kill
from clients.demo_web.journeys.stage import DESK, PHONE, stage


async def test_what_is_written_without_a_network_goes_out_when_it_is_back(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        river, sage = await on.pair()
        await river.says("Before the tunnel")
        await sage.sees("Before the tunnel")
        await river.page.context.set_offline(True)
        await river.says("In the tunnel")
        await river.sees_state("In the tunnel", "waiting")
        await sage.says("Said meanwhile")
        await sage.sees_state("Said meanwhile", "safe")
        await river.shot("offline-phone")
        await river.page.context.set_offline(False)
        await sage.sees("In the tunnel")
        await river.sees("Said meanwhile")
        await sage.sees_state("Said meanwhile", "read")


async def test_a_server_that_restarts_is_found_again_and_the_queue_goes_on(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        river, sage = await on.pair()
        await river.says("Before")
        await sage.sees("Before")
        await on.stop()
        await river.says("While it was away")
        await on.house.start()
        await sage.sees("While it was away")
        await river.sees_state("While it was away", "read")


async def test_a_reload_keeps_history_and_draft_and_asks_a_demo_person_for_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        river, sage = await on.pair()
        await river.says("Keep this")
        await sage.sees("Keep this")
        await sage.says("And this")
        await river.sees("And this")
        await river.page.get_by_role("textbox").press_sequentially("Half a thou")
        await expect(river.page.locator(".grow")).to_have_attribute("data-text", "Half a thou")
        await river.page.get_by_role("button", name="Back to the conversations").click()
        await river.page.reload()
        await river.opens("Sage")
        await river.sees("Keep this")
        await river.sees("And this")
        await expect(river.page.get_by_role("textbox")).to_have_value("Half a thou")


async def test_a_page_killed_before_the_commit_has_acknowledged_nothing_and_shows_the_message_once(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as on:
        context = await on.context(PHONE)
        await can_be_held(context)
        river, sage = await on.seat(context), await on.enters("Sage", DESK)
        await on.follows(river, "River")
        await river.opens("Sage")
        await sage.opens("River")
        await sage.says("Committed")
        await river.sees("Committed")
        await sage.sees_state("Committed", "read")
        await hold(river.page, commit=True)
        await sage.says("In between")
        await sage.sees_state("In between", "safe")
        await river.sees("In between", times=0)
        await kill(river.page)
        again = await on.seat(context)
        await on.follows(again, "River")
        await again.opens("Sage")
        await again.sees("In between")
        await again.sees("Committed")
        await sage.sees_state("In between", "read")


async def test_a_page_killed_after_the_commit_and_before_the_ack_shows_the_message_once(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        context = await on.context(PHONE)
        await can_be_held(context)
        river, sage = await on.seat(context), await on.enters("Sage", DESK)
        await on.follows(river, "River")
        await river.opens("Sage")
        await sage.opens("River")
        await sage.says("Committed")
        await river.sees("Committed")
        await sage.sees_state("Committed", "read")
        await hold(river.page, send=True)
        await sage.says("Not acknowledged")
        await river.sees("Not acknowledged")
        await sage.sees_state("Not acknowledged", "safe")
        await kill(river.page)
        again = await on.seat(context)
        await on.follows(again, "River")
        await again.opens("Sage")
        await sage.sees_state("Not acknowledged", "read")
        await again.sees("Not acknowledged")


async def test_two_tabs_of_one_person_share_one_socket_and_the_second_goes_on_alone(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        river, sage = await on.pair()
        second = await on.seat(river.page.context)
        await on.follows(second, "River")
        await second.opens("Sage")
        await second.says("From the second tab")
        await sage.sees("From the second tab")
        await river.sees("From the second tab")
        await sage.says("To both")
        await river.sees("To both")
        await second.sees("To both")
        await river.page.close()
        await second.opens("Sage")
        await second.says("Still here")
        await sage.sees("Still here")


async def test_two_people_in_two_tabs_of_one_browser_keep_to_themselves(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        context = await on.context(DESK)
        river, sage = await on.seat(context), await on.seat(context)
        await on.follows(river, "River")
        await on.follows(sage, "Sage")
        await river.opens("Sage")
        await sage.opens("River")
        await river.says("Same browser, two people")
        await sage.sees("Same browser, two people")
        await expect(sage.page.locator(".message.own")).to_have_count(0)


async def test_where_no_websocket_opens_people_chat_over_long_polling(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        context = await on.context(PHONE)
        await has_no_websocket(context)
        polled: list[Request] = []
        context.on("request", lambda request: polled.append(request) if "/socket.io/" in request.url else None)
        river, sage = await on.seat(context), await on.enters("Sage", DESK)
        await on.follows(river, "River")
        await river.opens("Sage")
        await sage.opens("River")
        await river.says("Through the hospital's proxy")
        await sage.sees("Through the hospital's proxy")
        await sage.says("Received")
        await river.sees("Received")
        await river.sees_state("Through the hospital's proxy", "read")
        assert polled
        for request in polled:
            assert (await request.all_headers())["authorization"].startswith("Bearer ")
