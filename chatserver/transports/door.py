"""The door between a socket and the relay: what each side may ask of the other.

A socket's bytes become frames here and nowhere else; who may say what, when, and how fast is the relay's business.
All calls are made in the event loop's thread, none of them waits, and neither side keeps a queue of its own: what is
to be written waits in the relay's outbox, what was read is handed over at once.
"""

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any, Protocol

from chatserver.wire.frames import ClientFrame, ServerFrame


@dataclass(frozen=True, slots=True)
class UpgradeFacts:
    """What is known of a peer before its first frame. `origin` is None where the client is not a browser."""

    remote_address: str
    origin: str | None
    secure: bool
    path: str
    transport: int = 1
    """The byte that its hello has to sign: 1 is the native WebSocket."""
    session: bytes | None = None
    """Where requests show a session: its id. No other may say hello on this socket."""


class Transport(Protocol):
    """An open socket, as the relay holds it."""

    def encode(self, frame: ServerFrame) -> Sized:
        """The frame as this transport puts it on the wire; its length is in bytes. Encode once, write to many."""

    def write(self, chunks: list[Any]) -> None:
        """Hand over what one turn of the loop gathered. Not called between `pause_writing` and `resume_writing`."""

    def close(self, code: int, reason: str) -> None:
        """End the socket after what was written. Both are of the catalogue. Nothing is received after this."""

    def abort(self) -> None:
        """End the socket now, and drop what was not written."""

    def pause_reading(self) -> None:
        """Stop reading. What arrived in the read under way, at most 8 KiB beyond a message, is still handed over."""

    def resume_reading(self) -> None:
        """Read on."""

    def buffered_bytes(self) -> int:
        """Bytes taken by `write` that the operating system has not taken yet."""

    def ping(self) -> None:
        """Ask for a sign of life, which is then `heard`."""


class Connection(Protocol):
    """The relay's end of one accepted socket."""

    @property
    def max_message_bytes(self) -> int:
        """The largest message now allowed; asked for each."""

    def received(self, message: ClientFrame) -> None:
        """A frame of the catalogue."""

    def malformed(self) -> None:
        """A binary message that is no frame of the catalogue."""

    def heard(self) -> None:
        """The peer lives: bytes came."""

    def pause_writing(self) -> None:
        """The socket takes no more until `resume_writing`."""

    def resume_writing(self) -> None:
        """The socket takes bytes again."""

    def lost(self) -> None:
        """The socket is gone. Called exactly once, and nothing is called after it."""


class Timer(Protocol):
    """A deadline that may be called off."""

    def cancel(self) -> None:
        """It will not come."""


class Places(Protocol):
    """How many sockets one address, and all together, may hold."""

    def take(self, address: str) -> bool:
        """Take a place, or say that there is none."""

    def give_back(self, address: str) -> None:
        """Return a place that was taken."""


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in and who receives them.

    `call_later` is the loop's: every deadline on the way in and out goes through it. `failed` is told of our own
    faults; an exception's text may quote what a peer sent, so it logs types and places alone.
    """

    connect: Callable[[Transport, UpgradeFacts], Connection]
    origin_allowed: Callable[[str | None], bool]
    places: Places
    call_later: Callable[[float, Callable[[], object]], Timer]
    failed: Callable[[Exception], object]
