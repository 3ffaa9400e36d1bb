"""The promises of `store/port.py`, in their order and by their names."""

import asyncio

import pytest

from chatserver.audit.events import Event
from chatserver.audit.events import Kind as What
from chatserver.store import changes as c
from chatserver.store import queries as q
from chatserver.store.faults import Faults, Moment
from chatserver.store.opening import Kind
from chatserver.store.port import MAX_WAITING_UNITS, Committed, Done, Failure, Outcome, Store, StoreLost, Unit
from tests.contract.conftest import Stores
from tests.contract.material import (
    accept,
    account,
    box,
    chained,
    device,
    done,
    entry,
    event,
    log,
    name,
    two_people,
    unit,
)

FAILING = [Failure.LOST, Failure.FULL, Failure.BUSY]


def talk(number: int) -> c.AddConversation:
    return c.AddConversation(name(f"talk {number}"), "treatment", number)


def remember(told: list[tuple[int, Outcome]], number: int) -> Done:
    return lambda outcome: told.append((number, outcome))


async def together(store: Store, *units: Unit) -> list[Outcome]:
    """Submit units in one turn of the loop, so that they share a commit."""
    return list(await asyncio.gather(*(store.commit(each) for each in units)))


# -- 1. one way to write -----------------------------------------------------------------------------------------


async def test_a_unit_is_applied_as_a_whole(store: Store) -> None:
    outcome = await store.commit(unit(account("ada"), talk(1), events=[event()], feed=[entry("ada")]))
    assert outcome == Committed()
    assert len(await store.read(q.AllAccounts())) == len(await store.read(q.AllConversations())) == 1
    assert len(await log(store)) == len(await store.read(q.FeedAfter(0, 10))) == 1


async def test_or_not_at_all(store: Store) -> None:
    await done(store, talk(1))
    outcome = await store.commit(unit(account("ada"), talk(1), events=[event()], feed=[entry("ada")]))
    assert outcome is Failure.DATA
    left = (await store.read(q.AllAccounts()), await log(store), await store.read(q.FeedAfter(0, 10)))
    assert left == ([], [], [])


async def test_the_changes_of_a_unit_may_name_what_comes_later_in_it(store: Store) -> None:
    assert await done(store, device("phone", "ada"), account("ada")) == ()


async def test_what_names_a_missing_row_is_refused(store: Store) -> None:
    assert await store.commit(unit(device("phone", "nobody"))) is Failure.DATA


async def test_an_empty_unit_is_applied(store: Store) -> None:
    assert await store.commit(Unit()) == Committed()


# -- 2. order ----------------------------------------------------------------------------------------------------


async def test_units_are_applied_and_told_in_the_order_of_their_submission(store: Store) -> None:
    told: list[tuple[int, Outcome]] = []
    for number in range(300):
        store.submit(unit(talk(number), feed=[entry(str(number))]), remember(told, number))
    await store.commit(Unit())
    assert told == [(number, Committed()) for number in range(300)]
    feed = await store.read(q.FeedAfter(0, 1_000))
    assert [row.subject for row in feed] == [name(str(number)) for number in range(300)]


async def test_done_runs_once_and_never_inside_submit(store: Store) -> None:
    told: list[Outcome] = []
    store.submit(unit(talk(1)), told.append)
    assert told == []
    await store.commit(Unit())
    assert told == [Committed()]


async def test_a_unit_sees_the_units_before_it_in_its_own_commit(store: Store) -> None:
    await two_people(store)
    outcomes = await together(
        store,
        unit(box("ben phone", "ada phone", 1)),
        unit(c.DeleteBox(name("ben phone"), name("ada phone"), 1)),
        unit(c.DeleteBox(name("ben phone"), name("ada phone"), 1)),
    )
    assert outcomes == [Committed(), Committed((((name("ada phone"), 1),),)), Committed(((),))]


# -- 3. durable --------------------------------------------------------------------------------------------------


async def test_what_was_committed_is_there_when_the_store_is_opened_again(stores: Stores) -> None:
    first = stores.open()
    await first.commit(unit(talk(1), events=[event(n=1)], feed=[entry("talk 1")]))
    await first.close()
    second = stores.open()
    await second.commit(unit(events=[event(n=2)], feed=[entry("talk 2")]))
    assert len(await second.read(q.AllConversations())) == 1
    assert [told.n for told in chained(await log(second))] == [1, 2]
    assert [row.number for row in await second.read(q.FeedAfter(0, 10))] == [1, 2]


