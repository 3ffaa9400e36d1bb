"""The bench tells the truth about what it counts: frames, CPU, order of rounds, medians and ratios."""

from itertools import islice

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.wire import frames
from loadtests.bench import client_frames as ws
from loadtests.bench import events_dialect, frames_dialect
from loadtests.bench.load import Flow, Load
from loadtests.bench.metronome import arrivals
from loadtests.bench.processes import Stat, family, listening_in, parse_stat
from loadtests.bench.profile import from_stacks
from loadtests.bench.rounds import Plan, Result, steps
from loadtests.bench.summary import doubts, ratios, side_report

pytestmark = pytest.mark.pure

FIGURES = {
    "cpu_us_per_message": 40.0,
    "messages_per_s": 20_000.0,
    "server_cpu_share": 0.99,
    "generator_cpu_share": 0.5,
}


def unmasked(frame: bytes) -> tuple[int, bytes, bytes]:
    """Opcode, payload and what follows, read as a server does (RFC 6455 section 5.3)."""
    size, at = frame[1] & 0x7F, 2
    if size > 125:
        width = 2 if size == 126 else 8
        size, at = int.from_bytes(frame[2 : 2 + width]), 2 + width
    mask, data = frame[at : at + 4], frame[at + 4 : at + 4 + size]
    return frame[0], bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)), frame[at + 4 + size :]


@given(st.binary(max_size=70_000))
def test_a_server_reads_what_the_generator_wrote(payload: bytes) -> None:
    assert unmasked(ws.frame(ws.BINARY, payload)) == (ws.BINARY, payload, b"")


@given(st.integers(1_000_000, 9_999_999))
def test_a_template_is_the_frame_that_the_product_would_read(n: int) -> None:
    template = frames_dialect.message(bytes(16), bytes(16), 1, bytes(544))
    _, payload, _ = unmasked(template.with_number(n.to_bytes(4)))
    sent = frames.decode_client(payload)
    assert isinstance(sent, frames.Send)
    assert (sent.n, len(sent.boxes[0].box)) == (n, 544)


@given(st.integers(1_000_000, 9_999_999))
def test_an_event_carries_its_number_and_each_of_its_bytes_once(n: int) -> None:
    template = events_dialect.message(bytes(16), bytes(16), 1, bytes(544))
    _, text, rest = unmasked(template.with_number(str(n).encode()))
    sizes = []
    while rest:
        _, attachment, rest = unmasked(rest)
        sizes.append(len(attachment))
    assert text.startswith(b"454-")
    assert msgspec.json.decode(text[4:])[2] == n
    assert sizes == [16, 32, 16, 544]


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 40))
def test_messages_survive_any_cut_of_the_stream(payloads: list[bytes], step: int) -> None:
    stream = b"".join(
        bytes((ws.BINARY, len(p))) + p if len(p) < 126 else bytes((ws.BINARY, 126)) + len(p).to_bytes(2) + p
        for p in payloads
    )
    heard: list[bytes] = []
    rest = b""
    for at in range(0, len(stream), step):
        rest = ws.split(rest + stream[at : at + step], lambda _opcode, payload: heard.append(payload))
    assert (heard, rest) == (payloads, b"")


def test_cpu_counts_threads_children_and_a_name_with_spaces() -> None:
    line = "42 (a b) c) S 7 " + " ".join(["0"] * 9) + " 10 20 3 4 " + " ".join(["0"] * 6) + " 99"
    assert parse_stat(line) == Stat(42, 7, 37, 99)


def test_a_server_is_weighed_with_everything_below_it() -> None:
    stats = {pid: Stat(pid, parent, 1, 1) for pid, parent in ((2, 1), (3, 2), (4, 3), (5, 1))}
    assert [stat.pid for stat in family(2, stats)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("text", "port"),
    [("listening on 80\n", 80), ("warning\nlistening on 81\n", 81), ("listening on 8", None), ("", None)],
)
def test_a_port_is_believed_once_its_line_is_whole(text: str, port: int | None) -> None:
    assert listening_in(text) == port


def test_every_side_comes_first_in_some_round() -> None:
    plan = Plan(("a", "b", "c"), 3, 1.0, 1, 0, idle=0)
    assert [step.name for step in steps(plan)] == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]


def test_arrivals_repeat_from_their_seed_at_the_rate_asked_for() -> None:
    first, again = (list(islice(arrivals(5_000, 7), 5_000)) for _ in range(2))
    assert first == again
    assert 0.9 < first[-1] < 1.1


def test_a_message_counts_once_however_often_its_receipt_comes() -> None:
    load, flow = Load(), Flow(lambda _n: None)
    flow.send(0.0)
    for _ in range(2):
        load.heard(flow, ["receipt", flow.n - 1, "delivered", 0, [], []])
    assert (load.done, load.repeated) == (1, 1)


def test_safe_alone_is_not_a_delivered_message() -> None:
    load, flow = Load(), Flow(lambda _n: None)
    flow.send(0.0)
    load.heard(flow, ["receipt", flow.n - 1, "safe", 0, [], []])
    assert (load.done, load.stored) == (0, 1)


def test_a_rate_that_was_not_carried_is_null_with_its_reason() -> None:
    report = side_report(Result([FIGURES], ["carried 900 of 5,000 messages a second"], [7.0]))
    assert report["at_5000"] is None
    assert report["at_5000_reason"] == "carried 900 of 5,000 messages a second"


def test_a_side_is_its_median_with_the_range_beside_it() -> None:
    rounds = [FIGURES | {"cpu_us_per_message": us} for us in (30.0, 90.0, 40.0)]
    saturated = side_report(Result(rounds, []))["saturated"]
    assert (saturated["cpu_us_per_message"], saturated["cpu_us_per_message_range"]) == (40.0, [30.0, 90.0])


def test_a_ratio_is_ours_to_theirs_and_null_where_one_is_missing() -> None:
    sides = {
        "ours": {"saturated": {"cpu_us_per_message": 60.0}, "at_5000": None},
        "node_ws": {"saturated": {"cpu_us_per_message": 30.0}, "at_5000": None},
    }
    found = ratios(sides)
    assert found["native_saturated_vs_node_ws"] == 2.0
    assert found["native_at_5000_vs_node_ws"] is None
    assert found["native_saturated_vs_node_socketio"] is None


def test_a_core_that_was_shared_and_a_busy_generator_are_told() -> None:
    shared = Result([FIGURES | {"server_cpu_share": 0.4}], [])
    busy = Result([FIGURES | {"generator_cpu_share": 0.99}], [])
    assert doubts({"quiet": Result([FIGURES], [])}) == []
    assert len(doubts({"shared": shared, "busy": busy})) == 2


def test_a_profile_counts_a_function_once_a_stack_and_forgets_lines() -> None:
    spent = from_stacks(["a (f.py:1);b (f.py:2);b (f.py:9) 3", "a (f.py:4) 1"])
    assert [(one.name, one.own, one.whole) for one in spent] == [("b (f.py)", 0.75, 0.75), ("a (f.py)", 0.25, 1.0)]
