"""The checker sees each broken promise in a history as short as it can be, and nothing in one where all was kept."""

import pytest

from loadtests.chaos.checker import PROMISES, Checker
from loadtests.chaos.history import Operation

pytestmark = pytest.mark.pure

ANNA, BELA, CARA = "anna", "bela", "cara"
SCOPE = "ward"


def send(n: int, *to: str, sender: str = ANNA) -> Operation:
    return {"op": "send", "sender": sender, "n": n, "scope": SCOPE, "c": f"c{n}", "to": list(to or (BELA,))}


def shown(n: int, to: str = BELA, *, sender: str = ANNA, c: str = "", scope: str = SCOPE) -> Operation:
    return {"op": "shown", "to": to, "sender": sender, "n": n, "scope": scope, "c": c or f"c{n}"}


def of(op: str, n: int, **more: str) -> Operation:
    return {"op": op, "sender": ANNA, "n": n, **more}


def ended(n: int) -> list[Operation]:
    """A send that came to its end as promised, but for who showed it."""
    return [of("safe", n), of("delivered", n), of("event", n)]


KEPT = [send(1), send(2), shown(1), *ended(1), {"op": "fault", "kind": "kill"}, shown(2), *ended(2)]


def broken(*operations: Operation) -> set[str]:
    return {violation.promise for violation in Checker(operations).violations()}


def test_a_history_in_which_every_promise_was_kept_is_clean() -> None:
    assert Checker(KEPT).violations() == []
    assert Checker(KEPT).counts() == {"sent": 2, "safe": 2, "shown": 2}


def test_order_is_that_of_one_sender_in_one_conversation() -> None:
    others = [send(1, sender=CARA), shown(1, sender=CARA), {**of("delivered", 1), "sender": CARA}]
    elsewhere = {**send(3), "scope": "other"}
    operations = [*KEPT, *others, {**of("event", 1), "sender": CARA}, elsewhere, shown(3, scope="other"), *ended(3)]
    assert broken(*operations) == set()


@pytest.mark.parametrize("mark", ["safe", "delivered"])
def test_a_receipted_message_that_was_never_shown_is_lost(mark: str) -> None:
    assert "lost" in broken(send(1), of(mark, 1), of("event", 1))


def test_a_message_that_one_of_two_recipients_never_showed_is_lost() -> None:
    assert broken(send(1, BELA, CARA), shown(1), *ended(1)) == {"lost"}


def test_a_message_without_a_receipt_is_not_lost_but_undelivered() -> None:
    assert broken(send(1)) == {"undelivered"}


def test_a_safe_message_that_never_came_to_its_end_is_undelivered() -> None:
    assert broken(send(1), shown(1), of("safe", 1), of("event", 1)) == {"undelivered"}


def test_a_receipt_that_the_dead_servers_store_does_not_know_was_early() -> None:
    assert broken(send(1), shown(1), *ended(1), of("early", 1)) == {"early"}


@pytest.mark.parametrize(
    "false",
    [shown(3), shown(1, CARA), shown(1, sender=CARA), shown(2, c="another")],
    ids=["unsent", "for-somebody-else", "of-somebody-else", "altered"],
)
def test_what_was_not_sent_like_that_is_a_phantom(false: Operation) -> None:
    assert "phantom" in broken(*KEPT, false)


def test_a_message_that_is_shown_twice_is_a_duplicate() -> None:
    assert "duplicate" in broken(*KEPT, shown(2))


def test_a_message_that_is_shown_after_a_later_one_is_out_of_order() -> None:
    assert broken(send(1), send(2), shown(2), shown(1), *ended(1), *ended(2)) == {"order"}


def test_a_receipted_message_has_an_event() -> None:
    assert broken(send(1), shown(1), of("delivered", 1)) == {"event"}


def test_a_receipted_message_has_no_second_event() -> None:
    assert broken(*KEPT, of("event", 2)) == {"event"}


def test_an_event_tells_of_a_send() -> None:
    assert broken(*KEPT, of("event", 3)) == {"event_without_send"}


def test_a_box_that_still_waits_at_the_end_is_left_over() -> None:
    assert broken(*KEPT, {"op": "row", "to": BELA, "sender": ANNA, "n": 2}) == {"left_over"}


def test_a_violation_names_its_witness() -> None:
    (violation,) = Checker([send(7), shown(7), of("delivered", 7)]).violations()
    assert violation.promise in PROMISES
    assert f"('{ANNA}', 7)" in violation.witness
