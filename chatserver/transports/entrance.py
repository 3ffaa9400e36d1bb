"""Where both ways in meet: an upgraded socket gets a connection of the relay."""

import asyncio
from functools import partial

from chatserver.transports.door import Door, UpgradeFacts
from chatserver.transports.incoming import Incoming, Parser
from chatserver.transports.upgrade import PATH, Accepted
from chatserver.transports.websocket import WebSocket


def address_of(raw: asyncio.BaseTransport) -> str:
    """The peer's IP address; empty where it has none (a Unix socket)."""
    peer = raw.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


def enter(raw: asyncio.Transport, door: Door, answer: Accepted) -> None:
    """Say yes to the peer and hand its socket over. Its place is taken, and given back when it is gone."""
    address = address_of(raw)
    facts = UpgradeFacts(address, answer.origin, raw.get_extra_info("ssl_object") is not None, PATH)
    leave = partial(door.places.give_back, address)
    raw.write(answer.to_bytes())
    socket = WebSocket(raw, door.call_later)
    try:
        connection = door.connect(socket, facts)
    except Exception as fault:  # noqa: BLE001  # a fault of ours ends this socket, not the port
        door.failed(fault)
        leave()
        raw.abort()
        return
    raw.set_protocol(Parser(Incoming(socket, connection, leave, door.failed)))
