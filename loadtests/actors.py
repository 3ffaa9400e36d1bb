"""Devices for load: real accounts, keys, signatures and frames, but boxes of random bytes.

What is measured or attacked with them is the server, which cannot tell the difference; who wants messages that open
takes the client library.
"""

import asyncio
import base64
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import aiohttp
import msgspec

from chatserver.wire import frames, limits
from crypto import keys
from crypto.keys import BoxKey, BundleBody, DeviceKey, DeviceList, HttpStatement, IdentityKey, Transport, Use

SMALLEST_BOX: Final = min(limits.BOX_BYTES)
_PASSWORD_PROOF: Final = bytes(32)
_SALT: Final = bytes(16)
_MONTH_MS: Final = 30 * 86_400_000


def b64(raw: bytes) -> str:
    """Bytes as the HTTP side writes them."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    """The inverse of `b64`."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


S = TypeVar("S", bound="Socket")


class RefusedError(Exception):
    """The server said no; carries the catalogue's code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass
class Device:
    """One account with one device. `join` makes it, `connect` says hello."""

    url: str
    http: aiohttp.ClientSession
    name: str
    identity: IdentityKey = field(default_factory=lambda: IdentityKey(os.urandom(32)))
    key: DeviceKey = field(default_factory=lambda: DeviceKey(os.urandom(32)))
    box: BoxKey = field(default_factory=lambda: BoxKey(os.urandom(32)))
    tenant: bytes = b""
    epoch: bytes = bytes(16)
    account: bytes = b""
    token: str = ""
    devices: DeviceList | None = None
    list_version: int = 1
    key_no: int = 1
    n: int = 0

    @property
    def id(self) -> bytes:
        """The device id."""
        return self.key.id

    @property
    def listed(self) -> DeviceList:
        """The account's device list; only after `join`."""
        if self.devices is None:
            raise RefusedError("not_joined")
        return self.devices

    async def call(self, method: str, path: str, body: object = None, *, signed: bool = False) -> Any:
        """One request; RefusedError with the catalogue's code if it is refused."""
        raw = msgspec.json.encode(body) if body is not None else b""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if signed:
            headers["Sotto-Statement"] = self._statement(method, path, raw)
        async with self.http.request(method, self.url + path, data=raw or None, headers=headers) as answer:
            text = await answer.read()
            found = msgspec.json.decode(text) if text else {}
            if answer.status >= 400:  # noqa: PLR2004  RFC 9110 section 15
                raise RefusedError(found.get("code", str(answer.status)))
            return found

    def _statement(self, method: str, path: str, raw: bytes) -> str:
        nonce = os.urandom(32)
        statement = HttpStatement(self.tenant, self.account, self.id, method, path, keys.body_hash(raw), nonce)
        return b64(self.id + nonce + self.key.sign(statement))

    async def join(self, code: str) -> None:
        """From an invitation to a device that can receive."""
        server = await self.call("GET", "/v1/server")
        self.tenant, self.epoch = unb64(server["tenant"]), unb64(server["epoch"])
        who = {"code": code, "name": self.name, "salt": b64(_SALT), "proof": b64(_PASSWORD_PROOF)}
        self.account = unb64((await self.call("POST", "/v1/accounts", who))["account"])
        await self.sign_in()
        await self._register()

    async def sign_in(self) -> None:
        """A new session."""
        self.token = ""
        answer = await self.call("POST", "/v1/sessions", {"name": self.name, "proof": b64(_PASSWORD_PROOF)})
        self.token = answer["token"]

    async def _register(self) -> None:
        at = now_ms()
        devices = (keys.Device(self.key.public, may_add=True, added_ms=at),)
        body = DeviceList(
            tenant=self.tenant, account=self.account, version=1, prev_hash=bytes(32),
            identity_pk=self.identity.public, issued_ms=at, reset=False, devices=devices,
        )  # fmt: skip
        self.devices = body
        signed = keys.sign_list(body, self.identity)
        new = {"device_pk": b64(self.key.public), "name": "load", "list": b64(signed)}
        await self.call("POST", "/v1/devices", new, signed=True)
        await self.publish()

    async def publish(self) -> None:
        """The bundle of the present box key."""
        at = now_ms()
        body = BundleBody(
            use=Use.MAIL, scope=bytes(16), device_id=self.id, key_no=self.key_no, created_ms=at,
            expires_ms=at + _MONTH_MS, box_pk=self.box.public, list_version=self.list_version,
        )  # fmt: skip
        bundle = keys.sign_bundle(body, self.key, self.listed)
        await self.call("POST", "/v1/bundles", {"bundle": b64(bundle.encode())}, signed=True)

    async def hello(self, transport: Transport = Transport.WEBSOCKET) -> frames.Hello:
        """A signed hello with a fresh ticket."""
        ticket = unb64((await self.call("POST", "/v1/tickets", {"device": b64(self.id)}))["ticket"])
        statement = keys.Hello(
            tenant=self.tenant, origin=self.url, ticket_hash=keys.ticket_hash(ticket), account=self.account,
            device_id=self.id, transport=transport, list_version=self.list_version,
            list_hash=self.listed.list_hash, key_no=self.key_no, epoch=self.epoch,
        )  # fmt: skip
        return frames.Hello(
            ticket, self.account, self.id, self.url, transport, self.list_version, self.listed.list_hash,
            self.key_no, self.epoch, self.key.sign(statement),
        )  # fmt: skip

    async def connect(self) -> "Socket":
        """Say hello and be welcomed."""
        ws = await self.http.ws_connect(self.url + "/v1/ws", protocols=("sotto.v1",), compress=0, max_msg_size=0)
        return await self.welcomed(Socket(ws))

    async def welcomed(self, socket: "S", transport: Transport = Transport.WEBSOCKET) -> "S":
        """Say hello on an open socket."""
        await socket.send(await self.hello(transport))
        first = await socket.receive()
        if not isinstance(first, frames.Welcome):
            raise RefusedError(getattr(first, "code", "no_welcome"))
        socket.welcome = first
        return socket

    def message(self, scope: bytes, to: "list[Device]", size: int = SMALLEST_BOX, n: int = 0) -> frames.Send:
        """The next send for these devices."""
        if not n:
            self.n += 1
            n = self.n
        boxes = tuple(frames.Sealed(device.id, device.key_no, os.urandom(size)) for device in to)
        return frames.Send(scope, n, os.urandom(32), boxes)


class EndedError(Exception):
    """The socket ended; carries the close code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Socket:
    """A WebSocket that speaks frames."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.welcome: frames.Welcome

    async def send(self, frame: frames.ClientFrame) -> None:
        """One frame."""
        await self.ws.send_bytes(frames.encode(frame))

    async def receive(self, timeout_s: float = 10.0) -> frames.ServerFrame:
        """The next frame. EndedError when there is none any more."""
        message = await asyncio.wait_for(self.ws.receive(), timeout_s)
        if message.type is not aiohttp.WSMsgType.BINARY:
            raise EndedError(self.ws.close_code)
        return frames.decode_server(message.data)

    async def until(self, kind: type[Any], timeout_s: float = 10.0) -> Any:
        """The next frame of a kind; others are let go."""
        while not isinstance(frame := await self.receive(timeout_s), kind):
            pass
        return frame

    async def close(self) -> None:
        """Leave."""
        await self.ws.close()


Invite = Callable[[], Awaitable[str]]
