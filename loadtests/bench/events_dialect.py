"""The four frames as Socket.IO events over WebSocket: name and arguments as the frame has them, bytes as attachments.

Engine.IO 4 over WebSocket: "4" begins a message; Socket.IO 5: "2" is an event, "5<count>-" one with attachments, which
follow in frames of their own.
"""

import os
from collections.abc import Callable
from typing import Any, Final

import msgspec

from chatserver.wire import frames
from loadtests.bench import client_frames as ws
from loadtests.bench.line import Line
from loadtests.bench.load import Flow, Load

PATH: Final = "/socket.io/?EIO=4&transport=websocket"
_CONNECT: Final = b"40"
_PING: Final = b"2"
_PONG: Final = b"3"
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_A_NUMBER: Final = 7_654_321

Heard = Callable[[Line, list[Any]], None]
"""Called with each whole event; attachments stand in it as their places."""


def placed(values: Any, attachments: list[bytes]) -> Any:
    """A copy in which bytes gave way to their place among the attachments."""
    if isinstance(values, bytes):
        attachments.append(values)
        return {"_placeholder": True, "num": len(attachments) - 1}
    return [placed(value, attachments) for value in values] if isinstance(values, list | tuple) else values


def event(name: str, *arguments: object) -> tuple[bytes, bytes]:
    """An event: the payload of its text, and its attachments as whole frames."""
    attachments: list[bytes] = []
    said = _encode([name, *placed(arguments, attachments)])
    kind = b"45%d-" % len(attachments) if attachments else b"42"
    return kind + said, b"".join(ws.frame(ws.BINARY, attachment) for attachment in attachments)


def whole(name: str, *arguments: object) -> bytes:
    """An event as it is written."""
    text, behind = event(name, *arguments)
    return ws.frame(ws.TEXT, text) + behind


def frame(said: frames.ClientFrame) -> bytes:
    """A frame as the event that carries it."""
    name, *arguments = msgspec.to_builtins(said, builtin_types=(bytes,))
    return whole(name, *arguments)


def message(scope: bytes | str, device: bytes | str, key_no: int, box: bytes) -> ws.Template:
    """A `send` of one box whose number is still open. Ids may be text; then c is too, and the box alone attached."""
    c: bytes | str = os.urandom(32) if isinstance(scope, bytes) else os.urandom(32).hex()
    text, behind = event("send", scope, _A_NUMBER, c, [[device, key_no, box]])
    return ws.Template(ws.TEXT, text, str(_A_NUMBER).encode(), behind)


def writer(line: Line, template: ws.Template) -> Callable[[int], None]:
    """What sends message n on a socket."""

    def write(n: int) -> None:
        line.write(template.with_number(str(n).encode()))

    return write


class Reader:
    """Puts events together. Owned by its line."""

    def __init__(self, heard: Heard) -> None:
        self.heard = heard
        self._waits: list[Any] | None = None
        self._left = 0

    def __call__(self, line: Line, opcode: int, payload: bytes) -> None:
        """A frame."""
        if opcode == ws.BINARY:
            self._left -= 1
            if not self._left and self._waits is not None:
                self.heard(line, self._waits)
        elif payload.startswith(b"42"):
            self.heard(line, _decode(payload[2:]))
        elif payload.startswith(b"45"):
            count, _, said = payload[2:].partition(b"-")
            self._waits, self._left = _decode(said), int(count)
        else:
            self._other(line, payload)

    def _other(self, line: Line, payload: bytes) -> None:
        if payload == _PING:
            line.write(ws.frame(ws.TEXT, _PONG))
        elif payload.startswith(b"0"):
            line.write(ws.frame(ws.TEXT, _CONNECT))
        elif payload.startswith(_CONNECT):
            self.heard(line, ["connected"])
        elif payload.startswith((b"44", b"41", b"1")):
            line.ended = "disconnected"


def receiver(load: Load, flow: Flow) -> Heard:
    """Acknowledges each delivery by itself."""

    def heard(line: Line, said: list[Any]) -> None:
        if said[0] == "deliver":
            line.write(whole("ack", [said[1]], []))
            load.delivered(flow, said[4])

    return heard


def sender(load: Load, flow: Flow) -> Heard:
    """Counts receipts."""

    def heard(_line: Line, said: list[Any]) -> None:
        load.heard(flow, said)

    return heard
