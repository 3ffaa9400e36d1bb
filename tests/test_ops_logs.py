"""Logs: whatever is thrown at them, nothing that a person wrote comes out."""

import asyncio
import ipaddress
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from enum import StrEnum
from io import StringIO

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from chatserver.ops import log_fields, log_libraries, logs
from chatserver.ops.log_fields import KEYS, Event

pytestmark = pytest.mark.pure

CANARY = 'Canary-Zoe\'s chest pain\r\n{"event": "forged"}\x1b[31m'
MARKS = ("Canary", "Zoe", "forged", "\x1b", "\r")


class Outcome(StrEnum):
    STORED = "stored"
    TEXT = "not a word"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is global to a process: put it back as it was."""
    root, hooks = logging.root, (sys.excepthook, sys.unraisablehook, threading.excepthook)
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    config = structlog.get_config()
    yield
    structlog.configure(**config)
    root.handlers, logging.raiseExceptions = handlers, raising
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    for name in log_libraries.SILENT:
        logger = logging.getLogger(name)
        logger.disabled, logger.propagate = False, True
        logger.handlers.clear()


@pytest.fixture(params=[True, False], ids=["json", "console"])
def sink(request: pytest.FixtureRequest) -> StringIO:
    stream = StringIO()
    logs.configure("debug", stream, as_json=request.param)
    return stream


@pytest.fixture
def lines() -> Callable[[], list[dict[str, object]]]:
    stream = StringIO()
    logs.configure("info", stream, as_json=True)
    return lambda: [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]


def failing() -> Exception:
    """A failure with the canary in its message, its notes and its cause."""
    cause = ValueError(CANARY)
    cause.add_note(CANARY)
    failure = OSError(28, CANARY, CANARY)
    failure.__cause__ = cause
    return failure


def in_the_event(text: str) -> None:
    structlog.get_logger().info(text)


def in_an_argument(text: str) -> None:
    structlog.get_logger().info("said %s", text)


def in_every_key(text: str) -> None:
    logs.info(Event.SWEPT, **dict.fromkeys(KEYS, text))


def in_a_key(text: str) -> None:
    logs.info(Event.SWEPT, **{text: 1})


def in_bytes_and_lists(text: str) -> None:
    logs.info(Event.SWEPT, count=text.encode(), reason=[text], device={"a": text})


def in_an_enum(text: str) -> None:
    logs.info(Event.SWEPT, outcome=StrEnum("Made", {"ONE": text}).ONE)  # type: ignore[attr-defined]  # made at run time


def in_a_number(text: str) -> None:
    logs.info(Event.SWEPT, count=int.from_bytes(text.encode(), "big"))


def in_a_failure(_text: str) -> None:
    logs.error(Event.TASK_FAILED, failing())


def in_a_group(_text: str) -> None:
    logs.error(Event.TASK_FAILED, ExceptionGroup(CANARY, [failing()]))


def in_a_stack(text: str) -> None:
    structlog.get_logger().warning(text, stack_info=True, exc_info=failing())


def in_bound_context(text: str) -> None:
    structlog.get_logger().bind(alias=text, device=text).info("x")


def in_a_library(text: str) -> None:
    logging.getLogger("aiohttp.server").warning("request %s", text, extra={"alias": text})


def in_a_library_that_formats_wrongly(text: str) -> None:
    logging.getLogger("aiohttp.web").error("%d", text)


def in_an_unknown_library(text: str) -> None:
    logging.getLogger(text).critical(text, exc_info=failing())


def in_the_root_logger(text: str) -> None:
    logging.error(text, stack_info=True)  # noqa: LOG015  another's bad habit is what is tried


def in_the_access_log(text: str) -> None:
    logging.getLogger("aiohttp.access").error(text)


def in_picows(text: str) -> None:
    logging.getLogger("picows").error(text)
    logging.getLogger("picows.child").error(text)


def in_a_warning(text: str) -> None:
    warnings.showwarning(text, UserWarning, text, 1)


def in_the_loop(text: str) -> None:
    loop = asyncio.new_event_loop()
    loop.call_exception_handler({"message": text, "exception": failing(), "peer": text})
    loop.close()


def in_an_uncaught_failure(_text: str) -> None:
    sys.excepthook(OSError, failing(), None)


def in_a_thread(text: str) -> None:
    def fail() -> None:
        raise ValueError(text)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


WAYS = [way for name, way in list(globals().items()) if name.startswith("in_")]


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_logging_lets_a_canary_out(
    way: Callable[[str], None], sink: StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    way(CANARY)
    out, err = capfd.readouterr()
    said = sink.getvalue() + out + err
    assert not [mark for mark in MARKS if mark in said]


@pytest.mark.parametrize("way", [way for way in WAYS if way not in {in_the_access_log, in_picows}])
def test_each_way_leaves_exactly_one_record(
    way: Callable[[str], None], lines: Callable[[], list[dict[str, object]]]
) -> None:
    way(CANARY)
    assert len(lines()) == 1


def test_access_loggers_are_off(lines: Callable[[], list[dict[str, object]]]) -> None:
    in_the_access_log("x")
    in_picows("x")
    assert lines() == []


def test_what_is_allowed_is_written_as_it_is(lines: Callable[[], list[dict[str, object]]]) -> None:
    logs.warning(
        Event.SOCKET_ENDED,
        close_code=4501,
        duration_ms=1.5,
        secure=True,
        connection="00ff" * 8,
        outcome=Outcome.STORED,
        address_range=logs.address_range("203.0.113.7"),
    )
    [line] = lines()
    assert str(line.pop("timestamp")).endswith("+00:00")
    assert line == {
        "level": "warning",
        "event": "socket_ended",
        "close_code": 4501,
        "duration_ms": 1.5,
        "secure": True,
        "connection": "00ff" * 8,
        "outcome": "stored",
        "address_range": "203.0.113.0/24",
    }


def test_a_failure_is_its_type_its_root_cause_and_our_own_lines(
    lines: Callable[[], list[dict[str, object]]],
) -> None:
    try:
        logs.set_up("no such level", StringIO(), as_json=True)
    except KeyError as failure:
        logs.error(Event.TASK_FAILED, failure)
    logs.error(Event.STORE_FAILED, failing())
    ours, chained = lines()
    assert ours["error"] == "KeyError"
    assert str(ours["frames"]).startswith("chatserver.ops.logs:")
    assert (chained["error"], chained["cause"], chained["errno"]) == ("OSError", "ValueError", 28)
    assert "frames" not in chained


def test_a_library_is_named_with_its_place(lines: Callable[[], list[dict[str, object]]]) -> None:
    in_a_library("x")
    [line] = lines()
    assert (line["event"], line["library"]) == ("library", "aiohttp")
    assert str(line["place"]).startswith("test_ops_logs:")


def test_what_is_dropped_is_counted_by_kind() -> None:
    logs.configure("debug", StringIO(), as_json=True)
    before = dict(logs.dropped)
    in_the_event("said")
    logs.info(Event.SWEPT, alias="Zoe", count="three")
    grown = {kind: count - before.get(kind, 0) for kind, count in logs.dropped.items()}
    assert {kind: grown[kind] for kind in ("event", "key", "value")} == {"event": 1, "key": 1, "value": 1}


def test_a_stream_that_is_gone_stops_nobody() -> None:
    stream = StringIO()
    logs.configure("debug", stream, as_json=True)
    stream.close()
    before = logs.dropped["line"]
    logs.error(Event.SWEPT)
    assert logs.dropped["line"] == before + 1


def test_the_level_holds_for_our_loggers_and_for_others() -> None:
    stream = StringIO()
    logs.configure("error", stream, as_json=True)
    logs.warning(Event.SWEPT)
    in_a_library("x")
    assert stream.getvalue() == ""


@given(st.text())
def test_no_text_has_the_shape_of_a_word_a_number_or_a_range(text: str) -> None:
    assert not any(shape(text) for shape in (log_fields.word, log_fields.number, log_fields.network, log_fields.known))


@given(st.text(alphabet="0123456789abcdef\n ", max_size=33))
def test_an_id_has_exactly_8_or_16_bytes_of_hex(text: str) -> None:
    clean = len(text) in {16, 32} and "\n" not in text and " " not in text
    assert log_fields.hex_id(text) == clean


@pytest.mark.parametrize(
    ("value", "allowed"),
    [(2**53 - 1, True), (2**53, False), (float("nan"), False), (float("inf"), False), (Outcome.STORED, False)],
)
def test_a_number_is_finite_and_narrow(value: object, allowed: bool) -> None:
    assert log_fields.number(value) is allowed


def test_an_enumeration_of_sentences_is_no_word() -> None:
    assert log_fields.word(Outcome.STORED)
    assert not log_fields.word(Outcome.TEXT)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("198.51.100.77", "198.51.100.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:198.51.100.77", "198.51.100.0/24"),
    ],
)
def test_an_address_is_blurred(address: str, told: str) -> None:
    assert str(logs.address_range(address)) == told


def test_what_is_no_address_is_not_told_and_a_host_is_no_range() -> None:
    assert logs.address_range(CANARY) is None
    assert not log_fields.network(ipaddress.ip_network("198.51.100.77/32"))
    assert not log_fields.network(ipaddress.ip_network("2001:db8::/64"))
