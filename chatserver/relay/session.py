"""The session of one socket as a value machine: may this frame act now? No socket, clock or store inside.

PROTOCOL section 2: a socket says `hello` once and in time; nothing else passes before `welcome`; every frame is held
against the session's clocks and its budget.
"""

# ruff: noqa: SLF001 -- the table below the class lists its moves
import enum
from collections.abc import Callable
from typing import Final

from chatserver.wire import errors, limits
from chatserver.wire.errors import Refusal
from chatserver.wire.frames import Ack, Active, Bye, ClientFrame, Fates, Fleeting, Hello, Send


class State(enum.Enum):
    """Where a session is."""

    NEW = "new"
    GREETING = "greeting"
    READY = "ready"
    CLOSED = "closed"


class Drop(enum.Enum):
    """A frame that is let go, by name."""

    FLEETING_TOO_FAST = "fleeting_too_fast"
    ACTIVE_TOO_FAST = "active_too_fast"


class Wait(float):
    """The frame may act after this many seconds; until then the socket is not read."""


Verdict = Refusal | Wait | Drop | None
"""None: act on it."""


class Bucket:
    """A token bucket as two floats. Owned by its session."""

    __slots__ = ("_at", "_burst", "_level", "_per_s")

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._level = burst
        self._at = 0.0

    def take(self, now: float) -> float:
        """Seconds until a token is there; 0.0 when one was taken. `now` in monotonic seconds."""
        level = self._level + (now - self._at) * self._per_s
        if level > self._burst:  # noqa: PLR1730 -- min() costs a call for every frame
            level = self._burst
        self._at = now
        if level >= 1.0:
            self._level = level - 1.0
            return 0.0
        self._level = level
        return (1.0 - level) / self._per_s


class Clocks:
    """The two clocks of a signed-in session, in monotonic seconds. Owned by its session."""

    __slots__ = ("active_at", "ends_at", "idle_s")

    def __init__(self, idle_s: float, active_at: float, ends_at: float) -> None:
        self.idle_s = idle_s
        self.active_at = active_at
        self.ends_at = ends_at

    def over(self, now: float) -> bool:
        """Whether the session has been idle too long, or too long altogether."""
        return now >= self.ends_at or now - self.active_at >= self.idle_s


class Session:
    """One socket's session. Owned by its connection."""

    __slots__ = ("_active", "_fleetings", "_opened_at", "_sends", "clocks", "state")

    def __init__(self, now: float) -> None:
        self.state = State.NEW
        self._opened_at = now
        self.clocks: Clocks | None = None
        self._sends = Bucket(limits.SENDS_PER_S, limits.SEND_BURST)
        self._fleetings = Bucket(limits.FLEETING_PER_S, limits.FLEETING_BURST)
        self._active = Bucket(limits.ACTIVE_PER_S, limits.ACTIVE_BURST)

    def step(self, frame: ClientFrame, now: float) -> Verdict:
        """What to do with `frame` at `now` (monotonic seconds)."""
        move = MOVES[self.state].get(type(frame))
        if move is None:
            return errors.OUT_OF_ORDER
        return move(self, now)

    def welcome(self, clocks: Clocks) -> None:
        """The hello was accepted: the session runs under these clocks."""
        self.state = State.READY
        self.clocks = clocks

    def close(self) -> None:
        """Nothing acts any more."""
        self.state = State.CLOSED

    def overdue(self, now: float) -> Refusal | None:
        """Why the session must end at `now`, if it must: a late hello, or a clock that ran out."""
        if self.state in _BEFORE_WELCOME:
            return errors.HELLO_LATE if now - self._opened_at >= limits.HELLO_TIMEOUT_S else None
        if self.clocks is not None and self.clocks.over(now):
            return errors.SESSION_ENDED
        return None

    def _hello(self, _now: float) -> Verdict:
        self.state = State.GREETING
        return None

    def _send(self, now: float) -> Verdict:
        return self._counted(now) or _wait(self._sends.take(now))

    def _active_frame(self, now: float) -> Verdict:
        return self._counted(now) or (Drop.ACTIVE_TOO_FAST if self._active.take(now) else None)

    def _fleeting(self, now: float) -> Verdict:
        return self._within(now) or (Drop.FLEETING_TOO_FAST if self._fleetings.take(now) else None)

    def _within(self, now: float) -> Refusal | None:
        clocks = self.clocks
        return errors.SESSION_ENDED if clocks is not None and clocks.over(now) else None

    def _counted(self, now: float) -> Refusal | None:
        """As `_within`, for the frames that a person causes: these alone wind the idle clock (DESIGN section 6)."""
        clocks = self.clocks
        if clocks is None:
            return None
        if clocks.over(now):
            return errors.SESSION_ENDED
        clocks.active_at = now
        return None

    def _bye(self, _now: float) -> Verdict:
        return errors.SIGNED_OFF


def _wait(seconds: float) -> Verdict:
    return Wait(seconds) if seconds else None


_BEFORE_WELCOME: Final = frozenset({State.NEW, State.GREETING})

Move = Callable[[Session, float], Verdict]

# What may come when. A frame that is not in the row of its state is out of order.
MOVES: Final[dict[State, dict[type[ClientFrame], Move]]] = {
    State.NEW: {Hello: Session._hello, Bye: Session._bye},
    State.GREETING: {Bye: Session._bye},
    State.READY: {
        Send: Session._send,
        Ack: Session._within,
        Fleeting: Session._fleeting,
        Active: Session._active_frame,
        Fates: Session._within,
        Bye: Session._bye,
    },
    State.CLOSED: {},
}
