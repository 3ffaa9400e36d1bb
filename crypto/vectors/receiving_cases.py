"""Cases for the receiving machine: order, gaps, replays, forks, and what is given up."""

from collections.abc import Iterator, Sequence
from typing import Any

from crypto.fields import ZERO_HASH
from crypto.receiving import MAX_MISSING
from crypto.vectors.case import Case, case
from crypto.vectors.world import seed


def c_of(seq: int, branch: str = "") -> str:
    """The commitment of message `seq` in one history."""
    return seed(f"c/{seq}/{branch}").hex()


def message(seq: int, branch: str = "", prev: str | None = None) -> dict[str, Any]:
    """Message `seq` of that history, naming the one before it."""
    before = ZERO_HASH.hex() if seq == 1 else c_of(seq - 1)
    return {"seq": seq, "c": c_of(seq, branch), "prev": before if prev is None else prev}


def receiving_cases() -> Iterator[Case]:
    """Sequences of messages and what becomes of each."""
    for name, messages, outcomes in (
        ("in order", [1, 2, 3], ["first", "next", "next"]),
        ("the first seen is the start", [7, 8], ["first", "next"]),
        ("nothing before the start", [7, 6, 8], ["first", "seq_too_old", "next"]),
        ("a gap and its filling", [1, 4, 2, 3, 5], ["first", "gap", "filled", "filled", "next"]),
        ("a gap filled from its end", [1, 4, 3, 2], ["first", "gap", "filled", "filled"]),
        ("two gaps", [1, 3, 5, 4, 2], ["first", "gap", "gap", "filled", "filled"]),
        ("the highest again", [1, 2, 2], ["first", "next", "already_opened"]),
        ("an older one again", [1, 2, 1], ["first", "next", "seq_fork"]),
        ("a filled one again", [1, 3, 2, 2], ["first", "gap", "filled", "seq_fork"]),
        ("seq 0", [0, 1], ["bad_seq", "first"]),
    ):
        yield _told(name, [message(seq) for seq in messages], outcomes)
    yield from _forks()
    yield from _given_up()
    yield from _passing()


def _told(name: str, messages: Sequence[dict[str, Any]], outcomes: list[str], frame_class: int = 1) -> Case:
    made = case(name, "receive", {"class": frame_class, "stream": None, "messages": list(messages)})
    if made["out"]["outcomes"] != outcomes:
        raise AssertionError(f"{name}: {made['out']['outcomes']}")
    return made


def _forks() -> Iterator[Case]:
    zero, alien = ZERO_HASH.hex(), seed("alien").hex()
    one, four = message(1), message(4)
    for name, messages, outcomes in (
        ("the highest with another c", [one, message(1, "x")], ["first", "seq_fork"]),
        (
            "an older one with the highest's c",
            [one, message(2), {**one, "c": c_of(2)}],
            ["first", "next", "seq_fork"],
        ),
        ("the next names another past", [one, message(2, prev=alien)], ["first", "bad_prev"]),
        ("the first names a past", [message(1, prev=alien)], ["bad_prev"]),
        ("a later one names none", [message(3, prev=zero)], ["bad_prev"]),
        ("a filling with another c than named", [one, four, message(3, "x")], ["first", "gap", "seq_fork"]),
        ("a filling with another past", [one, four, message(2, prev=alien)], ["first", "gap", "bad_prev"]),
        (
            "a filling that denies a filled one before it",
            [one, four, message(2), message(3, prev=alien)],
            ["first", "gap", "filled", "bad_prev"],
        ),
        (
            "a filling that a filled one after it denies",
            [one, message(5), message(4), message(3, "x"), message(3)],
            ["first", "gap", "filled", "seq_fork", "filled"],
        ),
        (
            "a gap of one that denies its past",
            [one, message(3), message(2, prev=alien), message(2)],
            ["first", "gap", "bad_prev", "filled"],
        ),
        (
            "a refused one changes nothing",
            [one, message(2, prev=alien), message(2)],
            ["first", "bad_prev", "next"],
        ),
    ):
        yield _told(name, messages, outcomes)


def _given_up() -> Iterator[Case]:
    whole = MAX_MISSING + 2  # from 1: exactly MAX_MISSING numbers are missing
    for name, messages, outcomes in (
        ("the largest gap", [1, whole, 2], ["first", "gap", "filled"]),
        ("one too many is given up", [1, whole + 1, 2, 3], ["first", "gap", "seq_too_old", "filled"]),
        (
            "an old gap is given up for a new one",
            [1, 3, whole + 2, 2, 4, 3],
            ["first", "gap", "gap", "seq_too_old", "filled", "seq_too_old"],
        ),
        ("to the last number", [1, 2**53 - 1, 5], ["first", "gap", "seq_too_old"]),
    ):
        yield _told(name, [message(seq) for seq in messages], outcomes)


def _passing() -> Iterator[Case]:
    for frame_class in (2, 3):
        messages = [message(n) for n in (5, 9, 9, 7, 10)]
        outcomes = ["first", "next", "not_growing", "not_growing", "next"]
        yield _told(f"class {frame_class} grows strictly", messages, outcomes, frame_class)
