"""The contract with picows: what is relied on and not exported.

A failure here after an update means: read its source.
"""

import asyncio
import importlib.metadata
import logging

import pytest
from picows import WSFrame, WSListener, WSMsgType, WSTransport
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # not in its stubs

from chatserver.transports.incoming import Parser
from chatserver.transports.picows_parser import FIRST_BUFFER_BYTES, READ_BYTES
from tests.websocket_peers import BINARY, PING, close_frame, frame, header

pytestmark = pytest.mark.pure


class Told(WSListener):
    def __init__(self) -> None:
        self.frames: list[tuple[WSMsgType, bytes, int]] = []
        self.codes: list[int] = []
        self.parsed = 0
        self.wants = True
        self.gone_times = 0
        self.heard_writing: list[str] = []

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002  # picows' signature
        self.frames.append((frame.msg_type, frame.get_payload_as_bytes(), frame.tail_size))

    def rejected(self, code: int) -> None:
        self.codes.append(code)

    def bytes_read(self, count: int) -> bool:
        assert count
        return self.wants

    def bytes_parsed(self) -> None:
        self.parsed += 1

    def wants_bytes(self) -> bool:
        return self.wants

    def ended(self) -> None:
        self.heard_writing.append("ended")

    def gone(self) -> None:
        self.gone_times += 1

    def pause_writing(self) -> None:
        self.heard_writing.append("pause")

    def resume_writing(self) -> None:
        self.heard_writing.append("resume")


def feed(parser: Parser, data: bytes) -> None:
    parser.get_buffer(-1)[: len(data)] = data
    parser.buffer_updated(len(data))


def test_the_minor_version_is_the_one_that_was_read() -> None:
    assert importlib.metadata.version("picows").split(".")[:2] == ["2", "3"]


async def test_a_new_parser_expects_frames_and_has_said_nothing() -> None:
    told = Told()
    feed(Parser(told), frame(BINARY, b"abc"))
    assert told.frames == [(WSMsgType.BINARY, b"abc", 0)]
    assert told.codes == []


async def test_both_loops_see_a_buffered_protocol() -> None:
    parser = Parser(Told())
    assert isinstance(parser, asyncio.BufferedProtocol)
    assert not isinstance(parser, asyncio.Protocol)
    assert isinstance(parser, WSProtocol)


async def test_the_last_frame_of_a_read_tells_how_much_is_left_over() -> None:
    told = Told()
    feed(Parser(told), frame(BINARY, b"abc") + frame(PING, b"x") + frame(BINARY, b"12345")[:9])
    assert told.frames[-1] == (WSMsgType.PING, b"x", 9)


@pytest.mark.parametrize(
    ("data", "code"), [(frame(3), 1002), (close_frame(1000, b"\xff"), 1007), (header(0x82, 1 << 40), 1009)]
)
async def test_its_verdict_comes_as_a_code_before_the_frame_ahead_of_it(data: bytes, code: int) -> None:
    told = Told()
    feed(Parser(told), frame(BINARY, b"before") + data)
    assert told.codes == [code]
    assert [payload for _kind, payload, _tail in told.frames] == [b"before"]


async def test_an_exception_of_ours_comes_back_as_1011(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(Told):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002  # picows' signature
            raise KeyError("canary")

    caplog.set_level(logging.DEBUG)
    told = Fails()
    feed(Parser(told), frame(BINARY, b"abc"))
    assert told.codes == [1011]
    assert "picows" not in caplog.text
    assert "canary" not in caplog.text


async def test_it_answers_no_ping_and_sets_no_timer() -> None:
    told = Told()
    parser = Parser(told)
    feed(parser, frame(PING, b"x"))
    assert told.frames == [(WSMsgType.PING, b"x", 0)]
    assert told.codes == []


async def test_flow_control_and_the_end_are_passed_on() -> None:
    told = Told()
    parser = Parser(told)
    parser.pause_writing()
    parser.resume_writing()
    assert not parser.eof_received()
    parser.connection_lost(None)
    assert told.heard_writing == ["pause", "resume", "ended"]
    assert told.gone_times == 1


async def test_its_buffer_starts_small_and_a_read_is_bounded() -> None:
    told = Told()
    parser = Parser(told)
    assert len(parser.get_buffer(-1)) <= FIRST_BUFFER_BYTES
    whole = frame(BINARY, b"x" * 120_000)
    while whole:
        room = parser.get_buffer(-1)
        assert 0 < len(room) <= READ_BYTES
        count = min(len(room), len(whole))
        room[:count], whole = whole[:count], whole[count:]
        parser.buffer_updated(count)
    assert told.frames[0][1] == b"x" * 120_000


async def test_bytes_that_nobody_wants_are_not_kept() -> None:
    told = Told()
    parser = Parser(told)
    told.wants = False
    room = parser.get_buffer(-1)
    assert len(room) == READ_BYTES
    parser.buffer_updated(len(room))
    assert (told.parsed, told.frames) == (0, [])
