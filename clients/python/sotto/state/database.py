"""The local state as the event loop sees it: writes in order, reads beside them, never blocking the loop.

Promises: writes are applied in the order of `submit`, each group as a whole; a future of `submit` is done when its
group is durable; a read sees every group submitted before it. After a failed write nothing is written any more, because
memory would run ahead of the disk: `failed` is set, and the client ends.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import urandom
from pathlib import Path
from typing import TypeVar

import msgspec

from crypto.fields import KEY_BYTES
from crypto.keys import Refused
from crypto.vault import Derived, derive, unwrap_vault_key, wrap_vault_key
from sotto.errors import SottoError, StateExists, StateFailed, StateMissing, WrongPassword
from sotto.state.file import File, Head, Write
from sotto.state.loading import Loaded, forget_opened, load
from sotto.state.records import Opened, Record, Store, pack
from sotto.values import Entry

T = TypeVar("T")
_opened: msgspec.msgpack.Decoder[Opened] = msgspec.msgpack.Decoder(Opened)


class Writes:
    """A group of changes that belong together; owned by whoever fills it, applied once."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[Write] = []

    def put(self, store: Store, key: bytes, record: Record | Entry | bytes) -> None:
        """Write a record, over the one that was there."""
        self.rows.append((store, key, record if isinstance(record, bytes) else pack(record)))

    def drop(self, store: Store, key: bytes) -> None:
        """Remove a record, if it is there."""
        self.rows.append((store, key, None))


class Database:
    """One state. Made by `create` or `unlock`; used from one event loop."""

    def __init__(self, file: File, thread: ThreadPoolExecutor, head: Head) -> None:
        self._file = file
        self._thread = thread
        self._waiting: deque[tuple[list[Write], asyncio.Future[None]]] = deque()
        self._loop = asyncio.get_running_loop()
        self.head = head
        self.failed = asyncio.Event()
        self._closed = False

    @classmethod
    async def create(cls, path: Path, derived: Derived, salt: bytes, tenant: bytes, account: bytes) -> "Database":
        """A new state whose vault key opens with the second half of what was derived. Raises StateExists."""
        vault_key = urandom(KEY_BYTES)
        head = Head(tenant, account, salt, wrap_vault_key(vault_key, derived.wrap, tenant, account))
        thread = _new_thread()
        file = await _in(thread, lambda: _made(path, head, vault_key))
        return cls(file, thread, head)

    @classmethod
    async def unlock(cls, path: Path, password: str) -> tuple["Database", Derived]:
        """The state at `path`. Raises StateMissing, StateInUse, StateDamaged, WrongPassword."""
        thread = _new_thread()
        try:
            file = await _in(thread, lambda: _found(path))
        except BaseException:
            thread.shutdown(wait=False)
            raise
        try:
            head = await _in(thread, file.head)
            derived = await stretched(password, head.salt)
            file.unlock(_unwrapped(head, derived))
        except BaseException:
            await _in(thread, file.close)
            thread.shutdown(wait=False)
            raise
        return cls(file, thread, head), derived

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def submit(self, writes: Writes) -> "asyncio.Future[None]":
        """Put a group into the next transaction. Several groups that wait share one."""
        done: asyncio.Future[None] = self._loop.create_future()
        done.add_done_callback(_seen)
        if self._closed:
            done.set_exception(StateFailed("The local state was closed."))
            return done
        self._waiting.append((writes.rows, done))
        self._thread.submit(self._drain)
        return done

    async def commit(self, writes: Writes) -> None:
        """The same, awaited."""
        if writes.rows:
            await asyncio.shield(self.submit(writes))

    def _drain(self) -> None:
        """In the thread: everything that waits, as one transaction."""
        groups = []
        while self._waiting:
            groups.append(self._waiting.popleft())
        if not groups:
            return
        try:
            if self.failed.is_set():
                raise StateFailed("The local state can no longer be written.")
            self._file.apply(write for rows, _ in groups for write in rows)
        except SottoError as error:
            self._loop.call_soon_threadsafe(self._refuse, [done for _, done in groups], error)
        else:
            self._loop.call_soon_threadsafe(_settle, [done for _, done in groups])

    def _refuse(self, dones: list["asyncio.Future[None]"], error: SottoError) -> None:
        self.failed.set()
        for done in dones:
            if not done.done():
                done.set_exception(error)

    async def read(self, ask: Callable[[File], T]) -> T:
        """Run a read in the state's thread, after everything submitted before."""
        if self._closed:
            raise StateFailed("The local state was closed.")
        return await _in(self._thread, lambda: ask(self._file))

    async def opened(self, keys: Sequence[bytes]) -> dict[bytes, Opened]:
        """Which of these sends were opened before."""
        found = await self.read(lambda file: file.get(Store.OPENED, keys))
        return {key: _opened.decode(raw) for key, raw in found.items()}

    async def load(self) -> Loaded:
        """Everything that is kept in memory."""
        return await self.read(load)

    async def forget_opened(self, before_ms: int) -> None:
        """Forget which sends were opened before that time: their boxes expired long ago."""
        await self.read(lambda file: forget_opened(file, before_ms))

    async def close(self) -> None:
        """Write what waits and let go of the file. Once is enough; what comes after it fails with `StateFailed`."""
        if self._closed:
            return
        self._closed = True
        await _in(self._thread, self._file.close)
        self._thread.shutdown(wait=False)


async def stretched(password: str, salt: bytes) -> Derived:
    """The password's two halves, derived beside the loop: 64 MiB and some tenths of a second."""
    return await asyncio.to_thread(derive, password, salt)


def _unwrapped(head: Head, derived: Derived) -> bytes:
    try:
        return unwrap_vault_key(head.wrapped, derived.wrap, head.tenant, head.account)
    except Refused:
        raise WrongPassword("The password does not open the local state.") from None


def _made(path: Path, head: Head, vault_key: bytes) -> File:
    if path.exists() and path.stat().st_size:
        raise StateExists("There is a local state at that path already.")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = File(path)
    file.create(head)
    file.unlock(vault_key)
    return file


def _found(path: Path) -> File:
    if not path.is_file():
        raise StateMissing("There is no local state at that path.")
    return File(path)


def _new_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="sotto-state")


async def _in(thread: ThreadPoolExecutor, job: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, job)


def _settle(dones: Iterable["asyncio.Future[None]"]) -> None:
    for done in dones:
        if not done.done():
            done.set_result(None)


def _seen(done: "asyncio.Future[None]") -> None:
    """A group whose submitter did not wait still must not warn at exit: `Database.failed` tells of it."""
    if not done.cancelled():
        done.exception()
