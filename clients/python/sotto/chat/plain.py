"""Line by line: for screen readers, scripts and pipes. One line in is a message or an order; lines out never change.

With `--json` each event is one JSON object on a line, ids in hexadecimal.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final

import msgspec

from sotto.chat import words
from sotto.chat.beside import beside
from sotto.chat.orders import SAY, Desk, carry_out, find, parse, title, titles
from sotto.chat.safe_text import safe, safe_lines
from sotto.chat.tidings import tiding_of
from sotto.client import Client
from sotto.errors import SottoError
from sotto.values import (
    FINAL,
    Arrived,
    Event,
    Gap,
    GapSeen,
    Link,
    LinkChanged,
    Message,
    Stage,
    StageChanged,
)

LAST_WAIT_S: Final = 20.0
"""How long the end of the input waits for what was sent to become safe."""
EARLIER: Final = 20

Write = Callable[[str], None]


class Plain:
    """One run in line mode."""

    def __init__(self, client: Client, wanted: str, write: Write, *, as_json: bool) -> None:
        self._client = client
        self._desk = Desk(client)
        self._wanted = wanted
        self._write = write
        self._json = as_json
        self._scope = b""
        self._asked = False
        self._ready = asyncio.Event()
        self._progress = asyncio.Event()

    async def run(self, typed: AsyncIterator[str]) -> None:
        """Until the input ends or says /quit; then what was sent gets a while to become safe."""
        async with beside(self._listen(), self._empty_inbox()):
            await self._open()
            async for line in typed:
                if not await self._line(line):
                    break
            await self._last_wait()
        if not self._json:
            self._write(words.left_behind(self._client.waiting()))

    # In

    async def _line(self, typed: str) -> bool:
        order = parse(typed)
        if order.name == SAY:
            await self._say(order.rest)
            return True
        self._desk.conversation = self._client.conversation(self._scope) if self._scope else None
        answer = await carry_out(self._desk, order)
        for line in answer.lines:
            self._tell(line)
        if answer.then == "open":
            await self._enter(answer.conversation)
        return answer.then != "quit"

    async def _say(self, text: str) -> None:
        if not text.strip():
            return
        await self._ready.wait()
        try:
            message = await self._client.send(self._scope, text)
        except SottoError as error:
            self._tell(str(error))
        else:
            self._show(message)

    async def _last_wait(self) -> None:
        try:
            async with asyncio.timeout(LAST_WAIT_S):
                while self._client.waiting() and self._client.link.link is not Link.STOPPED:
                    self._progress.clear()
                    await self._progress.wait()
        except TimeoutError:
            return

    # Out

    async def _listen(self) -> None:
        async for event in self._client.events():
            self._progress.set()
            if self._json:
                self._write(_as_json(event))
            else:
                self._hear(event)
            if not self._scope:
                await self._open()

    def _hear(self, event: Event) -> None:
        if isinstance(event, Arrived):
            self._show(event.message)
        elif isinstance(event, GapSeen):
            self._show(event.gap)
        elif isinstance(event, StageChanged):
            if event.stage in FINAL or event.stage in (Stage.SAFE, Stage.WITHHELD):
                self._write(f"* {words.STAGES[event.stage]}")
        elif isinstance(event, LinkChanged):
            self._write(f"* {words.link_of(event, event.retry_in_s, self._client.waiting())}")
        elif (tiding := tiding_of(event, self._name, self._device_name)) is not None:
            self._write(f"* {tiding.text}")

    def _show(self, entry: Message | Gap) -> None:
        if self._json:
            return
        if isinstance(entry, Gap):
            self._write(f"* {words.gap_of(entry.missing, self._name(entry.sender))}")
            return
        when = datetime.fromtimestamp(entry.sent_at / 1000).astimezone()
        who = "you" if entry.outgoing else self._name(entry.sender)
        notes = f" [{', '.join(words.notes_of(entry))}]" if words.notes_of(entry) else ""
        first, *rest = safe_lines(entry.text)
        self._write(f"{when:%Y-%m-%d %H:%M} {who}{notes}: {first}")
        for line in rest:
            self._write(f"    {line}")

    def _tell(self, line: str) -> None:
        self._write(json.dumps({"type": "answer", "text": line}) if self._json else line)

    # Rooms

    async def _open(self) -> None:
        """The conversation that was asked for, or the only one."""
        found = self._client.conversations()
        wanted = find(self._client, self._wanted) if self._wanted else found[0] if len(found) == 1 else None
        if wanted is not None:
            await self._enter(wanted.id)
        elif found and not self._asked:
            self._asked = True
            for line in ("Choose a conversation: /open N", *titles(self._client)):
                self._tell(line)

    async def _enter(self, scope: bytes) -> None:
        self._scope = scope
        self._ready.set()
        self._tell(f"With {title(self._client.conversation(scope))}. /help for orders.")
        for entry in await self._client.history(scope, limit=EARLIER):
            self._show(entry)

    async def _empty_inbox(self) -> None:
        async for message in self._client.messages():
            if message.conversation == self._scope:
                await self._client.read(self._scope)

    def _name(self, account: bytes) -> str:
        return safe(self._client.alias(account))

    def _device_name(self, device: bytes) -> str:
        return safe(self._client.alias_of_device(device))


def _as_json(event: Event) -> str:
    found = msgspec.to_builtins(event, builtin_types=(bytes,))
    return json.dumps({"type": type(event).__name__.lower(), **_readable(found)})


def _readable(value: object) -> dict[str, object]:
    made = _hex(value)
    return made if isinstance(made, dict) else {"value": made}


def _hex(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        text = {"text": value["body"].decode(errors="replace")} if isinstance(value.get("body"), bytes) else {}
        return {key: _hex(one) for key, one in value.items() if key not in ("body", "type")} | text
    if isinstance(value, list | tuple):
        return [_hex(one) for one in value]
    return value


async def typed_lines() -> AsyncIterator[str]:
    """The lines of standard input, as they come."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line.rstrip("\r\n")
