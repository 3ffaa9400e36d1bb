"""A device's word on a request over HTTPS: the statement under `sotto/v1/http` (CRYPTO section 4).

The statement has no time in it. A replay is bounded three ways: it needs a living session of the same account; its
nonce is remembered; and what it carries, a list or a key, is numbered and dated, so that five minutes after it was made
it can change nothing, and before that only what it already did. Nonces are therefore kept for twice the tolerance.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

from chatserver.wire import limits
from chatserver.wire.errors import STATEMENT_REFUSED, TOO_FAST, Refusal
from crypto.keys import NONCE_BYTES, SIGNATURE_BYTES, HttpStatement, Refused, verify_device_statement

MAX_NONCES: Final = 65_536
REMEMBERED_MS: Final = 2 * limits.CLOCK_TOLERANCE_S * 1000
_ID_BYTES: Final = 16
STATEMENT_BYTES: Final = _ID_BYTES + NONCE_BYTES + SIGNATURE_BYTES


class Said(NamedTuple):
    """Who says it, once, and signed."""

    device: bytes
    nonce: bytes
    signature: bytes


def parsed(raw: bytes) -> Said | None:
    """The statement of a header: device id 16, nonce 32, signature 64."""
    if len(raw) != STATEMENT_BYTES:
        return None
    nonce_end = _ID_BYTES + NONCE_BYTES
    return Said(raw[:_ID_BYTES], raw[_ID_BYTES:nonce_end], raw[nonce_end:])


class Nonces:
    """Nonces that were used, oldest first. Full of young ones it takes no other: fail-closed."""

    def __init__(self, most: int = MAX_NONCES) -> None:
        self._most = most
        self._used: OrderedDict[tuple[bytes, bytes], int] = OrderedDict()

    def use(self, device: bytes, nonce: bytes, now: int) -> Refusal | None:
        """Remember the nonce of a device at `now` (ms), or say why not."""
        while self._used and next(iter(self._used.values())) + REMEMBERED_MS <= now:
            self._used.popitem(last=False)
        if (device, nonce) in self._used:
            return STATEMENT_REFUSED
        if len(self._used) >= self._most:
            return TOO_FAST
        self._used[device, nonce] = now
        return None


def verified(statement: HttpStatement, said: Said, device_pk: bytes) -> bool:
    """Whether this device key signed this statement."""
    try:
        verify_device_statement(statement, said.signature, device_pk)
    except Refused:
        return False
    return True
