"""What the benchmarks stand on: the API's limits in simulated time, and charts that say what was found."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import plots
from benchmarks.bulk_api import LimitedApi
from benchmarks.bulk_documents import page_target
from benchmarks.bulk_limits import WAYS, measured
from benchmarks.results import Results, shown
from tests.support import virtual_loop

CHART = {
    "key": "k",
    "title": "Time & money",
    "axis": "the <floor>",
    "bars": [
        {"name": "floor", "ratio": 1.0, "ours": False},
        {"name": "half", "ratio": 0.5, "ours": True},
        {"name": "twice", "ratio": 2.0, "ours": False},
    ],
}


@pytest.mark.parametrize(
    ("way", "requests", "longer"),
    # The pages of a scan follow one another: those behind the first window take 0.1 s each.
    [("get_many with include", 80, 0.8), ("stream with include", 80, 0.8), ("scan with include", 81, 3.3)],
)
def test_under_the_live_limits_a_read_takes_the_fewest_requests_and_none_is_refused(
    way: str, requests: int, longer: float
) -> None:
    run = measured(WAYS[way], 2000)

    assert (run.requests, run.refused) == (requests, 0)
    assert run.seconds <= LimitedApi.least_seconds(requests) + longer


def test_the_simulated_api_refuses_what_is_over_a_window() -> None:
    api = LimitedApi()

    async def ask(times: int) -> list[int]:
        return [(await api.request("GET", page_target(["c1"]))).status for _ in range(times)]

    statuses = virtual_loop.run(ask(60))
    assert statuses == [200] * 50 + [429] * 10
    assert api.refused == 10


@pytest.mark.parametrize(("requests", "seconds"), [(1, 0), (50, 0), (51, 10), (200, 30), (201, 60), (400, 90)])
def test_the_least_time_is_that_of_the_windows(requests: int, seconds: float) -> None:
    assert LimitedApi.least_seconds(requests) == seconds


def test_half_and_twice_are_equally_far_from_the_floor() -> None:
    drawn = ET.fromstring(plots.svg(CHART))
    _, half, twice = drawn.findall("{http://www.w3.org/2000/svg}rect")

    assert float(half.attrib["width"]) == pytest.approx(float(twice.attrib["width"]), abs=0.2)
    assert float(half.attrib["x"]) < float(twice.attrib["x"])
    assert half.attrib["fill"] != twice.attrib["fill"]


def test_a_chart_tells_everything_in_words_too_and_is_always_the_same() -> None:
    text = plots.svg(CHART)

    assert text == plots.svg(json.loads(json.dumps(CHART)))
    assert "half 0.50; twice 2.00" in (ET.fromstring(text).findtext("{http://www.w3.org/2000/svg}desc") or "")
    assert "url(" not in text


def test_results_become_tables_and_charts_between_the_marks_of_a_page(tmp_path: Path) -> None:
    results = Results("bulk")
    results.chart("bulk-x", "Title", "floor", {"floor": 1.0, "ours | us": 0.04321}, ours=["ours | us"])
    results.goal("17", "ours / floor", 0.61, 0.5)
    results.write(tmp_path / "build/bulk.json")
    page = tmp_path / "docs.md"
    page.write_text("before\n<!-- bulk: written by make plots -->old<!-- bulk: end -->\nafter\n")

    for _ in range(2):
        plots.main([str(tmp_path / "build/bulk.json")], page)
        text = page.read_text()
        assert text.startswith("before\n")
        assert text.endswith("\nafter\n")
        assert "old" not in text
        assert "| ours &#124; us | 1/23 |" in text
        assert "| ours / floor | 0.61 | <= 0.50 | **missed** |" in text
        assert "](benchmarks/bulk-x.svg)" in text
    assert (tmp_path / "benchmarks/bulk-x.svg").exists()
    with pytest.raises(ValueError, match="no marks"):
        plots.placed("a page", "bulk", "text")


def test_what_was_measured_on_a_busy_machine_is_not_published(tmp_path: Path) -> None:
    results = Results("bulk")
    results.disturbed()
    results.write(tmp_path / "bulk.json")
    page = tmp_path / "docs.md"
    page.write_text("<!-- bulk: written by make plots -->old<!-- bulk: end -->")

    with pytest.raises(SystemExit, match="busy"):
        plots.main([str(tmp_path / "bulk.json")], page)
    assert "old" in page.read_text()


def test_ratios_are_shown_with_no_more_digits_than_they_have() -> None:
    assert [shown(ratio) for ratio in (0.004, 0.5, 1.234, 12.34, 1234.5)] == ["1/250", "0.50", "1.23", "12.3", "1,234"]
