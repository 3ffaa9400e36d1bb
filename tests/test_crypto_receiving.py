import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.fields import ZERO_HASH
from crypto.receiving import MAX_MISSING, Arrival, Missing, Received, Step, receive_message, receive_passing
from crypto.refusals import Reason, Refused
from crypto.vectors.world import seed

pytestmark = pytest.mark.pure

LAST = 12
TAKEN = {Reason.ALREADY_OPENED, Reason.SEQ_FORK, Reason.SEQ_TOO_OLD}


def c_of(seq: int, branch: int = 0) -> bytes:
    return seed(f"{branch}/{seq}")


def prev_of(seq: int) -> bytes:
    return ZERO_HASH if seq == 1 else c_of(seq - 1)


def tried(state: Received | None, seq: int, branch: int = 0) -> Step | Reason:
    try:
        return receive_message(state, seq, c_of(seq, branch), prev_of(seq))
    except Refused as refused:
        return refused.reason


@given(st.lists(st.integers(1, LAST), max_size=40))
def test_no_seq_is_accepted_twice_and_all_else_from_the_start_on_is(order: list[int]) -> None:
    state: Received | None = None
    accepted: set[int] = set()
    for seq in order:
        outcome = tried(state, seq)
        if isinstance(outcome, Reason):
            assert outcome in TAKEN
            assert seq in accepted or seq < order[0]
            continue
        assert seq not in accepted
        assert seq >= order[0]
        accepted.add(seq)
        state = outcome.state
        assert [gap.seq for gap in state.missing] == sorted(set(range(order[0], max(accepted))) - accepted)
    if state is not None:
        assert (state.highest, state.c) == (max(accepted), c_of(max(accepted)))


@given(st.permutations(range(1, LAST + 1)))
def test_in_whatever_order_they_come_every_gap_is_filled(order: list[int]) -> None:
    first = receive_message(None, 1, c_of(1), ZERO_HASH)
    state = first.state
    for seq in order:
        outcome = tried(state, seq)
        if seq == 1:
            assert outcome in {Reason.ALREADY_OPENED, Reason.SEQ_FORK}
            continue
        assert isinstance(outcome, Step)
        assert outcome.arrival in {Arrival.NEXT, Arrival.GAP, Arrival.FILLED}
        state = outcome.state
    assert state == Received(1, LAST, c_of(LAST))


@given(st.permutations(range(2, LAST + 1)), st.integers(2, LAST))
def test_a_fork_is_marked_as_soon_as_both_neighbours_or_itself_are_known(order: list[int], forked: int) -> None:
    """With its neighbours or the original accepted, another message under the same number is never accepted."""
    state = receive_message(None, 1, c_of(1), ZERO_HASH).state
    accepted = {1}
    for seq in order:
        outcome = tried(state, seq)
        assert isinstance(outcome, Step)
        state, accepted = outcome.state, accepted | {seq}
        if forked in accepted or forked + 1 in accepted:
            assert tried(state, forked, branch=1) is Reason.SEQ_FORK


@given(st.permutations(range(2, LAST + 1)), st.integers(2, LAST))
def test_a_message_that_denies_an_accepted_past_is_refused(order: list[int], liar: int) -> None:
    state = receive_message(None, 1, c_of(1), ZERO_HASH).state
    accepted = {1}
    for seq in order:
        if liar - 1 in accepted and liar not in accepted:
            with pytest.raises(Refused) as caught:
                receive_message(state, liar, c_of(liar), seed("another past"))
            # beyond a new gap nothing is known of the message before it
            assert caught.value.reason is Reason.BAD_PREV
        outcome = tried(state, seq)
        assert isinstance(outcome, Step)
        state, accepted = outcome.state, accepted | {seq}


def test_a_gap_holds_at_most_1024_and_says_how_many_it_gave_up() -> None:
    state = Received(1, 1, c_of(1))
    whole = receive_message(state, MAX_MISSING + 2, c_of(9), c_of(8))
    assert (len(whole.state.missing), whole.given_up, whole.state.floor) == (MAX_MISSING, 0, 1)
    more = receive_message(state, MAX_MISSING + 5, c_of(9), c_of(8))
    assert (len(more.state.missing), more.given_up, more.state.floor) == (MAX_MISSING, 3, 5)
    assert more.state.missing[0] == Missing(5)
    assert more.state.missing[-1] == Missing(MAX_MISSING + 4, c=c_of(8))


def test_what_is_known_of_a_missing_number_stands_beside_it() -> None:
    state = receive_message(Received(1, 1, c_of(1)), 5, c_of(5), c_of(4)).state
    assert state.missing == (Missing(2, prev=c_of(1)), Missing(3), Missing(4, c=c_of(4)))
    assert state.gap(3) == Missing(3)
    assert state.gap(5) is None
    filled = receive_message(state, 3, c_of(3), c_of(2)).state
    assert filled.missing == (Missing(2, prev=c_of(1), c=c_of(2)), Missing(4, c=c_of(4), prev=c_of(3)))


@settings(max_examples=30)
@given(st.lists(st.integers(1, 40), max_size=30))
def test_every_state_comes_back_from_its_bytes(order: list[int]) -> None:
    state: Received | None = None
    for seq in order:
        outcome = tried(state, seq)
        state = outcome.state if isinstance(outcome, Step) else state
        if state is not None:
            assert Received.decode(state.encode()) == state


def test_bytes_that_no_state_has_are_refused() -> None:
    raw = receive_message(Received(1, 1, c_of(1)), 3, c_of(3), c_of(2)).state.encode()
    full = receive_message(Received(1, 1, c_of(1)), MAX_MISSING + 2, c_of(9), c_of(8)).state
    assert Received.decode(full.encode()) == full
    over = Received(1, 2000, c_of(1), (*full.missing, Missing(1999))).encode()
    for wrong, reason in (
        (b"\2" + raw[1:], Reason.BAD_VERSION),
        (raw + b"\0", Reason.BAD_LENGTH),
        (raw[:-1], Reason.BAD_LENGTH),
        (over, Reason.NUMBER_RANGE),
    ):
        with pytest.raises(Refused) as caught:
            Received.decode(wrong)
        assert caught.value.reason is reason


@given(st.lists(st.integers(0, 30)))
def test_fleeting_frames_and_signals_only_ever_grow(order: list[int]) -> None:
    state: Received | None = None
    for n in order:
        if state is not None and n <= state.highest:
            with pytest.raises(Refused, match="not_growing"):
                receive_passing(state, n, c_of(n))
            continue
        step = receive_passing(state, n, c_of(n))
        assert step == Step(Received(n, n, c_of(n)), Arrival.FIRST if state is None else Arrival.NEXT)
        state = step.state
