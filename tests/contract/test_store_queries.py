"""What each query answers, as its docstring in `store/queries.py` says."""

import pytest

from chatserver.store import changes as c
from chatserver.store import queries as q
from chatserver.store.port import Store
from chatserver.store.rows import FeedRow, Size
from tests.contract.material import (
    BOX_BYTES,
    HOUR,
    accept,
    account,
    box,
    bundle,
    device,
    done,
    entry,
    event,
    key,
    log,
    name,
    pending,
    session,
    two_people,
    unit,
)

ADA, BEN, TALK = name("ada"), name("ben"), name("talk")
PHONE, TABLET, BENS = name("ada phone"), name("ada tablet"), name("ben phone")


async def test_the_tenant_has_an_id_and_no_epoch_yet(store: Store) -> None:
    ((tenant, epoch),) = await store.read(q.TheTenant())
    assert len(tenant) == 16
    assert tenant != epoch == bytes(16)


async def test_accounts_are_found_by_id_and_by_name(store: Store) -> None:
    await two_people(store)
    (ada,) = await store.read(q.AccountById(ADA))
    assert await store.read(q.AccountByName(key("ada"))) == [ada]
    assert (ada.id, ada.role, ada.name_box, ada.alias_box, ada.disabled_at) == (ADA, "patient", b"name", b"alias", None)
    assert [row.id for row in await store.read(q.AllAccounts())] == [ADA, BEN]
    assert await store.read(q.AccountById(name("nobody"))) == []


async def test_invitations_are_found_by_code(store: Store) -> None:
    await done(store, c.AddInvitation(name("invitation"), b"code", "mentor", b"alias", 1, HOUR))
    (found,) = await store.read(q.InvitationByCode(b"code"))
    assert found == (name("invitation"), "mentor", b"alias", HOUR, None)
    assert await store.read(q.OpenInvitations()) == [found]


async def test_a_session_comes_with_role_and_state_of_its_account(store: Store) -> None:
    await done(store, account("ada"), session("one", "ada"), c.DisableAccount(ADA, 5))
    (found,) = await store.read(q.SessionByToken(key("one")))
    assert found == (name("one"), ADA, "patient", 1, 1, HOUR, None, 5)
    assert await store.read(q.SessionById(name("one"))) == [found]


async def test_lists_are_read_above_a_version_oldest_first(store: Store) -> None:
    await done(store, account("ada"), *(c.AddList(ADA, version, key("list"), b"body", 1) for version in (1, 2, 3)))
    assert [row.version for row in await store.read(q.ListsOf(ADA, 1))] == [2, 3]
    assert [row.version for row in await store.read(q.NewestList(ADA))] == [3]


async def test_a_conversation_shows_the_newest_lists_and_bundles_of_present_members(store: Store) -> None:
    await two_people(store)
    await done(store, *(c.AddList(who, version, key("list"), b"body", 1) for who in (ADA, BEN) for version in (1, 2)))
    await done(store, *(bundle(of, number) for of in ("ada phone", "ben phone") for number in (1, 2, 3)))
    lists = await store.read(q.ListsOfConversation(TALK))
    assert {(row.account, row.version) for row in lists} == {(ADA, 2), (BEN, 2)}
    bundles = await store.read(q.BundlesOfConversation(TALK))
    in_order = sorted([(PHONE, ADA), (BENS, BEN)])
    assert [(row.device, row.account, row.key_no) for row in bundles] == [
        (of, owner, number) for of, owner in in_order for number in (3, 2)
    ]
    await done(store, c.RemoveMember(TALK, BEN, 5), c.RemoveDevice(PHONE, 5))
    assert await store.read(q.BundlesOfConversation(TALK)) == []
    assert [row.account for row in await store.read(q.ListsOfConversation(TALK))] == [ADA]


async def test_conversations_are_those_of_present_members(store: Store) -> None:
    await two_people(store)
    (talk,) = await store.read(q.ConversationsOf(ADA))
    assert talk == (TALK, "treatment", 1)
    assert await store.read(q.ConversationById(TALK)) == await store.read(q.AllConversations()) == [talk]
    await done(store, c.RemoveMember(TALK, ADA, 5))
    assert await store.read(q.ConversationsOf(ADA)) == []


async def test_members_are_shown_with_role_and_state(store: Store) -> None:
    await two_people(store)
    await done(store, c.RemoveMember(TALK, BEN, 5), c.DisableAccount(BEN, 6))
    assert {tuple(row) for row in await store.read(q.MembersOf(TALK))} == {
        (TALK, ADA, "patient", b"alias", 1, None, None),
        (TALK, BEN, "patient", b"alias", 1, 5, 6),
    }


@pytest.mark.parametrize(("joins", "together"), [(4, 1), (5, 0), (9, 0)])
async def test_people_were_together_if_their_stays_overlap(store: Store, joins: int, together: int) -> None:
    await two_people(store)
    await done(store, account("eve"), c.RemoveMember(TALK, BEN, 5), c.AddMember(TALK, name("eve"), joins))
    assert await store.read(q.EverTogether(BEN, name("eve"))) == [Size(together, 0)]
    assert await store.read(q.EverTogether(ADA, name("eve"))) == [Size(1, 0)]


async def test_coming_back_does_not_forget_who_was_met_before(store: Store) -> None:
    await two_people(store)
    await done(store, c.RemoveMember(TALK, ADA, 5), c.RemoveMember(TALK, BEN, 6), c.AddMember(TALK, ADA, 9))
    assert await store.read(q.EverTogether(ADA, BEN)) == [Size(1, 0)]


