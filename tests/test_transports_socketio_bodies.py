"""Bodies: as large as a message needs, and nothing but Engine.IO."""

import pytest

from chatserver.transports.socketio_bodies import MAX_PACKETS, max_body_bytes
from chatserver.wire import limits
from tests.socketio_servers import SEPARATOR, bye, serving


async def test_a_body_beyond_the_limit_is_not_read_and_ends_the_session() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        limit = max_body_bytes(ear.max_message_bytes)
        assert (await client.post(b"4" * (limit + 1))).status == 413
        assert await client.poll() == [bye("too_big"), "41"]
        assert await client.poll() == ["1"]
        assert ear.told == []


async def test_a_body_is_small_before_welcome() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        ear.max_message_bytes = limits.MAX_FRAME_BYTES_BEFORE_WELCOME
        assert (await client.post(b"4" * (max_body_bytes(4_096) + 1))).status == 413
        assert await client.poll() == [bye("too_big"), "41"]
        assert await client.poll() == ["1"]


MALFORMED = {
    "no packet": "",
    "a packet of the server's": "0",
    "no kind": "x",
    "an upgrade without a probe": "5",
    "a probe": "2probe",
    "a pong with more": "3x",
    "a wrong base64": "b====",
    "a lax base64": "bQUJ D",
    "JSONP": "d=4",
    "too many packets": SEPARATOR.join("3" * (MAX_PACKETS + 1)),
    "an empty packet among others": "3" + SEPARATOR + SEPARATOR + "3",
}


@pytest.mark.parametrize("what", MALFORMED)
async def test_a_body_that_is_no_engine_io_is_malformed(what: str) -> None:
    async with serving() as house:
        client, ear = await house.connected()
        await client.post(MALFORMED[what])
        assert ear.told[:1] == ["malformed"]
        assert house.faults == []


async def test_a_body_that_is_no_text_is_malformed() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        await client.post(b"4\xff\xfe")
        assert ear.told == ["malformed"]
