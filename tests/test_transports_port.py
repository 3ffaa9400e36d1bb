import asyncio

import pytest

from chatserver.transports import quiet_http
from chatserver.transports.places import CountedPlaces
from chatserver.wire import frames
from tests.websocket_peers import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    REQUEST_LINES,
    Ear,
    close_codes,
    close_frame,
    frame,
    request,
    server_frames,
)
from tests.websocket_servers import FIRST_WAYS, SECOND_WAYS, WAYS, Server, Way
from tests.websocket_violations import GOOD, VIOLATIONS

ACTIVE = frame(BINARY, GOOD)
every_way = pytest.mark.parametrize("way", WAYS, ids=str)
first_way = pytest.mark.parametrize("way", FIRST_WAYS, ids=str)


@every_way
def test_every_broken_rule_ends_a_real_socket_with_its_code(way: Way) -> None:
    async def test(server: Server) -> None:
        for name, (data, code) in VIOLATIONS.items():
            client, ear = await server.upgraded()
            client.send(data + ACTIVE)
            got: tuple[str, list[int]] = (name, close_codes(await client.rest()))
            client.leave()
            await ear.ended.wait()
            assert got == (name, [code])
            assert ear.lost_times == 1
            assert frames.Active() not in ear.told or "after the end" in name

    way.run(test)


@every_way
def test_messages_go_both_ways(way: Way) -> None:
    big = frames.FatesTold(tuple(frames.Told(n, "settled") for n in range(1, 9_000)))

    def answer(ear: Ear, _frame: frames.ClientFrame) -> None:
        ear.transport.write([ear.transport.encode(frame) for frame in (frames.Current(7), big, frames.Current(8))])
        ear.transport.write([ear.transport.encode(frames.Current(9))])

    async def test(server: Server) -> None:
        server.make = lambda transport, facts: Ear(transport, facts, on_frame=answer)
        client, ear = await server.upgraded()
        message = frames.encode(frames.Send(bytes(16), 1, bytes(32), (frames.Sealed(bytes(16), 1, bytes(49_440)),)))
        client.send(frame(BINARY, message[:9], fin=False) + frame(PING, b"?") + frame(CONTINUATION, message[9:]))
        client.send(close_frame(1000))
        sent = server_frames(await client.rest())
        client.leave()
        await ear.ended.wait()
        assert [opcode for opcode, _payload in sent] == [PONG, BINARY, BINARY, BINARY, BINARY, CLOSE]
        told = [frames.decode_server(payload) for opcode, payload in sent if opcode == BINARY]
        assert told == [frames.Current(7), big, frames.Current(8), frames.Current(9)]
        assert ear.facts.remote_address == "127.0.0.1"
        assert (ear.facts.secure, ear.facts.path, ear.facts.origin) == (way.tls, "/v1/ws", None)
        assert ear.lost_times == 1

    way.run(test)


@every_way
def test_the_relays_close_comes_after_what_it_wrote_and_waits_for_the_peers(way: Way) -> None:
    async def test(server: Server) -> None:
        client, ear = await server.upgraded()
        ear.transport.write([ear.transport.encode(frames.Current(1))] * 100)
        ear.transport.close(4500, "The server is restarting.")
        ear.transport.write([ear.transport.encode(frames.Current(2))])
        client.send(ACTIVE + close_frame(4500))
        sent = server_frames(await client.rest())
        client.leave()
        await ear.ended.wait()
        assert [opcode for opcode, _payload in sent] == [BINARY] * 100 + [CLOSE]
        assert sent[-1][1] == (4500).to_bytes(2, "big") + b"The server is restarting."
        assert ear.told == []

    way.run(test)


@every_way
def test_a_peer_that_does_not_read_pauses_the_relay_and_its_reading_resumes_it(way: Way) -> None:
    async def test(server: Server) -> None:
        client, ear = await server.upgraded()
        chunk = ear.transport.encode(frames.FatesTold((frames.Told(1, "open"),) * 12_000))
        written = 0
        while "pause" not in ear.told:
            ear.transport.write([chunk])
            written += 1
            await asyncio.sleep(0)
        assert 256 * 1024 < ear.transport.buffered_bytes() < 2 * 256 * 1024 + len(chunk)
        ear.transport.ping()  # not while paused
        read = b""
        while "resume" not in ear.told:
            read += await client.reader.read(65_536)
        ear.transport.close(4503, "")
        read += await client.reader.read(written * len(chunk) + 1_000 - len(read)) if len(read) < written else b""
        client.send(close_frame(4503))
        read += await client.rest()
        client.leave()
        await ear.ended.wait()
        assert [opcode for opcode, _payload in server_frames(read)] == [BINARY] * written + [CLOSE]

    way.run(test)


