"""Two devices of one person and somebody they talk to, over a real node: what linking promises (CRYPTO 2, 3 and 9)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatserver.people.roles import Role
from crypto.keys import DeviceKey
from crypto.linking import link_words
from sotto.client import Client
from sotto.errors import IdentityNeeded, UnknownDevice, WordsDiffer
from sotto.values import Asking, Link, Message, Stage
from tests.journeys.stage_until import stage_until
from tests.sotto_house import PASSWORD, House, house, knows, reached, texts, until


async def asks(home: House, alias: str, device: str = "tablet") -> Client:
    """A further device of somebody, asking to be linked."""
    path = home.folder / f"{alias}-{device}.state"
    client = await Client.link_here(home.url, path, name=f"{alias}-name", password=PASSWORD, device_name=device)
    client.start()
    await until(lambda: client.link.link is Link.LINKING, client)
    return client


async def asking(client: Client) -> Asking:
    """The device that asks, once its question is there."""
    found: list[Asking] = []

    async def look() -> bool:
        found[:] = await client.links()
        return bool(found)

    await stage_until(look, "a device asks")
    return found[0]


async def linked(home: House, alias: str, first: Client, *, may_add: bool = False, device: str = "tablet") -> Client:
    """A further device of somebody, admitted by the first and told whom they know."""
    client = await asks(home, alias, device)
    await first.admit(await asking(first), " ".join(client.link_words), may_add=may_add)
    await until(lambda: client.linked and client.link.link is Link.CURRENT, client, first)
    return client


@asynccontextmanager
async def three(folder: Path) -> AsyncIterator[tuple[House, Client, Client, bytes]]:
    """River, Sage, and a conversation in which both have spoken."""
    async with house(folder) as home, await home.join("River") as river, await home.join("Sage", Role.MENTOR) as sage:
        scope = await home.together(river, sage)
        await knows(river, scope)
        await knows(sage, scope)
        await reached(river, await river.send(scope, "hello"), Stage.DELIVERED)
        await reached(sage, await sage.send(scope, "good morning"), Stage.DELIVERED)
        yield home, river, sage, scope


async def has(client: Client, scope: bytes, *wanted: str) -> list[Message]:
    """The messages of a conversation, once these are the last of them."""
    found: list[Message] = []

    async def look() -> bool:
        entries = await client.history(scope)
        found[:] = [entry for entry in entries if isinstance(entry, Message)]
        return texts(entries)[-len(wanted) :] == list(wanted)

    await stage_until(look, "the messages")
    return found


async def test_both_devices_get_what_a_contact_says_and_what_the_other_says(tmp_path: Path) -> None:
    async with three(tmp_path) as (home, river, sage, scope), await linked(home, "River", river) as tablet:
        await knows(tablet, scope)
        said = await sage.send(scope, "to both of you")
        await has(river, scope, "to both of you")
        await has(tablet, scope, "to both of you")
        await reached(sage, said, Stage.DELIVERED)
        await reached(tablet, await tablet.send(scope, "from the tablet"), Stage.DELIVERED)
        await has(sage, scope, "from the tablet")
        (own,) = [one for one in await has(river, scope, "from the tablet") if one.text == "from the tablet"]
        assert (own.outgoing, own.sender) == (True, river.account)
        await reached(river, await river.send(scope, "from the phone"), Stage.DELIVERED)
        (own,) = [one for one in await has(tablet, scope, "from the phone") if one.text == "from the phone"]
        assert own.outgoing
        assert [len(river.devices()), len(tablet.devices())] == [2, 2]


async def test_the_new_device_knows_whom_the_person_verified(tmp_path: Path) -> None:
    async with three(tmp_path) as (home, river, sage, scope):
        await river.verify(sage.account, river.safety_number(sage.account))
        async with await linked(home, "River", river) as tablet:
            await reached(tablet, await tablet.send(scope, "hello again"), Stage.DELIVERED)
            assert [one.verified for one in tablet.conversation(scope).members if not one.own] == [True]
            assert tablet.safety_number(sage.account) == river.safety_number(sage.account)


async def test_the_identity_goes_only_to_a_device_that_may_add_others(tmp_path: Path) -> None:
    async with three(tmp_path) as (home, river, _, __):
        plain = await linked(home, "River", river)
        assert plain.profile.identity_seed == b""
        with pytest.raises(IdentityNeeded):
            await plain.remove_device(river.devices()[0].device)
        trusted = await linked(home, "River", river, may_add=True, device="laptop")
        await until(lambda: bool(trusted.profile.identity_seed), trusted, river)
        assert trusted.profile.identity_seed == river.profile.identity_seed
        assert plain.profile.identity_seed == b""
        third = await linked(home, "River", trusted, device="desktop")
        await until(lambda: len(river.devices()) == 4, river)
        for client in (third, trusted, plain):
            await client.close()


async def test_a_removed_device_is_ended_and_nobody_seals_to_it(tmp_path: Path) -> None:
    async with three(tmp_path) as (home, river, sage, scope):
        tablet = await linked(home, "River", river)
        await has_after(sage, scope, "to both", tablet)
        gone = tablet._core.pins.device
        key_before = river._core.keys.newest
        await river.remove_device(gone)
        await stage_until(lambda: tablet.link.link in (Link.STOPPED, Link.SIGN_IN_NEEDED), "the removed device ended")
        await reached(sage, await sage.send(scope, "for the phone alone"), Stage.DELIVERED)
        newest = sage._core.pins.newest(river.account)
        assert newest is not None
        assert newest.device(gone) is None
        assert [one.here for one in river.devices()] == [True]
        key_after = river._core.keys.newest
        assert key_before is not None
        assert key_after is not None
        assert key_after.key_no > key_before.key_no
        assert "for the phone alone" not in texts(await tablet.history(scope))
        await tablet.close()


async def has_after(sender: Client, scope: bytes, text: str, reader: Client) -> None:
    await reached(sender, await sender.send(scope, text), Stage.DELIVERED)
    await has(reader, scope, text)


async def test_words_of_another_key_sign_nothing(tmp_path: Path) -> None:
    async with three(tmp_path) as (home, river, _, __):
        tablet = await asks(home, "River")
        shown = await asking(river)
        attacker = Asking(DeviceKey(b"a" * 32).public, shown.name, shown.expires_at)
        with pytest.raises(WordsDiffer):
            await river.admit(attacker, " ".join(tablet.link_words))
        with pytest.raises(WordsDiffer):
            await river.admit(shown, " ".join(link_words(attacker.key)))
        assert river.profile.admitted == ()
        assert len(river.devices()) == 1
        with pytest.raises(UnknownDevice):
            await river.remove_device(river.devices()[0].device)
        await tablet.close()


async def test_a_device_that_was_not_told_yet_sends_to_nobody(tmp_path: Path) -> None:
    async with three(tmp_path) as (home, river, sage, scope):
        tablet = await asks(home, "River")
        river._online._owed.pay = lambda **_: False  # type: ignore[method-assign]  # the other device stays silent
        await river.admit(await asking(river), " ".join(tablet.link_words))
        await until(lambda: tablet.link.link is Link.CURRENT, tablet)
        await knows(tablet, scope)
        await tablet.send(scope, "too early")
        await sage.send(scope, "to both")
        await has(tablet, scope, "too early", "to both")
        assert (tablet.linked, tablet.waiting()) == (False, 1)
        assert "too early" not in texts(await sage.history(scope))
        del river._online._owed.pay  # it speaks after all
        river._online._pay(news=True)
        await has(sage, scope, "too early")
        assert tablet.linked
        await tablet.close()


async def test_linking_goes_on_after_both_devices_were_closed(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        async with await home.join("River") as river:
            await until(lambda: river.link.link is Link.CURRENT, river)
            tablet = await asks(home, "River")
            words = tablet.link_words
            await asking(river)
            await tablet.close()
            await river.admit(await asking(river), " ".join(words))
        async with await Client.open(home.folder / "River-tablet.state", PASSWORD) as tablet:
            assert tablet.link_words == words
            await until(lambda: tablet.link.link is Link.CURRENT, tablet)
            assert not tablet.linked
            async with await home.open("River") as river:
                await until(lambda: tablet.linked, tablet, river)
        async with await home.open("River") as river:
            await until(lambda: river.link.link is Link.CURRENT and not river.waiting(), river)
