"""The full-screen chat: a conversation above, what is happening in one line, and a place to write.

prompt_toolkit draws; this module owns the room on screen and nothing else. Works from 40 columns on.
"""

import asyncio
from collections.abc import Coroutine
from typing import Final

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, HSplit, Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.processors import BeforeInput, ConditionalProcessor, PasswordProcessor
from prompt_toolkit.output import Output

from sotto.chat import words
from sotto.chat.lines import Line, clip, lines_of, wrap
from sotto.chat.orders import SAY, Answer, Desk, Order, carry_out, find, parse, title, titles
from sotto.chat.pane import STYLE, Pane
from sotto.chat.room import Room
from sotto.chat.safe_text import safe
from sotto.chat.tidings import tiding_of
from sotto.client import Client
from sotto.errors import SottoError
from sotto.values import (
    Arrived,
    Blocked,
    ContactChanged,
    ConversationAdded,
    Event,
    GapSeen,
    Link,
    LinkChanged,
    ReadUpTo,
    StageChanged,
    Typing,
    Unreachable,
)

PAGE: Final = 100
REDRAW_S: Final = 1.0
DRAFT_EVERY_S: Final = 2.0
ATTENTIVE_S: Final = 60.0
"""So long after the last key the person counts as looking: what comes is then read at once."""
MOST_INPUT_LINES: Final = 6


