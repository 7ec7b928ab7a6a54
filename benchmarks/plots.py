"""Charts and tables of benchmark results, for the documentation: `python -m benchmarks.plots RESULTS.json ...`.

Each chart becomes an SVG file under `docs/benchmarks/`; `docs/benchmarks.md` gets the charts and the tables between its
marks. The same results give the same bytes.
"""

import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from .measuring import ROOT
from .results import shown

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


def svg(chart: Mapping[str, Any]) -> str:
    """A chart as SVG: bars from 1 to their ratio, on a logarithmic scale, so that half and twice are equally far."""
    bars: Sequence[Mapping[str, Any]] = chart["bars"]
    low, high = _range([bar["ratio"] for bar in bars])
    height = _TOP + _ROW * len(bars) + _BOTTOM
    bottom = _TOP + _ROW * len(bars)

    def x(ratio: float) -> float:
        share = (math.log10(ratio) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return round(_LABELS + share * (_WIDTH - _LABELS - _RIGHT), 1)

    title = escape(chart["title"])
    told = "; ".join(f"{bar['name']} {shown(bar['ratio'])}" for bar in bars)
    box = f'viewBox="0 0 {_WIDTH} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" font-family="sans-serif" font-size="12">',
        f"<title>{title}</title>",
        f"<desc>Ratios to {escape(chart['axis'])}: {escape(told)}</desc>",
        _text(_WIDTH / 2, 20, chart["title"], "middle", bold=True),
    ]
    for tick in _ticks(low, high):
        line = f'x1="{x(tick):g}" y1="{_TOP - 4}" x2="{x(tick):g}" y2="{bottom}"'
        parts.append(f'<line {line} stroke="{_OTHERS}" stroke-width="{1.5 if tick == 1 else 0.5}"/>')
        parts.append(_text(x(tick), bottom + 16, f"{tick:g}", "middle"))
    for number, bar in enumerate(bars):
        top = _TOP + _ROW * number + (_ROW - _BAR) // 2
        begin, end = sorted((x(1), x(bar["ratio"])))
        size = f'width="{max(1.5, round(end - begin, 1)):g}" height="{_BAR}"'
        parts.append(_text(_LABELS - 16, top + _BAR - 4, bar["name"], "end", bold=bar["ours"]))
        parts.append(f'<rect x="{begin:g}" y="{top}" {size} fill="{_OURS if bar["ours"] else _OTHERS}"/>')
        parts.append(_text(end + 6, top + _BAR - 4, shown(bar["ratio"]), "start", bold=bar["ours"]))
    parts.append(_text(_WIDTH / 2, height - 8, f"ratio to {chart['axis']}; logarithmic, less is better", "middle"))
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


def section(found: Mapping[str, Any]) -> str:
    """The charts of one benchmark, each with its table, and its goals, as Markdown."""
    parts = [f"Measured on {found['date']}, with CPython {found['python']}."]
    for chart in found["charts"]:
        parts += [
            f"![{chart['title']}, as ratios to {chart['axis']}]({FOLDER}/{chart['key']}.svg)",
            _table(("", f"x {chart['axis']}"), [(bar["name"], shown(bar["ratio"])) for bar in chart["bars"]]),
        ]
    if found["goals"]:
        rows = [
            (goal["what"], shown(goal["value"]), f"<= {shown(goal['bound'])}", "met" if goal["met"] else "**missed**")
            for goal in found["goals"]
        ]
        parts.append(_table(("goal", "measured", "wanted", ""), rows))
    return "\n\n".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def placed(page: str, benchmark: str, text: str) -> str:
    """The page with `text` between the marks of a benchmark.

    Raises:
        ValueError: the page has no such marks.
    """
    begin, end = f"<!-- {benchmark}: written by make plots -->", f"<!-- {benchmark}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no marks {begin!r} and {end!r}")
    return pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page)


def main(paths: Sequence[str], page: Path = PAGE) -> None:
    """Write the charts and the tables of some results."""
    folder = page.parent / FOLDER
    folder.mkdir(exist_ok=True)
    for path in sorted(paths):
        found = json.loads(Path(path).read_text())
        if found.get("disturbed"):
            raise SystemExit(f"{path}: the machine was busy with other work; measure again")
        for chart in found["charts"]:
            (folder / f"{chart['key']}.svg").write_text(svg(chart))
        page.write_text(placed(page.read_text(), found["benchmark"], section(found)))
        print(f"{path}: {len(found['charts'])} charts")


if __name__ == "__main__":
    if not sys.argv[1:]:
        raise SystemExit("no results: run make bench, make bench-decode or make bench-bulk first")
    main(sys.argv[1:])
