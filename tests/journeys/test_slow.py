"""Readers that stall and phones on a slow line: bounded memory, nothing missed, and the others do not notice."""

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from chatserver.relay.hub import Seat
from chatserver.relay.mailbox import Page
from chatserver.relay.pages import Pages
from chatserver.store.queries import MailboxPage
from chatserver.wire import errors, frames, limits
from loadtests.actors import Device
from loadtests.chaos.server import Organisation, Server
from tests.journeys.stage_house import House
from tests.journeys.stage_modem import modem
from tests.journeys.stage_raw import Raw, joined
from tests.journeys.stage_until import stage_until

STALLED: Final = 20
SENDERS: Final = 4
EACH: Final = STALLED // SENDERS
ROUNDS: Final = 60
LARGE: Final = sorted(limits.BOX_BYTES)[4]
CAP_BYTES: Final = limits.OUTBOX_BYTES + limits.DELIVERY_WINDOW_BYTES
SLACK_BYTES: Final = 24 * 1024 * 1024
"""What the allocator keeps in pieces and the database caches still grow by, after a warm-up with the same load."""
RATIO: Final = 3.0
LEAST_P99_S: Final = 0.01
"""Below this a p99 is the machine's noise."""
WAITING: Final = 2_000
TALKERS: Final = 8
LINE_BYTES_PER_S: Final = 60_000.0
_ESTABLISHED: Final = 1
_TOO_SLOW: Final = (errors.SLOW_CONSUMER.closes, aiohttp.WSCloseCode.ABNORMAL_CLOSURE)
"""A close that waits behind more than the kernel holds is cut off with the rest; the server counts the reason."""


@dataclass
class Crowd:
    """Four senders with five readers each, and one pair beside them. Owned by the test."""

    server: Server
    senders: list[Raw]
    readers: list[Raw]
    scopes: list[bytes]
    asking: Raw
    answering: Raw
    aside: bytes

    def circle(self, number: int) -> list[Raw]:
        return self.readers[number * EACH : (number + 1) * EACH]

    async def load(self) -> list[float]:
        """Sixty large messages of each sender to each of their readers; how long the pair's own took meanwhile."""
        loads = [asyncio.ensure_future(self._load(number)) for number in range(SENDERS)]
        took = []
        while not all(one.done() for one in loads):
            took.append(await self._aside())
        await asyncio.gather(*loads)
        return took

    async def _load(self, number: int) -> None:
        sender, to = self.senders[number], [reader.device for reader in self.circle(number)]
        for _ in range(ROUNDS):
            message = await sender.say(self.scopes[number], to, LARGE)
            await sender.until(lambda n=message.n: bool(sender.marks(n)), "a receipt")  # type: ignore[misc]  # a default binds

    async def _aside(self) -> float:
        began = time.perf_counter()
        message = await self.asking.say(self.aside, [self.answering.device])
        await self.asking.until(lambda: "delivered" in self.asking.marks(message.n), "delivered")
        return time.perf_counter() - began

    def resident(self) -> int:
        """Bytes of the server's memory (proc(5): statm counts pages of 4 KiB)."""
        return int(Path(f"/proc/{self.server.pid}/statm").read_text().split()[1]) * 4_096


@pytest.fixture
async def crowd(tmp_path: Path) -> AsyncIterator[Crowd]:
    server = Server(tmp_path)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        async with Organisation(server.settings) as organisation:
            codes = iter([await organisation.invite() for _ in range(STALLED + SENDERS + 2)])
        await server.start(http)
        names = [f"person-{number}" for number in range(STALLED + SENDERS + 2)]
        devices = await joined(server.url, http, names, lambda _name: _next(codes))
        asking, answering, senders, readers = devices[0], devices[1], devices[2 : 2 + SENDERS], devices[2 + SENDERS :]
        async with Organisation(server.settings) as organisation:
            circles = [readers[number * EACH : (number + 1) * EACH] for number in range(SENDERS)]
            scopes = [
                await organisation.converse(sender.account, *(reader.account for reader in circle))
                for sender, circle in zip(senders, circles, strict=True)
            ]
            aside = await organisation.converse(asking.account, answering.account)
        made = Crowd(
            server, [await Raw(one).live() for one in senders], [Raw(one) for one in readers], scopes,
            await Raw(asking).live(), await Raw(answering).live(), aside,
        )  # fmt: skip
        yield made
        for raw in (*made.senders, *made.readers, made.asking, made.answering):
            await raw.leave()
        await server.stop()


async def _next(codes: Iterator[str]) -> str:
    return next(codes)


def p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]


def stall(reader: Raw) -> None:
    """The program behind this socket hangs: it reads nothing more."""
    _transport(reader).pause_reading()


def wake(reader: Raw) -> None:
    """It goes on, and reads what the machine had kept for it."""
    transport = _transport(reader)
    if not transport.is_closing():
        transport.resume_reading()


def _transport(reader: Raw) -> asyncio.Transport:
    assert reader.socket is not None
    connection: Any = reader.socket.ws._conn
    transport: asyncio.Transport = connection.transport
    return transport