# -- 4. neighbours -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "failure"),
    [
        (unit(talk(2), talk(1), events=[event(n=9)], feed=[entry("bad")]), Failure.DATA),
        (unit(device("phone", "nobody"), events=[event(n=9)]), Failure.DATA),
        (unit(c.AddConversation(name("typed"), "treatment", "soon")), Failure.DATA),  # type: ignore[arg-type]  # on purpose
        (unit(c.AddConversation(name("huge"), "treatment", 2**64)), Failure.DATA),
        (unit(talk(2), c.DisableAccount(name("nobody"), 1), feed=[entry("bad")]), Failure.GUARD),
    ],
    ids=["duplicate", "orphan", "type", "overflow", "guard"],
)
async def test_a_unit_that_fails_on_its_own_fails_alone(store: Store, bad: Unit, failure: Failure) -> None:
    before = unit(talk(1), events=[event(n=1)], feed=[entry("before")])
    after = unit(talk(3), accept("phone", 1), events=[event(n=2)], feed=[entry("after")])
    assert await together(store, before, bad, after) == [Committed(), failure, Committed()]
    assert {row.id for row in await store.read(q.AllConversations())} == {name("talk 1"), name("talk 3")}
    assert [told.n for told in chained(await log(store))] == [1, 2]
    feed = await store.read(q.FeedAfter(0, 10))
    assert [(row.number, row.subject) for row in feed] == [(1, name("before")), (2, name("after"))]


async def test_returned_rows_reach_their_own_unit(store: Store) -> None:
    await two_people(store)
    phones = [name("ada phone"), name("ben phone")]
    outcomes = await together(
        store,
        *(unit(c.ClaimDevice(phone, b"node", 1)) for phone in phones),
        unit(c.ClaimDevice(name("nobody's"), b"node", 1)),
        unit(c.ClaimDevice(phones[0], b"node", 1), c.ClaimDevice(phones[1], b"node", 1)),
    )
    assert outcomes == [
        Committed((((1,),),)),
        Committed((((1,),),)),
        Failure.GUARD,
        Committed((((2,),), ((2,),))),
    ]


# -- 5. failure is known, or said to be unknown ------------------------------------------------------------------


@pytest.mark.parametrize("moment", [Moment.BEGINNING, Moment.BEFORE])
@pytest.mark.parametrize("failure", FAILING)
async def test_a_commit_that_failed_before_it_applied_left_nothing(
    stores: Stores, moment: Moment, failure: Failure
) -> None:
    store = stores.open(faults=Faults({(moment, 2): stores.errors[failure]}))
    await store.commit(unit(talk(1), events=[event(n=1)], feed=[entry("one")]))
    failed = await together(store, unit(talk(2), events=[event(n=2)], feed=[entry("two")]), unit(talk(3)))
    await store.commit(unit(talk(4), events=[event(n=4)], feed=[entry("four")]))
    assert failed == [failure, failure]
    assert {row.id for row in await store.read(q.AllConversations())} == {name("talk 1"), name("talk 4")}
    assert [told.n for told in chained(await log(store))] == [1, 4]
    assert [row.number for row in await store.read(q.FeedAfter(0, 10))] == [1, 2]


@pytest.mark.parametrize("events", [[event(n=2)], []], ids=["with an event", "without an event"])
@pytest.mark.parametrize("failure", FAILING)
async def test_a_commit_that_failed_after_it_applied_is_found_out(
    stores: Stores, events: list[Event], failure: Failure
) -> None:
    store = stores.open(faults=Faults({(Moment.AFTER, 2): stores.errors[failure]}))
    await store.commit(unit(talk(1), events=[event(n=1)]))
    unclear = await together(store, Unit((talk(2),), tuple(events)), unit(talk(3)))
    await store.commit(unit(talk(4), events=[event(n=4)]))
    assert unclear == [Committed(), Committed()]
    assert len(await store.read(q.AllConversations())) == 4
    assert [told.n for told in chained(await log(store))] == [1, *(each.n for each in events), 4]


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
async def test_only_what_cannot_be_found_out_is_unknown(stores: Stores, moment: Moment) -> None:
    lost = stores.errors[Failure.LOST]
    store = stores.open(faults=Faults({(moment, 2): lost, (Moment.SETTLING, 2): lost}))
    await store.commit(unit(talk(1), events=[event(n=1)]))
    assert await store.commit(unit(talk(2), events=[event(n=2)])) is Failure.UNKNOWN
    there = moment is Moment.AFTER
    assert len(await store.read(q.AllConversations())) == 1 + there
    assert await store.commit(unit(talk(3), events=[event(n=3)])) == Committed()
    assert [told.n for told in chained(await log(store))] == ([1, 2, 3] if there else [1, 3])


async def test_a_fault_while_bad_data_is_taken_out_fails_the_rest(stores: Stores) -> None:
    store = stores.open(faults=Faults({(Moment.BEFORE, 2): stores.errors[Failure.LOST]}))
    outcomes = await together(store, unit(talk(1)), unit(talk(1)))
    assert outcomes == [Failure.LOST, Failure.LOST]
    assert await store.read(q.AllConversations()) == []


