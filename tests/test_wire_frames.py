"""The codec: what was encoded comes back, and nothing else comes in."""

import random
import traceback
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatserver.wire import frames, limits
from chatserver.wire.frames import (
    Ack,
    Active,
    Bye,
    ClientFrame,
    Clocks,
    Current,
    Deliver,
    Ended,
    Fates,
    FatesTold,
    Fleeting,
    Hello,
    Limits,
    Malformed,
    Notice,
    Receipt,
    Refused,
    Sealed,
    Send,
    ServerFrame,
    Told,
    Welcome,
    Whisper,
)

pytestmark = pytest.mark.pure

MAX = limits.MAX_INTEGER
ids, hashes, signatures = (st.binary(min_size=size, max_size=size) for size in (16, 32, 64))
texts = st.text(max_size=20)
numbers, millis, u32s = st.integers(1, MAX), st.integers(0, MAX), st.integers(0, 2**32 - 1)
boxes = st.sampled_from((min(limits.BOX_BYTES), 1_312)).map(bytes)
sealed = st.builds(Sealed, ids, u32s, boxes)
sends = st.lists(sealed, max_size=4).map(tuple)
few_numbers = st.lists(numbers, max_size=6).map(tuple)
few_ids = st.lists(ids, max_size=3).map(tuple)
marks = st.sampled_from(("safe", "delivered", "unreadable", "expired", "withheld", "device_removed"))
outcomes = st.sampled_from(("pending", "opened", "unreadable", "expired", "withheld", "device_removed", "unreachable"))
signed = st.lists(st.tuples(ids, st.binary(max_size=40)), max_size=3).map(tuple)
told = st.builds(
    Told,
    numbers,
    st.sampled_from(("unknown", "open", "settled")),
    st.lists(st.tuples(ids, outcomes), max_size=3).map(tuple),
)

CLIENT: dict[type[ClientFrame], st.SearchStrategy[Any]] = {
    Hello: st.builds(
        Hello, hashes, ids, ids, st.text(max_size=60), st.integers(0, 255), u32s, hashes, u32s, ids, signatures
    ),
    Send: st.builds(Send, ids, numbers, hashes, sends),
    Ack: st.builds(Ack, few_numbers, few_numbers),
    Fleeting: st.builds(Fleeting, ids, numbers, hashes, sends),
    Active: st.just(Active()),
    Fates: st.builds(Fates, few_numbers, few_numbers),
    Bye: st.just(Bye()),
}
SERVER: dict[type[ServerFrame], st.SearchStrategy[Any]] = {
    Welcome: st.builds(
        Welcome, millis, ids, millis, u32s, u32s, st.builds(Clocks, millis, millis),
        st.builds(Limits, numbers, numbers, numbers, numbers),
    ),
    Receipt: st.builds(Receipt, numbers, marks, millis, few_ids, few_ids),
    Refused: st.builds(Refused, millis, texts, texts, st.booleans(), st.booleans(), signed, signed),
    Deliver: st.builds(Deliver, numbers, ids, ids, numbers, hashes, millis, u32s, hashes, u32s, boxes),
    Whisper: st.builds(Whisper, ids, ids, numbers, hashes, millis, u32s, boxes),
    Current: st.builds(Current, millis),
    Notice: st.builds(Notice, st.sampled_from(("list", "keys", "members")), ids),
    FatesTold: st.builds(FatesTold, st.lists(told, max_size=3).map(tuple)),
    Ended: st.builds(Ended, texts, texts, st.booleans()),
}  # fmt: skip
HELLO = Hello(bytes(32), bytes(16), bytes(16), "https://chat.example", 1, 7, bytes(32), 3, bytes(16), bytes(64))
SEND = Send(bytes(16), 9, b"c" * 32, (Sealed(b"d" * 16, 1, bytes(544)), Sealed(b"e" * 16, 2, bytes(1_312))))
SAMPLES: tuple[ClientFrame, ...] = (
    HELLO,
    SEND,
    Ack((1, 2, 3), (4,)),
    Fleeting(bytes(16), 9, bytes(32), SEND.boxes),
    Active(),
    Fates((1, 2), (3,)),
    Bye(),
)
SECRET = b"SECRET-OF-A-PATIENT"


