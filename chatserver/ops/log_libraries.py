"""What others say: the standard library's loggers, warnings and uncaught failures, shrunk to what may be told."""

import logging
import sys
import threading
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final

import structlog

from chatserver.ops.log_fields import Event, Known

LIBRARIES: Final = frozenset(
    {
        "aiofastnet",
        "aiohttp",
        "asyncio",
        "chatserver",
        "concurrent",
        "crypto",
        "picows",
        "py",
        "signalling",
        "sotto",
        "uvloop",
    }
)
SILENT: Final = ("aiohttp.access", "engineio", "picows", "socketio")
"""Loggers that print what peers send: off at every level."""

_log: Any = structlog.get_logger()


class LibraryHandler(logging.Handler):
    """Takes a record's logger, level, place and failure; never formats its message or arguments."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell the record."""
        library = record.name.partition(".")[0]
        _log.log(
            min(max(record.levelno, logging.DEBUG), logging.ERROR),
            Event.LIBRARY,
            library=Known(library if library in LIBRARIES else "other"),
            place=_place(record),
            exc_info=record.exc_info,
        )


def _place(record: logging.LogRecord) -> Known:
    """`file:line`, the file without its folder."""
    stem = PurePath(record.pathname).stem
    return Known(f"{stem if stem.isascii() and stem.isidentifier() else 'unknown'}:{record.lineno}")


def take_over(level: int) -> None:
    """Replace every handler, silence the access loggers, catch warnings and what nobody caught."""
    logging.raiseExceptions = False  # a handler that fails would print the record with its arguments
    logging.captureWarnings(capture=True)
    for name in (*logging.root.manager.loggerDict, *SILENT):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.disabled = name.startswith(SILENT)
    for name in SILENT:
        logging.getLogger(name).propagate = False
        logging.getLogger(name).addHandler(logging.NullHandler())  # else a child's record reaches logging.lastResort
    logging.root.handlers = [LibraryHandler()]
    logging.root.setLevel(level)
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda lost: _tell(lost.exc_value)
    threading.excepthook = lambda lost: _tell(lost.exc_value)


def _uncaught(kind: type[BaseException], failure: BaseException, _where: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _tell(failure)


def _tell(failure: BaseException | None) -> None:
    _log.error(Event.TASK_FAILED, exc_info=failure)
