"""A person's client in a process that ends itself with SIGKILL at a chosen moment of a message.

`mortal_reader.py STATE URL PASSWORD [MOMENT COUNT]`: print each message as a line of JSON, and die at the COUNT-th
MOMENT. Moments: `received` (nothing opened), `opened` (nothing committed), `committed` (nothing acknowledged),
`acknowledged` (the acknowledgement was handed to the socket). With `careless` it does not die by itself, and
acknowledges what it never looked at: the bug that the others are to be told from.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from chatserver.wire.frames import Ack, ClientFrame, Deliver
from sotto import Client
from sotto.incoming import Intake
from sotto.socket import Socket


class Fate:
    """Counts the chosen moment."""

    def __init__(self, moment: str, count: int) -> None:
        self.moment = moment
        self._left = count

    def comes(self, moment: str) -> None:
        """This moment is here."""
        if moment == self.moment:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def bind(fate: Fate) -> None:
    """Let fate see every moment of a message."""
    take, submit, send = Intake.take, Intake._submit, Socket.send

    async def taken(self: Intake, frames: Sequence[Deliver]) -> Ack:
        fate.comes("received")
        if fate.moment == "careless":
            return Ack(tuple(frame.number for frame in frames))
        ack = await take(self, frames)
        fate.comes("committed")
        return ack

    def submitted(self: Intake, batch: Any) -> "asyncio.Future[None]":
        fate.comes("opened")
        return submit(self, batch)

    async def sent(self: Socket, frame: ClientFrame) -> None:
        await send(self, frame)
        if isinstance(frame, Ack):
            fate.comes("acknowledged")

    Intake.take, Intake._submit, Socket.send = taken, submitted, sent  # type: ignore[method-assign]  # fate's hand


async def read(path: str, url: str, password: str) -> None:
    """Show what comes."""
    async with await Client.open(path, password, url=url) as client:
        async for message in client.messages():
            sys.stdout.write(json.dumps(message.text) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    state, address, secret, *chosen = sys.argv[1:]
    if chosen:
        bind(Fate(chosen[0], int(chosen[1])))
    asyncio.run(read(state, address, secret))