@every_way
def test_reading_stops_while_paused_and_goes_on_after(way: Way) -> None:
    async def test(server: Server) -> None:
        arrived = asyncio.Event()
        server.make = lambda transport, facts: Ear(transport, facts, on_frame=lambda _ear, _frame: arrived.set())
        client, ear = await server.upgraded()
        ear.transport.pause_reading()
        client.send(ACTIVE)
        client.send(close_frame(1000))
        for _turn in range(20):
            await asyncio.sleep(0)
        assert ear.told == []
        ear.transport.resume_reading()
        await arrived.wait()
        assert close_codes(await client.rest()) == [1000]
        client.leave()

    way.run(test)


@every_way
def test_abort_ends_at_once_and_is_told_once(way: Way) -> None:
    async def test(server: Server) -> None:
        client, ear = await server.upgraded()
        ear.transport.abort()
        ear.transport.abort()
        ear.transport.write([b"never"])
        ear.transport.close(4500, "")
        assert await client.rest() == b""
        await ear.ended.wait()
        for nothing in (ear.transport.ping, ear.transport.pause_reading, ear.transport.resume_reading):
            nothing()
        assert (ear.lost_times, ear.transport.buffered_bytes(), len(server.port.door.places)) == (1, 0, 0)  # type: ignore[arg-type]  # CountedPlaces
        client.leave()

    way.run(test)


@every_way
def test_a_peer_that_vanishes_is_lost_once_and_its_place_is_free(way: Way) -> None:
    async def test(server: Server) -> None:
        client, ear = await server.upgraded()
        client.leave()
        await ear.ended.wait()
        assert (ear.lost_times, len(server.port.door.places)) == (1, 0)  # type: ignore[arg-type]  # CountedPlaces

    way.run(test)


@every_way
def test_an_upgrade_names_no_version_and_agrees_to_no_extension(way: Way) -> None:
    async def test(server: Server) -> None:
        client = await server.client()
        client.send(request(origin="https://clinic.example", sec_websocket_extensions="permessage-deflate"))
        head = (await client.head()).decode().split("\r\n")
        assert head[0] == "HTTP/1.1 101 Switching Protocols"
        assert "Server: sotto" in head
        assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head  # RFC 6455 section 1.3
        assert "Sec-WebSocket-Protocol: sotto.v1" in head
        assert not [line for line in head if line.lower().startswith("sec-websocket-extensions")]
        assert server.ears[0].facts.origin == "https://clinic.example"
        client.leave()

    way.run(test)


REFUSALS = {
    "a foreign origin": (request(origin="https://evil.example"), 403, None),
    "the null origin": (request(origin="null"), 403, None),
    "an old version": (request(sec_websocket_version="8"), 426, b"sec-websocket-version: 13"),
    "no version": (request(sec_websocket_version=None), 426, b"sec-websocket-version: 13"),
    "no upgrade": (request(upgrade=None), 426, b"upgrade: websocket"),
    "another connection": (request(connection="close"), 426, b"upgrade: websocket"),
    "another upgrade": (request(upgrade="h2c"), 426, b"upgrade: websocket"),
    "a short key": (request(sec_websocket_key="c2hvcnQ="), 400, None),
    "no key": (request(sec_websocket_key=None), 400, None),
    "no subprotocol": (request(sec_websocket_protocol=None), 400, None),
    "another subprotocol": (request(sec_websocket_protocol="sotto.v2, chat"), 400, None),
    "two keys": (request(more="x\r\nSec-WebSocket-Key: " + REQUEST_LINES["Sec-WebSocket-Key"]), 400, None),
    "a body": (request(content_length="5") + b"hello", 400, None),
    "a promised body": (request(content_length="5"), 400, None),
    "a chunked body": (request(transfer_encoding="chunked") + b"0\r\n\r\n", 400, None),
    "two lengths": (request(content_length="0\r\nContent-Length: 5") + b"hello", 400, None),
    "length and chunks": (request(content_length="0", transfer_encoding="chunked"), 400, None),
    "a smuggled request": (request() + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, None),
    "frames before the answer": (request() + ACTIVE, 400, None),
    "HTTP/1.0": (request("GET /v1/ws HTTP/1.0"), 400, None),
    "a folded header": (request(more="a\r\n b"), 400, None),
    "a space before the colon": (request(more="a\r\nEvil : b"), 400, None),
    "a header without name": (request(more="a\r\n: b"), 400, None),
    "a NUL": (request(more="a\0b"), 400, None),
    "a bare CR": (request(more="a\rb"), 400, None),
    "no host": (request(host=None), 400, None),
    "a large head": (request(more="x" * 8_000), 431, None),
}


