"""The four frames in msgpack: what Sotto's native path and the bare WebSocket peers speak."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from chatserver.wire import frames
from loadtests.bench import client_frames as ws
from loadtests.bench.line import Line
from loadtests.bench.load import Flow, Load

_decode: Final = msgspec.msgpack.Decoder().decode
_encode: Final = msgspec.msgpack.Encoder().encode
_NUMBER_BYTES: Final = 4


def message(scope: bytes, device: bytes, key_no: int, box: bytes) -> ws.Template:
    """A `send` of one box whose number is still open."""
    n = 0xF1E2D3C4
    send = frames.Send(scope, n, ws.random_box(32), (frames.Sealed(device, key_no, box),))
    return ws.Template(ws.BINARY, frames.encode(send), n.to_bytes(_NUMBER_BYTES))


def writer(line: Line, template: ws.Template) -> Callable[[int], None]:
    """What sends message n on a socket."""

    def write(n: int) -> None:
        line.write(template.with_number(n.to_bytes(_NUMBER_BYTES)))

    return write


def said(frame: list[Any]) -> bytes:
    """A frame of the client's, as a whole WebSocket message."""
    return ws.frame(ws.BINARY, _encode(frame))


def receiver(load: Load, flow: Flow) -> Callable[[Line, int, bytes], None]:
    """Acknowledges each delivery by itself."""

    def take(line: Line, _opcode: int, payload: bytes) -> None:
        frame = _decode(payload)
        if frame[0] == "deliver":
            line.write(said(["ack", [frame[1]], []]))
            load.delivered(flow, frame[4])

    return take


def sender(load: Load, flow: Flow) -> Callable[[Line, int, bytes], None]:
    """Counts receipts."""

    def take(_line: Line, _opcode: int, payload: bytes) -> None:
        load.heard(flow, _decode(payload))

    return take