# -- 6. guards ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "guarded",
    [
        c.UseInvitation(b"unknown", name("ada"), 1),
        c.DisableAccount(name("nobody"), 1),
        c.SetVerifier(name("nobody"), "$argon2id$"),
        c.EndSession(name("none"), 1),
        c.RemoveDevice(name("none"), 1),
        c.ClaimDevice(name("none"), b"node", 1),
        c.AddMember(name("talk"), name("ada"), 9),
        c.RemoveMember(name("talk"), name("nobody"), 1),
        c.RequireMailbox(name("ben phone"), 1),
        c.RequireRoom(name("ada"), 2),
        c.RequireWaiting(name("talk"), name("ben"), 1),
    ],
    ids=lambda change: type(change).__name__,
)
async def test_a_guard_that_finds_no_row_refuses_its_unit(store: Store, guarded: c.Change) -> None:
    await two_people(store)
    assert await store.commit(unit(talk(1), guarded, events=[event()])) is Failure.GUARD
    assert len(await store.read(q.AllConversations())) == 1
    assert await log(store) == []


# -- 7. events ---------------------------------------------------------------------------------------------------


async def test_events_chain_through_commits_and_within_them(store: Store) -> None:
    await store.commit(unit(events=[event(n=number) for number in range(40)]))
    await together(store, *(unit(events=[event(n=40 + number)]) for number in range(60)))
    rows = await log(store)
    assert [told.n for told in chained(rows)] == list(range(100))
    assert len({row.shard for row in rows}) == 1


async def test_each_kind_of_writer_has_its_own_shard(stores: Stores) -> None:
    node, cli, other_cli = stores.open(), stores.open(Kind.CLI), stores.open(Kind.CLI)
    for number in range(4):
        for store in (node, cli, other_cli):
            assert await store.commit(unit(events=[event(What.INVITED, number)])) == Committed()
    rows = await log(node)
    assert len(chained(rows)) == 12
    assert sorted(sum(row.shard == shard for row in rows) for shard in {row.shard for row in rows}) == [4, 8]


# -- 8. feed -----------------------------------------------------------------------------------------------------


async def test_the_feed_is_gapless_across_all_writers(stores: Stores) -> None:
    node, cli = stores.open(), stores.open(Kind.CLI)
    outcomes = await asyncio.gather(
        *(
            store.commit(unit(talk(1), feed=[entry("bad")]) if number % 5 == 0 else unit(feed=[entry(str(number))] * 2))
            for number in range(40)
            for store in (node, cli)
        )
    )
    applied = sum(outcome == Committed() for outcome in outcomes)
    numbers = [row.number for row in await cli.read(q.FeedAfter(0, 1_000))]
    assert numbers == list(range(1, 2 * (applied - 1) + 2))


# -- 9. reads ----------------------------------------------------------------------------------------------------


async def test_reads_see_every_unit_whose_done_has_run(store: Store) -> None:
    for number in range(1, 20):
        await done(store, talk(number))
        assert len(await store.read(q.AllConversations())) == number


async def test_reads_never_see_half_a_unit(store: Store) -> None:
    for number in range(200):
        store.submit(unit(talk(2 * number), talk(2 * number + 1)), lambda _: None)
    seen = [len(await store.read(q.AllConversations())) for _ in range(20)]
    await store.commit(Unit())
    assert [count for count in seen if count % 2] == []
    assert seen == sorted(seen)


async def test_a_reader_who_goes_away_harms_nobody(store: Store) -> None:
    gone = asyncio.ensure_future(store.read(q.AllAccounts()))
    await asyncio.sleep(0)
    gone.cancel()
    assert await store.read(q.AllAccounts()) == []
    assert gone.cancelled()


# -- 10. bounded, and the end ------------------------------------------------------------------------------------


async def test_more_units_than_may_wait_fail_at_once(store: Store) -> None:
    told: list[tuple[int, Outcome]] = []
    for number in range(MAX_WAITING_UNITS + 2):
        store.submit(Unit(), remember(told, number))
    assert told == []
    await asyncio.sleep(0)
    assert told == [(MAX_WAITING_UNITS, Failure.BUSY), (MAX_WAITING_UNITS + 1, Failure.BUSY)]
    await store.close()
    assert told[2:] == [(number, Committed()) for number in range(MAX_WAITING_UNITS)]


async def test_close_applies_what_waits_and_refuses_what_comes_after(stores: Stores) -> None:
    store = stores.open()
    waiting = asyncio.ensure_future(store.commit(unit(talk(1))))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    assert await store.commit(unit(talk(2))) is Failure.LOST
    await closing
    assert await waiting == Committed()
    with pytest.raises(StoreLost):
        await store.read(q.AllAccounts())
    assert len(await stores.open().read(q.AllConversations())) == 1


async def test_a_store_may_be_closed_twice(store: Store) -> None:
    await asyncio.gather(store.close(), store.close())
    assert await store.commit(Unit()) is Failure.LOST


async def test_a_callback_that_raises_does_not_silence_the_others(store: Store) -> None:
    seen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context["exception"]))
    mistake = ValueError("of the caller")

    def raises(_: Outcome) -> None:
        raise mistake

    store.submit(Unit(), raises)
    assert await store.commit(Unit()) == Committed()
    assert seen == [mistake]