def members(union: Any) -> set[Any]:
    return set(union.__args__)


def test_every_frame_is_tried_here() -> None:
    assert set(CLIENT) == members(ClientFrame)
    assert set(SERVER) == members(ServerFrame)


@given(st.one_of(*CLIENT.values()))
def test_what_a_client_says_arrives_as_it_was_said(frame: ClientFrame) -> None:
    assert frames.decode_client(frames.encode(frame)) == frame


@given(st.one_of(*SERVER.values()))
def test_what_a_server_says_arrives_as_it_was_said(frame: ServerFrame) -> None:
    assert frames.decode_server(frames.encode_server(frame)) == frame


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_bytes_may_come_in_any_buffer(wrap: Any) -> None:
    assert frames.decode_client(wrap(frames.encode(SEND))) == SEND


def parts_of(frame: ClientFrame) -> list[Any]:
    return list(msgspec.msgpack.decode(frames.encode(frame)))


def refused(value: object) -> None:
    with pytest.raises(Malformed):
        frames.decode_client(msgspec.msgpack.encode(value))


@pytest.mark.parametrize("frame", SAMPLES, ids=lambda frame: type(frame).__name__)
def test_a_field_too_many_or_too_few_is_refused(frame: ClientFrame) -> None:
    parts = parts_of(frame)
    refused([*parts, 0])
    required = len(parts) - len(type(frame).__struct_defaults__)
    if required > 1:
        refused(parts[: required - 1])


@pytest.mark.parametrize("tag", ["", "SEND", "sends", "welcome", "deliver", "__class__", 1, None, b"send"])
def test_an_unknown_tag_is_refused(tag: object) -> None:
    refused([tag, *parts_of(SEND)[1:]])


@pytest.mark.parametrize("frame", SAMPLES, ids=lambda frame: type(frame).__name__)
def test_bytes_of_another_length_are_refused(frame: ClientFrame) -> None:
    parts = parts_of(frame)
    for at, part in enumerate(parts):
        if isinstance(part, bytes):
            refused([*parts[:at], part[:-1], *parts[at + 1 :]])
            refused([*parts[:at], part + b"\x00", *parts[at + 1 :]])


@pytest.mark.parametrize("length", [0, min(limits.BOX_BYTES) - 1, limits.MAX_BOX_BYTES + 1])
def test_a_box_beyond_the_smallest_and_largest_is_refused(length: int) -> None:
    refused(["send", bytes(16), 1, bytes(32), [[bytes(16), 1, bytes(length)]]])


def test_arrays_longer_than_allowed_are_refused() -> None:
    box = [bytes(16), 1, bytes(544)]
    whole = frames.decode_client(msgspec.msgpack.encode(["send", bytes(16), 1, bytes(32), [box] * 32]))
    assert isinstance(whole, Send)
    assert len(whole.boxes) == 32
    refused(["send", bytes(16), 1, bytes(32), [box] * 33])
    refused(["fleeting", bytes(16), 1, bytes(32), [box] * 33])
    refused(["ack", list(range(1, limits.DELIVERY_WINDOW_BOXES + 2)), []])
    refused(["ack", [], list(range(1, limits.DELIVERY_WINDOW_BOXES + 2))])
    refused(["fates", list(range(1, limits.FATES_PAGE + 2)), []])
    refused(["fates", [], list(range(1, limits.FATES_PAGE + 2))])


@pytest.mark.parametrize("n", [0, -1, MAX + 1, 2**63, 1.5, "1", None, True])
def test_a_number_that_is_none_is_refused(n: object) -> None:
    refused(["send", bytes(16), n, bytes(32), []])


@pytest.mark.parametrize("key_no", [-1, 2**32])
def test_a_key_number_is_a_u32(key_no: int) -> None:
    refused(["send", bytes(16), 1, bytes(32), [[bytes(16), key_no, bytes(544)]]])


