"""What each change does, as its docstring in `store/changes.py` says."""

import pytest

from chatserver.store import changes as c
from chatserver.store import queries as q
from chatserver.store.changes import FateOutcome
from chatserver.store.port import Committed, Failure, Store
from chatserver.store.rows import Accepted, FateRow
from tests.contract.material import (
    HOUR,
    accept,
    account,
    box,
    bundle,
    device,
    done,
    key,
    name,
    pending,
    session,
    two_people,
    unit,
)

ADA, BEN, TALK = name("ada"), name("ben"), name("talk")
PHONE, TABLET, BENS = name("ada phone"), name("ada tablet"), name("ben phone")

PENDING, OPENED, UNREADABLE, EXPIRED = (
    FateOutcome.PENDING,
    FateOutcome.OPENED,
    FateOutcome.UNREADABLE,
    FateOutcome.EXPIRED,
)


async def fate(store: Store, n: int = 1, sender: bytes = BENS) -> int | None:
    """The outcome of send n for the one person who has a row; None without a row."""
    rows = await store.read(q.FatesOf(sender, n, n))
    return rows[0].outcome if rows else None


# -- people ------------------------------------------------------------------------------------------------------


async def test_an_invitation_is_used_once_and_in_time(store: Store) -> None:
    await done(store, account("ada"), c.AddInvitation(name("invitation"), b"code", "patient", b"alias", 1, HOUR))
    assert await store.commit(unit(c.UseInvitation(b"code", ADA, HOUR))) is Failure.GUARD
    assert await store.commit(unit(c.UseInvitation(b"code", ADA, HOUR - 1))) == Committed()
    assert await store.commit(unit(c.UseInvitation(b"code", ADA, HOUR - 1))) is Failure.GUARD
    assert (await store.read(q.InvitationByCode(b"code")))[0].account == ADA
    assert await store.read(q.OpenInvitations()) == []


async def test_a_sign_in_name_is_taken_once(store: Store) -> None:
    await done(store, account("ada"))
    other = account("other")._replace(name_key=key("ada"))
    assert await store.commit(unit(other)) is Failure.DATA


async def test_an_account_is_disabled_once(store: Store) -> None:
    await done(store, account("ada"), c.DisableAccount(ADA, 5))
    assert (await store.read(q.AccountById(ADA)))[0].disabled_at == 5
    assert await store.commit(unit(c.DisableAccount(ADA, 6))) is Failure.GUARD


async def test_a_verifier_is_replaced(store: Store) -> None:
    await done(store, account("ada"), c.SetVerifier(ADA, "$argon2id$new"))
    assert (await store.read(q.AccountByName(key("ada"))))[0].verifier == "$argon2id$new"


async def test_the_end_of_a_session_takes_its_tickets_along(store: Store) -> None:
    await done(store, account("ada"), session("one", "ada"), session("two", "ada"))
    for word in ("one", "two"):
        await done(store, c.AddTicket(key(word), name(word), PHONE, HOUR))
    await done(store, c.EndSession(name("one"), 7))
    assert await done(store, c.TakeTicket(key("one")), c.TakeTicket(key("two"))) == ((), ((name("two"), PHONE, HOUR),))
    assert (await store.read(q.SessionById(name("one"))))[0].ended_at == 7
    assert await store.commit(unit(c.EndSession(name("one"), 8))) is Failure.GUARD


async def test_all_sessions_of_an_account_end_together(store: Store) -> None:
    await done(store, account("ada"), account("ben"))
    await done(store, session("one", "ada"), session("two", "ada"), session("bens", "ben"))
    await done(store, c.AddTicket(key("one"), name("one"), PHONE, HOUR), c.EndSession(name("two"), 5))
    await done(store, c.EndSessionsOf(ADA, 9))
    ended = [(await store.read(q.SessionById(name(word))))[0].ended_at for word in ("one", "two", "bens")]
    assert ended == [9, 5, None]
    assert await done(store, c.TakeTicket(key("one"))) == ((),)


async def test_activity_never_goes_back(store: Store) -> None:
    await done(store, account("ada"), session("one", "ada"))
    await done(store, c.TouchSession(name("one"), 50), c.TouchSession(name("one"), 40))
    assert (await store.read(q.SessionByToken(key("one"))))[0].active_at == 50


