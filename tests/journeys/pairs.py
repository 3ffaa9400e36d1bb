"""Two raw devices in one conversation, connected and LIVE, at whatever server they are given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp

from chatserver.settings import Settings
from chatserver.wire import frames
from loadtests.actors import Device, Socket
from loadtests.chaos.server import Organisation

PATIENCE_S = 15.0


class Pair(NamedTuple):
    """One who sends, one who reads."""

    scope: bytes
    sender: Device
    sending: Socket
    reader: Device
    reading: Socket

    async def say(self) -> frames.Send:
        """One message from its first byte to the last receipt. No task is made for it on this side."""
        async with asyncio.timeout(PATIENCE_S):
            message = self.sender.message(self.scope, [self.reader])
            await self.sending.send(message)
            delivered = await _next(self.reading)
            assert isinstance(delivered, frames.Deliver)
            assert delivered.box == message.boxes[0].box
            await self.reading.send(frames.Ack((delivered.number,)))
            receipt = await _next(self.sending)
            assert isinstance(receipt, frames.Receipt)
            assert (receipt.n, receipt.mark) == (message.n, "delivered")
            return message

    async def reconnected(self) -> "Pair":
        """The same two after a restart of their server."""
        sending, reading = await live(self.sender), await live(self.reader)
        return self._replace(sending=sending, reading=reading)


async def _next(socket: Socket) -> frames.ServerFrame:
    """The next frame that a message brings."""
    while isinstance(frame := frames.decode_server((await socket.ws.receive()).data), frames.Notice):
        pass
    return frame


async def live(device: Device) -> Socket:
    """Connected, with nothing left to read."""
    socket = await device.connect()
    await socket.until(frames.Current)
    return socket


@asynccontextmanager
async def pair(settings: Settings, url: str) -> AsyncIterator[Pair]:
    """They are invited beside the running server, as an operator does it."""
    async with aiohttp.ClientSession() as http:
        async with Organisation(settings) as organisation:
            codes = [await organisation.invite() for _ in range(2)]
        sender, reader = Device(url, http, "sender"), Device(url, http, "reader")
        for device, code in zip((sender, reader), codes, strict=True):
            await device.join(code)
        async with Organisation(settings) as organisation:
            scope = await organisation.converse(sender.account, reader.account)
        yield Pair(scope, sender, await live(sender), reader, await live(reader))