class Screen:
    """One run of the full-screen chat over an open client."""

    def __init__(
        self, client: Client, wanted: str = "", *, keyboard: Input | None = None, terminal: Output | None = None
    ) -> None:
        self._client = client
        self._wanted = wanted
        self._desk = Desk(client)
        self._room: Room | None = None
        self._cache: tuple[object, list[Line]] = (None, [])
        self._front: list[str] = []
        self._asking_password = False
        self._opening = False
        self._retry_at = 0.0
        self._typed_at = float("-inf")
        self._draft_kept = ""
        self._jobs: set[asyncio.Task[None]] = set()
        self._pane = Pane(self._lines)
        self._buffer = Buffer(multiline=True, on_text_changed=self._changed)
        self._app: Application[None] = Application(
            layout=self._layout(),
            key_bindings=self._keys(),
            style=STYLE,
            full_screen=True,
            mouse_support=False,
            refresh_interval=REDRAW_S,
            input=keyboard,
            output=terminal,
        )

    async def run(self) -> None:
        """Until the person leaves."""
        self._open_first()
        listening = asyncio.create_task(self._listen())
        keeping = asyncio.create_task(self._keep_drafts())
        emptying = asyncio.create_task(self._empty_inbox())
        try:
            await self._app.run_async()
        finally:
            for task in (listening, keeping, emptying, *self._jobs):
                task.cancel()
            await asyncio.wait([listening, keeping, emptying])
            await self._keep_draft()

    # What is drawn

    def _layout(self) -> Layout:
        password = ConditionalProcessor(PasswordProcessor(), Condition(lambda: self._asking_password))
        control = BufferControl(self._buffer, input_processors=[password, BeforeInput(self._prompt)])
        write = Window(control, wrap_lines=True, height=Dimension(min=1, max=MOST_INPUT_LINES), dont_extend_height=True)
        return Layout(
            HSplit(
                [
                    Window(FormattedTextControl(self._title), height=1, style="class:title"),
                    Window(self._pane),
                    Window(FormattedTextControl(self._status), height=1, style="class:status"),
                    write,
                ]
            ),
            focused_element=write,
        )

    def _columns(self) -> int:
        return self._app.output.get_size().columns

    def _prompt(self) -> str:
        return "password: " if self._asking_password else "> "

    def _title(self) -> str:
        room = self._room
        if room is None:
            return clip(" Sotto", self._columns())
        people = len(room.conversation.members)
        return clip(f" {title(room.conversation)} · {people} can read · /help", self._columns())

    def _status(self) -> str:
        now = asyncio.get_running_loop().time()
        line = words.link_of(self._client.link, self._retry_at - now, self._client.waiting())
        if self._client.failure is not None:
            line = f"stopped: {self._client.failure}"
        elif self._room is not None and self._room.conversation.blocked:
            line = f"WAITING FOR YOU: /who /approve · {line}"
        typists = self._room.typists(now) if self._room else []
        if typists:
            line = f"{', '.join(map(safe, typists))} writing… · {line}"
        if self._pane.back:
            line = f"↓ {self._pane.back} more · {line}"
        return clip(f" {line}", self._columns())

    def _lines(self, width: int) -> list[Line]:
        room = self._room
        if room is None:
            return [[("", piece)] for text in self._front_page() for piece in wrap(text, width)]
        key = (id(room), room.version, width)
        if self._cache[0] != key:
            self._cache = (key, lines_of(room, width, None))
        return self._cache[1]

    def _front_page(self) -> list[str]:
        listed = titles(self._client)
        head = ["Your conversations (type a number):", "", *listed] if listed else [words.NO_CONVERSATION]
        return [*self._front, "", *head] if self._front else head

    # Keys

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        keys.add("enter")(self._enter)
        keys.add("escape", "enter")(lambda event: event.current_buffer.insert_text("\n"))
        keys.add("c-c")(lambda _: self._app.exit())
        keys.add("c-d", filter=Condition(lambda: not self._buffer.text))(lambda _: self._app.exit())
        keys.add("pageup")(lambda _: self._scroll(self._pane.height - 1))
        keys.add("pagedown")(lambda _: self._scroll(1 - self._pane.height))
        keys.add("c-l")(lambda _: self._app.renderer.clear())
        return keys

    def _scroll(self, lines: int) -> None:
        self._pane.back = max(0, self._pane.back + lines)
        if lines > 0 and self._room is not None and self._pane.at_top(self._columns()):
            self._do(self._older())

    def _enter(self, _: KeyPressEvent) -> None:
        typed = self._buffer.text
        if not typed.strip():
            return
        self._buffer.reset()
        self._do(self._sign_in(typed) if self._asking_password else self._entered(typed.rstrip()))

    def _changed(self, _: Buffer) -> None:
        self._typed_at = asyncio.get_running_loop().time()
        if self._room is None or self._asking_password:
            return
        scope, text = self._room.conversation.id, self._buffer.text
        self._do(self._seen(scope, typing=bool(text) and not text.startswith("/")))

    async def _seen(self, scope: bytes, *, typing: bool) -> None:
        """The person is at the keyboard."""
        await self._client.active()
        await self._client.typing(scope, on=typing)
        await self._client.read(scope)

    # What the person does

    async def _entered(self, typed: str) -> None:
        order = parse(typed)
        if self._room is None and order.name == SAY:
            order = Order("open", order.rest.strip())
        if order.name == SAY:
            await self._say(order.rest)
            return
        self._desk.conversation = self._room.conversation if self._room else None
        self._take(await carry_out(self._desk, order))

    def _take(self, answer: Answer) -> None:
        if answer.then == "quit":
            self._app.exit()
        elif answer.then == "list":
            self._leave_room()
        elif answer.then == "open":
            self._do(self._enter_room(answer.conversation))
        else:
            for line in answer.lines:
                self._remark(line)
        self._renew()

    async def _say(self, text: str) -> None:
        """Send it. A text that cannot be taken goes back to where it was written."""
        room = self._room
        if room is None:
            return
        scope = room.conversation.id
        try:
            message = await self._client.send(scope, text)
        except SottoError as error:
            self._remark(str(error), caution=True)
            self._buffer.insert_text(text)
            return
        self._pane.back = 0
        room.add([message])
        await self._client.typing(scope, on=False)

    async def _sign_in(self, password: str) -> None:
        try:
            await self._client.sign_in(password)
        except SottoError as error:
            self._remark(str(error), caution=True)
        else:
            self._asking_password = False
            self._remark("Signed in.")

    # Rooms

    def _open_first(self) -> None:
        """The one conversation there is, or the one that was asked for."""
        found = self._client.conversations()
        wanted = find(self._client, self._wanted) if self._wanted else found[0] if len(found) == 1 else None
        if wanted is not None and self._room is None and not self._opening:
            self._opening = True
            self._do(self._enter_room(wanted.id))

    async def _enter_room(self, scope: bytes) -> None:
        await self._keep_draft()
        entries = await self._client.history(scope, limit=PAGE)
        room = Room(self._client.conversation(scope))
        room.add(entries)
        self._room, self._wanted, self._pane.back, self._opening = room, "", 0, False
        self._draft_kept = self._client.draft(scope)
        if not self._buffer.text:  # what is being typed already is newer than any draft
            self._buffer.text = self._draft_kept
            self._buffer.cursor_position = len(self._buffer.text)
        if room.conversation.blocked:
            self._remark(words.BLOCKED, caution=True)

    def _leave_room(self) -> None:
        self._do(self._keep_draft())
        self._room, self._wanted = None, "/"
        self._pane.back = 0

    async def _older(self) -> None:
        room = self._room
        if room is not None:
            room.add(await self._client.history(room.conversation.id, before=room.oldest, limit=PAGE))
            self._app.invalidate()

    # What happens

    async def _listen(self) -> None:
        async for event in self._client.events():
            self._hear(event)
            self._app.invalidate()

    def _hear(self, event: Event) -> None:
        if isinstance(event, LinkChanged):
            self._link(event)
        elif (
            self._room is None
            or getattr(event, "conversation", self._room.conversation.id) != self._room.conversation.id
        ):
            self._elsewhere(event)
        else:
            self._hear_here(self._room, event)
        if isinstance(event, ContactChanged | Blocked | ConversationAdded | LinkChanged):
            self._renew()

    def _hear_here(self, room: Room, event: Event) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(event, Arrived):
            room.add([event.message])
            room.types(event.message.sender, on=False, now_s=now)
            if now - self._typed_at < ATTENTIVE_S and not self._pane.back:
                self._do(self._client.read(room.conversation.id))
        elif isinstance(event, StageChanged):
            room.set_stage(event.place, event.stage, event.refusal, event.seq)
        elif isinstance(event, GapSeen):
            room.put_gap(event.gap)
        elif isinstance(event, Typing):
            room.types(event.account, on=event.on, now_s=now)
        elif isinstance(event, ReadUpTo):
            room.read_up_to(event.seq)
        else:
            self._word(event)

    def _elsewhere(self, event: Event) -> None:
        """Something in another conversation: said in a line."""
        if isinstance(event, Arrived) and not event.message.outgoing and self._room is not None:
            self._remark(f"New in {title(self._client.conversation(event.message.conversation))}: /list")
        elif not isinstance(event, Arrived | StageChanged | GapSeen | Typing | ReadUpTo | Unreachable):
            self._word(event)

    def _word(self, event: Event) -> None:
        tiding = tiding_of(event, self._name, self._device_name)
        if tiding is not None:
            self._remark(tiding.text, caution=tiding.caution)

    def _link(self, changed: LinkChanged) -> None:
        self._retry_at = asyncio.get_running_loop().time() + changed.retry_in_s
        if changed.link is Link.SIGN_IN_NEEDED:
            self._asking_password = True
            self._remark(words.SIGN_IN, caution=True)
        elif changed.link is Link.CURRENT:
            self._open_first()

    def _renew(self) -> None:
        """People and keys may have changed."""
        if self._room is not None:
            self._room.conversation = self._client.conversation(self._room.conversation.id)
        elif self._wanted != "/":
            self._open_first()

    def _remark(self, text: str, *, caution: bool = False) -> None:
        if self._room is not None:
            self._room.remark(text, caution=caution)
        else:
            self._front = [*self._front[-5:], text]
        self._app.invalidate()

    def _name(self, account: bytes) -> str:
        return safe(self._client.alias(account))

    def _device_name(self, device: bytes) -> str:
        return safe(self._client.alias_of_device(device))

    # Beside it

    async def _empty_inbox(self) -> None:
        """The screen shows what the history has; what waits for a program is taken here."""
        async for _ in self._client.messages():
            pass

    async def _keep_drafts(self) -> None:
        while True:
            await asyncio.sleep(DRAFT_EVERY_S)
            await self._keep_draft()

    async def _keep_draft(self) -> None:
        text = self._buffer.text
        if self._room is not None and not self._asking_password and text != self._draft_kept:
            self._draft_kept = text
            await self._client.keep_draft(self._room.conversation.id, text)

    def _do(self, job: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(self._shown(job))
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _shown(self, job: Coroutine[object, object, None]) -> None:
        try:
            await job
        except SottoError as error:
            self._remark(str(error), caution=True)
        self._app.invalidate()
