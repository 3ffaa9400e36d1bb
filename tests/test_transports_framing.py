import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.transports import framing, websocket
from chatserver.wire import errors
from tests.websocket_peers import BINARY, CLOSE, PING, PONG, server_frames

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(("size", "header"), [(0, "8200"), (125, "827d"), (126, "827e007e"), (65_535, "827effff")])
def test_the_length_has_its_shortest_form(size: int, header: str) -> None:
    assert websocket.binary(b"x" * size) == bytes.fromhex(header) + b"x" * size


def test_a_long_message_has_eight_bytes_of_length() -> None:
    assert websocket.binary(b"x" * 65_536)[:10] == bytes.fromhex("827f0000000000010000")


@given(st.binary(max_size=70_000))
def test_a_message_reads_back(payload: bytes) -> None:
    assert server_frames(websocket.binary(payload)) == [(BINARY, payload)]


def test_control_frames_read_back() -> None:
    data = framing.PING + framing.pong(b"x" * 125) + framing.close(4500, "überall")
    assert server_frames(data) == [(PING, b""), (PONG, b"x" * 125), (CLOSE, b"\x11\x94" + "überall".encode())]


def test_a_reason_that_does_not_fit_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="too long"):
        framing.close(1000, "x" * 124)


def test_every_ending_of_the_catalogue_fits() -> None:
    endings = [refusal for refusal in errors.CATALOGUE.values() if refusal.closes is not None]
    assert endings
    for ending in endings:
        assert ending.closes is not None
        assert framing.close(ending.closes, ending.reason)
        assert framing.close(ending.closes, ending.code)