@every_way
@pytest.mark.parametrize("what", REFUSALS)
def test_an_upgrade_is_refused_for(way: Way, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, status, explains = REFUSALS[what]
    monkeypatch.setattr(quiet_http, "LINGER_S", 0.0)

    async def test(server: Server) -> None:
        client = await server.client()
        client.send(data)
        head = (await client.head()).lower()
        assert head.startswith((b"http/1.1 %d " % status, b"http/1.0 %d " % status)), head
        assert explains is None or explains in head
        if what != "a promised body":  # aiohttp has answered, and waits for it
            assert b"http/1.1 " not in (await client.rest()).lower()
        assert server.ears == []
        assert len(server.port.door.places) == 0  # type: ignore[arg-type]  # CountedPlaces
        client.leave()

    way.run(test)


@every_way
def test_a_full_house_says_when_to_come_back(way: Way) -> None:
    async def test(server: Server) -> None:
        places = server.port.door.places
        assert isinstance(places, CountedPlaces)
        places._per_address = 1
        client, _ear = await server.upgraded()
        second = await server.client()
        second.send(request())
        head = await second.head()
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 5\r\n" in head
        client.leave()
        second.leave()

    way.run(test)


@pytest.mark.parametrize("way", SECOND_WAYS, ids=str)
def test_nothing_of_aiohttp_stays_with_a_socket_that_left_it(way: Way) -> None:
    async def test(server: Server) -> None:
        before = len(asyncio.all_tasks())
        client, _ear = await server.upgraded()
        client.send(frame(PING, b"x"))
        await client.reader.readexactly(3)
        assert server.http.connections == []
        assert len(asyncio.all_tasks()) == before
        client.leave()

    way.run(test)


@first_way
@pytest.mark.parametrize("step", [1, 2, 7, 11, 12])
def test_an_upgrade_may_come_in_any_pieces(way: Way, step: int) -> None:
    data = request()

    async def test(server: Server) -> None:
        client = await server.client()
        for start in range(0, len(data), step):
            client.send(data[start : start + step])
            await asyncio.sleep(0)
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        client.leave()

    way.run(test)


@first_way
@pytest.mark.parametrize("step", [1, 3, 1_000])
def test_everything_else_is_aiohttps(way: Way, step: int) -> None:
    asked = {
        b"GET / HTTP/1.1": b"200",
        b"GET /v1/wsx HTTP/1.1": b"404",
        b"GET /v1/w HTTP/1.1": b"404",
        b"POST /v1/ws HTTP/1.1": b"405",
        b"HEAD / HTTP/1.1": b"200",
        b"GET /v1/ws?x=1 HTTP/1.1": b"400",
    }

    async def test(server: Server) -> None:
        for first, status in asked.items():
            client = await server.client()
            data = first + b"\r\nHost: clinic.example\r\nConnection: close\r\n\r\n"
            for start in range(0, len(data), step):
                client.send(data[start : start + step])
                await asyncio.sleep(0)
            assert (await client.head()).startswith(b"HTTP/1.1 " + status), first
            client.leave()

    way.run(test)


@first_way
def test_nagles_delay_is_off(way: Way) -> None:
    async def test(server: Server) -> None:
        import socket  # noqa: PLC0415  # the one test that looks at the kernel's options

        client, ear = await server.upgraded()
        options = ear.transport._raw.get_extra_info("socket")  # type: ignore[attr-defined]  # WebSocket
        assert options.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        client.leave()

    way.run(test)


@every_way
def test_a_closed_port_accepts_nobody_and_leaves_who_is_inside(way: Way) -> None:
    async def test(server: Server) -> None:
        client, ear = await server.upgraded()
        server.port.close()
        client.send(frame(PING, b"still here"))
        assert await client.reader.readexactly(12) == b"\x8a\x0astill here"
        ear.transport.close(4500, "")
        client.send(close_frame(4500))
        await client.rest()
        client.leave()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.number)

    way.run(test)