async def test_a_ticket_is_taken_once_whatever_it_is_worth(store: Store) -> None:
    await done(store, account("ada"), session("one", "ada"), c.AddTicket(b"hash", name("one"), PHONE, 5))
    taken = await done(store, c.TakeTicket(b"hash"), c.TakeTicket(b"hash"))
    assert taken == (((name("one"), PHONE, 5),), ())


async def test_tickets_that_expired_before_now_are_forgotten(store: Store) -> None:
    await done(store, account("ada"), session("one", "ada"))
    await done(store, *(c.AddTicket(key(str(end)), name("one"), PHONE, end) for end in (4, 5)))
    await done(store, c.DropTickets(5))
    assert [len(rows) for rows in await done(store, *(c.TakeTicket(key(str(end))) for end in (4, 5)))] == [0, 1]


# -- devices and keys --------------------------------------------------------------------------------------------


async def test_a_device_is_removed_once_and_kept_as_removed(store: Store) -> None:
    await two_people(store)
    await done(store, c.RemoveDevice(PHONE, 5))
    assert (await store.read(q.DeviceById(PHONE)))[0].removed_at == 5
    assert [row.id for row in await store.read(q.DevicesOf(ADA))] == [TABLET]
    assert await store.commit(unit(c.RemoveDevice(PHONE, 6))) is Failure.GUARD


async def test_each_claim_of_a_device_counts_one_up(store: Store) -> None:
    await two_people(store)
    claims = await done(store, c.ClaimDevice(PHONE, b"one", 1), c.ClaimDevice(PHONE, b"two", 2))
    assert claims == (((1,),), ((2,),))


async def test_a_removed_device_is_not_claimed(store: Store) -> None:
    await two_people(store)
    await done(store, c.RemoveDevice(PHONE, 5))
    assert await store.commit(unit(c.ClaimDevice(PHONE, b"node", 6))) is Failure.GUARD


async def test_a_list_has_each_version_once(store: Store) -> None:
    await done(store, account("ada"), c.AddList(ADA, 1, key("list"), b"list", 1))
    assert await store.commit(unit(c.AddList(ADA, 1, key("fork"), b"fork", 1))) is Failure.DATA


async def test_the_newest_bundle_is_stamped_and_older_stamps_stay(store: Store) -> None:
    await two_people(store)
    for number, now in ((1, 10), (2, 20), (3, 30)):
        await done(store, c.ReplaceBundles(PHONE, now), bundle("ada phone", number))
    newest = await store.read(q.BundlesOfDevice(PHONE))
    assert [(row.key_no, row.replaced_at) for row in newest] == [(3, None), (2, 30)]


async def test_a_call_key_is_neither_stamped_nor_mail(store: Store) -> None:
    await two_people(store)
    await done(store, bundle("ada phone", 1), bundle("ada phone", 9, use=1), c.ReplaceBundles(PHONE, 10))
    assert [(row.key_no, row.replaced_at) for row in await store.read(q.BundlesOfDevice(PHONE))] == [(1, 10)]


async def test_one_box_key_in_two_devices_is_refused(store: Store) -> None:
    await two_people(store)
    await done(store, bundle("ada phone", 1, key("same")))
    assert await store.commit(unit(bundle("ben phone", 1, key("same")))) is Failure.DATA


# -- conversations -----------------------------------------------------------------------------------------------


async def test_a_former_member_is_kept_and_may_come_back(store: Store) -> None:
    await two_people(store)
    await done(store, c.RemoveMember(TALK, BEN, 5))
    assert [(row.account, row.left_at) for row in await store.read(q.MembersOf(TALK)) if row.left_at] == [(BEN, 5)]
    assert await store.commit(unit(c.RemoveMember(TALK, BEN, 6))) is Failure.GUARD
    await done(store, c.AddMember(TALK, BEN, 9))
    assert [(row.joined_at, row.left_at) for row in await store.read(q.MembersOf(TALK)) if row.account == BEN] == [
        (9, None)
    ]
    assert await store.commit(unit(c.AddMember(TALK, BEN, 10))) is Failure.GUARD


