"""Byte streams that no client should send, fed to an upgraded socket in memory.

Whatever comes: no exception leaves the protocol, the socket lives or ends with one Close of the catalogue, nothing that
was sent comes back (a Pong's payload excepted, which RFC 6455 section 5.5.3 demands), and no log says a word.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

import pytest

from chatserver.wire import errors, frames, limits
from tests.websocket_peers import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, TEXT, Wire, close_frame, frame, masked
from tests.websocket_violations import GOOD, VIOLATIONS

SEEDS: Final = range(12)
STREAMS_PER_SEED: Final = 5_000
CANARY: Final = b"canary-9e41d7"
ENDINGS: Final = {refusal.closes: refusal.code.encode() for refusal in errors.CATALOGUE.values() if refusal.closes}
OPCODES: Final = (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG, 3, 7, 11, 15)
WHOLE: Final = (
    frames.encode(frames.Ack((1, 2, 3))),
    frames.encode(frames.Fates((7,))),
    frames.encode(frames.Bye()),
    GOOD,
    b"\xc1" + CANARY,
)
BROKEN: Final = [data for data, _code in VIOLATIONS.values() if len(data) < 1_000]


def good_stream(rng: random.Random) -> bytes:
    """A conversation that keeps the rules: whole and fragmented messages, pings between, perhaps a close."""
    parts = []
    for _frame in range(rng.randint(1, 6)):
        message = rng.choice(WHOLE)
        cut = rng.randint(0, len(message))
        if rng.random() < 0.5:
            parts.append(frame(BINARY, message))
        else:
            parts += [frame(BINARY, message[:cut], fin=False), frame(PING, b"p"), frame(CONTINUATION, message[cut:])]
    if rng.random() < 0.2:
        parts.append(close_frame(rng.choice((1000, 1001, 4000)), CANARY))
    return b"".join(parts)


def any_frame(rng: random.Random) -> bytes:
    """One frame of any opcode and flags, mostly with the right shape."""
    opcode = rng.choice(OPCODES)
    payload = b"" if opcode == PING else CANARY[: rng.randint(0, len(CANARY))] * rng.choice((0, 1, 1, 1, 12, 400))
    return frame(
        opcode,
        payload,
        fin=rng.random() < 0.8,
        rsv=rng.choice((0, 0, 0, 0, 0, 0, 0, 1, 2, 4)),
        mask=rng.random() < 0.95,
        form=rng.choice((None, None, None, None, None, 16, 64)) if len(payload) < 65_536 else None,
    )


def mutated(rng: random.Random, data: bytes) -> bytes:
    """A few bytes changed, cut out, doubled or put in."""
    changed = bytearray(data)
    for _change in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[at : at + rng.randint(1, 8)]
        elif kind == 2:
            changed[at:at] = changed[at : at + rng.randint(1, 16)]
        else:
            changed[at:at] = rng.randbytes(rng.randint(1, 8))
    return bytes(changed)


def stream(rng: random.Random) -> bytes:
    kind = rng.randrange(5)
    if kind == 0:
        return rng.randbytes(rng.randint(1, 200)) + CANARY
    if kind == 1:
        return b"".join(any_frame(rng) for _frame in range(rng.randint(1, 8)))
    if kind == 2:
        return good_stream(rng) + rng.choice(BROKEN) + good_stream(rng)
    return mutated(rng, good_stream(rng))


def without_pongs(wire: Wire) -> list[tuple[int, bytes]]:
    return [(opcode, payload) for opcode, payload in wire.answered if opcode != PONG]


def check(wire: Wire, sent: bytes) -> None:
    """What must hold after any stream."""
    told = without_pongs(wire)
    assert len(told) <= 1, sent.hex()
    for opcode, payload in told:
        code = int.from_bytes(payload[:2], "big")
        assert opcode == CLOSE, sent.hex()
        assert payload == b"\x03\xe8" or payload[2:] == ENDINGS[code], sent.hex()
        assert wire.raw.closing or wire.raw.half_closed, sent.hex()
        assert not wire.socket.looked_at(), sent.hex()
    assert bool(told) != wire.socket.looked_at(), sent.hex()
    assert wire.faults == [], sent.hex()
    assert CANARY not in b"".join(payload for _opcode, payload in told), sent.hex()


def postpone(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Callable[..., object], tuple[object, ...]]]:
    """Collect what is put off on this loop, instead of waiting for it."""
    postponed: list[tuple[Callable[..., object], tuple[object, ...]]] = []
    loop = asyncio.get_running_loop()

    def call_later(_delay: float, callback: Callable[..., object], *arguments: object) -> asyncio.Handle:
        postponed.append((callback, arguments))
        return asyncio.Handle(callback, arguments, loop)

    monkeypatch.setattr(loop, "call_later", call_later)
    return postponed


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_byte_stream_does_more_than_end_its_own_socket(
    seed: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.NOTSET)
    postponed = postpone(monkeypatch)
    rng = random.Random(seed)  # noqa: S311  # a run repeats from its seed
    endings: set[int] = set()
    for number in range(STREAMS_PER_SEED):
        sent = stream(rng)
        wire = Wire(max_message_bytes=rng.choice((64, 4_096, limits.MAX_FRAME_BYTES)))
        wire.feed(sent, read_bytes=rng.choice((1, 3, 17, 100, 1 << 20)))
        check(wire, sent)
        endings.update(wire.close_codes)
        wire.parser.connection_lost(None)
        assert (wire.ear.lost_times, wire.left) == (1, 1)
        if number % 500 == 0:
            await asyncio.sleep(0)
    for callback, arguments in postponed:  # what picows would do 10 ms later: it must not raise either
        callback(*arguments)
    assert {1000, 1002, 1003, 1009} <= endings
    assert [record for record in caplog.records if record.name != "asyncio"] == []


async def test_the_code_does_not_depend_on_how_the_bytes_were_cut() -> None:
    rng = random.Random(7)  # noqa: S311  # as above
    for _number in range(3_000):
        sent = stream(rng)
        outcomes = []
        for read_bytes in (1, 5, 1 << 20):
            wire = Wire()
            wire.feed(sent, read_bytes=read_bytes)
            outcomes.append((wire.ear.told, without_pongs(wire)))
        assert outcomes[0] == outcomes[1] == outcomes[2], sent.hex()


async def test_the_generator_reaches_the_relay() -> None:
    rng = random.Random(3)  # noqa: S311  # as above
    told: list[object] = []
    for _number in range(200):
        wire = Wire()
        wire.feed(good_stream(rng))
        told += wire.ear.told
    assert {type(frame) for frame in told} == {frames.Ack, frames.Fates, frames.Bye, frames.Active, str}
    assert masked(masked(CANARY), MASK) == CANARY
