"""The group commit on a loop whose time is a number."""

import heapq
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.store.group import MAX_BATCH_UNITS, Group, Told
from chatserver.store.port import Committed, Failure, Outcome, Unit

pytestmark = pytest.mark.pure

DISTANCE_S = 0.5
DONE = Committed()


class FakeLoop:
    """Calls in their order; time passes only in `run`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[tuple[float, int, Callable[[], object]]] = []
        self.made = 0
        self.errors: list[Any] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.call_at(self.now, callback, *args)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> None:
        self.made += 1
        heapq.heappush(self.calls, (when, self.made, lambda: callback(*args)))

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context["exception"])

    def run(self, until: float | None = None) -> None:
        """Make every call that is due, up to `until`; by default up to now."""
        end = self.now if until is None else until
        while self.calls and self.calls[0][0] <= end:
            when, _, call = heapq.heappop(self.calls)
            self.now = max(self.now, when)
            call()
        self.now = end


class Backend:
    """Keeps the batches that it was handed, and answers when told to."""

    def __init__(self, loop: FakeLoop) -> None:
        self.loop = loop
        self.batches: list[list[Unit]] = []
        self.starts: list[float] = []
        self.told: Told | None = None

    def begin(self, units: list[Unit], told: Told) -> None:
        assert self.told is None, "one batch at a time"
        self.batches.append(units)
        self.starts.append(self.loop.time())
        self.told = told

    def answer(self, outcomes: Sequence[Outcome] | None = None) -> None:
        assert self.told is not None
        told, self.told = self.told, None
        told([DONE] * len(self.batches[-1]) if outcomes is None else outcomes)


def numbered(number: int) -> Unit:
    return Unit(changes=(number,))  # type: ignore[arg-type]  # the group looks into no unit


class Bench:
    def __init__(self, max_waiting: int = 20_000) -> None:
        self.loop = FakeLoop()
        self.backend = Backend(self.loop)
        self.group = Group(self.backend.begin, self.loop, distance_s=DISTANCE_S, max_waiting=max_waiting)
        self.heard: list[tuple[int, Outcome]] = []

    def submit(self, *numbers: int) -> None:
        for number in numbers:
            self.group.submit(numbered(number), lambda outcome, number=number: self.heard.append((number, outcome)))  # type: ignore[misc]

    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.backend.batches]


def test_a_commit_after_quiet_goes_at_once_with_all_of_its_turn() -> None:
    bench = Bench()
    bench.submit(1, 2, 3)
    assert bench.sizes() == []
    bench.loop.run()
    assert bench.sizes() == [3]
    assert bench.backend.starts == [100.0]


def test_units_collect_while_a_batch_is_applied() -> None:
    bench = Bench()
    bench.submit(1)
    bench.loop.run()
    bench.submit(2, 3)
    bench.loop.run(105.0)
    assert bench.sizes() == [1]
    bench.backend.answer()
    bench.loop.run()
    assert bench.sizes() == [1, 2]
    assert bench.heard == [(1, DONE)]


def test_batches_keep_their_distance_while_units_keep_coming() -> None:
    bench = Bench()
    for turn in range(5):
        bench.submit(turn)
        bench.loop.run()
        if bench.backend.told:
            bench.backend.answer()
        bench.loop.run(bench.loop.now + DISTANCE_S / 2)
    assert bench.backend.starts == [100.0, 100.5, 101.0]
    assert bench.sizes() == [1, 1, 2]


def test_after_a_distance_of_quiet_a_unit_waits_for_nothing() -> None:
    bench = Bench()
    bench.submit(1)
    bench.loop.run()
    bench.backend.answer()
    bench.loop.run(100.0 + DISTANCE_S)
    bench.submit(2)
    bench.loop.run()
    assert bench.backend.starts == [100.0, 100.5]


def test_each_hears_its_own_outcome_in_order_and_once() -> None:
    bench = Bench()
    bench.submit(1, 2, 3)
    bench.loop.run()
    bench.backend.answer([DONE, Failure.DATA, DONE])
    bench.loop.run(200.0)
    assert bench.heard == [(1, DONE), (2, Failure.DATA), (3, DONE)]


def test_one_more_than_may_wait_is_refused_later_in_the_same_turn() -> None:
    bench = Bench(max_waiting=2)
    bench.submit(1, 2, 3)
    assert bench.heard == []
    bench.loop.run()
    assert bench.heard == [(3, Failure.BUSY)]
    assert bench.sizes() == [2]


def test_a_batch_has_a_bound() -> None:
    bench = Bench()
    bench.submit(*range(MAX_BATCH_UNITS + 1))
    bench.loop.run()
    bench.backend.answer()
    bench.loop.run(bench.loop.now + DISTANCE_S)
    assert bench.sizes() == [MAX_BATCH_UNITS, 1]


def test_a_callback_that_raises_is_reported_and_the_others_hear() -> None:
    bench = Bench()
    mistake = ValueError("of the caller")

    def raises(_: Outcome) -> None:
        raise mistake

    bench.group.submit(numbered(1), raises)
    bench.submit(2)
    bench.loop.run()
    bench.backend.answer()
    assert bench.loop.errors == [mistake]
    assert bench.heard == [(2, DONE)]


def test_what_a_callback_submits_goes_into_the_next_batch() -> None:
    bench = Bench()
    bench.group.submit(numbered(1), lambda _: bench.submit(2))
    bench.loop.run()
    bench.backend.answer()
    assert bench.sizes() == [1]
    bench.loop.run(bench.loop.now + DISTANCE_S)
    assert bench.sizes() == [1, 1]


def test_close_drains_without_keeping_a_distance() -> None:
    bench = Bench()
    closed: list[float] = []
    bench.submit(1)
    bench.loop.run()
    bench.submit(2)
    bench.group.close(lambda: closed.append(bench.loop.now))
    bench.submit(3)
    bench.backend.answer()
    bench.loop.run()
    assert closed == []
    bench.backend.answer()
    assert closed == [100.0]
    assert bench.heard == [(1, DONE), (3, Failure.LOST), (2, DONE)]


def test_closing_an_idle_group_is_told_later() -> None:
    bench = Bench()
    closed: list[str] = []
    bench.group.close(lambda: closed.append("closed"))
    assert closed == []
    bench.loop.run()
    assert closed == ["closed"]


moves = st.lists(st.one_of(st.integers(1, 5), st.just("answer"), st.floats(0.01, 1.0)), max_size=60)


@given(moves)
def test_nothing_is_lost_doubled_or_moved(moves: list[object]) -> None:
    bench = Bench()
    sent = 0
    for move in moves:
        if move == "answer":
            if bench.backend.told:
                bench.backend.answer()
        elif isinstance(move, int):
            bench.submit(*range(sent, sent := sent + move))
        elif isinstance(move, float):
            bench.loop.run(bench.loop.now + move)
    bench.group.close(lambda: None)
    while len(bench.heard) < sent:
        bench.loop.run(bench.loop.now + DISTANCE_S)
        bench.backend.answer()
    assert bench.heard == [(number, DONE) for number in range(sent)]
    assert [unit for batch in bench.backend.batches for unit in batch] == [numbered(number) for number in range(sent)]