def test_what_comes_after_a_frame_is_refused() -> None:
    with pytest.raises(Malformed):
        frames.decode_client(frames.encode(Active()) + b"\xc0")


@pytest.mark.parametrize(
    "payload", [b"", b"\xc1", b"\x91", b"\xdd\xff\xff\xff\xff", b"\x91" * 100_000, b"\x81" * 2_000]
)
def test_bytes_that_are_no_frame_are_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        frames.decode_client(payload)
    with pytest.raises(Malformed):
        frames.decode_server(payload)


@pytest.mark.parametrize(
    "payload",
    [
        msgspec.msgpack.encode([SECRET.decode()]),
        msgspec.msgpack.encode(["send", SECRET]),
        msgspec.msgpack.encode(["hello", bytes(32), bytes(16), bytes(16), SECRET.decode() * 20]),
        msgspec.msgpack.encode({SECRET: SECRET}),
        b"\xa3\xff\xfe\xfd" + SECRET,
    ],
)
@pytest.mark.parametrize("decode", [frames.decode_client, frames.decode_server])
def test_a_refusal_carries_nothing_of_what_came(payload: bytes, decode: Any) -> None:
    with pytest.raises(Malformed) as caught:
        decode(payload)
    error = caught.value
    assert (error.args, error.__cause__, error.__context__) == ((), None, None)
    assert SECRET.decode() not in "".join(traceback.format_exception(error))


def mutated(payload: bytes, chance: random.Random) -> bytes:
    """The payload with one thing wrong: a byte, a cut, a doubled or a dropped stretch."""
    at, length = chance.randrange(len(payload)), chance.randrange(1, 9)
    byte = bytes((chance.randrange(256),))
    return chance.choice(
        (
            payload[:at] + byte + payload[at + 1 :],
            payload[:at],
            payload[:at] + payload[at + length :],
            payload[:at] + chance.randbytes(length) + payload[at:],
            payload + payload[at : at + length],
        )
    )


def decoded(decode: Any, payload: bytes) -> object:
    """The frame; None if it was refused in the one way in which it may be."""
    try:
        return decode(payload)
    except Malformed:
        return None


def tried(decode: Any, encoded: list[bytes], kinds: set[Any], *, seed: int, count: int) -> int:
    """How many of `count` payloads were refused; the others are frames of the catalogue and keep their limits."""
    chance = random.Random(seed)  # noqa: S311 - a run repeats from its seed
    bad = 0
    for turn in range(count):
        payload = mutated(chance.choice(encoded), chance) if turn % 4 else chance.randbytes(chance.randrange(64))
        frame = decoded(decode, payload)
        bad += frame is None
        assert frame is None or type(frame) in kinds
    return bad


def test_a_hundred_thousand_broken_frames_raise_malformed_alone() -> None:
    count = 70_000
    encoded = [frames.encode(frame) for frame in SAMPLES]
    assert tried(frames.decode_client, encoded, members(ClientFrame), seed=1, count=count) > count // 2
    answers: list[ServerFrame] = [
        Welcome(1, bytes(16), 1, 1, 1, Clocks(1, 1), Limits(1, 1, 1, 1)),
        Receipt(1, "safe", 1, (bytes(16),)),
        Deliver(1, bytes(16), bytes(16), 1, bytes(32), 1, 1, bytes(32), 1, bytes(544)),
        Refused(1, "stale_key", "A reason.", True, False, ((bytes(16), b"list"),)),
        FatesTold((Told(1, "settled", ((bytes(16), "expired"),)),)),
        Notice("keys", bytes(16)),
    ]
    encoded = [frames.encode(frame) for frame in answers]
    assert tried(frames.decode_server, encoded, members(ServerFrame), seed=2, count=30_000) > 10_000


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(payload: bytes) -> None:
    decoded(frames.decode_client, payload)
    frame = decoded(frames.decode_server, payload)
    assert frame is None or type(frame) in members(ServerFrame)
