"""The client: one account on one device, for a person's screen or for a bot.

    async with await Client.open(path, password) as client:
        async for message in client.messages():
            await client.send(message.conversation, "I have read it.")

What was sent or received is in the encrypted local state before anybody is told of it; closing loses nothing.
One event loop, one open client for each state.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from chatserver.wire.limits import MAX_INTEGER
from crypto.clock import SECRET_LIFE_MS
from crypto.vault import Derived
from sotto import account
from sotto.api import Api, origin_of, require_private
from sotto.clock import Clock, SystemClock
from sotto.core import Core
from sotto.directory import Directory
from sotto.errors import NumberChanged, SottoError, TooLong, UnknownAccount
from sotto.events import Listener
from sotto.inbox import unread
from sotto.link_admitting import OwnDevices
from sotto.online import Online
from sotto.sizes import body_limit
from sotto.state import Database, History, Writes
from sotto.state.records import Outgoing, Profile, Store
from sotto.values import Conversation, Entry, Kind, LinkChanged, Message, Stage


class Client(OwnDevices):
    """Made by `join`, `sign_in_here` or `open`; connected between `start` and `close`, or inside `async with`."""

    def __init__(self, core: Core, api: Api, derived: Derived, kept: int, *, stay_signed_in: bool) -> None:
        self._core = core
        self._api = api
        self._derived = derived if stay_signed_in else None
        self._directory = Directory(core, api)
        self._online = Online(core, api, self._directory, kept)
        self._online.sign_in_again = self._sign_in_by_itself if stay_signed_in else None
        self._history = History(core.database)
        self._task: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    # Making one

    @classmethod
    async def join(
        cls,
        url: str,
        path: Path | str,
        *,
        invite: str,
        name: str,
        password: str,
        stay_signed_in: bool = False,
        plain_http: bool = False,
    ) -> Self:
        """Accept an invitation: a new account with this sign-in name, and this device as its first.

        The password opens the local state and cannot be recovered by anybody. `plain_http` allows a server beyond this
        machine without TLS. Raises WeakPassword, StateExists, InsecureServer, Refused, Unreachable.
        """
        state = Path(path)
        account.require_absent(state)
        require_private(url, plain_http=plain_http)
        async with Api(url) as api:
            _, derived, salt = await account.join(api, invite, name, password)
            session = await api.sign_in(name, derived.login)
            database = await account.found_state(api, state, name, derived, salt, session)
        return await cls._of(database, derived, stay_signed_in=stay_signed_in)

    @classmethod
    async def sign_in_here(
        cls,
        url: str,
        path: Path | str,
        *,
        name: str,
        password: str,
        links_as: str = "",
        stay_signed_in: bool = False,
        plain_http: bool = False,
    ) -> Self:
        """Sign in to an account that has no device yet, and make this one its first; with `links_as`, see `link_here`.

        Raises LinkingNeeded if it has one, StateExists, InsecureServer, Refused, Unreachable.
        """
        state = Path(path)
        account.require_absent(state)
        require_private(url, plain_http=plain_http)
        async with Api(url) as api:
            session, derived, salt = await account.sign_in(api, name, password)
            database = await account.found_state(api, state, name, derived, salt, session, links_as=links_as)
        return await cls._of(database, derived, stay_signed_in=stay_signed_in)

    @classmethod
    async def link_here(
        cls,
        url: str,
        path: Path | str,
        *,
        name: str,
        password: str,
        device_name: str = account.DEVICE_NAME,
        plain_http: bool = False,
    ) -> Self:
        """Sign in on a further device of an account. Once started, it asks to be linked, and shows `link_words`.

        It sends to nobody before another has told it whom the account knows (`linked`). Raises NothingToLinkTo.
        """
        return await cls.sign_in_here(
            url, path, name=name, password=password, links_as=device_name, plain_http=plain_http
        )

    @classmethod
    async def open(
        cls,
        path: Path | str,
        password: str,
        *,
        stay_signed_in: bool = False,
        url: str = "",
        clock: Clock | None = None,
    ) -> Self:
        """Open the local state. With `stay_signed_in` it signs in again by itself: for bots, never for people.

        `url` says where the same server is now, if it moved. Raises StateMissing, StateInUse, StateDamaged,
        WrongPassword.
        """
        database, derived = await Database.unlock(Path(path), password)
        return await cls._of(database, derived, stay_signed_in=stay_signed_in, url=url, clock=clock)

    @classmethod
    async def _of(
        cls, database: Database, derived: Derived, *, stay_signed_in: bool, url: str = "", clock: Clock | None = None
    ) -> Self:
        try:
            core = Core.of(database, await database.load(), clock or SystemClock())
            await database.forget_opened(core.now_ms() - SECRET_LIFE_MS)
            kept = await database.read(lambda file: file.count(Store.UNREADABLE))
        except BaseException:
            await database.close()
            raise
        if url:
            core.profile = replace(core.profile, url=origin_of(url))
        api = Api(core.profile.url)
        api.token = bytes.fromhex(core.profile.token)
        return cls(core, api, derived, kept, stay_signed_in=stay_signed_in)

    # Life

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def start(self) -> None:
        """Connect, and stay connected."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="sotto-online")

    async def _run(self) -> None:
        try:
            await self._online.run()
        except Exception:
            self._online.failed()
            raise
        finally:
            self._closed.set()
            self._core.arrived.set()

    async def close(self) -> None:
        """Leave, write what waits, let go of the state. What is queued is sent at the next start."""
        with suppress(SottoError):
            await self._online.leave()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._closed.set()
        self._core.arrived.set()
        with suppress(SottoError):
            await self._core.saved()
        self._core.events.close()
        await self._api.close()
        await self._core.database.close()

    @property
    def failure(self) -> BaseException | None:
        """What ended the connection for good, if something did."""
        task = self._task
        return task.exception() if task and task.done() and not task.cancelled() else None

    # Who this is

    @property
    def profile(self) -> Profile:
        """This account and device. It holds secrets: show single fields alone."""
        return self._core.profile

    @property
    def account(self) -> bytes:
        """This account's id."""
        return self._core.profile.account

    @property
    def link(self) -> LinkChanged:
        """How it stands with the connection."""
        return self._online.link

    async def sign_in(self, password: str) -> None:
        """Sign in again after the session ended. Raises Refused, Unreachable."""
        session, _, _ = await account.sign_in(self._api, self._core.profile.name, password)
        await self._keep_session(session.token, session.place, session.ends_at)

    async def sign_out(self) -> None:
        """End the session. The local state stays, and so does what is queued."""
        await self._online.leave()
        await self._api.sign_out()
        await self._keep_session(b"", self._core.profile.place, 0)

    async def _sign_in_by_itself(self) -> None:
        if self._derived is None:
            return
        profile = self._core.profile
        session = await self._api.sign_in(profile.name, self._derived.login, profile.place)
        await self._keep_session(session.token, session.place, session.ends_at)

    async def _keep_session(self, token: bytes, place: bytes, ends_at: int) -> None:
        writes = Writes()
        self._core.keep_profile(writes, token=token.hex(), place=place, session_ends_at=ends_at)
        await self._core.saved(writes)
        if token:
            self._online.signed_in()

    # Conversations and people

    def conversations(self) -> list[Conversation]:
        """The conversations of this account, as far as they were read; each with everybody who can read it."""
        return [self._directory.describe(scope) for scope, talk in self._core.talks.items() if talk.member]

    def conversation(self, conversation: bytes) -> Conversation:
        """One of them. Raises UnknownConversation."""
        return self._directory.describe(conversation)

    def alias(self, account: bytes) -> str:
        """What an account is called, by the operator's word."""
        people = (person for talk in self._core.talks.values() for person in talk.people)
        return next((person.alias for person in people if person.account == account), "somebody")

    def alias_of_device(self, device: bytes) -> str:
        """What the owner of a device is called."""
        accounts = {person.account for talk in self._core.talks.values() for person in talk.people}
        owner = self._core.pins.sender(device, accounts)
        return self.alias(owner) if owner else "somebody"

    def safety_number(self, account: bytes) -> str:
        """The 60 digits to compare with that person by another way. Raises UnknownAccount before both have keys."""
        number = self._core.pins.safety(account)
        if number is None:
            raise UnknownAccount("Nothing is pinned for that account yet.")
        return number

    async def verify(self, account: bytes, number: str, *, holds: bool = True) -> None:
        """This safety number was compared and is the same on both sides; `holds=False` takes that back.

        Raises UnknownAccount, and NumberChanged if it is not the number of their keys any more.
        """
        if self.safety_number(account) != number:
            raise NumberChanged("The safety number changed while you compared it. Compare the new one.")
        self._core.pins.verify(account, holds=holds)
        await self._core.saved()
        for scope in self._core.talks:
            self._online.wake(scope)

    async def approve(self, shown: Conversation) -> list[bytes]:
        """The person accepts that exactly those who are shown can read, and the queue goes on.

        Whoever came or changed since then is not accepted by it. Returns those who must be verified first.
        """
        left = await self._directory.approve(shown)
        self._online.wake(shown.id)
        return left

    async def retry(self, conversation: bytes) -> None:
        """Try what waits now instead of later."""
        self._directory.talk(conversation)
        self._online.wake(conversation)

    # Messages

    def text_limit(self, conversation: bytes) -> int:
        """The longest text, in bytes of UTF-8, that this conversation can carry now."""
        present = self._directory.present(conversation)
        devices = len(self._core.pins.recipients(present, self._core.now_ms()))
        return body_limit(max(1, devices))

    async def send(self, conversation: bytes, text: str) -> Message:
        """Queue a text; it is durable when this returns and goes out when it can.

        Raises UnknownConversation, TooLong, QueueFull, StateFailed.
        """
        body, limit = text.encode(), self.text_limit(conversation)
        if len(body) > limit:
            raise TooLong(limit)
        core = self._core
        item = Outgoing(core.next_item(), conversation, Kind.TEXT, body, core.now_ms(), core.next_place())
        core.outbox.add(item)
        await core.saved()
        self._online.wake()
        return core.message_of(item)

    async def messages(self) -> AsyncIterator[Message]:
        """Every message of others, each once, also those that came while nobody listened. For one reader at a time.

        A message counts as taken when the next one is asked for; one that was being worked on when the program died
        comes again.
        """
        async for message in unread(self._core, self._history, self._closed):
            yield message

    async def history(self, conversation: bytes, *, before: int = MAX_INTEGER, limit: int = 50) -> list[Entry]:
        """At most `limit` messages and gaps below the place `before`, oldest first."""
        page = await self._history.page(conversation, before, limit)
        return [self._as_it_stands(entry) for entry in page]

    def _as_it_stands(self, entry: Entry) -> Entry:
        """What is known beyond the record: on its way, or read."""
        if not isinstance(entry, Message) or not entry.outgoing or entry.device != self._core.pins.device:
            return entry
        read_by = dict(self._directory.talk(entry.conversation).read_by)
        if entry.stage is Stage.DELIVERED and entry.seq and entry.seq <= max(read_by.values(), default=0):
            return replace(entry, stage=Stage.READ)
        waiting = self._core.outbox.at(entry.place) if entry.stage is Stage.QUEUED else None
        return replace(entry, stage=Stage.SENT) if waiting and self._core.outbox.on_wire(waiting) else entry

    def waiting(self) -> int:
        """How many messages are not safe yet; they stay in the queue over any restart."""
        return self._core.outbox.unsafe()

    # Whispers

    async def typing(self, conversation: bytes, *, on: bool = True) -> None:
        """Tell that this person types, at most every few seconds; nothing happens while the switch is off."""
        await self._online.typing(conversation, on=on)

    async def read(self, conversation: bytes) -> None:
        """This person has read everything that is here."""
        talk, heads = self._directory.talk(conversation), self._core.streams.heads(conversation)
        if tuple(heads) == talk.read:
            return
        writes = Writes()
        self._core.keep_talk(writes, conversation, replace(talk, read=tuple(heads)))
        await self._core.saved(writes)
        await self._online.read(conversation)

    async def active(self) -> None:
        """The person did something at the keyboard. What a program does by itself must never call this."""
        await self._online.active()

    async def tell_others(self, *, typing: bool | None = None, read_marks: bool | None = None) -> None:
        """The person's own switches for typing and read marks; None leaves one as it is."""
        writes, profile = Writes(), self._core.profile
        switches = {
            "typing": profile.typing if typing is None else typing,
            "read_marks": profile.read_marks if read_marks is None else read_marks,
        }
        self._core.keep_profile(writes, **switches)
        await self._core.saved(writes)

    # Drafts

    def draft(self, conversation: bytes) -> str:
        """What was written and not sent."""
        return self._core.drafts.get(conversation, "")

    async def keep_draft(self, conversation: bytes, text: str) -> None:
        """Keep it, encrypted, over a restart."""
        writes = Writes()
        self._core.drafts[conversation] = text
        writes.put(Store.DRAFT, conversation, text.encode())
        await self._core.saved(writes)

    # Events

    def events(self) -> Listener:
        """Everything that happens from now on: `async for event in client.events()`."""
        return self._core.events.listen()
