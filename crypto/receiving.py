"""What a device remembers of one stream: per (sender device, class, scope), as a pure value machine.

CRYPTO section 3 "Receiving state". A step takes a state and a message's numbers and returns the next state
or raises `Refused`; the caller commits that state in the same transaction as the message and the key use.
The state begins at the first message seen. Beside each missing number stands what its neighbours have said
of it, so that the hash chain is checked in whatever order the messages come.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from hmac import compare_digest

from crypto.fields import HASH_BYTES, ZERO_HASH, Reader, fixed, u8, u16, u64
from crypto.refusals import Reason, Refused, require

MAX_MISSING = 1_024
_STATE_VERSION = 1


class Arrival(StrEnum):
    """How an accepted message joins the stream."""

    FIRST = "first"  # the stream begins here for this device
    NEXT = "next"
    GAP = "gap"  # numbers before it are missing
    FILLED = "filled"  # one that was missing: put it in its place


@dataclass(frozen=True, slots=True)
class Missing:
    """A number not seen yet; empty bytes where no neighbour has said anything."""

    seq: int
    c: bytes = b""  # what the next message names as its prev
    prev: bytes = b""  # the commitment of the message before it

    def encode(self) -> bytes:
        """The bytes: seq u64, len8 || c, len8 || prev."""
        return u64(self.seq) + u8(len(self.c)) + self.c + u8(len(self.prev)) + self.prev


@dataclass(frozen=True, slots=True)
class Received:
    """One stream. Owner: the client's store. Numbers below `floor` are refused and no longer judged."""

    floor: int
    highest: int
    c: bytes  # the commitment of `highest`
    missing: tuple[Missing, ...] = ()  # ascending by seq, at most MAX_MISSING

    def gap(self, seq: int) -> Missing | None:
        """The entry of a missing number."""
        return next((entry for entry in self.missing if entry.seq == seq), None)

    def encode(self) -> bytes:
        """0x01, floor u64, highest u64, c 32, count u16, entries."""
        head = u8(_STATE_VERSION) + u64(self.floor) + u64(self.highest) + fixed(self.c, HASH_BYTES)
        return head + u16(len(self.missing)) + b"".join(entry.encode() for entry in self.missing)

    @classmethod
    def decode(cls, raw: bytes) -> "Received":
        """The inverse of `encode`; refuses what that cannot have written."""
        reader = Reader(raw)
        require(reader.uint(1) == _STATE_VERSION, Reason.BAD_VERSION)
        floor, highest, c = reader.uint(8), reader.uint(8), reader.take(HASH_BYTES)
        count = reader.uint(2)
        require(count <= MAX_MISSING, Reason.NUMBER_RANGE)
        missing = tuple(_read_missing(reader) for _ in range(count))
        reader.end()
        return cls(floor, highest, c, missing)


@dataclass(frozen=True, slots=True)
class Step:
    """An accepted message: the state to commit, how it arrived, how many missing numbers were given up."""

    state: Received
    arrival: Arrival
    given_up: int = 0


def receive_message(state: Received | None, seq: int, c: bytes, prev: bytes) -> Step:
    """Class 1. Each seq is accepted once; `prev` must name the message before it as far as that is known.

    Raises `Refused`: bad_seq, bad_prev, seq_too_old, already_opened (same c again), seq_fork (another c).
    """
    require(seq >= 1, Reason.BAD_SEQ)
    require((seq == 1) == (prev == ZERO_HASH), Reason.BAD_PREV)
    if state is None:
        return Step(Received(seq, seq, c), Arrival.FIRST)
    if seq > state.highest:
        return _go_on(state, seq, c, prev)
    return _fill(state, seq, c, prev)


def receive_passing(state: Received | None, n: int, c: bytes) -> Step:
    """Classes 2 and 3: strictly growing, nothing is ever missing. Raises `Refused`: not_growing."""
    if state is None:
        return Step(Received(n, n, c), Arrival.FIRST)
    require(n > state.highest, Reason.NOT_GROWING)
    return Step(Received(n, n, c), Arrival.NEXT)


def _go_on(state: Received, seq: int, c: bytes, prev: bytes) -> Step:
    if seq == state.highest + 1:
        require(compare_digest(prev, state.c), Reason.BAD_PREV)
        return Step(replace(state, highest=seq, c=c), Arrival.NEXT)
    opened = (*state.missing, *_opened_gap(state, seq, prev))
    kept = opened[-MAX_MISSING:]
    asked = len(state.missing) + seq - state.highest - 1
    given_up = asked - len(kept)
    floor = kept[0].seq if given_up else state.floor
    return Step(Received(floor, seq, c, kept), Arrival.GAP, given_up)


def _opened_gap(state: Received, seq: int, prev: bytes) -> Iterator[Missing]:
    """The newest of the numbers between `highest` and `seq`, with what is known at both ends."""
    first = max(state.highest + 1, seq - MAX_MISSING)
    for number in range(first, seq):
        yield Missing(
            number,
            c=prev if number == seq - 1 else b"",
            prev=state.c if number == state.highest + 1 else b"",
        )


def _fill(state: Received, seq: int, c: bytes, prev: bytes) -> Step:
    require(seq >= state.floor, Reason.SEQ_TOO_OLD)
    entry = state.gap(seq)
    if entry is None:
        raise Refused(_taken(state, seq, c))
    require(not entry.c or compare_digest(entry.c, c), Reason.SEQ_FORK)
    require(not entry.prev or compare_digest(entry.prev, prev), Reason.BAD_PREV)
    rest = tuple(_told(other, seq, c, prev) for other in state.missing if other.seq != seq)
    return Step(replace(state, missing=rest), Arrival.FILLED)


def _taken(state: Received, seq: int, c: bytes) -> Reason:
    """Why a number that was accepted is not accepted again.

    Only the highest one's c is kept. That is enough: c commits to n, and a repeat of the same n was
    answered before it came here, so another accepted number never comes back with the same c.
    """
    same = seq == state.highest and compare_digest(c, state.c)
    return Reason.ALREADY_OPENED if same else Reason.SEQ_FORK


def _told(entry: Missing, seq: int, c: bytes, prev: bytes) -> Missing:
    """A missing neighbour learns from the message that filled its side."""
    if entry.seq == seq + 1:
        return replace(entry, prev=c)
    if entry.seq == seq - 1:
        return replace(entry, c=prev)
    return entry


def _read_missing(reader: Reader) -> Missing:
    return Missing(reader.uint(8), reader.take(reader.uint(1)), reader.take(reader.uint(1)))
