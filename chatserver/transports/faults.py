"""Saying that something of ours failed without saying what a peer sent."""

import logging
from typing import Final

_log: Final = logging.getLogger(__name__)


def report(fault: Exception) -> None:
    """Log its type and where it was raised, never its text: that may quote what a peer sent."""
    at = fault.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = at.tb_frame.f_code.co_qualname if at is not None else "?"
    line = at.tb_lineno if at is not None else 0
    _log.error("a connection failed: %s in %s, line %d", type(fault).__name__, where, line)
