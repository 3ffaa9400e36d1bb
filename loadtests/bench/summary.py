"""From rounds to what is published: medians with their range, ratios, and the machine in facts that name nobody."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from loadtests.bench.rounds import Figures, Result
from loadtests.bench.sides import SIDES

RATIOS: Final = {
    "native_{}_vs_node_ws": ("ours", "node_ws"),
    "native_{}_vs_node_socketio": ("ours", "node_socketio"),
    "native_{}_vs_node_socketio_lean": ("ours", "node_socketio_lean"),
    "native_{}_vs_aiohttp": ("ours", "aiohttp"),
    "socketio_{}_vs_python_socketio": ("ours_socketio", "python_socketio"),
    "socketio_{}_vs_node_socketio": ("ours_socketio", "node_socketio"),
}
PHASES: Final = ("saturated", "at_5000")
_PACKAGES: Final = ("aiohttp", "apsw", "msgspec", "picows", "python-engineio", "python-socketio", "uvloop")
_SATURATED: Final = 0.9
_FREE: Final = 0.95
_CPU: Final = "cpu_us_per_message"

Report = dict[str, Any]


def merged(rounds: Sequence[Figures]) -> Report:
    """The median of each figure, and beside CPU and rate the least and the most."""
    found: Report = {name: round(median(one[name] for one in rounds), 3) for name in rounds[0]}
    for name in (_CPU, "messages_per_s"):
        values = [one[name] for one in rounds]
        found[f"{name}_range"] = [min(values), max(values)]
    return found


def side_report(result: Result) -> Report:
    """One side. `at_5000` is null, with its reason beside it, where the rate could not be carried in most rounds."""
    carried = [one for one in result.at_5000 if not isinstance(one, str)]
    reasons = [one for one in result.at_5000 if isinstance(one, str)]
    report: Report = {"saturated": merged(result.saturated) if result.saturated else None}
    report["at_5000"] = merged(carried) if len(carried) > len(reasons) else None
    if report["at_5000"] is None and reasons:
        report["at_5000_reason"] = reasons[-1]
    report["rss_kb_per_idle_connection"] = median(result.rss_kb) if result.rss_kb else None
    return report


def ratios(reports: Mapping[str, Report | None]) -> dict[str, float | None]:
    """CPU of ours to CPU of the other; null where one of them has no figure."""
    found: dict[str, float | None] = {}
    for name, (one, other) in RATIOS.items():
        for phase in PHASES:
            ours, theirs = ((reports.get(side) or {}).get(phase) for side in (one, other))
            found[name.format(phase)] = round(ours[_CPU] / theirs[_CPU], 3) if ours and theirs else None
    return found


def collected(results: Mapping[str, Result], absent: Mapping[str, str]) -> Report:
    """Sides, peers and ratios under the keys that readers of relay.json expect."""
    reports = {name: side_report(result) for name, result in results.items()}
    shown = {name: reports.get(name) for name in SIDES}
    return {
        **{name: shown[name] for name, entry in SIDES.items() if not entry.peer},
        "peers": {name: shown[name] for name, entry in SIDES.items() if entry.peer},
        "absent": dict(absent),
        "ratios": ratios(reports),
    }


def doubts(results: Mapping[str, Result]) -> list[str]:
    """What a reader should know before believing a figure."""
    found = []
    for name, result in results.items():
        served = [one["server_cpu_share"] for one in result.saturated]
        generated = [one["generator_cpu_share"] for one in result.saturated]
        if served and median(served) < _SATURATED:
            found.append(f"{name}: its core was at {median(served):.0%} when saturated: other programs took the rest")
        if generated and median(generated) > _FREE:
            found.append(f"{name}: the generator was at {median(generated):.0%} of its core")
    return found


def machine() -> Report:
    """What the figures were made on: no names, no paths."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")), "")
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "kernel": platform.release(),
        "load_average_at_start": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Of everything that is compared."""
    found = {"python": platform.python_version()}
    found |= {name: version(name) for name in _PACKAGES if _installed(name)}
    node = shutil.which("node")
    if node:
        found["node"] = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603  the node of the path
        found |= _node_packages()
    return found


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except ModuleNotFoundError:
        return False


def _node_packages() -> dict[str, str]:
    wanted = Path(__file__).parents[1] / "peers" / "package.json"
    packages: dict[str, str] = msgspec.json.decode(wanted.read_bytes())["dependencies"]
    return {f"npm {name}": packages[name] for name in sorted(packages)}
