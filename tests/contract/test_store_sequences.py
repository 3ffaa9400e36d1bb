"""Good and bad units in any order and any batches: what becomes of each is what a plain model says."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chatserver.store import changes as c
from chatserver.store import queries as q
from chatserver.store.port import Committed, Failure, Outcome, Store, Unit
from tests.contract.conftest import SqliteStores, Stores
from tests.contract.material import accept, box, chained, entry, event, log, name

IMPLEMENTATIONS = (SqliteStores,)

words = st.sampled_from(["a", "b", "c", "d"])
steps = st.one_of(
    st.tuples(st.just("talk"), words),
    st.tuples(st.just("orphan"), words),
    st.tuples(st.just("guard"), words),
    st.tuples(st.just("send"), words),
    st.tuples(st.just("ack"), words),
)
plans = st.lists(st.lists(st.lists(steps, min_size=1, max_size=4), min_size=1, max_size=30), min_size=1, max_size=4)


class Model:
    """What a store should hold: conversations and boxes, by word."""

    def __init__(self) -> None:
        self.talks: set[str] = set()
        self.boxes: set[str] = set()
        self.numbers: list[int] = []

    def apply(self, unit: Sequence[tuple[str, str]], number: int) -> Outcome:
        talks, boxes = set(self.talks), set(self.boxes)
        rows: list[tuple[tuple[object, ...], ...]] = []
        for what, word in unit:
            if what == "guard":
                return Failure.GUARD
            if what == "orphan" or (what == "talk" and word in talks):
                return Failure.DATA
            if what == "ack":
                rows.append(((name(word), 1),) if word in boxes else ())
                boxes.discard(word)
            {"talk": talks, "send": boxes}.get(what, set()).add(word)
        self.talks, self.boxes = talks, boxes
        self.numbers.append(number)
        return Committed(tuple(rows))


def change(what: str, word: str, number: int) -> tuple[c.Change, ...]:
    match what:
        case "talk":
            return (c.AddConversation(name(word), "treatment", 1),)
        case "orphan":
            return (c.AddConversation(name(word)[:15], "treatment", 1),)
        case "guard":
            return (c.DisableAccount(name(word), 1),)
        case "send":
            return accept(word, number), box("recipient", word, 1)
        case _:
            return (c.DeleteBox(name("recipient"), name(word), 1),)


def unit_of(unit: Sequence[tuple[str, str]], number: int) -> Unit:
    changes = tuple(each for what, word in unit for each in change(what, word, number))
    return Unit(changes, (event(n=number),), (entry(str(number)),))


async def run(stores: Stores, plan: Sequence[Sequence[Sequence[tuple[str, str]]]]) -> None:
    store, model = stores.open(), Model()
    told: list[int] = []
    number = 0
    try:
        for batch in plan:
            numbers = range(number, number := number + len(batch))
            expected = [model.apply(unit, own) for unit, own in zip(batch, numbers, strict=True)]
            assert await submitted(store, batch, numbers, told) == expected
        assert told == list(range(number))
        await check(store, model)
    finally:
        await store.close()


async def submitted(store: Store, batch: Sequence[Any], numbers: range, told: list[int]) -> list[Outcome]:
    async def one(unit: Sequence[tuple[str, str]], number: int) -> Outcome:
        outcome = await store.commit(unit_of(unit, number))
        told.append(number)
        return outcome

    return list(await asyncio.gather(*(one(unit, number) for unit, number in zip(batch, numbers, strict=True))))


async def check(store: Store, model: Model) -> None:
    assert {row.id for row in await store.read(q.AllConversations())} == {name(word) for word in model.talks}
    page = await store.read(q.MailboxPage(name("recipient"), 0, 1_000, 10**9))
    assert {row.sender for row in page} == {name(word) for word in model.boxes}
    assert [told.n for told in chained(await log(store))] == model.numbers
    feed = await store.read(q.FeedAfter(0, 1_000))
    assert [row.number for row in feed] == list(range(1, len(model.numbers) + 1))
    assert [row.subject for row in feed] == [name(str(number)) for number in model.numbers]


@settings(max_examples=40, deadline=None)
@given(plan=plans)
def test_good_and_bad_units_end_as_if_each_had_come_alone(plan: list[list[list[tuple[str, str]]]]) -> None:
    for make in IMPLEMENTATIONS:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(run(make(Path(folder)), plan))
