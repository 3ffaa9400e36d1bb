import pytest

from chatserver.transports import incoming, picows_parser
from chatserver.transports.websocket import CLOSE_WAIT_S
from chatserver.wire import errors, frames, limits
from tests.websocket_peers import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, Wire, close_frame, frame, header
from tests.websocket_violations import GOOD, VIOLATIONS

pytestmark = pytest.mark.pure

ACTIVE = frame(BINARY, GOOD)
NOT_A_FRAME = frame(BINARY, b"\xc1")


@pytest.mark.parametrize("name", VIOLATIONS)
async def test_a_broken_rule_ends_the_socket_with_its_code(name: str) -> None:
    data, code = VIOLATIONS[name]
    wire = Wire()
    wire.feed(data)
    assert wire.close_codes == [code]


@pytest.mark.parametrize("name", VIOLATIONS)
async def test_nothing_behind_a_broken_rule_is_acted_on(name: str) -> None:
    data, code = VIOLATIONS[name]
    wire = Wire()
    wire.feed(data + ACTIVE + frame(PING, b"x") + ACTIVE)
    wire.feed(ACTIVE + close_frame(1000))
    assert wire.close_codes == [code]
    assert len([told for told in wire.ear.told if told == frames.Active()]) == ("after the end" in name)
    assert all(opcode == CLOSE for opcode, _payload in wire.answered)


@pytest.mark.parametrize("name", VIOLATIONS)
async def test_a_good_frame_before_a_broken_rule_in_the_same_read_counts(name: str) -> None:
    data, code = VIOLATIONS[name]
    wire = Wire()
    wire.feed(ACTIVE + data)
    assert wire.ear.told[0] == frames.Active()
    assert wire.close_codes == [code]


@pytest.mark.parametrize("name", VIOLATIONS)
async def test_the_code_is_the_same_when_bytes_come_one_by_one(name: str) -> None:
    data, code = VIOLATIONS[name]
    wire = Wire()
    wire.feed(data[:300], read_bytes=1)
    wire.feed(data[300:])
    assert wire.close_codes == [code]


async def test_the_first_broken_rule_gives_the_code() -> None:
    wire = Wire()
    wire.feed(frame(1, b"text") + frame(3, b"reserved opcode"))
    assert wire.close_codes == [1003]


async def test_every_reason_is_the_catalogues() -> None:
    reasons = {refusal.code for refusal in errors.CATALOGUE.values()}
    for data, _code in VIOLATIONS.values():
        wire = Wire()
        wire.feed(data)
        assert wire.answered[-1][1][2:].decode() in reasons


async def test_a_message_reaches_the_relay_as_a_frame() -> None:
    wire = Wire()
    wire.feed(frame(BINARY, frames.encode(frames.Ack((1, 2), (3,)))))
    assert wire.ear.told == [frames.Ack((1, 2), (3,))]


async def test_bytes_outside_the_catalogue_are_malformed_and_the_relay_decides() -> None:
    wire = Wire()
    wire.feed(NOT_A_FRAME + ACTIVE)
    assert wire.ear.told == ["malformed", frames.Active()]
    assert not wire.answered


async def test_fragments_are_put_together() -> None:
    wire = Wire()
    message = frames.encode(frames.Fates(tuple(range(1, 200))))
    pieces = [message[i : i + 7] for i in range(0, len(message), 7)]
    wire.feed(frame(BINARY, pieces[0], fin=False))
    for piece in pieces[1:-1]:
        wire.feed(frame(CONTINUATION, piece, fin=False))
    wire.feed(frame(CONTINUATION, pieces[-1]) + ACTIVE)
    assert wire.ear.told == [frames.Fates(tuple(range(1, 200))), frames.Active()]


async def test_empty_fragments_count_for_nothing_and_cost_nothing() -> None:
    wire = Wire()
    wire.feed(frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 5_000 + frame(CONTINUATION, GOOD))
    assert wire.ear.told == [frames.Active()]


async def test_a_ping_is_answered_with_its_payload_also_between_fragments() -> None:
    wire = Wire()
    wire.feed(
        frame(BINARY, GOOD[:3], fin=False) + frame(PING, b"a" * 125) + frame(PING) + frame(CONTINUATION, GOOD[3:])
    )
    assert wire.answered == [(PONG, b"a" * 125), (PONG, b"")]
    assert wire.ear.told == [frames.Active()]


async def test_pings_while_writing_is_paused_are_answered_once_and_later() -> None:
    wire = Wire()
    wire.parser.pause_writing()
    wire.feed(frame(PING, b"1") + frame(PING, b"2"))
    assert not wire.answered
    wire.parser.resume_writing()
    assert wire.answered == [(PONG, b"2")]
    assert wire.ear.told == ["pause", "resume"]


