"""Every side of the comparison by its name, and why one cannot be had here."""

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final, NamedTuple

from loadtests.bench.ours import Native
from loadtests.bench.side import PEERS, BarePeer, Side, node, python
from loadtests.bench.socketio_sides import BareSocketIo, OursSocketIo

NO_NODE: Final = "Node is not installed: its peers are left out"
NO_PACKAGES: Final = "the packages of loadtests/peers are not installed: npm ci --prefix loadtests/peers"


class Entry(NamedTuple):
    """A side, what it is in a few words, and what it needs."""

    make: Callable[[], Side]
    says: str
    needs_node: bool = False
    peer: bool = True


SIDES: Final[dict[str, Entry]] = {
    "ours": Entry(Native, "Sotto, native WebSocket", peer=False),
    "ours_socketio": Entry(OursSocketIo, "Sotto, Socket.IO over WebSocket", peer=False),
    "node_ws": Entry(lambda: BarePeer(node("node_ws.mjs")), "bare relay on Node ws", needs_node=True),
    "node_socketio": Entry(
        lambda: BareSocketIo(node("node_socketio.mjs")), "bare relay on Node Socket.IO", needs_node=True
    ),
    "node_socketio_lean": Entry(
        lambda: BareSocketIo([*node("node_socketio.mjs"), "text"], ids_as_text=True),
        "the same with ids as text: one attachment a message",
        needs_node=True,
    ),
    "aiohttp": Entry(lambda: BarePeer(python("aiohttp_ws")), "bare relay on aiohttp's WebSocket"),
    "python_socketio": Entry(lambda: BareSocketIo(python("python_socketio")), "bare relay on python-socketio"),
}


def missing(name: str) -> str | None:
    """Why this side cannot run on this machine; None if it can."""
    if SIDES[name].needs_node:
        if shutil.which("node") is None:
            return NO_NODE
        return None if (PEERS / "node_modules").is_dir() else NO_PACKAGES
    if name.endswith("socketio") and find_spec("socketio") is None:
        return "python-socketio is not installed"
    return None
