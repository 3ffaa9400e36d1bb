"""What was said stands in clear nowhere: not at the server, and not in what the browser keeps on the disk."""

import secrets
from pathlib import Path
from typing import Final

from playwright.async_api import async_playwright

from clients.demo_web.journeys import chromium
from clients.demo_web.journeys.stage import DESK, PHONE, Seat, stage

_KEPT: Final = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"


def holders(folder: Path, *needles: str) -> list[Path]:
    """The files that hold one of the texts, in UTF-8 or as browsers write texts (UTF-16)."""
    wanted = [form for needle in needles for form in (needle.encode(), needle.encode("utf-16-le"))]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(form in path.read_bytes() for form in wanted)]


async def test_neither_the_server_nor_the_browsers_disk_holds_what_was_said(tmp_path: Path) -> None:
    canary, draft = f"canary-{secrets.token_hex(8)}", f"draft-{secrets.token_hex(8)}"
    profile = tmp_path / "profile"
    async with stage(tmp_path / "house") as on:
        sage = await on.enters("Sage", DESK)
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                profile, executable_path=chromium.executable(), args=list(chromium.ARGUMENTS), viewport=PHONE
            )
            river = Seat(await context.new_page())
            await on.follows(river, "River")
            await river.opens("Sage")
            await sage.opens("River")
            await river.says(f"first {canary}")
            await sage.sees(canary)
            await sage.says(f"second {canary}")
            await river.sees(canary, times=2)
            await river.page.get_by_role("textbox").fill(draft)
            await river.page.get_by_role("button", name="Back to the conversations").click()
            await river.opens("Sage")
            kept = await river.page.evaluate(
                "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
            )
            assert canary not in kept
            assert draft not in kept
            await context.close()
        assert holders(profile, "sotto-"), "the browser's own state was looked at"
        assert holders(profile, canary, draft) == []
        assert holders(tmp_path / "house", canary, draft) == []
