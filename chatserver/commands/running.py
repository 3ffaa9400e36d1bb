"""How a command runs a node: the loop, the signals, and what is said at the end."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from chatserver.app import Node, Stopped
    from chatserver.settings import Settings

Ready = Callable[[str, "Node"], Awaitable[None] | None]
"""Called with the address once the node answers."""

_ADDRESS_IN_USE: Final = 98


def run(settings: "Settings", ready: Ready) -> int:
    """Run a node until SIGINT or SIGTERM; the exit code."""
    import uvloop  # noqa: PLC0415  help must not wait for it

    from chatserver.app import StoreRefused  # noqa: PLC0415  same
    from chatserver.ops import logs  # noqa: PLC0415  same

    logs.configure(settings.log_level.value, as_json=settings.log_format.value == "json")
    try:
        return uvloop.run(_life(settings, ready))
    except StoreRefused as refused:
        return _say(str(refused), os.EX_UNAVAILABLE)
    except OSError as error:
        if error.errno != _ADDRESS_IN_USE:
            raise
        taken = f"Port {settings.port} on {settings.host} is taken: stop what uses it, or choose another with --port."
        return _say(taken, os.EX_UNAVAILABLE)


async def _life(settings: "Settings", ready: Ready) -> int:
    from chatserver.app import Node  # noqa: PLC0415  help must not wait for it

    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    node = Node(settings)
    port = await node.start()
    answer = ready(address(settings, port), node)
    if answer is not None:
        await answer
    await told.wait()
    sys.stdout.write("\nDraining: sockets are told to come back, what is in memory is written.\n")
    stopped = await node.stop()
    sys.stdout.write(summary(stopped) + "\n")
    return os.EX_OK if not stopped.drained.unsaved else 1


def address(settings: "Settings", port: int) -> str:
    """The URL by which clients on this machine reach the node."""
    scheme = "https" if settings.tls_cert_file else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{port}"


def summary(stopped: "Stopped") -> str:
    """What the drain did, in one line."""
    drained = stopped.drained
    parts = [f"{drained.sockets} sockets told to resume", f"{drained.open} open messages written"]
    if drained.unsaved:
        parts.append(f"{drained.unsaved} could not be saved: their senders will repeat them")
    if stopped.dropped:
        parts.append("dropped: " + ", ".join(f"{name} {count}" for name, count in sorted(stopped.dropped.items())))
    return "Stopped. " + "; ".join(parts) + "."


def _say(text: str, code: int) -> int:
    sys.stderr.write(f"sotto: {text}\n")
    return code
