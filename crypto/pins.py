"""What a client holds fast about others: the list it saw last, the key it saw last (CRYPTO section 2)."""

from dataclasses import dataclass
from hmac import compare_digest

from crypto.bundles import BundleBody
from crypto.lists import DeviceList
from crypto.refusals import Reason, require


@dataclass(frozen=True, slots=True)
class ListPin:
    """The newest verified list of an account."""

    version: int
    list_hash: bytes


@dataclass(frozen=True, slots=True)
class KeyPin:
    """The highest key number seen of one (device, use, scope), with its key."""

    key_no: int
    box_pk: bytes


def require_no_rollback(pin: ListPin, seen: DeviceList) -> None:
    """Refuse a lower version (`rollback`) and the pinned version with another hash (`list_fork`)."""
    require(seen.version >= pin.version, Reason.ROLLBACK)
    fork = seen.version == pin.version and not compare_digest(seen.list_hash, pin.list_hash)
    require(not fork, Reason.LIST_FORK)


def key_fell(pin: KeyPin | None, seen: BundleBody) -> bool:
    """Whether a key number is lower than the pinned one; the same number with another key is a `key_fork`."""
    if pin is None:
        return False
    fork = seen.key_no == pin.key_no and not compare_digest(seen.box_pk, pin.box_pk)
    require(not fork, Reason.KEY_FORK)
    return seen.key_no < pin.key_no


def require_sole_owner(owner: bytes | None, seen: BundleBody) -> None:
    """Refuse a box key that is known as another device's; `owner` is the device id it is known under."""
    require(owner is None or compare_digest(owner, seen.device_id), Reason.SHARED_BOX_KEY)
