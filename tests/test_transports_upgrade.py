import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.transports import upgrade
from chatserver.transports.upgrade import Accepted, Refused, judge, parse
from tests.websocket_peers import KEY, request

pytestmark = pytest.mark.pure


def answer(data: bytes) -> Accepted | Refused:
    headers = parse(data.removesuffix(b"\r\n\r\n"))
    return headers if isinstance(headers, Refused) else judge(headers, lambda origin: origin in {None, "https://ok"})


def test_the_example_of_the_rfc_is_answered_as_the_rfc_does() -> None:
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in Accepted(None, KEY).to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        request(),
        request(connection="Upgrade"),
        request(connection="keep-alive, Upgrade"),  # Firefox
        request(connection="keep-alive\r\nConnection: upgrade"),
        request(upgrade="WebSocket"),
        request(content_length="0"),
        request(sec_websocket_protocol="chat, sotto.v1"),
        request(sec_websocket_protocol="chat\r\nSec-WebSocket-Protocol: sotto.v1"),
        request(user_agent="caf\xe9", cookie="a=b"),
        request(sec_websocket_extensions="permessage-deflate; client_max_window_bits"),
    ],
)
def test_what_browsers_and_proxies_send_is_accepted(data: bytes) -> None:
    assert answer(data) == Accepted(None, KEY)


def test_an_allowed_origin_is_told_to_the_relay() -> None:
    assert answer(request(origin="https://ok")) == Accepted("https://ok", KEY)


@pytest.mark.parametrize("name", ["Origin", "Host", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Content-Length"])
def test_a_header_that_matters_comes_once(name: str) -> None:
    value = {"Origin": "https://ok", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}.get(name, "0")
    twice = request(**{name.lower(): f"{value}\r\n{name}: {value}"})
    assert answer(twice) == upgrade.BAD_REQUEST


@pytest.mark.parametrize("key", ["", "AAAA", KEY[:-2], KEY + "AAAA", "!" * 24, "é" * 24])
def test_a_key_is_sixteen_bytes_of_base64(key: str) -> None:
    assert answer(request(sec_websocket_key=key)) == upgrade.BAD_REQUEST


@pytest.mark.parametrize("value", ["+0", "00", "0, 0", "-1", "0x0", "", "5"])
def test_a_length_that_could_be_read_two_ways_is_refused(value: str) -> None:
    assert answer(request(content_length=value)) == upgrade.BAD_REQUEST


@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer_that_does_not_quote_them(noise: bytes) -> None:
    canary = b"canary-3f0e"
    for data in (canary + noise, request(x="y").removesuffix(b"\r\n\r\n") + b"\r\n" + noise + canary):
        reply = answer(data)
        assert canary not in reply.to_bytes()
        assert reply.to_bytes().endswith(b"\r\n\r\n")


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_is_accepted_or_refused_and_nothing_else(at: int, byte: int) -> None:
    data = bytearray(request())
    data[at] = byte
    assert isinstance(answer(bytes(data)), Accepted | Refused)


def test_no_answer_names_a_version_of_anything_that_runs_here() -> None:
    refusals = [value for value in vars(upgrade).values() if isinstance(value, Refused)]
    assert len(refusals) >= 5
    for refusal in refusals:
        assert b"\r\nServer: sotto\r\n" in refusal.to_bytes()
        assert b"\r\nConnection: close\r\n" in refusal.to_bytes()
