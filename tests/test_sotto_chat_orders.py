"""Orders: what begins with a slash, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotto.chat.orders import HELP, ORDERS, SAY, Order, parse

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("typed", "order"),
    [
        ("hello", Order(SAY, "hello")),
        ("//hello", Order(SAY, "/hello")),
        ("/who", Order("who")),
        ("/VERIFY  Sage ", Order("verify", "Sage")),
        ("/", Order("")),
        (" /who", Order(SAY, " /who")),
    ],
)
def test_an_order_begins_with_one_slash(typed: str, order: Order) -> None:
    assert parse(typed) == order


@given(st.text(min_size=1))
def test_every_text_can_be_said(text: str) -> None:
    typed = f"/{text}" if text.startswith("/") else text
    assert parse(typed) == Order(SAY, text)


def test_help_names_every_order() -> None:
    said = " ".join(HELP)
    assert all(f"/{name}" in said for name in ORDERS if name != "help")
