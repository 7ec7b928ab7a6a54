"""The tables of `benchmarks.dask` in docs/how-to/many-machines.md, with a chart of what was simulated."""

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

from .measuring import ROOT
from .plots import placed, section, told
from .published import problems
from .results import Table, Verdict

PAGE: Final = ROOT / "docs/how-to/many-machines.md"
CHART: Final = ROOT / "docs/benchmarks/dask/records-a-minute.svg"
SECTIONS: Final = ("run", "dask")
DRAWN: Final = {"dask-million": "10^6 records", "dask-hundred-million": "10^8", "dask-fine": "10^8, 500 each"}
_WINDOWS: Final = "the windows"
_A_MINUTE_OF_AN_ADDRESS: Final = 200 * 25

_WIDTH: Final = 760
_HEIGHT: Final = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 150, 40, 56
# All of these can be told from a white ground and from a black one, as those of `plots`.
_COLOURS: Final = ("#2f81f7", "#d29922", "#a371f7")
_GRID: Final = "#8b949e"
_TEXT: Final = "#757a80"


def json_of(text: str) -> dict[str, Any]:
    """An object of JSON."""
    found: dict[str, Any] = json.loads(text)
    return found


class Line(NamedTuple):
    """A line of the chart: records a minute by addresses."""

    name: str
    points: Sequence[tuple[float, float]]


def lines_of(tables: Sequence[Table]) -> list[Line]:
    """What each simulated size reaches with so many addresses; first what the windows allow."""
    lines = [
        Line(DRAWN[table.key], [(float(name.split()[0]), _figure(table, name)) for name in table.rows])
        for table in tables
        if table.key in DRAWN
    ]
    addresses = sorted({x for line in lines for x, _ in line.points})
    return [Line(_WINDOWS, [(x, x * _A_MINUTE_OF_AN_ADDRESS) for x in addresses]), *lines]


def _figure(table: Table, row: str) -> float:
    cell = table.cell(row, "records a minute")
    assert not isinstance(cell, str)
    return cell


def svg(lines: Sequence[Line]) -> str:
    """The chart, both axes logarithmic: a straight line is one that more addresses help as much as they can."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    low, high = 10.0 ** math.floor(math.log10(min(ys))), 10.0 ** math.ceil(math.log10(max(ys)))

    def at(x: float, y: float) -> tuple[float, float]:
        right = math.log10(x / min(xs)) / math.log10(max(xs) / min(xs))
        up = math.log10(y / low) / math.log10(high / low)
        across, down = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return round(_LEFT + right * across, 1), round(_HEIGHT - _BOTTOM - up * down, 1)

    said = "; ".join(f"{line.name}: " + ", ".join(f"{x:g} {y:,.0f}" for x, y in line.points) for line in lines)
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    title = "Records a minute by addresses, simulated"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" font-family="sans-serif" font-size="12">',
        f"<title>{title}</title>",
        f"<desc>{escape(said)}</desc>",
        _text(_WIDTH / 2, 20, title, "middle", bold=True),
    ]
    for x in sorted(set(xs)):
        across, bottom = at(x, low)
        parts += [_rule(across, _TOP, across, bottom), _text(across, bottom + 18, f"{x:g}", "middle")]
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        across, height = at(min(xs), 10.0**power)
        right, _ = at(max(xs), 10.0**power)
        parts += [_rule(across, height, right, height), _text(across - 8, height + 4, f"{10**power:,}", "end")]
    for number, line in enumerate(lines):
        parts += _drawn(line, [at(*point) for point in line.points], number)
    parts.append(_text(_WIDTH / 2, _HEIGHT - 10, "addresses; both axes logarithmic, more is better", "middle"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _drawn(line: Line, points: Sequence[tuple[float, float]], number: int) -> list[str]:
    """A line, dashed for what the windows allow, and its name where it ends."""
    told = " ".join(f"{x:g},{y:g}" for x, y in points)
    dashed = ' stroke-dasharray="6 4"' if line.name == _WINDOWS else ""
    colour = _GRID if line.name == _WINDOWS else _COLOURS[(number - 1) % len(_COLOURS)]
    (x, y) = points[-1]
    return [
        f'<polyline points="{told}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>',
        _text(x + 8, y + 4 + 14 * number, line.name, "start", bold=number > 0, colour=colour),
    ]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{_GRID}" stroke-width="0.5"/>'


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False, colour: str = _TEXT) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(text)}</text>'


def publish(results: Path, page: Path = PAGE, chart: Path = CHART, *, busy: bool = False) -> None:
    """Write the tables, the verdicts and the chart of one run.

    Raises:
        SystemExit: the machine was busy and that is not `busy`'s wish, or the page would not be consistent.
    """
    found: Mapping[str, Any] = json_of(results.read_text())
    if found["disturbed"] and not busy:
        raise SystemExit(f"the machine was busy with other work; measure again: {'; '.join(found['disturbed'])}")
    tables = [Table(**table) for table in found["tables"]]
    text = placed(page.read_text(), "run", told(found["run"], found["disturbed"]))
    text = placed(text, "dask", section(tables, [Verdict(**verdict) for verdict in found["verdicts"]]))
    if wrong := problems(text, SECTIONS):
        raise SystemExit("\n".join(["the page would not be consistent:", *wrong]))
    page.write_text(text)
    chart.parent.mkdir(exist_ok=True)
    chart.write_text(svg(lines_of(tables)))
    print(f"{page}: {len(tables)} tables")
