"""A server with the demo's people, and browsers in which they chat. One stage a test; it owns all of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import parse_qs

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright, expect

from chatserver.demo import Demo, Guest
from sotto.client import Client
from clients.demo_web.journeys import chromium
from clients.demo_web.journeys.building import require_built
from tests.sotto_house import House

PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
DESK: Final[ViewportSize] = {"width": 1280, "height": 800}
PATIENCE_MS: Final = 15_000
ARTEFACTS: Final = Path(__file__).parents[3] / "artefacts" / "browser"


@dataclass
class Seat:
    """One person before one page. `said` holds what the page complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    async def opens(self, title: str) -> None:
        """The conversation with that person, once it is there."""
        await self.page.locator(".row", has=self.page.get_by_text(title, exact=True)).click(timeout=PATIENCE_MS)
        await expect(self.page.get_by_role("textbox")).to_be_visible()

    async def says(self, text: str) -> None:
        """Write and send."""
        await self.page.get_by_role("textbox").fill(text)
        await self.page.get_by_role("button", name="Send").click()

    async def sees(self, text: str, *, times: int = 1) -> None:
        """The message is in the thread, exactly so often."""
        await expect(self.page.locator(".said", has_text=text)).to_have_count(times, timeout=PATIENCE_MS)

    async def sees_state(self, text: str, state: str) -> None:
        """The message of one's own stands at that state."""
        message = self.page.locator(".message.own", has_text=text)
        await expect(message.locator(".stage")).to_have_text(state, timeout=PATIENCE_MS)

    async def is_connected(self) -> None:
        """Everything that waited has come."""
        await expect(self.page.locator(".link")).to_contain_text("Connected", timeout=PATIENCE_MS)

    async def shot(self, name: str) -> None:
        """Keep a picture to look at."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=ARTEFACTS / f"{name}.png", animations="disabled")


@dataclass
class Stage:
    """The house, its guests by alias, and the browser."""

    house: House
    guests: dict[str, Guest]
    browser: Browser
    gathering: asyncio.Task[None]
    """Makes each conversation of the demo once its people are there."""

    async def stop(self) -> None:
        """The server goes; its store stays."""
        self.gathering.cancel()
        with suppress(asyncio.CancelledError):
            await self.gathering
        await self.house.stop()

    async def context(self, size: ViewportSize, *, dark: bool = False) -> BrowserContext:
        """A browser profile of its own."""
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        context = await self.browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        return context

    async def seat(self, context: BrowserContext) -> Seat:
        """An empty page; whatever it complains about is kept."""
        seat = Seat(await context.new_page())
        seat.page.on("console", lambda said: seat.complaints.append(said.text) if said.type == "error" else None)
        seat.page.on("pageerror", lambda error: seat.complaints.append(str(error)))
        return seat

    async def enters(self, alias: str, size: ViewportSize, *, dark: bool = False) -> Seat:
        """A person follows their link in a profile of their own."""
        seat = await self.seat(await self.context(size, dark=dark))
        await self.follows(seat, alias)
        return seat

    async def follows(self, seat: Seat, alias: str) -> None:
        """The same, in a page that is there. Opened from a blank page, as a click on a link in a terminal does."""
        await seat.page.goto("about:blank")
        await seat.page.goto(self.guests[alias].link)
        await expect(seat.page.get_by_role("navigation", name="Conversations")).to_be_attached()

    async def pair(self, first: ViewportSize = PHONE, second: ViewportSize = DESK) -> tuple[Seat, Seat]:
        """River and Sage with their conversation open."""
        river, sage = await asyncio.gather(self.enters("River", first), self.enters("Sage", second))
        await river.opens("Sage")
        await sage.opens("River")
        return river, sage

    async def terminal(self, alias: str) -> Client:
        """A person with the Python client."""
        guest = self.guests[alias]
        said = {name: value for name, (value,) in parse_qs(guest.link.partition("#")[2]).items()}
        path = self.house.folder / f"{alias}.state"
        name, password = said["name"], said["password"]
        return await Client.join(self.house.url, path, invite=guest.code, name=name, password=password)


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """A server on a port of its own, the demo's people invited, a browser started."""
    require_built()
    house = House(folder)
    await house.start()
    assert house.node is not None
    demo = Demo(house.node.people, folder / "demo", house.url)
    guests = await demo.invite()
    gathering = asyncio.create_task(demo.bring_together(guests))
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium.executable(), args=list(chromium.ARGUMENTS)
            )
            yield Stage(house, {guest.alias: guest for guest in guests}, browser, gathering)
            await browser.close()
    finally:
        gathering.cancel()
        with suppress(asyncio.CancelledError):
            await gathering
        await house.stop()
