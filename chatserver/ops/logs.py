"""Logs for people who run Sotto: events from a closed set, values of closed shapes, no text from anywhere.

    logs.info(Event.SOCKET_ENDED, close_code=4501, connection=connection_id.hex())
    logs.error(Event.TASK_FAILED, failure)

A value or key that is not allowed is dropped and counted in `dropped`; it is never a reason to fail. What the standard
library's loggers say (aiohttp, asyncio, picows) shrinks to library, level, place and failure. One record is one line:
no value can hold a line break or an escape.
"""

import logging
import sys
from collections import Counter
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, TextIO

import structlog

from chatserver.ops.log_failures import describe
from chatserver.ops.log_fields import KEYS, Event, address_range

__all__ = ["Event", "address_range", "configure", "debug", "dropped", "error", "info", "warning"]

dropped: Final[Counter[str]] = Counter()
"""What did not reach the log, by kind: `event`, `key`, `value`, `line`. Written here only; a metric reads it."""

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_log: Any = structlog.get_logger()


def debug(event: Event, failure: BaseException | None = None, /, **fields: object) -> None:
    """For a developer."""
    _log.debug(event, exc_info=failure, **fields)


def info(event: Event, failure: BaseException | None = None, /, **fields: object) -> None:
    """What an operator wants to see on a good day."""
    _log.info(event, exc_info=failure, **fields)


def warning(event: Event, failure: BaseException | None = None, /, **fields: object) -> None:
    """What mended itself and should not become a habit."""
    _log.warning(event, exc_info=failure, **fields)


def error(event: Event, failure: BaseException | None = None, /, **fields: object) -> None:
    """What somebody has to look at."""
    _log.error(event, exc_info=failure, **fields)


class Sink:
    """One stream, one line a record. A stream that is gone or full never reaches the caller."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        """Write a line whole."""
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream was closed
            dropped["line"] += 1

    debug = info = warning = error = critical = msg = write


def allow_only(_logger: object, method: str, said: MutableMapping[str, Any]) -> dict[str, object]:
    """The filter (a structlog processor): keep what `log_fields` knows, drop and count the rest."""
    failure = _failure(said.pop("exc_info", None))
    line: dict[str, object] = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": method if method in LEVELS else "error",
        "event": _event(said.pop("event", None)),
    }
    if failure is not None:
        said = {**said, **describe(failure)}
    for key, value in said.items():
        if key not in KEYS:
            dropped["key"] += 1
        elif not KEYS[key](value):
            dropped["value"] += 1
        else:
            line[key] = _plain(value)
    return line


def _event(name: object) -> str:
    try:
        return Event(str(name)).value
    except ValueError:
        dropped["event"] += 1
        return Event.UNKNOWN.value


def _failure(exc_info: object) -> BaseException | None:
    """Every form in which an exception is handed to a logger."""
    if exc_info is True:
        return sys.exc_info()[1]
    if isinstance(exc_info, tuple):
        return next((part for part in exc_info if isinstance(part, BaseException)), None)
    return exc_info if isinstance(exc_info, BaseException) else None


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return value if isinstance(value, bool | int | float) else str(value)


def set_up(level: str, stream: TextIO, *, as_json: bool) -> None:
    """Send every structlog logger of this process through the filter."""
    render: Callable[..., Any] = structlog.processors.JSONRenderer()
    if not as_json:
        render = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    structlog.configure(
        processors=[allow_only, render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: Sink(stream),
        cache_logger_on_first_use=False,
    )


def configure(level: str = "info", stream: TextIO | None = None, *, as_json: bool) -> None:
    """Set up the process: own loggers, the standard library's, and failures that nobody caught. Once, at start."""
    from chatserver.ops.log_libraries import take_over  # noqa: PLC0415  it uses this module

    set_up(level, stream or sys.stderr, as_json=as_json)
    take_over(LEVELS[level])


set_up("info", sys.stderr, as_json=False)  # structlog's own default prints everything: filter from the first import
