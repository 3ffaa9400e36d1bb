"""A commit that fails: nobody was handed anything, the sender is refused retryably, neighbours are untouched."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import apsw
import pytest

from chatserver.app import store_path
from chatserver.store.faults import Faults, Moment
from chatserver.store.queries import MailboxPage
from chatserver.wire import errors, frames, limits
from loadtests.actors import Device
from loadtests.chaos.server import Organisation
from tests.journeys.stage_house import House
from tests.journeys.stage_raw import Raw, joined
from tests.journeys.stage_until import stage_until

SENDERS: Final = 4
ERRORS: Final[dict[str, Exception]] = {
    "full": apsw.FullError("made up"),
    "locked": apsw.BusyError("made up"),
    "lost": apsw.IOError("made up"),
    "data": apsw.ConstraintError("made up"),
}
KNOWN: Final = [Moment.BEGINNING, Moment.BEFORE]
LARGEST: Final = limits.MAX_BOX_BYTES
MIB: Final = 1024 * 1024


class Struck(Faults):
    """Every commit fails at the armed moments until it is disarmed. Armed by the test, between commits."""

    def __init__(self) -> None:
        super().__init__({})
        self.armed: dict[Moment, Exception] = {}

    def strike(self, moment: Moment) -> None:
        if moment in self.armed:
            raise self.armed[moment]


@dataclass
class Scene:
    """Four senders, each in a conversation with one who reads and one who is away. Owned by the test."""

    home: House
    faults: Struck
    senders: list[Raw]
    scopes: list[bytes]
    reader: Raw
    away: Device

    async def all_say(self, size: int = limits.BUCKET_BYTES[0] + limits.BOX_OVERHEAD_BYTES) -> list[frames.Send]:
        """One message of each sender, all in one batch: the commits keep their distance."""
        to = [self.reader.device, self.away]
        said = [sender.device.message(scope, to, size) for sender, scope in zip(self.senders, self.scopes, strict=True)]
        await self.repeat(said)
        return said

    async def repeat(self, said: list[frames.Send]) -> None:
        """The very same frames, each from its sender."""
        await asyncio.gather(*(sender.put(send) for sender, send in zip(self.senders, said, strict=True)))

    def who_said(self, said: list[frames.Send]) -> list[tuple[bytes, int]]:
        return [(sender.device.id, send.n) for sender, send in zip(self.senders, said, strict=True)]

    async def refused(self, said: list[frames.Send]) -> None:
        """Each sender was refused retryably, under a number that is still free."""
        for sender, send in zip(self.senders, said, strict=True):
            await sender.until(lambda s=sender, n=send.n: bool(s.refusals(n)), "a refusal")  # type: ignore[misc]  # a default binds
            (refusal,) = sender.refusals(send.n)
            assert (refusal.code, refusal.retry, refusal.known) == (errors.NOT_SAVED.code, True, False)
            assert sender.marks(send.n) == []

    async def safe(self, said: list[frames.Send]) -> None:
        for sender, send in zip(self.senders, said, strict=True):
            await sender.until(lambda s=sender, n=send.n: "safe" in s.marks(n), "safe")  # type: ignore[misc]  # same

    async def handed_over(self, said: list[frames.Send]) -> None:
        """Who reads got each of them once, and so will who is away."""
        keys = set(self.who_said(said))
        await stage_until(lambda: keys <= set(self.reader.got()), "handed over")
        for place in (self.reader.got(), await self.waiting()):
            assert keys <= set(place)
            assert len(place) == len(set(place))

    async def events(self, said: list[frames.Send]) -> list[int]:
        """How many events the audit has of each send."""
        async with Organisation(self.home.settings()) as organisation:
            found = await organisation.sends()
        return [found[key] for key in self.who_said(said)]

    async def waiting(self) -> list[tuple[bytes, int]]:
        """The mailbox of the one who is away."""
        rows = await self.home.node.people.store.read(MailboxPage(self.away.id, 0, 1_000, 2**40))
        return [(row.sender, row.n) for row in rows]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(tmp_path) as made:
        yield made


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Scene]:
    faults = Struck()
    home = House(folder, faults=faults, commit_distance_ms=50.0)
    await home.start()
    async with aiohttp.ClientSession() as http:
        names = [f"sender {number}" for number in range(SENDERS)]
        *senders, reader, away = await joined(home.url, http, [*names, "reader", "away"], home.code)
        scopes = [await home.together(sender, reader, away) for sender in senders]
        made = Scene(home, faults, [await Raw(one).live() for one in senders], scopes, await Raw(reader).live(), away)
        await made.safe(await made.all_say())
        await stage_until(lambda: len(made.reader.got()) == SENDERS, "the scene is set")
        yield made
        for raw in (*made.senders, made.reader):
            await raw.leave()
        await home.close()


@pytest.mark.parametrize("moment", KNOWN)
async def test_a_batch_that_was_not_saved_reached_nobody_and_its_repeat_is_one_message(
    scene: Scene, moment: Moment
) -> None:
    for failure in ERRORS.values():
        before = scene.reader.got()
        scene.faults.armed = {moment: failure}
        said = await scene.all_say()
        await scene.refused(said)
        assert scene.reader.got() == before
        assert not set(await scene.waiting()) & set(scene.who_said(said))
        scene.faults.armed = {}
        await scene.repeat(said)
        await scene.safe(said)
        await scene.handed_over(said)
        assert await scene.events(said) == [1] * SENDERS


async def test_a_batch_is_one_commit(scene: Scene) -> None:
    before = scene.faults.commits
    await scene.safe(await scene.all_say())
    assert scene.faults.commits - before < SENDERS


async def test_a_commit_that_only_seemed_to_fail_is_receipted_once(scene: Scene) -> None:
    for failure in ERRORS.values():
        scene.faults.armed = {Moment.AFTER: failure}
        said = await scene.all_say()
        await scene.safe(said)
        scene.faults.armed = {}
        await scene.handed_over(said)
        assert await scene.events(said) == [1] * SENDERS
        answers = zip(scene.senders, said, strict=True)
        assert [sender.refusals(send.n) for sender, send in answers] == [[]] * SENDERS


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
async def test_when_nobody_knows_the_sender_comes_back_and_the_repeat_is_one_message(
    scene: Scene, moment: Moment
) -> None:
    scene.faults.armed = {moment: ERRORS["lost"], Moment.SETTLING: ERRORS["lost"]}
    said = await scene.all_say()
    for sender in scene.senders:
        await sender.until(lambda s=sender: s.ended == errors.STORE_LOST.closes, "store_lost")  # type: ignore[misc]  # a default binds
    assert len(scene.reader.got()) == SENDERS
    scene.faults.armed = {}
    for sender in scene.senders:
        await sender.leave()
        await sender.connect()
    await scene.repeat(said)
    await scene.safe(said)
    await scene.handed_over(said)
    assert await scene.events(said) == [1] * SENDERS


async def test_one_bad_send_is_refused_and_its_neighbours_in_the_batch_are_not(scene: Scene) -> None:
    async with aiohttp.ClientSession() as http:
        (ghost,) = await joined(scene.home.url, http, ["ghost"], scene.home.code)
    bad = scene.senders[0]
    haunted = await scene.home.together(bad.device, ghost)
    await bad.say(haunted, [ghost])
    await bad.until(lambda: "safe" in bad.marks(bad.device.n), "the conversation is known")
    _refuse_boxes_for(store_path(scene.home.settings()), ghost)
    message = bad.device.message(haunted, [ghost])
    to = [scene.reader.device, scene.away]
    good = [raw.device.message(scope, to) for raw, scope in zip(scene.senders, scene.scopes, strict=True)]
    await asyncio.gather(
        *(raw.put(send) for raw, send in zip(scene.senders[1:], good[1:], strict=True)), bad.put(message)
    )
    await bad.put(good[0])
    await bad.until(lambda: bool(bad.refusals(message.n)), "refused")
    assert [(refusal.code, refusal.known) for refusal in bad.refusals(message.n)] == [("not_saved", False)]
    await scene.safe(good)
    assert await scene.events(good) == [1] * SENDERS
    async with Organisation(scene.home.settings()) as organisation:
        assert (await organisation.sends())[(bad.device.id, message.n)] == 0


def _refuse_boxes_for(path: Path, device: Device) -> None:
    """From now on the database itself finds a fault with every box for that device."""
    other = apsw.Connection(str(path))
    rule = f"create trigger bad before insert on mailbox when new.device = x'{device.id.hex()}'"
    other.execute(f"{rule} begin select raise(abort, 'made up'); end")
    other.close()


async def test_a_lock_held_by_another_program_refuses_sends_and_reads_go_on(scene: Scene) -> None:
    other = apsw.Connection(str(store_path(scene.home.settings())))
    other.execute("begin immediate")
    said = await scene.all_say()
    assert len(await scene.waiting()) == SENDERS
    await scene.refused(said)
    assert len(scene.reader.got()) == SENDERS
    other.execute("rollback")
    other.close()
    await scene.repeat(said)
    await scene.safe(said)
    assert await scene.events(said) == [1] * SENDERS


# -- full --------------------------------------------------------------------------------------------------------


class Disk:
    """The disk of a house, with an end that comes soon. `place`: its mount point, None if SQLite's limit plays it."""

    def __init__(self, place: Path | None) -> None:
        self.place = place

    def fill(self, home: House) -> None:
        """Leave about 25 MiB."""
        if self.place is not None:
            (self.place / "ballast").write_bytes(bytes(20 * MIB))
        else:
            connection = self._connection(home)
            connection.pragma("max_page_count", connection.pragma("page_count") + 6_000)

    def clear(self, home: House) -> None:
        """Make room."""
        if self.place is not None:
            (self.place / "ballast").write_bytes(b"")
        else:
            self._connection(home).pragma("max_page_count", 2**30)

    def _connection(self, home: House) -> apsw.Connection:
        store: Any = home.node.people.store
        connection: apsw.Connection = store._store._writer._connection
        return connection


