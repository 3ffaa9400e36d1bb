"""The handshake, and what is assumed of python-engineio."""

import json

from chatserver.transports.socketio_bodies import max_body_bytes
from chatserver.wire import limits
from tests.socketio_servers import BOX, House, serving, write


async def opened(house: House) -> dict[str, object]:
    answer = await house.client().get()
    found: dict[str, object] = json.loads((await answer.text())[1:])
    return found


async def test_the_opening_says_the_limits_of_the_wire() -> None:
    async with serving() as house:
        opening = await opened(house)
        assert opening.pop("sid")
        assert opening == {
            "upgrades": ["websocket"],
            "pingInterval": limits.HEARTBEAT_S * 1000,
            "pingTimeout": limits.HEARTBEAT_S * 1000,
            "maxPayload": max_body_bytes(limits.MAX_FRAME_BYTES),
        }


async def test_an_answer_is_not_compressed() -> None:
    async with serving() as house:
        client, ear = await house.connected()
        write(ear, BOX)
        answer = await client.get({"Accept-Encoding": "gzip, deflate"})
        assert "Content-Encoding" not in answer.headers
        assert len(await answer.read()) > len(BOX.box)


async def test_compression_of_a_websocket_is_not_agreed_to() -> None:
    async with serving() as house:
        ws = await house.client().ws(compress=15)
        assert ws.compress == 0
