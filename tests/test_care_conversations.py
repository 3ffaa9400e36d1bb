from pathlib import Path
from typing import Any

import pytest

from chatserver.audit.events import Kind
from chatserver.care import conversations
from chatserver.care.purposes import Purpose
from chatserver.feed import Topic
from chatserver.people import accounts
from chatserver.people.people import OPERATOR
from chatserver.store.changes import AddDevice, AddMember, FateOutcome, OpenFate, StoreBox
from chatserver.store.port import Committed, Outcome, Unit
from chatserver.store.queries import AllConversations, FatesOf, MailboxSize, MembersOf
from chatserver.wire.errors import Refusal
from tests.people_house import House, Person, house
from tests.test_people_invitations import Silent


async def created(h: House, *people: Person) -> bytes:
    made = await conversations.create(h.people, Purpose.SUPPORT, [person.account for person in people], OPERATOR)
    assert isinstance(made, bytes)
    return made


def code(answer: object) -> str:
    assert isinstance(answer, Refusal)
    return answer.code


async def members(h: House, conversation: bytes) -> set[bytes]:
    return {row.account for row in await h.store.read(MembersOf(conversation)) if row.left_at is None}


async def test_a_conversation_is_made_with_its_members_in_one_commit(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben = await h.joined("ada"), await h.joined("ben")
        before = len(await h.kinds())
        made = await created(h, ada, ben, ada)
        assert await members(h, made) == {ada.account, ben.account}
        events = (await h.events())[before:]
        assert [event.kind for event in events] == [Kind.CONVERSATION_CREATED, Kind.MEMBER_ADDED, Kind.MEMBER_ADDED]
        assert {event.object for event in events} == {made}
        assert [event.subject for event in events[1:]] == [ada.account, ben.account]
        assert [(row.topic, row.subject) for row in await h.feed()] == [(Topic.MEMBERS, made)]


async def test_members_come_and_go_and_come_again(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben = await h.joined("ada"), await h.joined("ben")
        made = await created(h, ada)
        before = len(await h.kinds())
        for _ in range(2):
            assert await conversations.add(h.people, made, ben.account, OPERATOR) is None
            assert await conversations.remove(h.people, made, ben.account, OPERATOR) is None
        assert await members(h, made) == {ada.account}
        assert (await h.kinds())[before:] == [Kind.MEMBER_ADDED, Kind.MEMBER_REMOVED] * 2
        assert len(await h.feed()) == 5


async def test_a_repeat_is_no_fault_and_no_event(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben = await h.joined("ada"), await h.joined("ben")
        made = await created(h, ada, ben)
        before = await h.kinds()
        assert await conversations.add(h.people, made, ada.account, OPERATOR) is None
        assert await h.kinds() == before
        await conversations.remove(h.people, made, ada.account, OPERATOR)
        assert await conversations.remove(h.people, made, ada.account, OPERATOR) is None
        assert (await h.kinds())[len(before) :] == [Kind.MEMBER_REMOVED]


async def test_nobody_unknown_and_nobody_disabled_takes_part(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, gone = await h.joined("ada"), await h.joined("gone")
        await accounts.disable(h.people, gone.account, OPERATOR)
        made, nobody = await created(h, ada), bytes(16)
        assert code(await conversations.create(h.people, Purpose.SUPPORT, [nobody], OPERATOR)) == "not_found"
        assert (
            code(await conversations.create(h.people, Purpose.SUPPORT, [gone.account], OPERATOR)) == "account_disabled"
        )
        assert code(await conversations.add(h.people, made, nobody, OPERATOR)) == "not_found"
        assert code(await conversations.add(h.people, made, gone.account, OPERATOR)) == "account_disabled"
        assert code(await conversations.add(h.people, nobody, ada.account, OPERATOR)) == "not_found"
        assert code(await conversations.remove(h.people, made, nobody, OPERATOR)) == "not_found"
        assert code(await conversations.remove(h.people, nobody, ada.account, OPERATOR)) == "not_found"


def waiting(to: Person, n: int, scope: bytes, device: int = 0, sender: bytes = bytes([7]) * 16) -> Unit:
    """A box for a device of somebody, with its pending fate."""
    target = to.phones[device].key.id
    box = StoreBox(target, sender, n, scope, bytes(32), 0, 0, bytes(32), 1, b"box", 3, 2**50)
    return Unit((box, OpenFate(sender, n, to.account, FateOutcome.PENDING, 0)))


async def fates(h: House, sender: bytes = bytes([7]) * 16) -> dict[tuple[int, bytes], int]:
    return {(row.n, row.account): row.outcome for row in await h.store.read(FatesOf(sender, 0, 2**50))}


async def put(h: House, *units: Unit) -> None:
    for unit in units:
        assert isinstance(await h.store.commit(unit), Committed)


async def test_what_waits_for_a_removed_member_of_that_conversation_is_settled_and_counted(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben = await h.somebody("ada"), await h.somebody("ben")
        await ada.register()
        made, other = await created(h, ada, ben), await created(h, ada, ben)
        await put(h, waiting(ada, 1, made), waiting(ada, 1, made, 1), waiting(ada, 2, made))
        await put(h, waiting(ada, 3, other), waiting(ben, 1, made))
        assert await conversations.remove(h.people, made, ada.account, OPERATOR) is None
        gone, pending = FateOutcome.DEVICE_REMOVED, FateOutcome.PENDING
        assert await fates(h) == {
            (1, ada.account): gone,
            (2, ada.account): gone,
            (3, ada.account): pending,
            (1, ben.account): pending,
        }
        sizes = [(await h.store.read(MailboxSize(phone.key.id)))[0].boxes for phone in (*ada.phones, *ben.phones)]
        assert sizes == [1, 0, 1]
        event = (await h.events())[-1]
        assert (event.kind, event.subject, event.object, event.count) == (
            Kind.MEMBER_REMOVED,
            ada.account,
            made,
            3,
        )


async def test_what_waits_for_a_removed_device_is_settled_unless_another_one_waits_for_it_too(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada, ben = await h.somebody("ada"), await h.somebody("ben")
        await ada.register()
        made = await created(h, ada, ben)
        await put(h, waiting(ada, 1, made, 0), waiting(ada, 1, made, 1), waiting(ada, 2, made, 1))
        await put(h, waiting(ben, 2, made))
        assert (await ada.publish_list(ada.next_list(ada.phones[:1]))).status == 201
        assert await fates(h) == {
            (1, ada.account): FateOutcome.PENDING,
            (2, ada.account): FateOutcome.DEVICE_REMOVED,
            (2, ben.account): FateOutcome.PENDING,
        }
        assert (await h.store.read(MailboxSize(ada.phones[1].key.id)))[0].boxes == 0
        event = (await h.events())[-1]
        assert (event.kind, event.count) == (Kind.DEVICE_REMOVED, 2)


class Racing:
    """A store in which something else is committed between the reading and the first commit."""

    def __init__(self, store: Any, *before: Unit) -> None:
        self._store, self._before = store, list(before)
        self.read = store.read

    async def commit(self, unit: Unit) -> Outcome:
        if self._before:
            assert isinstance(await self._store.commit(self._before.pop(0)), Committed)
        outcome: Outcome = await self._store.commit(unit)
        return outcome


@pytest.mark.parametrize("races", [1, 3])
async def test_a_box_that_comes_in_between_is_counted_and_settled_too(tmp_path: Path, races: int) -> None:
    async with house(tmp_path) as h:
        ada, ben = await h.somebody("ada"), await h.somebody("ben")
        await ada.register()
        made = await created(h, ada, ben)
        late = [waiting(ada, n, made, 1) for n in range(races)]
        object.__setattr__(h.people, "store", Racing(h.store, *late))
        assert (await ada.publish_list(ada.next_list(ada.phones[:1]))).status == 201
        assert (await h.events())[-1].count == races
        assert set((await fates(h)).values()) == {FateOutcome.DEVICE_REMOVED}
        late = [waiting(ben, n, made, 0) for n in range(races)]
        object.__setattr__(h.people, "store", Racing(h.store, *late))
        assert await conversations.remove(h.people, made, ben.account, OPERATOR) is None
        assert (await h.events())[-1].count == races


async def nearly_full(h: House) -> tuple[Person, Person, bytes]:
    """Thirty-two devices in a conversation: the last of its people, somebody outside with one device, its id."""
    people = [await h.joined(f"p{index}") for index in range(6)]
    for person, devices in zip(people, (6, 6, 6, 6, 6, 2), strict=True):
        await person.sign_in()
        assert [(await person.register()).status for _ in range(devices)] == [201] * devices
    return people[-1], await h.somebody("late"), await created(h, *people)


async def test_a_member_that_comes_in_between_leaves_no_room_for_a_device(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        last, late, made = await nearly_full(h)
        joins = Unit((AddMember(made, late.account, h.clock.at_ms),))
        object.__setattr__(h.people, "store", Racing(h.store, joins))
        assert (await last.register()).code == "too_many_devices"


async def test_a_device_that_comes_in_between_leaves_no_room_for_a_member(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        last, late, made = await nearly_full(h)
        comes = Unit((AddDevice(bytes([8]) * 16, last.account, bytes(32), b"", h.clock.at_ms),))
        object.__setattr__(h.people, "store", Racing(h.store, comes))
        assert code(await conversations.add(h.people, made, late.account, OPERATOR)) == "too_many_devices"


async def test_a_conversation_whose_commit_nobody_heard_of_is_made_once(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        ada = await h.joined("ada")
        object.__setattr__(h.people, "store", Silent(h.store))
        made = await created(h, ada)
        assert [row.id for row in await h.store.read(AllConversations())] == [made]
        assert (await h.kinds()).count(Kind.CONVERSATION_CREATED) == 1
