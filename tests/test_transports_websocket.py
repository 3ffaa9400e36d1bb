import pytest

from chatserver.transports.websocket import CLOSE_WAIT_S
from chatserver.wire import frames
from tests.websocket_peers import BINARY, CLOSE, PING, Wire, close_frame, frame
from tests.websocket_violations import GOOD

pytestmark = pytest.mark.pure

ACTIVE = frame(BINARY, GOOD)


async def test_what_a_turn_gathered_is_one_write() -> None:
    wire = Wire()
    wire.socket.write([wire.socket.encode(frames.Current(at)) for at in (1, 2, 3)])
    assert wire.raw.writes == 1
    assert [frames.decode_server(payload) for _opcode, payload in wire.answered] == [
        frames.Current(1),
        frames.Current(2),
        frames.Current(3),
    ]


async def test_after_our_close_nothing_is_received_or_written() -> None:
    wire = Wire()
    wire.socket.close(4501, "slow_consumer")
    wire.feed(ACTIVE + frame(PING, b"x") + frame(BINARY, b"\xc1"))
    wire.socket.write([wire.socket.encode(frames.Current(1))])
    wire.socket.ping()
    wire.socket.close(4500, "resume_elsewhere")
    assert wire.answered == [(CLOSE, (4501).to_bytes(2, "big") + b"slow_consumer")]
    assert wire.ear.told == []


async def test_a_frame_in_the_same_read_as_the_one_that_made_us_close_is_not_received() -> None:
    wire = Wire()
    wire.ear.on_frame = lambda ear, _frame: ear.transport.close(4401, "out_of_order")
    wire.feed(ACTIVE + ACTIVE + frame(3))
    assert len(wire.ear.told) == 1
    assert wire.close_codes == [4401]


async def test_the_peers_close_after_ours_ends_the_connection_without_another() -> None:
    wire = Wire()
    wire.socket.close(4500, "")
    endings = [wire.raw.closing]
    wire.feed(ACTIVE + close_frame(4500))
    assert [*endings, wire.raw.closing] == [False, True]
    assert wire.close_codes == [4500]


async def test_a_peer_that_does_not_answer_our_close_is_cut_off_after_two_seconds() -> None:
    wire = Wire()
    wire.socket.close(4500, "")
    assert wire.clock.seconds == [CLOSE_WAIT_S]
    wire.clock.strike()
    assert wire.raw.aborted


async def test_a_peer_that_breaks_a_rule_and_stays_is_cut_off_after_two_seconds() -> None:
    wire = Wire()
    wire.feed(frame(3))
    assert wire.raw.half_closed
    assert not wire.raw.closing
    wire.feed(b"x" * 1_000_000)
    wire.clock.strike()
    assert wire.raw.aborted


async def test_a_close_behind_a_broken_rule_does_not_hurry_the_end() -> None:
    wire = Wire()
    wire.feed(frame(BINARY, GOOD, rsv=1) + close_frame(1000))
    assert (wire.raw.half_closed, wire.raw.closing) == (True, False)


async def test_a_broken_rule_is_seen_out_even_if_the_relay_had_stopped_reading() -> None:
    wire = Wire()
    wire.ear.on_frame = lambda ear, _frame: ear.transport.pause_reading()
    wire.feed(ACTIVE + frame(3))
    assert wire.raw.reading


async def test_one_deadline_is_enough_for_an_end() -> None:
    wire = Wire()
    wire.socket.close(4500, "")
    wire.parser.eof_received()
    assert wire.clock.seconds == [CLOSE_WAIT_S]


async def test_a_transport_that_is_closing_is_left_alone() -> None:
    wire = Wire()
    wire.raw.close()
    wire.feed(frame(3))
    assert not wire.raw.half_closed


async def test_rubbish_after_our_close_ends_the_connection_without_another() -> None:
    wire = Wire()
    wire.socket.close(4500, "")
    wire.feed(frame(3))
    assert wire.close_codes == [4500]
    assert wire.raw.half_closed


async def test_closing_reads_on_so_that_the_peers_close_is_seen() -> None:
    wire = Wire()
    reads = []
    for step in (wire.socket.pause_reading, lambda: wire.socket.close(4500, ""), wire.socket.pause_reading):
        step()
        reads.append(wire.raw.reading)
    assert reads == [False, True, True]


async def test_no_ping_is_written_while_the_socket_takes_nothing() -> None:
    wire = Wire()
    wire.parser.pause_writing()
    wire.socket.ping()
    assert wire.answered == []
    wire.parser.resume_writing()
    wire.socket.ping()
    assert wire.answered == [(PING, b"")]


async def test_an_aborted_socket_is_told_as_lost_and_nothing_else() -> None:
    wire = Wire()
    wire.ear.on_frame = lambda ear, _frame: ear.transport.abort()
    wire.feed(ACTIVE + ACTIVE + frame(PING, b"x"))
    wire.parser.pause_writing()
    wire.parser.resume_writing()
    wire.parser.connection_lost(None)
    assert len(wire.ear.told) == 1
    assert wire.answered == []
    assert wire.ear.lost_times == 1
