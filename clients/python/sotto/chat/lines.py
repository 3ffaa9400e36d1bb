"""A room as lines of styled text, wrapped to a width in terminal cells. Pure: the same room gives the same lines."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final

from prompt_toolkit.utils import get_cwidth

from sotto.chat.room import Remark, Room
from sotto.chat.safe_text import safe, safe_lines
from sotto.chat.words import gap_of, notes_of, stage_of
from sotto.values import Gap, Message

Line = list[tuple[str, str]]
"""One line: (style class, text) pairs."""

INDENT: Final = "  "
MIN_WIDTH: Final = 10


def lines_of(room: Room, width: int, zone: tzinfo | None) -> list[Line]:
    """Everything of the room, top to bottom."""
    return [line for item in _items(room) for line in item.render(width, zone)]


class _Item:
    """Something with a place."""

    def __init__(self, room: Room, what: Message | Gap | Remark, *, day: bool, joined: bool) -> None:
        self._room, self._what, self._day, self._joined = room, what, day, joined

    def render(self, width: int, zone: tzinfo | None) -> Iterator[Line]:
        what = self._what
        if isinstance(what, Message):
            if self._day:
                yield _rule(_when(what, zone).strftime("%A %d %B %Y"), width)
            yield from self._message(what, width, zone)
        elif isinstance(what, Gap):
            text = f"⋯ {gap_of(what.missing, safe(self._room.alias(what.sender)))} ⋯"
            yield from _styled("class:gap", wrap(text, width))
        else:
            style = "class:caution" if what.caution else "class:remark"
            yield from _styled(style, wrap(what.text, width))

    def _message(self, message: Message, width: int, zone: tzinfo | None) -> Iterator[Line]:
        if not self._joined:
            yield from self._head(message, width, zone)
        for text in safe_lines(message.text):
            for piece in wrap(text, width - len(INDENT)):
                yield [("class:text", INDENT + piece)]

    def _head(self, message: Message, width: int, zone: tzinfo | None) -> Iterator[Line]:
        own = message.outgoing
        who = "you" if own else safe(self._room.alias(message.sender))
        aside = [stage_of(message)] if own else notes_of(message)
        style = "class:own" if own else "class:other"
        head = " · ".join([f"{_when(message, zone):%H:%M} {who}", *aside])
        yield from _styled(style, wrap(head, width))


def _items(room: Room) -> Iterator[_Item]:
    before: Message | Gap | Remark | None = None
    day = ""
    for what in _in_order(room):
        new_day = ""
        if isinstance(what, Message):
            new_day = f"{_when(what, None):%Y-%m-%d}"
        joined = isinstance(what, Message) and _joined(before, what)
        yield _Item(room, what, day=bool(new_day) and new_day != day, joined=joined and new_day == day)
        day = new_day or day
        before = what


def _in_order(room: Room) -> Iterator[Message | Gap | Remark]:
    """Entries by place, each remark after the entry that it stands behind."""
    remarks = sorted(room.remarks, key=lambda remark: remark.place)
    at = 0
    for place in sorted(room.entries):
        while at < len(remarks) and remarks[at].place < place:
            yield remarks[at]
            at += 1
        yield room.entries[place]
    yield from remarks[at:]


def _joined(before: Message | Gap | Remark | None, message: Message) -> bool:
    """Whether a message continues what the same person said in the same minute."""
    if not isinstance(before, Message) or message.outgoing or notes_of(message):
        return False
    minute_ms = 60_000
    return before.sender == message.sender and before.sent_at // minute_ms == message.sent_at // minute_ms


def _when(message: Message, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(message.sent_at / 1000, zone).astimezone(zone)


def _rule(text: str, width: int) -> Line:
    """A day between two lines."""
    label = f" {text} "
    if get_cwidth(label) >= width:
        return [("class:day", clip(text, width))]
    left = (width - get_cwidth(label)) // 2
    return [("class:day", "─" * left + label + "─" * (width - left - get_cwidth(label)))]


def _styled(style: str, texts: list[str]) -> Iterator[Line]:
    for text in texts:
        yield [(style, text)]


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at blanks where that is possible. One pass."""
    width = max(width, MIN_WIDTH)
    lines, start, used, blank = [], 0, 0, -1
    for at, char in enumerate(text):
        used += get_cwidth(char)
        if used > width:
            cut = blank if blank > start else at
            lines.append(text[start:cut].rstrip(" "))
            start = cut + 1 if cut == blank else cut
            used, blank = get_cwidth(text[start : at + 1]), -1
        if char == " ":
            blank = at
    return [*lines, text[start:]]


def clip(text: str, width: int) -> str:
    """The text in one line of at most `width` cells."""
    if get_cwidth(text) <= width:
        return text
    return text[: _fitting(text, max(width - 1, 0))] + "…"


def _fitting(text: str, width: int) -> int:
    """How many characters fit into so many cells."""
    used = 0
    for at, char in enumerate(text):
        used += get_cwidth(char)
        if used > width:
            return at
    return len(text)
