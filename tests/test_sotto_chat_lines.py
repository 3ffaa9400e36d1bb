"""A room as lines: order, days, gaps, states, and everything within the width."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prompt_toolkit.utils import get_cwidth

from crypto.envelope import Note
from sotto.chat.lines import clip, lines_of, wrap
from sotto.chat.room import Room
from sotto.values import Conversation, Gap, Member, Message, Stage

pytestmark = pytest.mark.pure

OWN, OTHER = b"o" * 16, b"p" * 16
SCOPE = b"c" * 16
NOON = 1_800_014_400_000


def room() -> Room:
    members = (
        Member(OWN, "Sage", "mentor", 1, False, True, True),
        Member(OTHER, "River\x1b[2J", "patient", 1, False, True, False),
    )
    return Room(Conversation(SCOPE, "support", members, False, 0))


def message(place: int, text: str = "hello", *, own: bool = False, at: int = NOON, **more: object) -> Message:
    stage = Stage.SAFE if own else Stage.DELIVERED
    made = Message(SCOPE, place, OWN if own else OTHER, b"d" * 16, 1, text.encode(), at, outgoing=own, stage=stage)
    return replace(made, **more)


def text_of(shown: Room, width: int = 60) -> list[str]:
    return ["".join(text for _, text in line) for line in lines_of(shown, width, UTC)]


def test_entries_stand_in_their_places_whenever_they_came() -> None:
    shown = room()
    shown.add([message(3, "three", at=NOON + 120_000), message(1, "one")])
    shown.add([message(2, "two", at=NOON + 60_000)])
    said = [line.strip() for line in text_of(shown)]
    assert said.index("one") < said.index("two") < said.index("three")


def test_a_new_day_is_said_once() -> None:
    shown = room()
    shown.add([message(1), message(2), message(3, at=NOON + 86_400_000)])
    days = [line for line in text_of(shown) if line.startswith("─")]
    assert len(days) == 2


def test_ones_own_message_says_how_far_it_is() -> None:
    shown = room()
    shown.add([message(1, own=True)])
    assert any(line.endswith("you · safe") for line in text_of(shown))
    shown.set_stage(1, Stage.DELIVERED)
    assert any(line.endswith("you · delivered") for line in text_of(shown))


def test_a_refusal_says_why() -> None:
    shown = room()
    shown.add([message(1, own=True, stage=Stage.FAILED, refusal="not_member")])
    assert any("not sent: not a member of that conversation" in line for line in text_of(shown))


def test_sent_never_covers_something_later() -> None:
    shown = room()
    shown.add([message(1, own=True)])
    shown.set_stage(1, Stage.SENT)
    assert any(line.endswith("you · safe") for line in text_of(shown))


def test_what_the_other_side_read_is_read() -> None:
    shown = room()
    shown.add([message(1, own=True, seq=4), message(2, own=True, seq=5)])
    shown.read_up_to(4)
    assert [line.rpartition(" · ")[2] for line in text_of(shown) if "you" in line] == ["read", "safe"]


def test_a_gap_is_visible_until_it_is_filled() -> None:
    shown = room()
    gap = Gap(SCOPE, 1, OTHER, b"d" * 16, 2, 4, 3)
    shown.add([gap])
    assert any("3 messages of River" in line and "missing" in line for line in text_of(shown))
    shown.put_gap(Gap(SCOPE, 1, OTHER, b"d" * 16, 2, 4, 0))
    assert text_of(shown) == []


def test_an_unaccepted_identity_stands_beside_what_it_says() -> None:
    shown = room()
    shown.add([message(1, unapproved=True, notes=(Note.MEMBERS_DIFFER,))])
    assert any("from an identity you have not accepted" in line for line in text_of(shown, 120))


def test_a_remark_stays_behind_what_it_was_about() -> None:
    shown = room()
    shown.add([message(1, "before")])
    shown.remark("look")
    shown.add([message(2, "after", at=NOON + 60_000)])
    said = [line.strip() for line in text_of(shown)]
    assert said.index("before") < said.index("look") < said.index("after")


def test_aliases_and_texts_cannot_act() -> None:
    shown = room()
    shown.add([message(1, "\x1b]0;title\x07")])
    assert all("\x1b" not in line for line in text_of(shown))


@given(st.lists(st.text(max_size=300), max_size=6), st.integers(10, 120))
def test_no_line_is_wider_than_the_screen(texts: list[str], width: int) -> None:
    shown = room()
    shown.add([message(place, text, at=NOON + place * 60_000) for place, text in enumerate(texts, 1)])
    assert all(get_cwidth(line) <= max(width, 12) for line in text_of(shown, width))


@given(st.text(alphabet="ab 你", max_size=200), st.integers(10, 40))
def test_wrapping_loses_only_blanks(text: str, width: int) -> None:
    assert "".join(wrap(text, width)).replace(" ", "") == text.replace(" ", "")


@given(st.text(alphabet="ab你", max_size=50), st.integers(1, 40))
def test_a_clipped_text_fits(text: str, width: int) -> None:
    assert get_cwidth(clip(text, width)) <= width
