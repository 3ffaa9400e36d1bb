"""What nobody should send to a server, with a canary in every place where there is room for one."""

import asyncio
import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
import msgspec
from msgspec.structs import replace

from chatserver.wire import frames
from loadtests.actors import SMALLEST_BOX, Device, EndedError, Socket, b64
from tests.journeys.canaries import Canary
from tests.journeys.pairs import Pair, live

_PATIENCE_S = 10.0


class _Code(msgspec.Struct):
    code: str


@dataclass
class Heard:
    """Everything that the server said to one who sends such things."""

    answers: list[bytes] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)

    def frame(self, frame: frames.ServerFrame) -> None:
        self.answers.append(frames.encode_server(frame))
        if isinstance(frame, frames.Refused | frames.Ended):
            self.codes.add(frame.code)

    def ending(self, close_code: object, reason: str) -> None:
        self.answers.append(f"{close_code} {reason}".encode())
        self.codes.add(reason)

    def answer(self, head: str, body: bytes) -> None:
        self.answers.append(head.encode() + body)
        with suppress(msgspec.MsgspecError):
            self.codes.add(msgspec.json.decode(body, type=_Code).code)


async def refused_sends(two: Pair, stray: Canary, heard: Heard) -> None:
    """Each of them carries a box of nothing but the canary, and the socket lives on."""
    box, odd = stray.filled(SMALLEST_BOX), stray.filled(SMALLEST_BOX + 1)
    reader, known, here = two.reader.id, two.reader.key_no, two.scope
    said = await two.say()
    n = two.sender.n
    sends = [
        (here, n + 1, (frames.Sealed(os.urandom(16), 1, box),)),
        (here, n + 2, (frames.Sealed(reader, known + 7, box),)),
        (here, n + 3, (frames.Sealed(reader, known, odd),)),
        (here, said.n, (frames.Sealed(reader, known, box),)),
        (stray.filled(16), n + 4, (frames.Sealed(reader, known, box),)),
    ]
    for scope, number, boxes in sends:
        await two.sending.send(frames.Send(scope, number, stray.filled(32), boxes))
        heard.frame(await two.sending.until(frames.Refused))


def _endings(stray: Canary) -> Iterator[bytes]:
    """Binary messages that end a socket."""
    yield stray.filled(300)
    yield msgspec.msgpack.encode(["send", stray.word("scope"), 1, stray.filled(32), []])
    yield msgspec.msgpack.encode({stray.word("key"): stray.word("value")})
    yield frames.encode(frames.Ack((999,)))
    yield stray.filled(200 * 1024)


async def ended_sockets(device: Device, stray: Canary, heard: Heard) -> None:
    """Malformed frames, text, a close that is no close, and hellos that lie about themselves."""
    for message in _endings(stray):
        socket = await live(device)
        await socket.ws.send_bytes(message)
        await _hear_out(socket, heard)
    socket = await live(device)
    await socket.ws.send_str(stray.word("text"))
    await _hear_out(socket, heard)
    socket = await live(device)
    await socket.ws.close(code=3999, message=stray.word("goodbye").encode())
    hello = await device.hello()
    for lie in (replace(hello, origin=f"https://{stray.stem}.example"), replace(hello, ticket=stray.filled(32))):
        ws = await device.http.ws_connect(device.url + "/v1/ws", protocols=("sotto.v1",), compress=0)
        socket = Socket(ws)
        await socket.send(lie)
        await _hear_out(socket, heard)


async def _hear_out(socket: Socket, heard: Heard) -> None:
    """Everything until the end, and what the close frame says."""
    async with asyncio.timeout(_PATIENCE_S):
        while (message := await socket.ws.receive()).type is aiohttp.WSMsgType.BINARY:
            heard.frame(frames.decode_server(message.data))
    heard.ending(message.data, str(message.extra))
    await socket.close()


async def refused_requests(url: str, token: str, stray: Canary, heard: Heard) -> None:
    """Requests of somebody signed in, and of nobody, whose path, query, headers and bodies hold the canary."""
    word = stray.word("http")
    everywhere = {
        "X-" + stray.stem: word, "Cookie": f"sotto={word}; {word}={word}", "Authorization": f"Bearer {word}",
        "Sotto-Statement": word, "Origin": f"https://{stray.stem}.example", "User-Agent": word, "Referer": word,
        "X-Forwarded-For": word, "Content-Type": "application/json",
    }  # fmt: skip
    proof = b64(bytes(32))
    asked: list[tuple[str, str, bytes]] = [
        ("GET", f"/{word}", b""),
        ("GET", f"/v1/conversations?{word}={word}", b""),
        ("GET", f"/v1/conversations/{word}", b""),
        (stray.stem.upper(), "/v1/server", b""),
        ("DELETE", f"/v1/server?{word}", b""),
        ("POST", "/v1/sessions", msgspec.json.encode({"name": word, "proof": proof})),
        ("POST", "/v1/sessions", msgspec.json.encode({word: word})),
        ("POST", "/v1/sessions", word.encode()),
        ("POST", "/v1/salt", msgspec.json.encode({"name": word})),
        ("POST", "/v1/accounts", _account(word, proof)),
        ("POST", "/v1/devices", msgspec.json.encode({"device_pk": proof, "name": word, "list": word})),
        ("POST", "/v1/sessions", stray.filled(100 * 1024)),
    ]
    signed_in = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as http:
        for (method, path, body), headers in itertools.product(asked, (everywhere, signed_in)):
            heard.answer(*await _request(http, method, url + path, body, headers))
    heard.answers.append(
        await _raw(url, f"GET /v1/ws HTTP/1.1\r\nHost: {word}\r\nUpgrade: {word}\r\nOrigin: {word}\r\n\r\n")
    )
    heard.answers.append(await _raw(url, f"{word}\r\n\r\n"))
    heard.answers.append(await _raw(url, f"GET /v1/ws HTTP/1.1\r\n{word}\r\n\r\n"))


def _account(word: str, proof: str) -> bytes:
    return msgspec.json.encode({"code": word[:40], "name": word, "salt": b64(bytes(16)), "proof": proof})


async def _request(
    http: aiohttp.ClientSession, method: str, url: str, body: bytes, headers: dict[str, str]
) -> tuple[str, bytes]:
    """Head and body of the answer; nothing if the server hung up."""
    try:
        async with http.request(method, url, data=body or None, headers=headers) as answer:
            return f"{answer.status} {answer.reason} {answer.raw_headers!r}", await answer.read()
    except aiohttp.ClientError:
        return "", b""


async def _raw(url: str, said: str) -> bytes:
    """What comes back for these very bytes."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(said.encode())
    answer = await asyncio.wait_for(reader.read(), _PATIENCE_S)
    writer.close()
    await writer.wait_closed()
    return answer


async def faulted(two: Pair, stray: Canary, heard: Heard) -> None:
    """A send into a faulty server: refused, or the end of the socket."""
    message = two.sender.message(two.scope, [two.reader])
    box = frames.Sealed(two.reader.id, two.reader.key_no, stray.filled(SMALLEST_BOX))
    await two.sending.send(replace(message, boxes=(box,)))
    with suppress(EndedError):
        while True:
            frame = await two.sending.receive()
            heard.frame(frame)
            if isinstance(frame, frames.Refused):
                return
