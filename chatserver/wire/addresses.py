"""Whose an address is: what limits count by. Pure."""

from ipaddress import IPv6Address, ip_address
from typing import Final

_SITE_BITS: Final = 64
"""One IPv6 customer holds at least a /64 (RFC 6177), so addresses inside one count as one."""


def whose(address: str) -> str:
    """The party behind `address`: an IPv4 address itself, an IPv6 address's first 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> _SITE_BITS:x}::/64"
