"""How a person comes in: by a link, by an invitation, by name and password, or not at all."""

from pathlib import Path

from playwright.async_api import Request, expect

from clients.demo_web.journeys.stage import DESK, PHONE, stage
from tests.sotto_house import PASSWORD


async def test_what_stands_in_the_link_reaches_no_server_and_stays_in_no_history(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        asked: list[str] = []
        context = await on.context(PHONE)

        def note(request: Request) -> None:
            asked.append(f"{request.url} {request.post_data or ''}")

        context.on("request", note)
        river = await on.seat(context)
        await on.follows(river, "River")
        await river.is_connected()
        link = on.guests["River"].link
        password = link.rpartition("password=")[2]
        assert all(password not in said for said in asked)
        assert river.page.url == f"{on.house.url}/"
        cdp = await context.new_cdp_session(river.page)
        entries = await cdp.send("Page.getNavigationHistory")
        assert all(password not in entry["url"] for entry in entries["entries"])
        await river.shot("list-phone")


async def test_an_invitation_is_accepted_with_a_password_that_is_judged_here(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        code = await on.house.code("Rowan")
        rowan = await on.seat(await on.context(PHONE))
        await rowan.page.goto(f"{on.house.url}/#join={code}")
        await rowan.shot("join-phone")
        await rowan.page.get_by_label("Choose a sign-in name").fill("rowan")
        for password in ("password123", "qwertyuiop12345"):
            await rowan.page.get_by_label("Choose a password").fill(password)
            await rowan.page.get_by_label("The same again").fill(password)
            await rowan.page.get_by_role("button", name="Accept").click()
            await expect(rowan.page.locator(".fault")).to_contain_text("words that have nothing to do with each other")
        await rowan.page.get_by_label("Choose a password").fill(PASSWORD)
        await rowan.page.get_by_label("The same again").fill(PASSWORD)
        await rowan.page.get_by_role("button", name="Accept").click()
        await rowan.is_connected()
        await rowan.shot("empty-phone")


async def test_after_a_reload_a_password_opens_what_is_here_and_another_does_not(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        code = await on.house.code("Rowan")
        rowan = await on.seat(await on.context(DESK))
        await rowan.page.goto(f"{on.house.url}/#join={code}")
        await rowan.page.get_by_label("Choose a sign-in name").fill("rowan")
        await rowan.page.get_by_label("Choose a password").fill(PASSWORD)
        await rowan.page.get_by_label("The same again").fill(PASSWORD)
        await rowan.page.get_by_role("button", name="Accept").click()
        await rowan.is_connected()
        await rowan.page.reload()
        await expect(rowan.page.get_by_role("heading", name="Welcome back")).to_be_visible()
        await rowan.shot("unlock-desk")
        await rowan.page.get_by_label("Name").fill("rowan")
        await rowan.page.get_by_label("Password").fill("umbrella quartz lantern cello")
        await rowan.page.get_by_role("button", name="Unlock").click()
        await expect(rowan.page.locator(".fault")).to_have_text("That password does not open what is kept here.")
        await rowan.page.get_by_label("Password").fill(PASSWORD)
        await rowan.page.get_by_role("button", name="Unlock").click()
        await rowan.is_connected()


async def test_a_browser_that_is_new_for_an_account_is_told_that_it_must_be_linked(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        await (await on.enters("River", PHONE)).is_connected()
        other = await on.seat(await on.context(DESK))
        await other.page.goto(on.guests["River"].link)
        await expect(other.page.get_by_role("heading", name="This browser is new")).to_be_visible()
        await other.shot("linking-desk")


async def test_a_wrong_name_is_refused_in_words_that_tell_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        nobody = await on.seat(await on.context(DESK))
        await nobody.page.goto(on.house.url)
        await nobody.page.get_by_label("Name").fill("nobody")
        await nobody.page.get_by_label("Password").fill(PASSWORD)
        await nobody.page.get_by_role("button", name="Sign in").click()
        await expect(nobody.page.locator(".fault")).to_have_text("The name or the password is wrong.")
        await nobody.shot("entry-desk")
