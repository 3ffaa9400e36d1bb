import asyncio
import re
import threading

import pytest
from nacl import pwhash

from chatserver.people.credentials import FLOOR, MAX_WAITING, Cost, Hasher
from chatserver.wire.errors import TOO_FAST
from tests.people_house import CHEAP, drawing

pytestmark = pytest.mark.pure

PROOF = bytes(range(32))


async def test_a_verifier_matches_its_own_proof_alone() -> None:
    hasher = Hasher(drawing(1), CHEAP)
    verifier = await hasher.hash(PROOF)
    assert isinstance(verifier, str)
    assert await hasher.matches(verifier, PROOF) is True
    assert await hasher.matches(verifier, bytes(32)) is False
    hasher.close()


async def test_without_a_verifier_nothing_matches() -> None:
    hasher = Hasher(drawing(1), CHEAP)
    assert await hasher.matches(None, drawing(1)(32)) is False  # not even the dummy's own proof
    hasher.close()


async def test_a_damaged_verifier_matches_nothing() -> None:
    hasher = Hasher(drawing(1), CHEAP)
    verifier = hasher.hash_now(PROOF)
    for damaged in ("", "x", verifier[:-1], verifier.replace("argon2id", "argon2i"), verifier[:-4] + "AAAA"):
        assert await hasher.matches(damaged, PROOF) is False
    hasher.close()


async def test_the_cost_is_at_least_that_of_asvs_11_4_2() -> None:
    hasher = Hasher(drawing(1))
    found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", hasher.hash_now(PROOF))
    assert found
    memory_kib, passes, lanes = map(int, found.groups())
    assert (passes, lanes) == (2, 1)
    assert memory_kib >= 19 * 1024
    assert Cost(2, 19 * 1024 * 1024) == FLOOR
    hasher.close()


async def test_a_verifier_of_another_cost_is_outdated() -> None:
    hasher = Hasher(drawing(1), CHEAP)
    assert not hasher.outdated(hasher.hash_now(PROOF))
    assert hasher.outdated(pwhash.argon2id.str(PROOF, 2, 8_192).decode())
    assert hasher.outdated(pwhash.argon2id.str(PROOF, 1, 16_384).decode())
    assert hasher.outdated("nonsense")
    hasher.close()


class Stuck(Hasher):
    """Hashes that wait until they are let go."""

    def __init__(self, waiting: int) -> None:
        self.gate = threading.Event()
        self.gate.set()
        super().__init__(drawing(1), CHEAP, waiting)
        self.gate.clear()

    def hash_now(self, proof: bytes) -> str:
        self.gate.wait()
        return super().hash_now(proof)


async def test_beyond_its_bound_it_says_too_fast_at_once() -> None:
    hasher = Stuck(3)
    waiting = [asyncio.ensure_future(hasher.hash(PROOF)) for _ in range(3)]
    await asyncio.sleep(0)
    assert await hasher.hash(PROOF) is TOO_FAST
    hasher.gate.set()
    assert all(isinstance(verifier, str) for verifier in await asyncio.gather(*waiting))
    assert isinstance(await hasher.hash(PROOF), str)
    assert MAX_WAITING == 32
    hasher.close()


async def test_a_caller_that_leaves_does_not_make_room() -> None:
    hasher = Stuck(1)
    waiting = asyncio.ensure_future(hasher.hash(PROOF))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    assert await hasher.hash(PROOF) is TOO_FAST
    hasher.gate.set()
    hasher.close()
