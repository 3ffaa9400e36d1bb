"""The stamp that the relay puts on every class 1 delivery (CRYPTO section 5): it convinces only the server itself."""

import hmac
from typing import Final

from crypto.keys import FrameClass

_LABEL: Final = b"sotto/v1/stamp\x00"
_MESSAGE: Final = bytes((FrameClass.MESSAGE,))


class Stamp:
    """HMAC-SHA-256 under the tenant's stamp key `kid`."""

    __slots__ = ("_key", "_prefix", "kid")

    def __init__(self, kid: int, key: bytes, tenant: bytes) -> None:
        self.kid = kid
        self._key = key
        self._prefix = _LABEL + tenant + _MESSAGE

    def over(  # the fields of the stamp, in its order
        self, scope: bytes, account: bytes, device: bytes, n: int, accepted_at: int, addressed: bytes, c: bytes
    ) -> bytes:
        """The 32-byte stamp; `addressed` is H("sotto/v1/set", sorted device ids)."""
        at = n.to_bytes(8, "big") + accepted_at.to_bytes(8, "big")
        return hmac.digest(self._key, self._prefix + scope + account + device + at + addressed + c, "sha256")
