"""The relay's end of one socket: frames in, one write per turn of the loop out."""

from collections import deque
from collections.abc import Callable, Mapping, Sized
from typing import TYPE_CHECKING, Any, Final

from chatserver.clock import Clock
from chatserver.relay.session import Drop, Session, State, Wait
from chatserver.transports.door import Transport, UpgradeFacts
from chatserver.wire import errors, limits
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import ClientFrame, Ended, Refused, ServerFrame

if TYPE_CHECKING:
    from chatserver.relay.hub import Seat

Act = Callable[["Connection", Any], None]
"""What to do with a frame; Any, because each act takes the one frame that the table gives it."""


class Turn:
    """The sockets that have something to say, each written once at the end of this turn of the loop."""

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._waiting: list[Connection] = []

    def add(self, connection: "Connection") -> None:
        """`connection` has its first frame of this turn."""
        if not self._waiting:
            self._call_soon(self._write)
        self._waiting.append(connection)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            connection.flush()


class House:
    """What every connection shares. Filled by the relay."""

    def __init__(
        self,
        clock: Clock,
        turn: Turn,
        call_later: Callable[[float, Callable[[], None]], object],
        dropped: Callable[[str], None],
    ) -> None:
        self.clock: Final = clock
        self.turn: Final = turn
        self.call_later: Final = call_later
        self.dropped: Final = dropped
        self.acts: Mapping[type[ClientFrame], Act] = {}
        self.left: Callable[[Connection], None] = lambda _connection: None


class Connection:
    """One accepted socket. Its outbox is written by `flush` alone."""

    __slots__ = (
        "_backlog",
        "_holding",
        "_house",
        "_outbox",
        "_outbox_bytes",
        "_stuffed",
        "_transport",
        "facts",
        "quiet_s",
        "seat",
        "session",
    )

    def __init__(self, house: House, transport: Transport, facts: UpgradeFacts) -> None:
        self.facts = facts
        self.session = Session(house.clock.mono_s())
        self.seat: Seat | None = None  # set by the relay at welcome
        self.quiet_s = 0  # seconds without a byte from the peer; counted by the sweep
        self._house = house
        self._transport = transport
        self._outbox: list[Sized] = []
        self._outbox_bytes = 0
        self._stuffed = False  # the transport takes no more
        self._backlog: deque[ClientFrame] = deque()  # read but not acted on; bounded by one read of the transport
        self._holding = False

    # -- in ------------------------------------------------------------------------------------------------------

    @property
    def max_message_bytes(self) -> int:
        """The largest message now allowed."""
        if self.session.state is State.READY:
            return limits.MAX_FRAME_BYTES
        return limits.MAX_FRAME_BYTES_BEFORE_WELCOME

    def heard(self) -> None:
        """The peer lives."""
        self.quiet_s = 0

    def received(self, message: ClientFrame) -> None:
        """Act on a frame, or keep it while the socket is held."""
        if self._holding:
            self._backlog.append(message)
        else:
            self._step(message)

    def malformed(self) -> None:
        """The bytes were no frame."""
        self.end(errors.MALFORMED)

    def _step(self, message: ClientFrame) -> None:
        verdict = self.session.step(message, self._house.clock.mono_s())
        if verdict is None:
            self._house.acts[type(message)](self, message)
        elif isinstance(verdict, Refusal):
            self.end(verdict)
        elif isinstance(verdict, Wait):
            self._backlog.appendleft(message)
            self.hold()
            self._house.call_later(verdict, self.resume)
        elif isinstance(verdict, Drop):
            self._house.dropped(verdict.value)

    def hold(self) -> None:
        """Read and act on nothing more until `resume`."""
        self._holding = True
        self._transport.pause_reading()

    def resume(self) -> None:
        """Act on what was kept, then read on."""
        self._holding = False
        while self._backlog and not self._holding:
            self._step(self._backlog.popleft())
        if not self._holding and self.session.state is not State.CLOSED:
            self._transport.resume_reading()

    # -- out -----------------------------------------------------------------------------------------------------

    def put(self, frame: ServerFrame) -> None:
        """Write `frame` at the end of this turn. An outbox that is full ends the socket."""
        if self.session.state is State.CLOSED:
            return
        self._queue(frame)
        if self._outbox_bytes > limits.OUTBOX_BYTES - self._transport.buffered_bytes():
            self._house.dropped("outbox_full")
            self.end(errors.SLOW_CONSUMER)

    def _queue(self, frame: ServerFrame) -> None:
        if not self._outbox and not self._stuffed:
            self._house.turn.add(self)
        chunk = self._transport.encode(frame)
        self._outbox.append(chunk)
        self._outbox_bytes += len(chunk)

    def refuse(self, n: int, refusal: Refusal, *, known: bool = False) -> None:
        """Refuse send n; the socket lives on."""
        self.put(Refused(n, refusal.code, refusal.reason, refusal.retry, known))

    def flush(self) -> None:
        """One write for everything that waits."""
        if self._outbox and not self._stuffed:
            chunks, self._outbox, self._outbox_bytes = self._outbox, [], 0
            self._transport.write(chunks)

    def pause_writing(self) -> None:
        """The socket takes no more."""
        self._stuffed = True

    def resume_writing(self) -> None:
        """The socket takes bytes again."""
        self._stuffed = False
        self.flush()

    @property
    def stuffed(self) -> bool:
        """Whether the peer is not taking what was written."""
        return self._stuffed

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._transport.ping()

    # -- the end -------------------------------------------------------------------------------------------------

    def end(self, refusal: Refusal) -> None:
        """Say why, and end the socket. What is held for it is released at once."""
        if self.session.state is State.CLOSED:
            return
        self.session.close()
        if refusal is not errors.SLOW_CONSUMER:
            self._queue(Ended(refusal.code, refusal.reason, refusal.retry))
        self._backlog.clear()
        self.flush()
        self._house.left(self)
        self._transport.close(refusal.closes or errors.INTERNAL.closes or 1011, refusal.code)

    def lost(self) -> None:
        """The socket is gone."""
        self.session.close()
        self._backlog.clear()
        self._outbox.clear()
        self._house.left(self)
