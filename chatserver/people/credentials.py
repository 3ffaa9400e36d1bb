"""What the server keeps of a password: argon2id over the 32 bytes that the client derived from it.

The client stretches the password with argon2id (t=3, 64 MiB) and sends half of the result (CRYPTO section 8), so the
input here is as strong as a key and the server's own hash only keeps a stolen table from signing in. Its floor is
that of ASVS 11.4.2: t=2, 19 MiB, one lane. RFC 9106; the verifier is a PHC string.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

from nacl import pwhash
from nacl.exceptions import CryptoError

from chatserver.people.columns import Random
from chatserver.wire.errors import TOO_FAST, Refusal

PROOF_BYTES: Final = 32
THREADS: Final = 2
MAX_WAITING: Final = 32
"""Hashes under way and waiting; some 19 MiB each while under way, some 30 ms each."""

T = TypeVar("T")


class Cost(NamedTuple):
    """What one hash costs."""

    passes: int
    memory_bytes: int


FLOOR: Final = Cost(2, 19 * 1024 * 1024)

_PHC: Final = re.compile(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$")


class Hasher:
    """Makes and checks verifiers, off the event loop. Beyond `waiting` it answers `too_fast` at once."""

    def __init__(self, random: Random, cost: Cost = FLOOR, waiting: int = MAX_WAITING) -> None:
        self._cost = cost
        self._most = waiting
        self._busy = 0  # owned by the event loop
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._dummy = self.hash_now(random(PROOF_BYTES))

    def close(self) -> None:
        """Let the threads go; hashes that wait are given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, proof: bytes) -> str | Refusal:
        """The verifier of a proof."""
        return await self._run(lambda: self.hash_now(proof))

    async def matches(self, verifier: str | None, proof: bytes) -> bool | Refusal:
        """Whether the proof is the one behind the verifier. Without a verifier: False, after the same work."""
        found = await self._run(lambda: self.matches_now(verifier or self._dummy, proof))
        return found if isinstance(found, Refusal) else found and verifier is not None

    def outdated(self, verifier: str) -> bool:
        """Whether the verifier was made at another cost than today's, so that a proven proof is hashed again."""
        found = _PHC.match(verifier)
        memory_kib, passes = self._cost.memory_bytes // 1024, self._cost.passes
        return found is None or (int(found[1]), int(found[2])) != (memory_kib, passes)

    def hash_now(self, proof: bytes) -> str:
        """The verifier, made on this thread: for command lines."""
        made = pwhash.argon2id.str(proof, opslimit=self._cost.passes, memlimit=self._cost.memory_bytes)
        return made.decode()

    def matches_now(self, verifier: str, proof: bytes) -> bool:
        """Whether they belong together, told on this thread."""
        try:
            return pwhash.argon2id.verify(verifier.encode(), proof)
        except (CryptoError, ValueError):
            return False

    async def _run(self, work: Callable[[], T]) -> T | Refusal:
        if self._busy >= self._most:
            return TOO_FAST
        self._busy += 1
        hashing = asyncio.get_running_loop().run_in_executor(self._threads, work)
        hashing.add_done_callback(self._rested)
        return await asyncio.shield(hashing)  # a caller that leaves does not free the thread

    def _rested(self, _: object) -> None:
        self._busy -= 1
