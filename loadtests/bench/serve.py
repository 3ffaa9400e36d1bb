"""`sotto serve` as the bench runs it: the product, with the send budget of one connection raised.

50 senders at saturation send more than the 50 a second that a person may. The bucket is still asked for every frame;
it never says wait. Everything else is the product's: authentication, limits, SQLite with synchronous=FULL.

    python -m loadtests.bench.serve DATA_DIR [--profile FILE]
"""

import cProfile
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatserver.commands.running import run
from chatserver.settings import load
from chatserver.wire import limits

if TYPE_CHECKING:
    from chatserver.app import Node

ENDLESS: Final = 1e9


def raise_budget() -> None:
    """Sends, for the sessions that are made from now on."""
    limits.SENDS_PER_S = limits.SEND_BURST = ENDLESS  # type: ignore[misc]  # the bench's one change to the product


def main(folder: Path, profile: Path | None) -> int:
    """Serve until SIGTERM; the exit code."""
    raise_budget()
    settings = load({"data_dir": folder, "port": 0, "log_level": "warning"}, environ={}).settings

    profiler = cProfile.Profile()

    def ready(url: str, _node: "Node") -> None:
        print(f"listening on {url.rpartition(':')[2]}", flush=True)
        if profile is not None:
            profiler.enable()  # from here on: starting is not what is asked about

    try:
        return run(settings, ready)
    finally:
        if profile is not None:
            profiler.disable()
            profiler.dump_stats(profile)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    os.umask(0o077)
    sys.exit(main(Path(arguments[0]), Path(arguments[2]) if "--profile" in arguments else None))
