"""Events as remarks: what each of them means in words, or nothing if it only changes the screen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sotto.chat.words import ALARMS, BLOCKED, FORK, LINK_WORDS, LINKED, LINKS, UNOPENED, UNREACHABLE
from sotto.values import (
    Alarm,
    Blocked,
    ContactChanged,
    Event,
    ForkSeen,
    Linked,
    LinksChanged,
    LinkWanted,
    Missed,
    Unopened,
    Unreachable,
)

_CALM: Final = frozenset({Alarm.PINNED, Alarm.DEVICE_REMOVED, Alarm.MEMBER_REMOVED, Alarm.DEVICE_ADDED})

Name = Callable[[bytes], str]
"""An account's alias, made safe."""


@dataclass(frozen=True, slots=True)
class Tiding:
    """A remark. `caution` stands out."""

    text: str
    caution: bool = False


def _linking(event: LinkWanted | Linked | LinksChanged) -> Tiding:
    if isinstance(event, LinkWanted):
        return Tiding(LINK_WORDS.format(words=" ".join(event.words)))
    return Tiding(LINKED) if isinstance(event, Linked) else Tiding(LINKS, caution=True)


def tiding_of(event: Event, name: Name, device_name: Name) -> Tiding | None:  # noqa: PLR0911  a table of types
    """What an event says in words."""
    if isinstance(event, ContactChanged):
        return Tiding(ALARMS[event.alarm].format(who=name(event.account)), event.alarm not in _CALM)
    if isinstance(event, Blocked):
        return Tiding(BLOCKED, caution=True)
    if isinstance(event, ForkSeen):
        return Tiding(FORK.format(who=device_name(event.device)), caution=True)
    if isinstance(event, LinkWanted | Linked | LinksChanged):
        return _linking(event)
    if isinstance(event, Unopened):
        return Tiding(UNOPENED.format(who=device_name(event.device)))
    if isinstance(event, Unreachable):
        return Tiding(UNREACHABLE.format(who=", ".join(map(name, event.persons)))) if event.persons else None
    return Tiding(f"{event.count} remarks were too quick for the screen.") if isinstance(event, Missed) else None
