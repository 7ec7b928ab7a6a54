"""What a benchmark found, as JSON for `benchmarks.plots`: ratios, which other machines give too, and no times.

A file has the charts of one benchmark, each a set of bars, and the verdicts on its goals.
"""

import json
import platform
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Results:
    """The results of one run."""

    def __init__(self, benchmark: str) -> None:
        """Nothing yet; `benchmark` is the part of `make bench-…` and names the place in the documentation."""
        self._benchmark = benchmark
        self._charts: list[dict[str, Any]] = []
        self._goals: list[dict[str, Any]] = []
        self._disturbed = False

    def disturbed(self) -> None:
        """Others were at work on the machine: nothing of this run is fit to be published."""
        self._disturbed = True

    def chart(self, key: str, title: str, axis: str, bars: Mapping[str, float], *, ours: Collection[str]) -> None:
        """A chart: `key` names its file, `axis` says what 1 is, `ours` are the bars of this package."""
        rows = [{"name": name, "ratio": _rounded(value), "ours": name in ours} for name, value in bars.items()]
        self._charts.append({"key": key, "title": title, "axis": axis, "bars": rows})

    def goal(self, number: str, what: str, value: float, bound: float) -> None:
        """The verdict on a goal."""
        found = {"goal": number, "what": what, "value": _rounded(value), "bound": bound, "met": value <= bound}
        self._goals.append(found)

    def write(self, path: Path | None) -> None:
        """Write the file, if one was asked for."""
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        found = {
            "benchmark": self._benchmark,
            "date": datetime.now(UTC).date().isoformat(),
            "python": platform.python_version(),
            "disturbed": self._disturbed,
            "charts": self._charts,
            "goals": self._goals,
        }
        path.write_text(json.dumps(found, indent=1) + "\n")


def shown(ratio: float) -> str:
    """A ratio as people read it: about three digits, a share of one where it is small."""
    if 0 < ratio < 0.1:
        return f"1/{1 / ratio:,.0f}"
    return f"{ratio:,.{0 if ratio >= 100 else 1 if ratio >= 10 else 2}f}"


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
