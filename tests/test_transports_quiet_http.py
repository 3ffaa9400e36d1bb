import logging

import pytest

from tests.websocket_servers import FIRST_WAYS, Server, Way

CANARY = b"canary-77ab"
BAD = {
    "a bad header name": b"GET / HTTP/1.1\r\n" + CANARY + b" : x\r\n\r\n",
    "a bad header value": b"GET / HTTP/1.1\r\nX: " + CANARY + b"\0\r\n\r\n",
    "a bad request line": b"G\x01T /" + CANARY + b" HTTP/1.1\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nX: " + CANARY * 2_000 + b"\r\n\r\n",
    "no HTTP at all": b"\x16\x03\x01" + CANARY + b"\r\n\r\n",
    "a handler that fails": b"GET /fault?" + CANARY + b" HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("way", FIRST_WAYS, ids=str)
@pytest.mark.parametrize("what", BAD)
def test_what_aiohttp_cannot_serve_is_neither_quoted_nor_logged(
    way: Way, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def test(server: Server) -> None:
        client = await server.client()
        client.send(BAD[what])
        answer = await client.rest()
        status = b"500" if "fails" in what else b"400"
        assert answer.split(b" ")[1] == status
        assert b"\r\nServer: sotto\r\n" in answer
        assert b"canary" not in answer
        assert "canary" not in caplog.text
        assert [type(fault) for fault in server.faults] == ([ZeroDivisionError] if "fails" in what else [])

    way.run(test)
