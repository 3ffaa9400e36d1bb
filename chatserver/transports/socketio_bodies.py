"""Bodies under polling: packets of Engine.IO 4, one behind the other, attachments as base64."""

import asyncio
import binascii
from typing import Final

from aiohttp import web

from chatserver.wire import limits

BODY_S: Final = 10.0
"""How long a body may take to arrive."""
MAX_PACKETS: Final = 2_048

_SEPARATOR: Final = "\x1e"


def max_body_bytes(max_message_bytes: int) -> int:
    """Of a body that carries a message of that size as base64, and the heads of its packets."""
    return max_message_bytes * 4 // 3 + 2 * limits.KIB


async def packets_of(request: web.Request) -> list[str] | None:
    """The packets of a body whose length was looked at; None if it is none of ours, or takes too long."""
    try:
        async with asyncio.timeout(BODY_S):
            body = (await request.content.readexactly(request.content_length or 0)).decode()
    except (TimeoutError, asyncio.IncompleteReadError, UnicodeDecodeError):
        return None
    packets = body.split(_SEPARATOR, MAX_PACKETS)
    return packets if len(packets) <= MAX_PACKETS else None


def attachment_of(packet: str) -> bytes | None:
    """The bytes behind a `b`; None if they are not base64 as RFC 4648 section 4 has it."""
    try:
        return binascii.a2b_base64(packet[1:], strict_mode=True)
    except ValueError:
        return None
