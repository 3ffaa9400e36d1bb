"""What a log line may say: a closed set of events and, for each key, the one shape its value may have.

There is no shape for text. Whoever wants to log a new thing adds an event or a key here, in sight of a review; anything
else is dropped and counted. Ids are the pseudonymous ones of the store; addresses are networks, never hosts.
"""

import ipaddress
import math
import re
from collections.abc import Callable
from enum import Enum, StrEnum
from typing import Final


class Event(StrEnum):
    """Every event that is logged."""

    NODE_STARTING = "node_starting"
    NODE_READY = "node_ready"
    NODE_DRAINING = "node_draining"
    NODE_STOPPED = "node_stopped"
    LOOP_STOOD_STILL = "loop_stood_still"
    STORE_OPENED = "store_opened"
    STORE_MIGRATED = "store_migrated"
    STORE_FAILED = "store_failed"
    COMMIT_FAILED = "commit_failed"
    COMMIT_SLOW = "commit_slow"
    FEED_LOST = "feed_lost"
    BUS_LOST = "bus_lost"
    KEYS_MADE = "keys_made"
    SOCKET_OPENED = "socket_opened"
    SOCKET_ENDED = "socket_ended"
    CONNECTION_REFUSED = "connection_refused"
    SIGN_IN_REFUSED = "sign_in_refused"
    REQUEST_REFUSED = "request_refused"
    SWEPT = "swept"
    TASK_FAILED = "task_failed"
    LIBRARY = "library"
    UNKNOWN = "unknown_event"


_HEX_ID: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}", re.ASCII)
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_LARGEST: Final = 2**53 - 1
_IPV4_PREFIX: Final = 24
_IPV6_PREFIX: Final = 48

Shape = Callable[[object], bool]


class Known(str):
    """Text that logs.py itself drew from closed sets (modules of ours, types, libraries). Never made elsewhere."""

    __slots__ = ()


def known(value: object) -> bool:
    """Text of that kind."""
    return isinstance(value, Known)


def number(value: object) -> bool:
    """A truth value, or a finite number of at most 53 bits: wider ones could carry text."""
    if not isinstance(value, bool | int | float):
        return False
    return math.isfinite(value) and abs(value) <= _LARGEST


def word(value: object) -> bool:
    """A member of one of our enumerations with a short name. Plain text is refused, however harmless it looks."""
    return isinstance(value, Enum) and isinstance(value.value, str) and bool(_WORD.fullmatch(value.value))


def hex_id(value: object) -> bool:
    """A pseudonymous id: 8 or 16 bytes in lower-case hex."""
    return isinstance(value, str) and bool(_HEX_ID.fullmatch(value))


def network(value: object) -> bool:
    """An address range no narrower than /24 (IPv4) or /48 (IPv6), as `address_range` makes them."""
    if isinstance(value, ipaddress.IPv4Network):
        return value.prefixlen <= _IPV4_PREFIX
    return isinstance(value, ipaddress.IPv6Network) and value.prefixlen <= _IPV6_PREFIX


def address_range(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Blur an address to its range; None if it is no address (a unix socket's peer)."""
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped:
        host = host.ipv4_mapped
    prefix = _IPV4_PREFIX if isinstance(host, ipaddress.IPv4Address) else _IPV6_PREFIX
    return ipaddress.ip_network(f"{host}/{prefix}", strict=False)


KEYS: Final[dict[str, Shape]] = {
    "account": hex_id,
    "address_range": network,
    "boxes": number,
    "bytes": number,
    "cause": known,
    "call": hex_id,
    "close_code": number,
    "connection": hex_id,
    "connections": number,
    "conversation": hex_id,
    "count": number,
    "device": hex_id,
    "duration_ms": number,
    "errno": number,
    "error": known,
    "expired": number,
    "frames": known,
    "kept": number,
    "library": known,
    "outcome": word,
    "place": known,
    "port": number,
    "profile": word,
    "reason": word,
    "rows": number,
    "schema": number,
    "secure": number,
    "status": number,
    "tenant": hex_id,
    "transport": word,
    "waited_ms": number,
}
"""Key -> shape. Beside these a line has `timestamp`, `level` and `event`."""