async def test_contacts_are_who_shares_a_present_conversation(store: Store) -> None:
    await two_people(store)
    assert await store.read(q.ContactsOf(ADA)) == [(BEN,)]
    await done(store, c.RemoveMember(TALK, BEN, 5))
    assert await store.read(q.ContactsOf(ADA)) == await store.read(q.ContactsOf(BEN)) == []


async def test_devices_are_counted_by_conversation(store: Store) -> None:
    await two_people(store)
    await done(
        store, account("eve"), c.AddConversation(name("quiet"), "treatment", 2), c.AddMember(name("quiet"), ADA, 2)
    )
    assert await store.read(q.DevicesIn(TALK)) == await store.read(q.LargestOf(ADA)) == [Size(3, 0)]
    assert await store.read(q.DevicesIn(name("quiet"))) == [Size(2, 0)]
    assert await store.read(q.LargestOf(name("eve"))) == [Size(0, 0)]
    await done(store, c.RemoveDevice(TABLET, 5), device("ada watch", "ada"), c.RemoveMember(TALK, ADA, 6))
    assert await store.read(q.LargestOf(ADA)) == [Size(2, 0)]


async def test_the_ledger_is_its_window_lowest_number_first(store: Store) -> None:
    await done(store, *(accept("ada phone", n) for n in (300, 45, 44, 299)))
    assert [row.n for row in await store.read(q.LedgerOf(PHONE))] == [45, 299, 300]


# -- mailboxes ---------------------------------------------------------------------------------------------------


async def test_a_page_has_the_boxes_in_their_order(store: Store) -> None:
    await two_people(store)
    await done(store, *(box("ben phone", sender, n) for n in (2, 1) for sender in ("ada tablet", "ada phone")))
    page = await store.read(q.MailboxPage(BENS, 0, 100, 10**6))
    assert [(row.sender, row.n) for row in page] == [(TABLET, 2), (PHONE, 2), (TABLET, 1), (PHONE, 1)]
    assert [row.seq for row in page] == sorted(row.seq for row in page)
    assert await store.read(q.MailboxPage(BENS, page[1].seq, 100, 10**6)) == page[2:]
    assert page[0].box == bytes([2]) * BOX_BYTES


@pytest.mark.parametrize(
    ("boxes", "limit", "got"),
    [(2, 10**6, 2), (9, 1, 1), (9, BOX_BYTES, 1), (9, BOX_BYTES + 1, 2), (9, 3 * BOX_BYTES, 3), (9, 0, 1), (0, 10, 0)],
)
async def test_a_page_is_cut_when_its_bytes_are_reached(store: Store, boxes: int, limit: int, got: int) -> None:
    await two_people(store)
    await done(store, *(box("ben phone", "ada phone", n) for n in range(1, 6)))
    assert [row.n for row in await store.read(q.MailboxPage(BENS, 0, boxes, limit))] == list(range(1, got + 1))


async def test_a_number_never_comes_twice_in_a_mailbox(store: Store) -> None:
    await two_people(store)
    await done(store, box("ben phone", "ada phone", 1))
    (first,) = await store.read(q.MailboxPage(BENS, 0, 9, 9))
    await done(store, c.DeleteBox(BENS, PHONE, 1), box("ben phone", "ada phone", 2))
    assert [row.n for row in await store.read(q.MailboxPage(BENS, first.seq, 9, 9))] == [2]


async def test_what_waits_is_counted(store: Store) -> None:
    await two_people(store)
    await done(store, box("ada phone", "ben phone", 1), box("ada tablet", "ben phone", 1, size=10))
    await done(store, box("ada phone", "ben phone", 2, scope="elsewhere"))
    assert await store.read(q.MailboxSize(PHONE)) == [Size(2, 2 * BOX_BYTES)]
    assert await store.read(q.MailboxSize(BENS)) == [Size(0, 0)]
    assert await store.read(q.WaitingFor(TALK, ADA)) == [Size(2, BOX_BYTES + 10)]


async def test_boxes_that_expired_are_named_with_their_person(store: Store) -> None:
    await two_people(store)
    await done(store, *(box("ben phone", "ada phone", n, end=n) for n in (3, 1, 2)))
    expired = [(BENS, PHONE, n, BEN, 544) for n in (1, 2)]
    assert await store.read(q.ExpiredBoxes(3, 10)) == expired
    assert len(await store.read(q.ExpiredBoxes(9, 2))) == 2


async def test_fates_are_read_between_two_numbers(store: Store) -> None:
    await done(store, *(pending("ada phone", n, "ben") for n in (1, 2, 3, 4)))
    assert [row.n for row in await store.read(q.FatesOf(PHONE, 2, 3))] == [2, 3]


# -- feed and log ------------------------------------------------------------------------------------------------


async def test_the_feed_is_read_after_a_number(store: Store) -> None:
    await store.commit(unit(feed=[entry(word) for word in ("one", "two", "three")]))
    rows = await store.read(q.FeedAfter(1, 1))
    assert rows == [FeedRow(2, entry("two").topic, name("two"))]
    assert [row.number for row in await store.read(q.FeedHead())] == [3]


async def test_an_empty_feed_has_no_head(store: Store) -> None:
    assert await store.read(q.FeedHead()) == []


async def test_the_log_is_read_in_pages(store: Store) -> None:
    await store.commit(unit(events=[event(n=number) for number in range(5)]))
    rows = await log(store)
    assert await store.read(q.EntriesOf(rows[1].shard, rows[1].number, 2)) == rows[2:4]
