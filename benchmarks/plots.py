"""Charts and tables of benchmark results, for the documentation: `python -m benchmarks.plots RESULTS.json ...`.

Each drawn column of a table becomes an SVG file under `docs/benchmarks/`; `docs/benchmarks.md` gets the charts, the
tables and the verdicts between its marks. The same results give the same bytes. All results have to be of one run.
"""

import argparse
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

from .measuring import ROOT
from .published import ITSELF, VERDICTS, problems
from .results import MISSED, Table, Verdict, judged, shown

PAGE: Final = ROOT / "docs/benchmarks.md"
FOLDER: Final = "benchmarks"

_WIDTH: Final = 760
_LABELS: Final = 300
"""Where the bars begin; the names stand to the left of it."""
_RIGHT: Final = 64
"""Room for a figure behind the longest bar."""
_TOP: Final = 40
_ROW: Final = 26
_BAR: Final = 16
_BOTTOM: Final = 46
# All of these can be told from a white ground and from a black one.
_OURS: Final = "#2f81f7"
_OTHERS: Final = "#8b949e"
_TEXT: Final = "#757a80"


class Bar(NamedTuple):
    """A bar of a chart."""

    name: str
    ratio: float
    ours: bool


class Chart(NamedTuple):
    """A column of a table, to be drawn."""

    key: str
    title: str
    unit: str
    bars: Sequence[Bar]


def charts(table: Table) -> Iterator[Chart]:
    """The charts of a table; a contender without a figure has no bar."""
    for column in table.drawn:
        key = f"{table.key}-{re.sub('[^a-z0-9]+', '-', column.lower())}"
        cells = [(name, table.cell(name, column)) for name in table.rows]
        bars = [Bar(name, cell, name in table.ours) for name, cell in cells if not isinstance(cell, str) and cell > 0]
        yield Chart(key, f"{table.title}: {column}", table.unit, bars)


def svg(chart: Chart) -> str:
    """A chart as SVG: bars from 1 to their ratio, on a logarithmic scale, so that half and twice are equally far."""
    low, high = _range([bar.ratio for bar in chart.bars])
    height = _TOP + _ROW * len(chart.bars) + _BOTTOM
    bottom = _TOP + _ROW * len(chart.bars)

    def x(ratio: float) -> float:
        share = (math.log10(ratio) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return round(_LABELS + share * (_WIDTH - _LABELS - _RIGHT), 1)

    told = "; ".join(f"{bar.name} {shown(bar.ratio)}" for bar in chart.bars)
    box = f'viewBox="0 0 {_WIDTH} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(chart.title)}</title>",
        f"<desc>{escape(chart.unit)}: {escape(told)}</desc>",
        _text(_WIDTH / 2, 20, chart.title, "middle", bold=True),
    ]
    for tick in _ticks(low, high):
        line = f'x1="{x(tick):g}" y1="{_TOP - 4}" x2="{x(tick):g}" y2="{bottom}"'
        parts.append(f'<line {line} stroke="{_OTHERS}" stroke-width="{1.5 if tick == 1 else 0.5}"/>')
        parts.append(_text(x(tick), bottom + 16, f"{tick:g}", "middle"))
    for number, bar in enumerate(chart.bars):
        top = _TOP + _ROW * number + (_ROW - _BAR) // 2
        begin, end = sorted((x(1), x(bar.ratio)))
        size = f'width="{max(1.5, round(end - begin, 1)):g}" height="{_BAR}"'
        parts.append(_text(_LABELS - 16, top + _BAR - 4, bar.name, "end", bold=bar.ours))
        parts.append(f'<rect x="{begin:g}" y="{top}" {size} fill="{_OURS if bar.ours else _OTHERS}"/>')
        parts.append(_text(end + 6, top + _BAR - 4, shown(bar.ratio), "start", bold=bar.ours))
    parts.append(_text(_WIDTH / 2, height - 8, f"{chart.unit}; logarithmic, less is better", "middle"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{round(x, 1):g}" y="{y:g}" text-anchor="{anchor}" fill="{_TEXT}"{weight}>{escape(text)}</text>'


def _range(ratios: Sequence[float]) -> tuple[float, float]:
    """The ends of the axis: 1 is on it, and differences of a few percent look like what they are."""
    low, high = min(0.5, *ratios), max(2.0, *ratios)
    return low / 1.05, high * 1.05


def _ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 300 else (1,)
    return [tick for power in decades for step in steps if low <= (tick := round(step * 10.0**power, 6)) <= high]


def section(tables: Sequence[Table], verdicts: Sequence[Verdict]) -> str:
    """The tables of one benchmark, each with its charts, and its verdicts, as Markdown."""
    parts: list[str] = []
    for table in tables:
        parts += [
            f"**{table.key}**: {table.title}; {table.unit}.",
            *(f"![{chart.title}; {chart.unit}]({FOLDER}/{chart.key}.svg)" for chart in charts(table)),
            _table(("", *table.columns), [(name, *map(shown, cells)) for name, cells in table.rows.items()]),
        ]
    if verdicts:
        by_key = {table.key: table for table in tables}
        rows = [_judged_row(by_key[verdict.table], verdict) for verdict in verdicts]
        parts += ["**Goals**, each computed from the row of the table that it names.", _table(VERDICTS, rows)]
    return "\n\n".join(parts)


def _judged_row(table: Table, verdict: Verdict) -> Sequence[str]:
    found = judged(table, verdict)
    outcome = f"**{MISSED}**" if found.outcome == MISSED else found.outcome
    row = (table.key, verdict.row, verdict.beside or ITSELF, verdict.column)
    return (*row, found.measured, f"<= {shown(verdict.bound)}", outcome)


def told(run: Mapping[str, Any], disturbed: Sequence[str]) -> str:
    """What the page says of the run."""
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    where = f"Measured on {run['date']} at commit `{run['commit']}`: {run['machine']}, {run['python']}; {versions}."
    lines = [where, f"The order of each round was drawn from the seed {run['seed']}."]
    if disturbed:
        lines.append(f"**Other programs were at work on the machine during this run**: {'; '.join(disturbed)}.")
    return "\n\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def placed(page: str, mark: str, text: str) -> str:
    """The page with `text` between the marks of a section.

    Raises:
        ValueError: the page has no such marks.
    """
    begin, end = f"<!-- {mark}: generated -->", f"<!-- {mark}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no marks {begin!r} and {end!r}")
    return pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page)


