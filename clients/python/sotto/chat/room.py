"""One open conversation as the screen shows it: entries in their places, remarks between them, who types. Pure."""

from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from sotto.fleeting import TYPING_FADES_S
from sotto.values import Conversation, Entry, Gap, Message, Stage

MAX_ENTRIES: Final = 2_000
"""Entries kept for the screen; older ones are read again from the history."""
MAX_REMARKS: Final = 200


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that this client says, standing after the entry at `place`."""

    place: int
    text: str
    caution: bool = False


@dataclass(slots=True)
class Room:
    """Owned by the screen. `entries` by place."""

    conversation: Conversation
    entries: dict[int, Entry] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    typing: dict[bytes, float] = field(default_factory=dict)
    version: int = 0
    """Grows with each change of what the lines show."""

    @property
    def newest(self) -> int:
        """The place of the last entry."""
        return max(self.entries, default=0)

    @property
    def oldest(self) -> int:
        """The place of the first entry on screen."""
        return min(self.entries, default=0)

    def add(self, entries: list[Entry]) -> None:
        """Entries of the history, or new ones."""
        for entry in entries:
            self.entries[entry.place] = entry
        for place in sorted(self.entries)[:-MAX_ENTRIES]:
            del self.entries[place]
        self.version += 1

    def put_gap(self, gap: Gap) -> None:
        """A gap opened, shrank or closed."""
        if gap.missing > 0:
            self.entries[gap.place] = gap
        else:
            self.entries.pop(gap.place, None)
        self.version += 1

    def set_stage(self, place: int, stage: Stage, refusal: str = "", seq: int = 0) -> None:
        """A message of one's own came further. `sent` never covers something later."""
        entry = self.entries.get(place)
        if not isinstance(entry, Message) or (stage is Stage.SENT and entry.stage is not Stage.QUEUED):
            return
        self.entries[place] = replace(entry, stage=stage, refusal=refusal, seq=seq or entry.seq)
        self.version += 1

    def read_up_to(self, seq: int) -> None:
        """The other side has read these."""
        for place, entry in self.entries.items():
            if isinstance(entry, Message) and _may_be_read(entry, seq):
                self.entries[place] = replace(entry, stage=Stage.READ)
        self.version += 1

    def remark(self, text: str, *, caution: bool = False) -> None:
        """Say something here and now."""
        self.remarks = [*self.remarks[-MAX_REMARKS + 1 :], Remark(self.newest, text, caution)]
        self.version += 1

    def types(self, account: bytes, *, on: bool, now_s: float) -> None:
        """Somebody types, or stopped."""
        if on:
            self.typing[account] = now_s + TYPING_FADES_S
        else:
            self.typing.pop(account, None)

    def typists(self, now_s: float) -> list[str]:
        """Who types now, by alias."""
        return [self.alias(account) for account, until in self.typing.items() if now_s < until]

    def alias(self, account: bytes) -> str:
        """How somebody is called here."""
        found = next((member for member in self.conversation.members if member.account == account), None)
        return found.alias if found else "somebody"


def _may_be_read(message: Message, seq: int) -> bool:
    return message.outgoing and 0 < message.seq <= seq and message.stage in (Stage.SAFE, Stage.DELIVERED)
