"""What comes in: each message once and in its place, holes visible, lies shown; two devices and no server between."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatserver.wire.frames import Deliver, Whisper
from crypto.envelope import Committed, Content, commit, seal
from crypto.fields import ZERO_HASH
from crypto.keys import Device, DeviceList, FrameClass, sign_list
from crypto.vault import Derived
from sotto.api import Api
from sotto.clock import SystemClock
from sotto.core import Core
from sotto.directory import Directory
from sotto.events import Listener
from sotto.fleeting import Whispers, decode_marks, encode_marks
from sotto.incoming import Intake
from sotto.state import Database, History, Writes
from sotto.state.records import Person, Profile, Store, Talk
from sotto.values import Arrived, ForkSeen, Gap, GapSeen, Kind, Message, ReadUpTo, Typing, Unopened

SCOPE, TENANT = b"c" * 16, b"t" * 16
FAR = 2**53 - 1


@dataclass
class End:
    """One device with everything that takes in messages."""

    core: Core
    directory: Directory
    intake: Intake
    heard: Listener
    number: int = 0

    @property
    def own(self) -> bytes:
        return self.core.profile.account

    async def take(self, *frames: Deliver) -> tuple[tuple[int, ...], tuple[int, ...]]:
        ack = await self.intake.take(frames)
        return ack.opened, ack.unreadable

    async def texts(self) -> list[str]:
        page = await History(self.core.database).page(SCOPE, FAR, 99)
        return [entry.text if isinstance(entry, Message) else f"[{entry.missing}]" for entry in page]

    def told(self, kind: type) -> list[object]:
        events = []
        while (event := self.heard.take()) is not None:
            events.append(event)
        return [event for event in events if isinstance(event, kind)]


async def end(path: Path, name: str) -> End:
    seed = name.encode() * 32
    database = await Database.create(path, Derived(b"l" * 32, b"w" * 32), b"s" * 16, TENANT, name.encode() * 16)
    profile = Profile("http://x", name, TENANT, name.encode() * 16, "patient", name, "d", seed[:32], seed[::-1][:32])
    writes = Writes()
    writes.put(Store.PROFILE, b"", profile)
    await database.commit(writes)
    core = Core.of(database, await database.load(), SystemClock())
    now = core.now_ms()
    listed = (Device(core.device.public, True, now),)
    own = DeviceList(TENANT, profile.account, 1, ZERO_HASH, core.identity.public, now, False, listed)
    core.pins.take_own_list(sign_list(own, core.identity))
    made = core.keys.make(now, core.device, own, core.random)
    core.keys.published(made.key_no, now)
    directory = Directory(core, Api("http://127.0.0.1:9"))
    return End(core, directory, Intake(core, directory, 0), core.events.listen())


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[End, End]]:
    ends = [await end(tmp_path / f"{name}.state", name) for name in "ab"]
    people = tuple(Person(one.own, one.core.profile.alias, "patient") for one in ends)
    for one in ends:
        writes = Writes()
        one.core.keep_talk(writes, SCOPE, Talk("support", people, tuple(person.account for person in people)))
        for other in ends:
            if other is not one:
                one.core.pins.take_list(other.own, other.core.pins.raw_own(1))
                newest = other.core.keys.newest
                assert newest is not None
                one.core.pins.take_bundle(newest.bundle)
        await one.core.saved(writes)
    yield ends[0], ends[1]
    for one in ends:
        await one.core.database.close()
        await one.directory._api.close()


class Speaker:
    """Seals the messages of one end for the other, in any order that a test likes to deliver."""

    def __init__(self, one: End, other: End) -> None:
        self.one, self.other, self.prev, self.seq, self.n, self.number = one, other, ZERO_HASH, 0, 0, 0

    def say(self, text: str) -> Deliver:
        self.seq += 1
        self.n += 1
        made = self.committed(text, self.n, self.seq, self.prev)
        self.prev = made.c
        return self.deliver(made)

    def committed(self, text: str, n: int, seq: int, prev: bytes) -> Committed:
        core = self.one.core
        members = core.pins.members(SCOPE, self.one.directory.present(SCOPE))
        content = Content(Kind.TEXT, seq, core.now_ms(), prev, members, text.encode())
        return commit(FrameClass.MESSAGE, SCOPE, core.pins.device, n, content)

    def deliver(self, made: Committed) -> Deliver:
        core, now = self.one.core, self.one.core.now_ms()
        to = core.pins.recipients([self.other.own], now)
        (box,) = seal(made, core.keys.sender(core.own_list), to, now)
        self.number += 1
        device = core.pins.device
        return Deliver(self.number, SCOPE, device, made.n, made.c, now, 1, bytes(32), box.key_no, box.box)


async def test_messages_are_committed_then_acknowledged_then_told(pair: tuple[End, End]) -> None:
    a, b = pair
    says = Speaker(a, b)
    assert await b.take(says.say("one"), says.say("two")) == ((1, 2), ())
    assert await b.texts() == ["one", "two"]
    assert len(b.told(Arrived)) == 2


async def test_the_same_box_again_is_acknowledged_and_shown_once(pair: tuple[End, End]) -> None:
    a, b = pair
    one = Speaker(a, b).say("one")
    assert await b.take(one, one) == ((1, 1), ())
    assert await b.take(one) == ((1,), ())
    assert await b.texts() == ["one"]


async def test_a_hole_is_visible_and_closes_when_it_is_filled_in_place(pair: tuple[End, End]) -> None:
    a, b = pair
    says = Speaker(a, b)
    one, two, three, four = (says.say(text) for text in ("one", "two", "three", "four"))
    await b.take(one, four)
    assert await b.texts() == ["one", "[2]", "four"]
    await b.take(three)
    assert await b.texts() == ["one", "[1]", "three", "four"]
    await b.take(two)
    assert await b.texts() == ["one", "two", "three", "four"]
    missing = [event.gap.missing for event in b.told(GapSeen) if isinstance(event, GapSeen)]
    assert missing == [2, 1, 0]


async def test_a_hole_is_remembered_over_a_restart(pair: tuple[End, End]) -> None:
    a, b = pair
    says = Speaker(a, b)
    one, two, three = (says.say(text) for text in ("one", "two", "three"))
    await b.take(one, three)
    loaded = await b.core.database.load()
    core = Core.of(b.core.database, loaded, SystemClock())
    directory = Directory(core, Api("http://127.0.0.1:9"))
    again = End(core, directory, Intake(core, directory, 0), core.events.listen())
    assert await again.take(two) == ((2,), ())
    assert await again.texts() == ["one", "two", "three"]
    assert [entry for entry in await History(core.database).page(SCOPE, FAR, 9) if isinstance(entry, Gap)] == []


async def test_two_things_under_one_number_are_a_fork_and_the_first_stays(pair: tuple[End, End]) -> None:
    a, b = pair
    says = Speaker(a, b)
    await b.take(says.say("first"))
    forged = says.deliver(says.committed("second", 1, 1, ZERO_HASH))
    assert await b.take(forged) == ((), (2,))
    assert await b.texts() == ["first"]
    assert len(b.told(ForkSeen)) == 1


async def test_a_changed_box_is_kept_as_it_came_and_asked_for_again(pair: tuple[End, End]) -> None:
    a, b = pair
    says = Speaker(a, b)
    made = says.committed("one", 1, 1, ZERO_HASH)
    whole = says.deliver(made)
    broken = whole.box[:-1] + bytes([whole.box[-1] ^ 1])
    frame = Deliver(1, SCOPE, whole.sender, 1, whole.c, whole.accepted_at, 1, bytes(32), whole.key_no, broken)
    assert await b.take(frame) == ((), (1,))
    assert await b.core.database.read(lambda file: file.count(Store.UNREADABLE)) == 1
    assert len(b.told(Unopened)) == 1
    assert await b.take(says.deliver(made)) == ((2,), ())
    assert await b.texts() == ["one"]
    assert await b.core.database.read(lambda file: file.count(Store.UNREADABLE)) == 0


async def test_somebody_who_is_not_a_member_is_not_heard(pair: tuple[End, End], tmp_path: Path) -> None:
    _, b = pair
    stranger = await end(tmp_path / "x.state", "x")
    newest = b.core.keys.newest
    assert newest is not None
    stranger.core.pins.take_list(b.own, b.core.pins.raw_own(1))
    stranger.core.pins.take_bundle(newest.bundle)
    stranger.core.keep_talk(Writes(), SCOPE, b.core.talks[SCOPE])
    assert await b.take(Speaker(stranger, b).say("let me in")) == ((), (1,))
    assert await b.texts() == []
    await stranger.core.database.close()


async def test_whispers_are_heard_once_and_never_backwards(pair: tuple[End, End]) -> None:
    a, b = pair
    sent = Whispers(a.core, a.directory).typing(SCOPE, on=True)
    assert sent is not None
    box = sent.boxes[0]
    frame = Whisper(SCOPE, a.core.pins.device, sent.n, sent.c, a.core.now_ms(), box.key_no, box.box)
    await b.intake.overhear(frame)
    await b.intake.overhear(frame)
    assert b.told(Typing) == [Typing(SCOPE, a.own, True)]


async def test_a_read_mark_says_how_far_they_read(pair: tuple[End, End]) -> None:
    a, b = pair
    says = Speaker(a, b)
    await b.take(says.say("one"), says.say("two"))
    heads = tuple(b.core.streams.heads(SCOPE))
    b.core.keep_talk(Writes(), SCOPE, replace(b.core.talks[SCOPE], read=heads))
    sent = Whispers(b.core, b.directory).read(SCOPE)
    assert sent is not None
    box = sent.boxes[0]
    await a.intake.overhear(Whisper(SCOPE, b.core.pins.device, sent.n, sent.c, a.core.now_ms(), box.key_no, box.box))
    assert a.told(ReadUpTo) == [ReadUpTo(SCOPE, b.own, a.core.pins.device, 2)]


async def test_typing_is_told_at_most_every_few_seconds_and_its_end_once(pair: tuple[End, End]) -> None:
    a, _ = pair
    whispers = Whispers(a.core, a.directory)
    assert whispers.typing(SCOPE, on=True) is not None
    assert whispers.typing(SCOPE, on=True) is None
    assert whispers.typing(SCOPE, on=False) is not None
    assert whispers.typing(SCOPE, on=False) is None


def test_read_marks_are_written_and_read_back() -> None:
    marks = ((b"d" * 16, 7, b"c" * 32), (b"e" * 16, 2**53 - 1, b"f" * 32))
    assert tuple(decode_marks(encode_marks(marks))) == marks
