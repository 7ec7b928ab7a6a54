"""What is published of exports over workers: that it follows from its tables, and what its simulation stands on."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import dask_page
from benchmarks.dask_model import PAGE, REQUESTS_A_SECOND, Costs, simulate
from benchmarks.published import problems

COSTS: Final = Costs(request=0.3, record=100e-6, partition=0.01)


@given(
    records=st.integers(1, 10**6),
    addresses=st.integers(1, 50),
    rows=st.integers(100, 20_000),
    costs=st.builds(Costs, st.floats(0.01, 2.0), st.floats(0.0, 0.01), st.floats(0.0, 0.1)),
)
def test_nothing_is_faster_than_the_windows_the_plan_and_the_scheduler_allow(
    records: int, addresses: int, rows: int, costs: Costs
) -> None:
    found = simulate(records, addresses, costs, rows=rows)

    assert found.whole >= max(found.windows + found.plan, found.scheduler) - 1e-6
    assert found.windows == pytest.approx(records / PAGE / REQUESTS_A_SECOND / addresses)


@pytest.mark.parametrize(("addresses", "minutes"), [(1, 20.0), (2, 10.0), (4, 5.0)])
def test_where_the_windows_bind_addresses_divide_the_time(addresses: int, minutes: float) -> None:
    found = simulate(100_000, addresses, COSTS._replace(request=0.01))

    assert found.bound_by == "the windows"
    assert found.whole - found.plan == pytest.approx(minutes * 60, rel=0.07)


def test_a_slow_scheduler_binds_and_so_does_a_plan_of_small_partitions() -> None:
    assert simulate(10**6, 100, COSTS._replace(partition=10.0)).bound_by == "the scheduler"
    assert simulate(10**6, 100, COSTS, rows=100).bound_by == "the plan"


def test_a_worker_that_needs_longer_than_the_windows_allow_is_what_binds() -> None:
    """Two partitions at once, of 200 pages of 3 s each, where the windows would allow a page each 0.3 s."""
    found = simulate(10_000, 1, COSTS._replace(request=3.0, record=0.0, partition=0.0))

    assert found.whole - found.plan == pytest.approx(200 * 3.0)


@pytest.fixture
def published() -> Mapping[str, str]:
    page = dask_page.PAGE.read_text()
    return dict(re.findall(r"<!-- (\w+): generated -->(.*?)<!-- \w+: end -->", page, re.DOTALL))


def test_every_verdict_of_the_page_follows_from_its_tables() -> None:
    assert problems(dask_page.PAGE.read_text(), dask_page.SECTIONS) == []


def test_the_chart_draws_the_figures_of_the_tables(published: Mapping[str, str]) -> None:
    told = ET.parse(dask_page.CHART).getroot().findtext("{http://www.w3.org/2000/svg}desc") or ""
    lines = dict(line.split(": ") for line in told.split("; "))

    assert set(lines) == {"the windows", *dask_page.DRAWN.values()}
    for key, name in dask_page.DRAWN.items():
        (table,) = re.findall(rf"^\*\*{key}\*\*.*?(?=^\*\*)", published["dask"], re.MULTILINE | re.DOTALL)
        for point in lines[name].split(", "):
            addresses, figure = point.split()
            assert re.search(rf"^\| {addresses} address(es)? \|.* {figure} \|", table, re.MULTILINE), point


def test_what_was_measured_on_a_busy_machine_is_published_only_on_request(tmp_path: Path) -> None:
    results, page = tmp_path / "dask.json", tmp_path / "page.md"
    page.write_text("<!-- run: generated --><!-- run: end -->\n<!-- dask: generated --><!-- dask: end -->\n")
    table: dict[str, Any] = {
        "key": "dask-million",
        "title": "Title",
        "unit": "minutes",
        "columns": ["records a minute"],
        "rows": {"1 address": [4_990], "10 addresses": [49_000]},
    }
    run = {"date": "2026-11-28", "commit": "0", "machine": "m", "python": "p", "versions": {}, "seed": 7}
    found = {"run": run, "disturbed": ["a loop took 3.0 times its CPU time"], "tables": [table], "verdicts": []}
    results.write_text(json.dumps(found))

    with pytest.raises(SystemExit, match="busy"):
        dask_page.publish(results, page, tmp_path / "charts" / "chart.svg")
    dask_page.publish(results, page, tmp_path / "charts" / "chart.svg", busy=True)

    assert "a loop took 3.0 times" in page.read_text()
    assert "10^6 records: 1 4,990, 10 49,000" in (tmp_path / "charts" / "chart.svg").read_text()
