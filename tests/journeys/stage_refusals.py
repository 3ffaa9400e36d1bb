"""How a client can bring each refusal of the catalogue upon itself, over real sockets."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from os import urandom
from typing import Any, Final

import aiohttp

from chatserver.people import accounts
from chatserver.people.people import OPERATOR
from chatserver.wire import errors, frames, limits
from chatserver.wire.frames import Sealed
from loadtests.actors import Device, RefusedError, b64
from tests.journeys.stage_house import House
from tests.journeys.stage_raw import Raw, joined
from tests.websocket_peers import CLOSE, frame, request

CANARY: Final = "canary-5b1f07"
"""In every offending value that a text may hold; it must never come back, nor reach a log."""


@dataclass
class Trespass:
    """One who sends, one who reads, and a conversation of theirs. Owned by the test."""

    home: House
    http: aiohttp.ClientSession
    sender: Raw
    reader: Device
    scope: bytes

    async def dial(self) -> aiohttp.ClientWebSocketResponse:
        """A socket that has not said hello."""
        url = self.home.url + "/v1/ws"
        return await self.http.ws_connect(url, protocols=("sotto.v1",), compress=0, max_msg_size=0)

    async def ended(self, raw: Raw) -> str:
        """The code under which a socket ended."""
        await raw.until(lambda: raw.ended is not None, "the end")
        return _CODES.get(raw.ended or 0, "")

    async def refused(self, send: frames.Send) -> str:
        """The code under which a send was refused."""
        await self.sender.put(send)
        await self.sender.until(lambda: bool(self.sender.refusals(send.n)), "a refusal")
        return self.sender.refusals(send.n)[-1].code

    def message(self, size: int = min(limits.BOX_BYTES)) -> frames.Send:
        return self.sender.device.message(self.scope, [self.reader], size)


_CODES: Final = {refusal.closes: refusal.code for refusal in errors.CATALOGUE.values() if refusal.closes}
Cause = Callable[[Trespass], Awaitable[str]]
"""Brings one refusal about, and gives back the code that was said."""


# -- sockets -----------------------------------------------------------------------------------------------------


async def _closed(ws: aiohttp.ClientWebSocketResponse) -> str:
    while (await ws.receive(10.0)).type is aiohttp.WSMsgType.BINARY:
        pass
    return _CODES.get(ws.close_code or 0, "")


def _bytes(data: bytes) -> Cause:
    """Bytes that no WebSocket client sends."""

    async def cause(trespass: Trespass) -> str:
        ws = await trespass.dial()
        connection: Any = ws._conn
        connection.transport.write(data)
        return await _closed(ws)

    return cause


def _message(data: bytes) -> Cause:
    """A binary message before hello."""

    async def cause(trespass: Trespass) -> str:
        ws = await trespass.dial()
        await ws.send_bytes(data)
        return await _closed(ws)

    return cause


async def _text(trespass: Trespass) -> str:
    ws = await trespass.dial()
    await ws.send_str(CANARY)
    return await _closed(ws)


async def _wrong_hello(trespass: Trespass) -> str:
    hello = await trespass.reader.hello()
    forged = frames.Hello(
        urandom(32), hello.account, hello.device, f"https://{CANARY}", hello.transport, hello.list_version,
        hello.list_hash, hello.key_no, hello.epoch, hello.signature,
    )  # fmt: skip
    return await _message(frames.encode(forged))(trespass)


async def _no_hello(trespass: Trespass) -> str:
    ws = await trespass.dial()
    trespass.home.shift.by(limits.HELLO_TIMEOUT_S)
    return await _closed(ws)


async def _signed_out(trespass: Trespass) -> str:
    await trespass.sender.device.call("DELETE", "/v1/sessions/current")
    return await trespass.ended(trespass.sender)


async def _disabled(trespass: Trespass) -> str:
    await accounts.disable(trespass.home.node.people, trespass.sender.device.account, OPERATOR)
    return await trespass.ended(trespass.sender)


async def _twice(trespass: Trespass) -> str:
    again = await Raw(trespass.sender.device).connect()
    said = await trespass.ended(trespass.sender)
    await again.leave()
    return said


def _frame(made: frames.ClientFrame) -> Cause:
    """A frame that ends the socket."""

    async def cause(trespass: Trespass) -> str:
        await trespass.sender.put(made)
        return await trespass.ended(trespass.sender)

    return cause


async def _drained(trespass: Trespass) -> str:
    await trespass.home.stop()
    return await trespass.ended(trespass.sender)


async def _flood(trespass: Trespass) -> str:
    writers: list[asyncio.StreamWriter] = []
    try:
        for _ in range(limits.CONNECTIONS_PER_ADDRESS + 1):
            reader, writer = await asyncio.open_connection("127.0.0.1", trespass.home.port)
            writers.append(writer)
            writer.write(request())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if not head.startswith("HTTP/1.1 101 "):
                assert head.startswith(f"HTTP/1.1 {errors.TOO_MANY_CONNECTIONS.status} ")
                return head.partition("Sotto-Refused: ")[2].partition("\r\n")[0]
    finally:
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)  # what was aborted is let go in the next turn
    return ""


# -- sends -------------------------------------------------------------------------------------------------------


async def _not_member(trespass: Trespass) -> str:
    return await trespass.refused(frames.Send(urandom(16), 1, urandom(32), trespass.message().boxes))


async def _wrong_devices(trespass: Trespass) -> str:
    box = Sealed(urandom(16), 1, urandom(544))
    return await trespass.refused(frames.Send(trespass.scope, 1, urandom(32), (box,)))


async def _bad_box(trespass: Trespass) -> str:
    return await trespass.refused(trespass.message(600))


async def _number_reused(trespass: Trespass) -> str:
    sender, message = trespass.sender, trespass.message()
    await sender.put(message)
    await sender.until(lambda: bool(sender.marks(message.n)), "a receipt")
    return await trespass.refused(frames.Send(trespass.scope, message.n, urandom(32), message.boxes))


async def _stale_key(trespass: Trespass) -> str:
    reader = trespass.reader
    reader.key_no += 1
    reader.box = type(reader.box)(urandom(32))
    await reader.publish()
    trespass.home.shift.by(limits.KEY_GRACE_S)
    reader.key_no -= 1
    return await trespass.refused(trespass.message())


async def _no_device(trespass: Trespass) -> str:
    absent = Device(trespass.home.url, trespass.http, "absent")
    who = {
        "code": await trespass.home.code("absent"),
        "name": "absent",
        "salt": b64(bytes(16)),
        "proof": b64(bytes(32)),
    }
    absent.account = _id((await absent.call("POST", "/v1/accounts", who))["account"])
    scope = await trespass.home.together(trespass.sender.device, absent)
    return await trespass.refused(frames.Send(scope, 1, urandom(32), ()))


def _id(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


# -- HTTP --------------------------------------------------------------------------------------------------------


def _asked(method: str, path: str, body: object = None, *, signed: bool = False, stranger: bool = False) -> Cause:
    """One request that is refused."""

    async def cause(trespass: Trespass) -> str:
        who = Device(trespass.home.url, trespass.http, "stranger") if stranger else trespass.sender.device
        return await _refusal(who.call(method, path, body, signed=signed))

    return cause


async def _refusal(asking: Awaitable[object]) -> str:
    try:
        await asking
    except RefusedError as refused:
        return refused.code
    return ""


async def _name_taken(trespass: Trespass) -> str:
    return await _refusal(Device(trespass.home.url, trespass.http, "sender").join(await trespass.home.code("somebody")))


async def _clock_wrong(trespass: Trespass) -> str:
    trespass.home.shift.by(2 * limits.CLOCK_TOLERANCE_S)
    trespass.sender.device.key_no += 1
    return await _refusal(trespass.sender.device.publish())


async def _foreign_statement(trespass: Trespass) -> str:
    device = trespass.sender.device
    device.key = type(device.key)(urandom(32))
    return await _refusal(device.publish())


async def _too_fast(trespass: Trespass) -> str:
    stranger = Device(trespass.home.url, trespass.http, "stranger")
    for _ in range(200):
        code = await _refusal(stranger.call("POST", "/v1/salt", {"name": CANARY}))
        if code:
            return code
    return ""


_WRONG_PROOF: Final = {"name": "sender", "proof": b64(b"\x01" * 32)}
_NEW: Final = {"code": CANARY, "name": CANARY, "salt": b64(bytes(16)), "proof": b64(bytes(32))}

CAUSES: Final[dict[str, Cause]] = {
    "protocol_error": _bytes(frame(3, CANARY.encode())),
    "not_binary": _text,
    "not_utf8": _bytes(frame(CLOSE, b"\x03\xe8\xff" + CANARY.encode())),
    "too_big": _message(CANARY.encode() * 1_000),
    "malformed": _message(b"\xc1" + CANARY.encode()),
    "out_of_order": _message(frames.encode(frames.Active())),
    "hello_refused": _wrong_hello,
    "session_ended": _signed_out,
    "account_disabled": _disabled,
    "replaced": _twice,
    "signed_off": _frame(frames.Bye()),
    "resume_elsewhere": _drained,
    "hello_late": _no_hello,
    "too_many_connections": _flood,
    "unknown_delivery": _frame(frames.Ack((99,))),
    "not_member": _not_member,
    "wrong_devices": _wrong_devices,
    "stale_key": _stale_key,
    "number_reused": _number_reused,
    "no_device": _no_device,
    "bad_box": _bad_box,
    "bad_request": _asked("POST", "/v1/salt", {"name": 7, CANARY: CANARY}),
    "unauthenticated": _asked("GET", "/v1/me", stranger=True),
    "sign_in_refused": _asked("POST", "/v1/sessions", _WRONG_PROOF, stranger=True),
    "invitation_refused": _asked("POST", "/v1/accounts", _NEW, stranger=True),
    "name_taken": _name_taken,
    "statement_refused": _foreign_statement,
    "list_refused": _asked("POST", "/v1/lists", {"list": b64(CANARY.encode() * 20)}, signed=True),
    "bundle_refused": _asked("POST", "/v1/bundles", {"bundle": b64(CANARY.encode() * 15)}, signed=True),
    "clock_wrong": _clock_wrong,
    "not_found": _asked("GET", f"/v1/{CANARY}"),
    "method_not_allowed": _asked("PATCH", "/v1/me", {CANARY: 1}),
    "too_fast": _too_fast,
}


async def trespassing(home: House, http: aiohttp.ClientSession) -> Trespass:
    """Two people who know each other, the sender LIVE."""
    sender, reader = await joined(home.url, http, ["sender", "reader"], home.code)
    scope = await home.together(sender, reader)
    return Trespass(home, http, await Raw(sender).live(), reader, scope)
