"""What the client says when something ends: its reader, or somebody's part in a conversation."""

import asyncio
from pathlib import Path

import pytest

from chatserver.care import conversations
from chatserver.people.people import OPERATOR
from sotto.values import Link, Stage
from tests.sotto_house import house, knows, reached, until


async def test_a_client_that_closes_ends_its_reader_in_the_middle_of_a_page(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        async with await home.join("River") as river, await home.join("Sage") as sage:
            scope = await home.together(river, sage)
            await knows(river, scope)
            for text in ("one", "two"):
                await reached(river, await river.send(scope, text), Stage.DELIVERED)
        sage = await home.open("Sage")
        reader = sage.messages()
        async with asyncio.timeout(15):
            assert (await anext(reader)).text == "one"
            await sage.close()
            with pytest.raises(StopAsyncIteration):
                await anext(reader)
        sage = await home.open("Sage")
        assert (await anext(sage.messages())).text == "one"
        await sage.close()


async def test_a_sender_who_stays_hears_that_a_waiting_message_went_with_its_person(tmp_path: Path) -> None:
    async with house(tmp_path) as home, await home.join("River") as river:
        async with await home.join("Sage") as sage:
            scope = await home.together(river, sage)
            await knows(river, scope)
            await reached(river, await river.send(scope, "hello"), Stage.DELIVERED)
        said = await river.send(scope, "too late")
        await reached(river, said, Stage.SAFE)
        assert home.node is not None
        assert await conversations.remove(home.node.people, scope, sage.account, OPERATOR) is None
        await reached(river, said, Stage.LOST)
        await until(lambda: river.link.link is Link.CURRENT, river)