@pytest.fixture
def disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Disk]:
    """A file system of 80 MiB, or what comes nearest to it; it says which."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S603  fixed words
        _say(capsys, "no small disk can be mounted here: the FULL DISK is played by SQLite's max_page_count instead")
        yield Disk(None)
        return
    _say(capsys, "the full disk is a real one: a tmpfs of 80 MiB")
    yield Disk(place)
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S603, S607  fixed words


def _say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        sys.stderr.write(f"\n[test_faults] {text}\n")


async def test_on_a_full_disk_sends_are_refused_and_what_waits_can_still_be_read_and_acknowledged(
    tmp_path: Path, disk: Disk
) -> None:
    async with staged(disk.place or tmp_path) as scene:
        disk.fill(scene.home)
        scene.reader.acks = False
        stored = len(scene.reader.got()) + await _fill(scene)
        said = await scene.all_say(LARGEST)
        await scene.refused(said)
        assert not set(await scene.waiting()) & set(scene.who_said(said))
        await _drain(scene.reader, stored)
        assert not set(scene.reader.got()) & set(scene.who_said(said))
        assert await scene.events(said) == [0] * SENDERS
        disk.clear(scene.home)
        await scene.repeat(said)
        await scene.safe(said)
        assert await scene.events(said) == [1] * SENDERS


async def _fill(scene: Scene) -> int:
    """Messages of the largest size from everybody until one is refused; how many were accepted."""
    accepted = 0
    to = [scene.reader.device, scene.away]
    while True:
        sender, scope = scene.senders[accepted % SENDERS], scene.scopes[accepted % SENDERS]
        message = await sender.say(scope, to, LARGEST)
        await sender.until(lambda s=sender, n=message.n: bool(s.marks(n) or s.refusals(n)), "an answer")  # type: ignore[misc]  # a default binds
        if sender.refusals(message.n):
            return accepted
        accepted += 1


async def _drain(reader: Raw, count: int) -> None:
    """The reader acknowledges page by page until it has everything that was stored for it."""
    acked: set[int] = {delivery.number for delivery in reader.of(frames.Deliver)[:SENDERS]}

    async def step() -> bool:
        fresh = [delivery.number for delivery in reader.of(frames.Deliver) if delivery.number not in acked]
        if fresh:
            acked.update(fresh)
            await reader.put(frames.Ack(tuple(fresh)))
        return len(set(reader.got())) == count

    await stage_until(step, "everything that waited was read", 60.0)
    repeated = len(reader.got()) - count
    assert repeated <= limits.DELIVERY_WINDOW_BYTES // LARGEST  # a page may be read before the acks are committed
