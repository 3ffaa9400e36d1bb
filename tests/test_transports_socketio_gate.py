"""Who is let in under /socket.io/: every request shows its session, and a sid alone opens nothing."""

import logging

import aiohttp
import pytest

from chatserver.transports.places import CountedPlaces
from chatserver.wire.frames import Active, Bye, Current
from crypto.keys import Transport
from tests.socketio_servers import ORIGIN, PATH, House, polled, serving
from tests.websocket_peers import Ear

FOREIGN = {"Origin": "https://evil.example"}


async def statuses(house: House, name: str | None, sid: str | None) -> list[int]:
    """What a client gets for a poll, a post, and a WebSocket."""
    client = house.client(name)
    client.sid = sid
    found = [(await client.get()).status, (await client.post("40")).status]
    try:
        await (await client.ws()).close()
    except aiohttp.WSServerHandshakeError as refused:
        return [*found, refused.status]
    return [*found, 101]


async def test_without_a_session_nothing_is_opened() -> None:
    async with serving() as house:
        client = house.client(None)
        assert (await client.get()).status == 401
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await client.ws()
        assert (house.ears, len(house.places), house.server.eio.sockets) == ([], 0, {})


@pytest.mark.parametrize("name", [None, "b"], ids=["nobody", "somebody else"])
async def test_who_knows_only_the_sid_reads_nothing_and_sends_nothing(name: str | None) -> None:
    async with serving() as house:
        victim, ear = await house.connected("a")
        ear.transport.write([ear.transport.encode(Current(7))])
        thief = house.client(name)
        thief.sid = victim.sid
        assert (await thief.get()).status == 401
        assert (await thief.say(Active())).status == 401
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await thief.ws()
        assert ear.told == []
        assert await victim.poll() == ['42["current",7]']
        await victim.say(Bye())
        assert ear.told == [Bye()]


async def test_the_sid_of_somebody_else_and_one_that_never_was_are_answered_alike() -> None:
    async with serving() as house:
        victim, _ = await house.connected("a")
        thief = house.client("b")
        answers = []
        for sid in (victim.sid, "AAAAAAAAAAAAAAAAAAAA"):
            answer = await thief.get(sid=sid)
            headers = {name: value for name, value in answer.headers.items() if name != "Date"}
            answers.append((answer.status, headers, await answer.read()))
        assert answers[0] == answers[1]
        assert await statuses(house, "b", "AAAAAAAAAAAAAAAAAAAA") == [401, 401, 401]


async def test_a_session_that_ended_is_refused_with_its_next_request() -> None:
    async with serving() as house:
        client, ear = await house.connected("a")
        client.http.headers["Authorization"] = "Bearer gone"  # what a session that ended is worth
        assert (await client.get()).status == 401
        assert (await client.say(Active())).status == 401
        assert ear.told == []


async def test_a_page_of_another_origin_is_refused_with_every_request() -> None:
    async with serving() as house:
        client, ear = await house.connected("a")
        assert (await client.get(FOREIGN)).status == 403
        assert (await client.post(polled(Active()), FOREIGN)).status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await client.ws(FOREIGN)
        stranger = house.client("a")
        assert (await stranger.get(FOREIGN)).status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await stranger.ws({"Origin": "null"})
        assert (ear.told, len(house.ears)) == ([], 1)


async def test_our_page_and_a_client_without_an_origin_are_let_in_and_nobody_gets_cors() -> None:
    async with serving() as house:
        for headers in ({"Origin": ORIGIN}, None):
            answer = await house.client().get(headers)
            assert answer.status == 200
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        assert [ear.facts.origin for ear in house.ears] == [ORIGIN, None]


WRONG: dict[str, dict[str, str | None]] = {
    "JSONP": {"j": "0"},
    "Engine.IO 3": {"EIO": "3"},
    "no version": {"EIO": None},
    "no transport": {"transport": None},
    "another transport": {"transport": "webtransport"},
    "a WebSocket that is none": {"transport": "websocket"},
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_no_request_of_engine_io_4_opens_nothing(what: str) -> None:
    async with serving() as house:
        answer = await house.client().get(None, **WRONG[what])
        assert answer.status == 400
        assert (house.ears, len(house.places), house.server.eio.sockets) == ([], 0, {})


@pytest.mark.parametrize("twice", ["sid=x", "transport=polling", "EIO=4"])
async def test_what_is_said_twice_is_refused(twice: str) -> None:
    async with serving() as house:
        client, ear = await house.connected()
        url = f"{PATH}?EIO=4&transport=polling&sid={client.sid}&{twice}"
        assert (await client.http.get(url)).status == 400
        assert (await client.http.post(url, data=polled(Active()))).status == 400
        assert ear.told == []


async def test_two_origins_are_one_too_many() -> None:
    async with serving() as house:
        client = house.client()
        answer = await client.http.get(f"{PATH}?EIO=4&transport=polling", headers=[("Origin", ORIGIN)] * 2)
        assert answer.status == 400


async def test_a_body_before_a_session_is_refused() -> None:
    async with serving() as house:
        assert (await house.client().post("40")).status == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD"])
async def test_other_methods_are_not_offered(method: str) -> None:
    async with serving() as house:
        client, _ = await house.connected()
        assert (await client.http.request(method, PATH, params=client.query())).status == 405


async def test_a_packed_body_is_refused() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        assert (await client.post(b"x", {"Content-Encoding": "deflate"})).status == 400
        assert ear.told == []


async def test_a_body_of_untold_length_is_refused() -> None:
    async with serving() as house:
        client, ear = await house.connected()

        async def endless() -> object:
            yield b"4"

        answer = await client.http.post(PATH, params=client.query(), data=endless())
        assert answer.status == 411
        assert ear.told == []


async def test_no_answer_and_no_log_repeats_what_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as house:
        client, _ = await house.connected()
        canary = "canary77ab"
        answers = [
            await client.get(sid=canary),
            await client.get(transport=canary),
            await client.get({"Origin": f"https://{canary}"}),
            await client.post(canary),
        ]
        for answer in answers:
            assert canary not in await answer.text() + str(answer.headers)
        assert client.sid is not None
        ours = [record for record in caplog.records if record.name.partition(".")[0] in {"engineio", "socketio"}]
        assert ours == []
        assert client.sid not in caplog.text
        assert canary not in caplog.text


async def test_what_is_known_of_a_peer_is_told_with_its_connection() -> None:
    async with serving() as house:
        await house.client("a").get({"Origin": ORIGIN})
        facts = house.ears[0].facts
        assert (facts.remote_address, facts.origin, facts.secure, facts.path) == ("127.0.0.1", ORIGIN, False, PATH)
        assert (facts.transport, facts.session) == (Transport.SOCKETIO, b"a")


async def test_a_session_takes_a_place_and_gives_it_back() -> None:
    async with serving(places=CountedPlaces(per_address=1)) as house:
        client, ear = await house.connected()
        answer = await house.client().get()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await house.client().ws()
        assert len(house.server.eio.sockets) == 1
        await client.post("1")
        assert (ear.lost_times, len(house.places), house.server.eio.sockets) == (1, 0, {})
        assert (await house.client().get()).status == 200


async def test_a_fault_of_the_relay_opens_nothing_and_says_nothing() -> None:
    def fault(_transport: object, _facts: object) -> Ear:
        raise ZeroDivisionError("secret")

    async with serving(make=fault) as house:
        answer = await house.client().get()
        assert (answer.status, await answer.read()) == (503, b"")
        assert [type(one) for one in house.faults] == [ZeroDivisionError]
        assert (len(house.places), house.server.eio.sockets) == (0, {})
