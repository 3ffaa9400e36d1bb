"""What others wrote cannot act on the terminal that shows it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotto.chat.safe_text import MAX_MARKS, safe, safe_lines

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("a\x07\x00\x7f", "a␇␀␡"),
        ("\u202egnirts", "<U+202E>gnirts"),
        ("\u2066x\u2069", "<U+2066>x<U+2069>"),
        ("\x9b31m", "<U+009B>31m"),
        ("one\rtwo", "one␍two"),
        ("a\tb", "a    b"),
        ("\u2028", "<U+2028>"),
        ("\U000e0041", "<U+E0041>"),
    ],
)
def test_what_could_act_is_shown_instead(written: str, shown: str) -> None:
    assert safe(written) == shown


@pytest.mark.parametrize("text", ["Grüße, 你好, नमस्ते", "👩\u200d⚕️", "مرحبا"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_line_breaks_make_lines() -> None:
    assert safe_lines("one\r\ntwo\nthree") == ["one", "two", "three"]


def test_towers_of_marks_are_cut() -> None:
    assert safe("e" + "\u0301" * 50) == "e" + "\u0301" * MAX_MARKS


@given(st.text())
def test_nothing_that_acts_is_left(text: str) -> None:
    left = safe(text).replace("\u200c", "").replace("\u200d", "")
    assert {unicodedata.category(char) for char in left}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