@pytest.mark.parametrize(("most", "outcome"), [(3, Committed()), (2, Failure.GUARD)])
async def test_room_counts_devices_of_present_members(store: Store, most: int, outcome: object) -> None:
    await two_people(store)
    assert await store.commit(unit(c.RequireRoom(BEN, most))) == outcome


async def test_removed_devices_and_former_members_take_no_room(store: Store) -> None:
    await two_people(store)
    await done(store, c.RemoveDevice(TABLET, 5), c.RequireRoom(BEN, 2))
    await done(store, c.RemoveMember(TALK, ADA, 6), c.RequireRoom(BEN, 1), c.RequireRoom(ADA, 0))


# -- the ledger --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "row"),
    [
        (accept("ada phone", 257, word="new", at=9, held=3), Accepted(257, key("new"), 9, 3)),
        (accept("ada phone", 1, word="new", at=9, held=3), Accepted(1, key("old"), 1, 3)),
    ],
    ids=["a higher number takes the slot", "the same number sets held alone"],
)
async def test_a_slot_of_the_ledger(store: Store, second: c.Accept, row: Accepted) -> None:
    await done(store, accept("ada phone", 1, word="old", held=1), second)
    assert await store.read(q.LedgerOf(PHONE)) == [row]


async def test_a_number_below_the_window_changes_nothing(store: Store) -> None:
    await done(store, accept("ada phone", 257, word="new", held=2), accept("ada phone", 1, word="old", held=1))
    assert await store.read(q.LedgerOf(PHONE)) == [Accepted(257, key("new"), 1, 2)]


async def test_boxes_are_unheld_from_the_row_of_their_number_alone(store: Store) -> None:
    await done(store, accept("ada phone", 1, held=3), c.Unhold(PHONE, 1, 1, 2), c.Unhold(PHONE, 1, 257, 1))
    assert [row.held for row in await store.read(q.LedgerOf(PHONE))] == [1]
    await done(store, c.Unhold(PHONE, 1, 1, 2))
    assert [row.held for row in await store.read(q.LedgerOf(PHONE))] == [0]


# -- boxes -------------------------------------------------------------------------------------------------------


async def test_a_box_that_is_there_stays_as_it_is(store: Store) -> None:
    await two_people(store)
    first, again = box("ben phone", "ada phone", 1), box("ben phone", "ada phone", 1, size=99, scope="other")
    await done(store, first, again, box("ada tablet", "ada phone", 1))
    assert [(row.scope, row.box) for row in await store.read(q.MailboxPage(BENS, 0, 10, 10_000))] == [
        (first.scope, first.box)
    ]


async def test_a_deleted_box_is_named_once(store: Store) -> None:
    await two_people(store)
    gone = c.DeleteBox(BENS, PHONE, 1)
    assert await done(store, box("ben phone", "ada phone", 1), gone, gone) == (((PHONE, 1),), ())


async def test_the_boxes_of_a_device_go_and_are_named(store: Store) -> None:
    await two_people(store)
    await done(store, *(box(to, "ben phone", n) for n in (1, 2) for to in ("ada phone", "ada tablet")))
    (gone,) = await done(store, c.DropDeviceBoxes(PHONE))
    assert sorted(gone) == [(BENS, 1, ADA), (BENS, 2, ADA)]
    assert [size.boxes for device in (PHONE, TABLET) for size in await store.read(q.MailboxSize(device))] == [0, 2]


async def test_the_boxes_of_a_member_go_and_are_named(store: Store) -> None:
    await two_people(store)
    await done(store, box("ada phone", "ben phone", 1), box("ada tablet", "ben phone", 2, scope="elsewhere"))
    await done(store, box("ben phone", "ada phone", 1), c.RequireWaiting(TALK, ADA, 1))
    assert await done(store, c.DropMemberBoxes(TALK, ADA)) == (((BENS, 1, ADA),),)
    assert [size.boxes for device in (PHONE, TABLET, BENS) for size in await store.read(q.MailboxSize(device))] == [
        0,
        1,
        1,
    ]


# -- fates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "ends"),
    [
        ((), PENDING),
        ((OPENED, EXPIRED), OPENED),
        ((EXPIRED, OPENED), OPENED),
        ((UNREADABLE, EXPIRED), UNREADABLE),
    ],
)
async def test_opened_beats_everything_and_else_the_first_outcome_stands(
    store: Store, outcomes: tuple[FateOutcome, ...], ends: FateOutcome
) -> None:
    await two_people(store)
    await done(store, pending("ben phone", 1, "ada"), *(c.SettleFate(BENS, 1, ADA, outcome, 5) for outcome in outcomes))
    assert await fate(store) == ends


