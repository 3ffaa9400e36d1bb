import asyncio

import pytest

from chatserver.transports import port as port_module
from chatserver.transports import upgrade
from chatserver.transports.port import FIRST_BYTES_S, FirstBytes, Port
from tests.websocket_peers import (
    Clock,
    Ear,
    FakeRaw,
    door,
    request,
)


@pytest.mark.pure
class TestWithoutSockets:
    async def port(self) -> tuple[Port, Clock]:
        clock = Clock()
        return Port(door(Ear, [], clock), asyncio.Protocol), clock

    def arrive(self, port: Port) -> tuple[FirstBytes, FakeRaw]:
        raw, connection = FakeRaw(), FirstBytes(port)
        connection.connection_made(raw)  # type: ignore[arg-type]  # as much of a transport as is used
        return connection, raw

    async def test_who_says_nothing_for_five_seconds_is_dropped(self) -> None:
        port, clock = await self.port()
        connection, raw = self.arrive(port)
        connection.data_received(b"GET /v1/ws HTTP/1.1\r\nHost: slow")
        assert clock.seconds == [FIRST_BYTES_S]
        clock.strike()
        assert raw.aborted

    async def test_a_port_that_closes_drops_who_has_not_said(self) -> None:
        port, clock = await self.port()
        _connection, raw = self.arrive(port)
        port.close()
        assert raw.aborted
        assert clock.seconds == [FIRST_BYTES_S]

    async def test_who_was_decided_has_no_deadline_left(self) -> None:
        port, clock = await self.port()
        for data in (request(), b"GET / HTTP/1.1\r\n"):
            connection, _raw = self.arrive(port)
            connection.data_received(data)
        assert not clock.due

    async def test_a_head_without_end_is_refused_at_8_kib(self) -> None:
        port, _clock = await self.port()
        connection, raw = self.arrive(port)
        connection.data_received(b"GET /v1/ws HTTP/1.1\r\n")
        while not raw.wrote:
            connection.data_received(b"A: " + b"x" * 995 + b"\r\n")
            assert len(connection._seen) <= upgrade.MAX_HEAD_BYTES + 1_000
        assert raw.wrote.startswith(b"HTTP/1.1 431 ")
        connection.data_received(b"A: " + b"x" * 995)
        assert not connection._seen

    async def test_a_refused_peer_that_stays_is_dropped(self) -> None:
        port, clock = await self.port()
        connection, raw = self.arrive(port)
        connection.data_received(request(upgrade=None))
        assert raw.half_closed
        clock.strike()
        assert raw.aborted

    async def test_too_many_that_say_nothing_lose_the_oldest(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(port_module, "MAX_UNDECIDED", 3)
        port, _clock = await self.port()
        raws = [self.arrive(port)[1] for _index in range(5)]
        assert [raw.aborted for raw in raws] == [True, True, False, False, False]
        assert port.dropped_undecided == 2

    async def test_a_relay_that_fails_to_connect_costs_one_socket(self) -> None:
        def fails(*_told: object) -> Ear:
            raise ValueError("ours")

        faults: list[Exception] = []
        port = Port(door(fails, faults, Clock()), asyncio.Protocol)
        connection, raw = self.arrive(port)
        connection.data_received(request())
        assert raw.aborted
        assert len(port.door.places) == 0  # type: ignore[arg-type]  # CountedPlaces
        assert [type(fault) for fault in faults] == [ValueError]