def publish(found: Sequence[Mapping[str, Any]], page: Path, *, busy: bool) -> None:
    """Write the charts and the tables of one run.

    Raises:
        SystemExit: the results are of several runs, the machine was busy and that is not `busy`'s wish, or the page
            would not be consistent.
    """
    if len({(one["run"]["seed"], one["run"]["commit"]) for one in found}) != 1:
        raise SystemExit("these results are not of one run: make benchmarks-docs measures and writes all")
    disturbed = [f"{one['benchmark']}: {how}" for one in found for how in one["disturbed"]]
    if disturbed and not busy:
        raise SystemExit(f"the machine was busy with other work; measure again: {'; '.join(disturbed)}")
    folder = page.parent / FOLDER
    folder.mkdir(exist_ok=True)
    text = placed(page.read_text(), "run", told(found[0]["run"], disturbed))
    drawn: dict[str, str] = {}
    for one in found:
        tables = [Table(**table) for table in one["tables"]]
        text = placed(text, one["benchmark"], section(tables, [Verdict(**verdict) for verdict in one["verdicts"]]))
        drawn.update({chart.key: svg(chart) for table in tables for chart in charts(table)})
    if wrong := problems(text, ("run", *(one["benchmark"] for one in found))):
        raise SystemExit("\n".join(["the page would not be consistent:", *wrong]))
    page.write_text(text)
    for old in folder.glob("*.svg"):
        old.unlink()
    for key, drawing in drawn.items():
        (folder / f"{key}.svg").write_text(drawing)
    print(f"{page}: {len(drawn)} charts")


def main(arguments: Sequence[str] | None = None, page: Path = PAGE) -> None:
    """Write the charts and the tables of some results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plots", description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="what the benchmarks wrote for --json")
    parser.add_argument("--busy", action="store_true", help="publish, and say so, though the machine was busy")
    parser.add_argument("--page", type=Path, default=page, help="what gets them; the charts go into a folder beside it")
    options = parser.parse_args(arguments)
    publish([json.loads(path.read_text()) for path in sorted(options.results)], options.page, busy=options.busy)


if __name__ == "__main__":
    main()
