"""Typing and read marks: boxed like all else, never stored by the server, each with its switch (DESIGN section 4)."""

from typing import Final

from msgspec.structs import replace

from chatserver.wire.frames import Fleeting, Sealed, Whisper
from crypto.envelope import Content, Opened, commit, seal
from crypto.fields import HASH_BYTES, ID_BYTES, ZERO_HASH, Reader, u64
from crypto.keys import FrameClass, Refused
from sotto.core import Core
from sotto.directory import Directory
from sotto.state import Writes
from sotto.values import ReadUpTo, Typing, Whispered

TYPING_EVERY_S: Final = 4.0
"""How often, at most, typing is told; whoever hears it lets it fade after `TYPING_FADES_S`."""
TYPING_FADES_S: Final = 10.0
_ON: Final = b"\x01"

Mark = tuple[bytes, int, bytes]
"""A read mark: sender device 16, seq, its commitment 32."""


class Whispers:
    """Makes fleeting frames. Owned by the connection's sending side."""

    def __init__(self, core: Core, directory: Directory) -> None:
        self._core = core
        self._directory = directory
        self._n = 0
        self._typed_at: dict[bytes, float] = {}

    def typing(self, scope: bytes, *, on: bool) -> Fleeting | None:
        """This person types, or stopped. None if the switch is off or it was told a moment ago."""
        now = self._core.clock.monotonic_s()
        soon = on and now - self._typed_at.get(scope, -TYPING_EVERY_S) < TYPING_EVERY_S
        silent = not on and scope not in self._typed_at
        if not self._core.profile.typing or soon or silent:
            return None
        if on:
            self._typed_at[scope] = now
        else:
            del self._typed_at[scope]
        return self._frame(scope, Whispered.TYPING, _ON if on else b"\x00")

    def read(self, scope: bytes) -> Fleeting | None:
        """How far this person has read. None if the switch is off or nothing was read."""
        marks = self._directory.talk(scope).read
        if not marks or not self._core.profile.read_marks:
            return None
        return self._frame(scope, Whispered.READ, encode_marks(marks))

    def _frame(self, scope: bytes, kind: Whispered, body: bytes) -> Fleeting | None:
        core, now = self._core, self._core.now_ms()
        self._n = max(self._n + 1, now)
        present = self._directory.present(scope)
        recipients = core.pins.recipients(present, now)
        if not recipients or self._directory.unseen(scope) or not core.profile.linked:
            return None
        content = Content(kind, self._n, now, ZERO_HASH, core.pins.members(scope, present), body)
        made = commit(FrameClass.FLEETING, scope, core.pins.device, self._n, content, random=core.random)
        try:
            boxes = seal(made, core.keys.sender(core.own_list), recipients, now, random=core.random)
        except (Refused, LookupError):
            return None  # nothing is lost: it is said again
        return Fleeting(scope, self._n, made.c, tuple(Sealed(box.device_id, box.key_no, box.box) for box in boxes))


class Heard:
    """Takes what others whisper."""

    def __init__(self, core: Core, directory: Directory) -> None:
        self._core = core
        self._directory = directory

    def take(self, frame: Whisper, opened: Opened) -> None:
        """Tell what an opened fleeting box says; unknown kinds say nothing to this version."""
        account = self._core.pins.sender(frame.sender, self._directory.ever(frame.scope))
        if account is None or account == self._core.profile.account:
            return
        if opened.content.kind == Whispered.TYPING:
            self._core.events.tell(Typing(frame.scope, account, opened.content.body == _ON))
        elif opened.content.kind == Whispered.READ:
            self._read(frame.scope, account, opened.content.body)

    def _read(self, scope: bytes, account: bytes, body: bytes) -> None:
        try:
            marks = decode_marks(body)
        except Refused:
            return
        own = max((seq for device, seq, _ in marks if device == self._core.pins.device), default=0)
        talk = self._directory.talk(scope)
        if own > dict(talk.read_by).get(account, 0):
            read_by = tuple((dict(talk.read_by) | {account: own}).items())
            writes = Writes()
            self._core.keep_talk(writes, scope, replace(talk, read_by=read_by))
            self._core.save(writes)
            self._core.events.tell(ReadUpTo(scope, account, self._core.pins.device, own))


def encode_marks(marks: tuple[Mark, ...]) -> bytes:
    """The body of a read mark: (sender device 16, seq u64, c 32) for each device."""
    return b"".join(device + u64(seq) + c for device, seq, c in marks)


def decode_marks(body: bytes) -> list[Mark]:
    """The inverse of `encode_marks`. Raises `Refused`."""
    reader, size = Reader(body), ID_BYTES + 8 + HASH_BYTES
    marks = [(reader.take(ID_BYTES), reader.uint(8), reader.take(HASH_BYTES)) for _ in range(len(body) // size)]
    reader.end()
    return marks
