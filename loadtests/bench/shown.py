"""What a person sees: a table at the end, and a picture for the documents, drawn by hand as SVG."""

from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from loadtests.bench.sides import SIDES
from loadtests.bench.summary import PHASES, Report

_WIDTH: Final = 860
_LABEL: Final = 340
_ROW: Final = 58
_BAR: Final = 18
_TOP: Final = 64
_COLOURS: Final = {"saturated": "#0f766e", "at_5000": "#94a3b8"}
_CALLED: Final = {"saturated": "saturated: 50 pairs, 4 in flight each", "at_5000": "5,000 messages a second"}


def side_of(report: Report, name: str) -> Report | None:
    """A side's part of the report."""
    place = report["peers"] if SIDES[name].peer else report
    found: Report | None = place.get(name)
    return found


def _figure(side: Report | None, phase: str, name: str) -> float | None:
    part = (side or {}).get(phase)
    return part[name] if part else None


def _cell(value: float | None, pattern: str = "{:,.1f}") -> str:
    return "-" if value is None else pattern.format(value)


def table(report: Report, console: Console) -> None:
    """All sides, and the ratios below."""
    found = Table(title="CPU of the server for one relayed message: send, deliver, ack, receipt")
    for name in ("side", "us saturated", "range", "a second", "us at 5,000/s", "p50 ms", "p99 ms", "kB idle"):
        found.add_column(name, justify="left" if name == "side" else "right")
    for name in SIDES:
        found.add_row(*_row(name, side_of(report, name)))
    console.print(found)
    for name, value in report["ratios"].items():
        console.print(f"  {name:45} {_cell(value, '{:.2f}')}", highlight=False)


def _row(name: str, side: Report | None) -> Iterable[str]:
    span = (side or {}).get("saturated", {}) or {}
    low, high = span.get("cpu_us_per_message_range", (None, None))
    return (
        name,
        _cell(_figure(side, "saturated", "cpu_us_per_message")),
        f"{_cell(low)} to {_cell(high)}" if low is not None else "-",
        _cell(_figure(side, "saturated", "messages_per_s"), "{:,.0f}"),
        _cell(_figure(side, "at_5000", "cpu_us_per_message")),
        _cell(_figure(side, "at_5000", "p50_ms"), "{:.2f}"),
        _cell(_figure(side, "at_5000", "p99_ms"), "{:.2f}"),
        _cell((side or {}).get("rss_kb_per_idle_connection")),
    )


def picture(report: Report) -> str:
    """Bars of CPU for each side and phase."""
    sides = {name: side for name in SIDES if (side := side_of(report, name))}
    most = max(_figure(side, phase, "cpu_us_per_message") or 0.0 for side in sides.values() for phase in PHASES)
    scale = (_WIDTH - _LABEL - 110) / (most or 1.0)
    rows = [part for at, (name, side) in enumerate(sides.items()) for part in _bars(at, name, side, scale)]
    height = _TOP + _ROW * len(sides) + 10
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        f'font-size="13"><rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>'
        '<text x="12" y="24" font-size="15" font-weight="bold">Server CPU for one relayed message, microseconds</text>'
    )
    legend = "".join(
        f'<rect x="{12 + at * 300}" y="36" width="12" height="12" fill="{_COLOURS[phase]}"/>'
        f'<text x="{30 + at * 300}" y="47">{_CALLED[phase]}</text>'
        for at, phase in enumerate(PHASES)
    )
    return "\n".join((head, legend, *rows, "</svg>")) + "\n"


def _bars(at: int, name: str, side: dict[str, Any], scale: float) -> Iterable[str]:
    top = _TOP + at * _ROW
    weight = "normal" if SIDES[name].peer else "bold"
    yield f'<text x="12" y="{top + 24}" font-weight="{weight}">{SIDES[name].says}</text>'
    for lane, phase in enumerate(PHASES):
        value, y = _figure(side, phase, "cpu_us_per_message"), top + 3 + lane * (_BAR + 3)
        width = (value or 0.0) * scale
        told = "cannot carry it" if value is None else f"{value:.0f}"
        yield f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{_COLOURS[phase]}"/>'
        yield f'<text x="{_LABEL + 6 + width:.1f}" y="{y + 13}" fill="#334155">{told}</text>'