@pytest.mark.timeout(240)
async def test_stalled_readers_cost_their_cap_miss_nothing_and_nobody_else_notices(crowd: Crowd) -> None:
    undisturbed = await crowd.load()
    for reader in crowd.readers:
        await reader.live()
        assert len(set(reader.got())) == ROUNDS
    before = crowd.resident()
    for reader in crowd.readers:
        reader.acks = False
        stall(reader)
    disturbed = await crowd.load()
    grown = crowd.resident() - before
    assert grown <= STALLED * CAP_BYTES + SLACK_BYTES
    assert p99(disturbed) <= RATIO * max(p99(undisturbed), LEAST_P99_S)
    await _all_ended(crowd)
    for reader in crowd.readers:
        seen = set(reader.got())
        reader.acks = True
        await reader.leave()
        await reader.live()
        assert len(seen | set(reader.got())) == 2 * ROUNDS
    assert crowd.resident() - before <= STALLED * CAP_BYTES + SLACK_BYTES
    await crowd.server.stop()
    assert f"delivery_overdue {STALLED}" in (crowd.server.folder / "server.log").read_text()


async def _all_ended(crowd: Crowd) -> None:
    """Every stalled socket is ended although it stays stalled; who reads on then hears that it was too slow."""
    patience_s = limits.DELIVERY_GRACE_S + limits.DELIVERY_WINDOW_BYTES / 4_096 * limits.DELIVERY_S_PER_4_KIB
    await stage_until(lambda: not any(map(_is_up, crowd.readers)), "every stalled socket was ended", patience_s)
    for reader in crowd.readers:
        wake(reader)
    for reader in crowd.readers:
        await reader.until(lambda r=reader: r.ended is not None, "the end")  # type: ignore[misc]  # a default binds
        assert reader.ended in _TOO_SLOW


def _is_up(reader: Raw) -> bool:
    """Whether the far side has not ended the connection (tcp(7): the first byte of TCP_INFO is its state)."""
    raw = _transport(reader).get_extra_info("socket")
    state: int = raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state == _ESTABLISHED


async def test_who_asks_and_never_reads_is_ended_when_their_outbox_is_full(tmp_path: Path) -> None:
    home = House(tmp_path)
    await home.start()
    async with aiohttp.ClientSession() as http:
        (device,) = await joined(home.url, http, ["deaf"], home.code)
        deaf = await Raw(device).live()
        stall(deaf)
        asks = frames.Fates(tuple(range(1, limits.FATES_PAGE + 1)))

        async def ask() -> bool:
            for _ in range(50):
                if _is_up(deaf):
                    await deaf.put(asks)
            return not _is_up(deaf)

        await stage_until(ask, "the socket was ended", 60.0)
        await deaf.leave()
        stopped = await home.stop()
    assert stopped.dropped == {"outbox_full": 1}


async def test_a_phone_on_a_slow_line_drains_two_thousand_boxes_on_one_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = _count_pages(monkeypatch)
    home = House(tmp_path)
    await home.start()
    async with aiohttp.ClientSession() as http:
        phone, *senders = await joined(home.url, http, ["phone", *map(str, range(TALKERS))], home.code)
        said = await _fill(home, phone, senders)
        assert len(said) == WAITING
        pages.clear()
        reader = Raw(phone)
        async with modem(home.port, LINE_BYTES_PER_S) as line:
            await reader.connect(line)
            await stage_until(lambda: bool(reader.of(frames.Current)) or reader.ended is not None, "current", 60.0)
            got = reader.got()
            assert reader.ended is None
            assert set(got) == said
            assert _in_order(got)
            assert len(got) - WAITING <= limits.DELIVERY_WINDOW_BOXES
            assert len(pages) <= 4 * WAITING // limits.DELIVERY_WINDOW_BOXES
            await reader.leave()
        assert await home.node.people.store.read(MailboxPage(phone.id, 0, 10, 2**40)) == []
    await home.close()


async def _fill(home: House, phone: Device, senders: list[Device]) -> set[tuple[bytes, int]]:
    """Two thousand boxes for a phone that is away; the keys of their messages."""
    said = set()
    for device in senders:
        scope, sender = await home.together(device, phone), await Raw(device).live()
        messages = [await sender.say(scope, [phone]) for _ in range(WAITING // TALKERS)]
        await sender.until(lambda s=sender, m=messages: all(s.marks(one.n) for one in m), "safe")  # type: ignore[misc]  # a default binds
        said |= {(device.id, message.n) for message in messages}
        await sender.leave()
    return said


def _in_order(got: list[tuple[bytes, int]]) -> bool:
    """Whether each sender's numbers came in their order, at first sight."""
    first = list(dict.fromkeys(got))
    return all(a < b for (x, a), (y, b) in itertools.pairwise(sorted(first, key=lambda key: key[0])) if x == y)


def _count_pages(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times at which a page of a mailbox was read from now on."""
    pages: list[float] = []
    read = Pages._read

    async def counted(self: Pages, seat: Seat, page: Page) -> None:
        pages.append(time.monotonic())
        await read(self, seat, page)

    monkeypatch.setattr(Pages, "_read", counted)
    return pages
