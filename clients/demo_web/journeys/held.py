"""Holds a worker back at one point, so that a page can be killed exactly there.

The worker's script is served with a few lines before it: they wait on a channel, and when told so a transaction of
the local state never completes, or nothing leaves by the socket. The worker itself is the real one.
"""

from contextlib import suppress
from typing import Final

from playwright.async_api import BrowserContext, Error, Page, Route

_LINES: Final = """
const held = { commit: false, send: false };
new BroadcastChannel("test-hold").onmessage = ({ data, target }) => {
  Object.assign(held, data);
  target.postMessage("held");
};
const begin = IDBDatabase.prototype.transaction;
IDBDatabase.prototype.transaction = function (...how) {
  const transaction = begin.apply(this, how);
  const spin = () => { transaction.objectStore("record").count([0]).onsuccess = spin; };
  if (how[1] === "readwrite" && held.commit) spin();
  return transaction;
};
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) { if (!held.send) send.call(this, data); };
"""


_NO_SOCKETS: Final = """
self.WebSocket = class {
  constructor() { setTimeout(() => this.onclose?.({ code: 1006 })); }
  close() {}
};
"""


async def can_be_held(context: BrowserContext) -> None:
    """From now on workers of this profile can be held."""
    await _prefix(context, _LINES)


async def has_no_websocket(context: BrowserContext) -> None:
    """From now on no WebSocket of this profile opens, as behind a proxy that knows none."""
    await _prefix(context, _NO_SOCKETS)


async def _prefix(context: BrowserContext, lines: str) -> None:
    async def prefixed(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, body=lines + await answer.text())

    await context.route("**/assets/main-*.js", prefixed)


async def hold(page: Page, **what: bool) -> None:
    """Tell the worker of this page what to hold, and wait until it does."""
    await page.evaluate(
        """what => new Promise((held) => {
          const channel = new BroadcastChannel("test-hold");
          channel.onmessage = () => held(channel.close());
          channel.postMessage(what);
        })""",
        what,
    )


async def kill(page: Page) -> None:
    """The renderer dies at once, and with it the worker."""
    async with page.expect_event("crash"):
        with suppress(Error):  # it never answers
            await page.goto("chrome://crash", timeout=2_000)
