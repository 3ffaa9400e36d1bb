"""What relaying one message costs: Sotto's whole path beside bare relays that exchange the same four frames.

    python -m loadtests.relay_bench [--rounds 5] [--seconds 4] [--only SIDE] [--profile]

Each round starts every server in turn on a fresh store, on one core; the clients are on another. Quote the ratios:
times are this machine's. docs/PERFORMANCE.md says how to read them.
"""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from loadtests.bench import processes, summary
from loadtests.bench.load import WINDOW
from loadtests.bench.profile import profile
from loadtests.bench.rounds import IDLE, PAIRS, PER_S, Plan, Step, run, steps
from loadtests.bench.shown import picture, table
from loadtests.bench.side import BOX_BYTES
from loadtests.bench.sides import SIDES, missing

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "loadtests" / "results" / "relay.json"
PICTURE: Final = ROOT / "docs" / "images" / "relay.svg"
BUDGET: Final = "sends of one connection are not limited to 50 a second; every other limit is the product's"


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often every side is measured")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each phase is measured")
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals at 5,000 a second")
    parser.add_argument("--idle", type=int, default=IDLE, help="idle connections to weigh; 0 leaves that out")
    parser.add_argument("--only", choices=tuple(SIDES), action="append", help="this side alone; nothing is written")
    parser.add_argument("--profile", action="store_true", help="say where our server's time goes, and end")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results go")
    return parser.parse_args()


def measured(plan: Plan, console: Console) -> summary.Report:
    """All rounds, with a bar on a terminal. It is drawn between steps: drawing must not cost the generator."""
    columns = (TextColumn("{task.description:38}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, auto_refresh=False, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(list(steps(plan))))

        def tell(step: Step) -> None:
            what = f"round {step.round + 1}, {step.name}{', idle' if step.idle else ''}"
            progress.update(task, description=what)
            progress.refresh()
            progress.advance(task)

        results = uvloop.run(run(plan, tell))
    absent = {name: why for name in SIDES if (why := missing(name)) is not None}
    return {**summary.collected(results, absent), "doubts": summary.doubts(results)}


def described(plan: Plan) -> summary.Report:
    """How the figures were made."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": f"make bench BENCH_ROUNDS={plan.rounds} BENCH_FLAGS='--seconds {plan.seconds:g} --seed {plan.seed}'",
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "seed": plan.seed,
        "setup": {
            "pairs": PAIRS,
            "window": WINDOW,
            "box_bytes": BOX_BYTES,
            "open_loop_per_s": PER_S,
            "idle_connections": plan.idle,
            "raised_limits": BUDGET,
        },
        "versions": summary.versions(),
        "machine": summary.machine(),
    }


def written(report: summary.Report, out: Path) -> None:
    """The results, and the picture beside the documents if these are the ones that are kept."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n")
    if out == RESULTS:
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_text(picture(report))


def main() -> int:
    """Measure, show, write."""
    arguments = asked()
    console = Console(width=None if sys.stdout.isatty() else 140)
    servers, generator = processes.cores()
    os.sched_setaffinity(0, {generator})
    processes.many_files()
    if arguments.profile:
        console.print(*uvloop.run(profile(servers, arguments.seconds)), sep="\n", highlight=False, markup=False)
        return os.EX_OK
    names = tuple(name for name in arguments.only or SIDES if missing(name) is None)
    plan = Plan(names, arguments.rounds, arguments.seconds, arguments.seed, servers, arguments.idle)
    report = described(plan) | measured(plan, console)
    table(report, console)
    for line in (*report["absent"].values(), *report["doubts"]):
        console.print(f"  {line}", highlight=False)
    if arguments.only is None:
        written(report, arguments.out)
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