async def test_a_fate_is_open_while_another_box_waits_for_the_person(store: Store) -> None:
    await two_people(store)
    await done(store, *(box(to, "ben phone", 1) for to in ("ada phone", "ada tablet")), pending("ben phone", 1, "ada"))
    await done(store, c.DeleteBox(PHONE, BENS, 1), c.SettleFate(BENS, 1, ADA, UNREADABLE, 5))
    assert await fate(store) == PENDING
    await done(store, c.DeleteBox(TABLET, BENS, 1), c.SettleFate(BENS, 1, ADA, EXPIRED, 6))
    assert await fate(store) == EXPIRED


async def test_settling_makes_no_row(store: Store) -> None:
    await two_people(store)
    await done(store, c.SettleFate(BENS, 1, ADA, OPENED, 5))
    assert await fate(store) is None


@pytest.mark.parametrize(
    ("stands", "told", "ends"),
    [
        (PENDING, UNREADABLE, UNREADABLE),
        (UNREADABLE, PENDING, PENDING),
        (EXPIRED, OPENED, OPENED),
        (OPENED, PENDING, OPENED),
        (OPENED, UNREADABLE, OPENED),
    ],
)
async def test_opening_a_fate_again_replaces_all_but_opened(
    store: Store, stands: FateOutcome, told: FateOutcome, ends: FateOutcome
) -> None:
    await two_people(store)
    await done(store, c.OpenFate(BENS, 1, ADA, stands, 1), c.OpenFate(BENS, 1, ADA, told, 2))
    assert await fate(store) == ends


@pytest.mark.parametrize("outcome", [FateOutcome.DEVICE_REMOVED, OPENED])
async def test_a_mailbox_settles_as_a_whole(store: Store, outcome: FateOutcome) -> None:
    await two_people(store)
    await done(store, *(box("ada phone", "ben phone", n) for n in (1, 2, 3)), box("ada tablet", "ben phone", 2))
    await done(store, *(pending("ben phone", n, "ada") for n in (1, 2, 3, 4)), c.SettleFate(BENS, 3, ADA, OPENED, 2))
    await done(store, c.RequireMailbox(PHONE, 3), c.SettleMailbox(PHONE, outcome, 5), c.DropDeviceBoxes(PHONE))
    second = outcome if outcome is OPENED else PENDING
    assert [await fate(store, n) for n in (1, 2, 3, 4)] == [outcome, second, OPENED, PENDING]


async def test_a_members_boxes_settle_as_a_whole(store: Store) -> None:
    await two_people(store)
    await done(store, *(box(to, "ben phone", 1) for to in ("ada phone", "ada tablet")))
    await done(store, box("ada phone", "ben phone", 2, scope="elsewhere"))
    await done(store, *(pending("ben phone", n, "ada") for n in (1, 2)), c.SettleWaiting(TALK, ADA, EXPIRED, 5))
    assert [await fate(store, n) for n in (1, 2)] == [EXPIRED, PENDING]


async def test_a_fate_is_read_with_its_ledger_row(store: Store) -> None:
    await two_people(store)
    await done(store, accept("ben phone", 1, held=2), pending("ben phone", 1, "ada"))
    assert await done(store, c.ReadFate(BENS, 1, 1)) == (((ADA, PENDING), (None, 2)),)
    assert await done(store, c.ReadFate(BENS, 1, 257)) == ((),)


async def test_fates_are_forgotten_when_told_and_when_old(store: Store) -> None:
    await two_people(store)
    await done(store, *(pending("ben phone", n, "ada")._replace(at=n) for n in (1, 2, 3)))
    await done(store, c.DropFate(BENS, 3), c.DropOldFates(2))
    assert await store.read(q.FatesOf(BENS, 1, 9)) == [FateRow(2, ADA, PENDING)]


async def test_devices_of_one_account_are_told_apart_by_their_owner(store: Store) -> None:
    await two_people(store)
    assert await store.commit(unit(device("ada phone", "ben"))) is Failure.DATA