async def test_a_pong_and_half_a_frame_are_heard() -> None:
    wire = Wire()
    wire.feed(frame(PONG, b"x"))
    wire.feed(ACTIVE[:2])
    assert wire.ear.heard_times == 2
    assert wire.ear.told == []


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1014, 3000, 3999, 4000, 4400, 4999])
async def test_a_close_is_answered_once_and_the_server_ends_the_connection(code: int) -> None:
    wire = Wire()
    wire.feed(close_frame(code, "Grüße".encode()) + ACTIVE)
    assert wire.answered == [(CLOSE, b"\x03\xe8")]
    assert wire.raw.closing
    assert wire.ear.told == []


async def test_a_close_without_code_is_answered() -> None:
    wire = Wire()
    wire.feed(frame(CLOSE))
    assert wire.close_codes == [1000]


async def test_a_message_of_the_largest_size_is_taken() -> None:
    wire = Wire()
    wire.feed(frame(BINARY, b"\xc1" * limits.MAX_FRAME_BYTES))
    wire.feed(frame(BINARY, b"\xc1" * 100_000, fin=False))
    wire.feed(frame(CONTINUATION, b"\xc1" * (limits.MAX_FRAME_BYTES - 100_000)))
    assert wire.ear.told == ["malformed", "malformed"]


@pytest.mark.parametrize("size", [4_097, 5_000, 100_000])
async def test_the_smaller_limit_before_welcome_holds_before_the_message_is_there(size: int) -> None:
    wire = Wire(max_message_bytes=limits.MAX_FRAME_BYTES_BEFORE_WELCOME)
    wire.feed(header(0x82, size) + MASK)
    fed = 0
    while not wire.close_codes and fed < size:
        count = min(picows_parser.READ_BYTES, size - fed)
        wire.feed(b"x" * count)
        fed += count
    assert wire.close_codes == [1009]
    assert fed <= limits.MAX_FRAME_BYTES_BEFORE_WELCOME + picows_parser.READ_BYTES


async def test_the_limit_counts_fragments_and_the_unfinished_frame_together() -> None:
    wire = Wire(max_message_bytes=4_096)
    wire.feed(frame(BINARY, b"x" * 4_000, fin=False))
    wire.feed(header(0x00, 4_000) + MASK + b"x" * 1_000)
    assert wire.close_codes == [1009]


async def test_the_limit_follows_the_connection() -> None:
    wire = Wire(max_message_bytes=4_096)
    wire.ear.on_frame = lambda ear, _frame: setattr(ear, "max_message_bytes", limits.MAX_FRAME_BYTES)
    wire.feed(ACTIVE + frame(BINARY, b"\xc1" * 5_000))
    assert wire.ear.told == [frames.Active(), "malformed"]


async def test_one_read_never_takes_more_than_its_share() -> None:
    wire = Wire()
    for _turn in range(2_000):
        room = wire.parser.get_buffer(65_536)
        assert len(room) <= picows_parser.READ_BYTES
        count = len(room) // len(ACTIVE) * len(ACTIVE)
        room[:count] = ACTIVE * (count // len(ACTIVE))
        wire.parser.buffer_updated(count)


async def test_a_fault_of_ours_ends_the_socket_and_is_told() -> None:
    def fails(*_told: object) -> None:
        raise KeyError("ours")

    wire = Wire()
    wire.ear.on_frame = fails
    wire.feed(ACTIVE + ACTIVE)
    assert wire.close_codes == [errors.INTERNAL.closes]
    assert len(wire.ear.told) == 1
    assert [type(fault) for fault in wire.faults] == [KeyError]


async def test_a_fault_outside_the_relay_ends_the_socket_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire()
    monkeypatch.setattr(incoming.Incoming, "_other", None)
    wire.feed(frame(PING, b"x") + ACTIVE)
    assert wire.close_codes == [errors.INTERNAL.closes]
    assert wire.ear.told == []
    assert [type(fault) for fault in wire.faults] == [TypeError]


async def test_the_loss_is_told_once_and_the_place_given_back() -> None:
    wire = Wire()
    wire.feed(ACTIVE + frame(3))
    wire.parser.connection_lost(None)
    wire.parser.connection_lost(ConnectionResetError())
    assert (wire.ear.lost_times, wire.left) == (1, 1)
    assert not wire.clock.due


async def test_a_peer_that_half_closes_has_two_seconds_to_take_what_was_written() -> None:
    wire = Wire()
    assert wire.parser.eof_received() is False  # asyncio then closes
    assert wire.clock.seconds == [CLOSE_WAIT_S]
    wire.clock.strike()
    assert wire.raw.aborted


def test_the_close_codes_a_peer_may_send_are_those_of_section_7_4() -> None:
    allowed = {code for code in range(65_536) if code in incoming._PEER_MAY_CLOSE_WITH}
    assert allowed == {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}
