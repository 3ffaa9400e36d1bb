"""The session of a socket: what may come when, how fast, and what keeps it alive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.relay.session import MOVES, Bucket, Clocks, Drop, Session, State, Wait
from chatserver.wire import errors, limits
from chatserver.wire.frames import NO_EPOCH, Ack, Active, Bye, ClientFrame, Fates, Fleeting, Hello, Send

pytestmark = pytest.mark.pure

ID = bytes(16)
NOW = 1_000.0
HELLO = Hello(bytes(32), ID, ID, "https://chat.example", 1, 1, bytes(32), 1, NO_EPOCH, bytes(64))
SEND = Send(ID, 1, bytes(32), ())
FRAMES: dict[type[ClientFrame], ClientFrame] = {
    Hello: HELLO,
    Send: SEND,
    Ack: Ack(()),
    Fleeting: Fleeting(ID, 1, bytes(32), ()),
    Active: Active(),
    Fates: Fates(()),
    Bye: Bye(),
}
ACT, GOODBYE, NO = None, errors.SIGNED_OFF, errors.OUT_OF_ORDER

# DESIGN section 4: hello first, everything else after welcome, goodbye at any time.
TABLE: dict[State, dict[type[ClientFrame], object]] = {
    State.NEW: {Hello: ACT, Send: NO, Ack: NO, Fleeting: NO, Active: NO, Fates: NO, Bye: GOODBYE},
    State.GREETING: {Hello: NO, Send: NO, Ack: NO, Fleeting: NO, Active: NO, Fates: NO, Bye: GOODBYE},
    State.READY: {Hello: NO, Send: ACT, Ack: ACT, Fleeting: ACT, Active: ACT, Fates: ACT, Bye: GOODBYE},
    State.CLOSED: dict.fromkeys(FRAMES, NO),
}


def session_in(state: State, *, idle_s: float = 900.0, ends_at: float = NOW + 86_400) -> Session:
    session = Session(NOW)
    if state is not State.NEW:
        session.step(HELLO, NOW)
    if state in {State.READY, State.CLOSED}:
        session.welcome(Clocks(idle_s, NOW, ends_at))
    if state is State.CLOSED:
        session.close()
    return session


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", FRAMES)
def test_what_may_come_when(state: State, kind: type[ClientFrame]) -> None:
    assert session_in(state).step(FRAMES[kind], NOW) is TABLE[state][kind]


def test_the_table_knows_every_frame_and_every_state() -> None:
    assert set(MOVES) == set(State)
    assert {kind for row in MOVES.values() for kind in row} == set(FRAMES)


@given(st.lists(st.sampled_from(list(FRAMES)), max_size=12))
def test_nothing_acts_before_welcome_but_one_hello(kinds: list[type[ClientFrame]]) -> None:
    session = Session(NOW)
    acted = [kind for kind in kinds if session.step(FRAMES[kind], NOW) is None]
    assert acted == ([Hello] if Hello in kinds else [])


# -- the clocks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.NEW, State.GREETING])
def test_a_hello_that_is_late_ends_the_socket(state: State) -> None:
    session = session_in(state)
    assert session.overdue(NOW + limits.HELLO_TIMEOUT_S - 0.01) is None
    assert session.overdue(NOW + limits.HELLO_TIMEOUT_S) is errors.HELLO_LATE


def test_a_closed_socket_without_a_session_is_never_overdue() -> None:
    session = Session(NOW)
    session.close()
    assert session.overdue(NOW + 1e6) is None


@pytest.mark.parametrize("kind", [Ack, Fleeting, Fates])
def test_what_a_machine_sends_does_not_wind_the_idle_clock(kind: type[ClientFrame]) -> None:
    session = session_in(State.READY)
    assert session.step(FRAMES[kind], NOW + 899) is None
    assert session.overdue(NOW + 899.9) is None
    assert session.overdue(NOW + 900) is errors.SESSION_ENDED
    assert session.step(FRAMES[kind], NOW + 900) is errors.SESSION_ENDED


@pytest.mark.parametrize("kind", [Send, Active])
def test_what_a_person_does_winds_the_idle_clock(kind: type[ClientFrame]) -> None:
    session = session_in(State.READY)
    assert session.step(FRAMES[kind], NOW + 899) is None
    assert session.overdue(NOW + 900) is None
    assert session.overdue(NOW + 899 + 900) is errors.SESSION_ENDED


@pytest.mark.parametrize("kind", [Send, Active, Ack, Fleeting, Fates])
def test_no_frame_comes_too_late_and_still_acts(kind: type[ClientFrame]) -> None:
    session = session_in(State.READY)
    assert session.step(FRAMES[kind], NOW + 900) is errors.SESSION_ENDED
    assert session.overdue(NOW + 900) is errors.SESSION_ENDED


def test_the_absolute_limit_is_not_moved_by_anything() -> None:
    session = session_in(State.READY, ends_at=NOW + 1_000)
    for at in range(0, 1_000, 30):
        assert session.step(SEND, NOW + at) is None
    assert session.step(SEND, NOW + 1_000) is errors.SESSION_ENDED
    assert session.overdue(NOW + 1_000) is errors.SESSION_ENDED


def test_one_may_say_goodbye_after_the_session_ran_out() -> None:
    assert session_in(State.READY).step(Bye(), NOW + 1_000) is errors.SIGNED_OFF


@given(st.lists(st.tuples(st.sampled_from((Send, Active, Ack, Fates)), st.floats(0.1, 400.0)), max_size=40))
def test_the_idle_clock_runs_from_the_last_thing_that_a_person_did(
    steps: list[tuple[type[ClientFrame], float]],
) -> None:
    session = session_in(State.READY, ends_at=NOW + 1e9)
    now = touched = NOW
    for kind, pause in steps:
        now += pause
        verdict = session.step(FRAMES[kind], now)
        if abs(now - touched - 900.0) < 1e-6:
            return  # on the very edge the last bit decides
        if now - touched >= 900.0:
            assert verdict is errors.SESSION_ENDED
            return
        assert verdict is not errors.SESSION_ENDED
        if kind in {Send, Active}:
            touched = now
        assert session.overdue(touched + 900.1) is errors.SESSION_ENDED
        assert session.overdue(touched + 899.9) is None


# -- the budgets ----------------------------------------------------------------------------------------------------


def test_a_human_who_types_fast_is_never_slowed() -> None:
    session = session_in(State.READY)
    assert {session.step(SEND, NOW + second / 5) for second in range(2_000)} == {None}


def test_a_device_that_repeats_a_whole_window_is_not_slowed() -> None:
    session = session_in(State.READY)
    assert {session.step(SEND, NOW) for _ in range(limits.SEND_WINDOW)} == {None}


def test_one_active_every_thirty_seconds_is_never_slowed() -> None:
    session = session_in(State.READY)
    assert {session.step(Active(), NOW + 30.0 * turn) for turn in range(20)} == {None}


def test_a_flood_waits_and_is_never_refused() -> None:
    session = session_in(State.READY, idle_s=1e9, ends_at=1e9)
    now, waited = NOW, 0
    for _ in range(1_000):
        verdict = session.step(SEND, now)
        while isinstance(verdict, Wait):
            waited += 1
            now += verdict + 1e-9
            verdict = session.step(SEND, now)
        assert verdict is None
    assert waited > 0


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=60))
def test_no_pace_of_sending_is_refused_and_none_beats_the_budget(pauses: list[float]) -> None:
    session = session_in(State.READY, idle_s=1e9, ends_at=1e9)
    now, sent = NOW, 0
    for pause in pauses:
        now += pause
        for _ in range(40):
            verdict = session.step(SEND, now)
            assert verdict is None or isinstance(verdict, Wait)
            sent += verdict is None
    assert sent <= limits.SEND_BURST + (now - NOW) * limits.SENDS_PER_S + 1


def test_too_many_fleeting_frames_are_dropped_by_name() -> None:
    session = session_in(State.READY)
    verdicts = [session.step(FRAMES[Fleeting], NOW) for _ in range(int(limits.FLEETING_BURST) + 5)]
    assert verdicts == [None] * int(limits.FLEETING_BURST) + [Drop.FLEETING_TOO_FAST] * 5
    assert session.step(FRAMES[Fleeting], NOW + 1 / limits.FLEETING_PER_S) is None


def test_too_many_signs_of_activity_are_dropped_by_name_and_still_count() -> None:
    session = session_in(State.READY)
    verdicts = [session.step(Active(), NOW + 10) for _ in range(int(limits.ACTIVE_BURST) + 3)]
    assert verdicts == [None] * int(limits.ACTIVE_BURST) + [Drop.ACTIVE_TOO_FAST] * 3
    assert session.overdue(NOW + 900) is None
    assert session.overdue(NOW + 910) is errors.SESSION_ENDED


def test_the_wait_that_a_bucket_names_is_long_enough() -> None:
    bucket = Bucket(per_s=3.0, burst=1.0)
    assert bucket.take(NOW) == 0.0
    wait = bucket.take(NOW)
    assert wait == pytest.approx(1 / 3)
    assert bucket.take(NOW + wait / 2) > 0.0
    assert bucket.take(NOW + wait + 1e-9) == 0.0
