"""A device of Sotto over Socket.IO: says hello, sends one message, acknowledges what comes, says goodbye.

    pip install python-socketio aiohttp pynacl && python chat.py device.json [polling|websocket]

device.json is what a client keeps of itself; README.md says where each field comes from. A real client seals its boxes
for each device (docs/PROTOCOL.md 5); this one sends random bytes of the right length, which nobody can open.
"""

import asyncio
import base64
import json
import os
import sys
from hashlib import blake2b
from pathlib import Path
from typing import Any

import aiohttp
import socketio
from nacl.signing import SigningKey

SOCKETIO = 2
"""The transport byte of the hello."""
SMALLEST_BOX_BYTES = 544


def unb64(text: str) -> bytes:
    """Bytes as the HTTP side writes them."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def labelled(label: str, *parts: bytes) -> bytes:
    """What is hashed and signed: the label, a zero byte, the parts."""
    return label.encode() + b"\0" + b"".join(parts)


async def ticket(http: aiohttp.ClientSession, device: dict[str, Any]) -> bytes:
    """A ticket: good for one hello of this session and this device, within 30 s."""
    async with http.post(f"{device['url']}/v1/tickets", json={"device": device["device"]}) as answer:
        found = await answer.json()
        return unb64(found["ticket"])


async def hello(http: aiohttp.ClientSession, device: dict[str, Any]) -> tuple[object, ...]:
    """PROTOCOL 3.3: the arguments, and the device's signature over tenant and all of them, of the ticket its hash."""
    burnt = await ticket(http, device)
    hashed = blake2b(labelled("sotto/v1/ticket", burnt), digest_size=32).digest()
    origin = device["url"].encode()
    account, me, list_hash, epoch = (unb64(device[name]) for name in ("account", "device", "list_hash", "epoch"))
    version, key_no = device["list_version"], device["key_no"]
    statement = labelled(
        "sotto/v1/hello", unb64(device["tenant"]), len(origin).to_bytes(2, "big"), origin, hashed, account, me,
        bytes([SOCKETIO]), version.to_bytes(4, "big"), list_hash, key_no.to_bytes(4, "big"), epoch,
    )  # fmt: skip
    signature = SigningKey(unb64(device["seed"])).sign(statement).signature
    return burnt, account, me, device["url"], SOCKETIO, version, list_hash, key_no, epoch, signature


async def chat(http: aiohttp.ClientSession, device: dict[str, Any], carrier: str) -> None:
    """One conversation's worth of events."""
    # The stock client puts `headers=` on its first request alone; those of an aiohttp session go with every one.
    client = socketio.AsyncClient(http_session=http)
    over = asyncio.Event()

    async def connect() -> None:  # anew after each reconnection
        await client.emit("hello", await hello(http, device))

    async def welcome(_server_time: int, _epoch: bytes, highest: int, *_limits: object) -> None:
        print("welcome", highest)
        boxes = [[unb64(to["device"]), to["key_no"], os.urandom(SMALLEST_BOX_BYTES)] for to in device["to"]]
        # A real client has n, c and the content on disk before it sends: after a loss it repeats the same n.
        await client.emit("send", (unb64(device["conversation"]), highest + 1, os.urandom(32), boxes))

    async def deliver(number: int, _scope: bytes, _sender: bytes, n: int, *_box: object) -> None:
        print("deliver", n)
        await client.emit("ack", ([number],))  # a real client: once the message is opened and committed
        await client.emit("bye", ())

    def bye(code: str, _reason: str, retry: bool) -> None:
        print("bye", code)
        if not retry:
            over.set()

    for handler in (connect, welcome, deliver, bye):
        client.on(handler.__name__, handler)
    client.on("receipt", lambda n, mark, *_rest: print("receipt", n, mark))
    client.on("refused", lambda n, code, *_rest: print("refused", n, code))
    await client.connect(device["url"], transports=[carrier])
    await over.wait()
    await client.disconnect()


async def main(device: dict[str, Any], carrier: str = "websocket") -> None:
    """Every request of this session shows who is signed in."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {device['token']}"}) as http:
        await chat(http, device, carrier)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), *sys.argv[2:]))
