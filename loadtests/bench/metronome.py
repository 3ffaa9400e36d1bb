"""Arrivals at a given rate, to a fraction of a millisecond: timerfd_create(2), which the loop can wait for."""

import asyncio
import ctypes
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Final

_MONOTONIC: Final = 1
_NONBLOCK: Final = os.O_NONBLOCK
_ABSOLUTE: Final = 1
_NS: Final = 1_000_000_000

_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Spec(ctypes.Structure):
    """struct itimerspec."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


def arrivals(per_s: float, seed: int) -> Iterator[float]:
    """Seconds from the start at which independent people send: a Poisson process."""
    draw, at = random.Random(seed), 0.0
    while True:
        at += draw.expovariate(per_s)
        yield at


class Metronome:
    """Calls `due` with each moment that was due, late or not: lateness counts as latency. Owned by one phase."""

    def __init__(self, moments: Iterator[float], due: Callable[[float], None]) -> None:
        self._moments = moments
        self._due = due
        self._file = _libc.timerfd_create(_MONOTONIC, _NONBLOCK)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._start = time.perf_counter()  # CLOCK_MONOTONIC
        self._next = self._start + next(moments)
        asyncio.get_running_loop().add_reader(self._file, self._rings)
        self._wind()

    def _rings(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:
            return
        while self._next <= time.perf_counter():
            self._due(self._next)
            self._next = self._start + next(self._moments)
        self._wind()

    def _wind(self) -> None:
        seconds, ns = divmod(int(self._next * _NS), _NS)
        _libc.timerfd_settime(self._file, _ABSOLUTE, ctypes.byref(_Spec(0, 0, seconds, ns)), None)

    def stop(self) -> None:
        """No more."""
        asyncio.get_running_loop().remove_reader(self._file)
        os.close(self._file)
