"""What the benchmarks stand on: the API's limits in simulated time, and charts that say what was found."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from benchmarks import documents, plots
from benchmarks.bulk_api import LimitedApi
from benchmarks.bulk_documents import page_target
from benchmarks.bulk_limits import WAYS, measured
from benchmarks.results import Table
from tests.support import virtual_loop

TABLE = Table(
    key="k",
    title="Time & money",
    unit="x the <floor>",
    columns=("CPU", "rounds"),
    rows={"floor": (1.0, 9), "half": (0.5, 9), "twice": (2.0, 3), "gone": ("absent", 0)},
    ours=("half",),
    drawn=("CPU",),
)
(CHART,) = plots.charts(TABLE)


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

    assert text == plots.svg(next(plots.charts(Table(**json.loads(json.dumps(TABLE._asdict()))))))
    assert "half 0.500; twice 2.00" in (ET.fromstring(text).findtext("{http://www.w3.org/2000/svg}desc") or "")
    assert "url(" not in text


def test_documents_that_are_not_pure_ascii_differ_in_their_texts_alone() -> None:
    bodies = documents.named()
    for plain, other in (("single", "single-utf8"), ("page25-50", "page25-50-utf8")):
        assert bodies[plain].isascii()
        assert "€".encode() in bodies[other]
        assert "ä".encode() in bodies[other]
        shapes = [re.sub(rb'"[^"]*"', b"", bodies[name]) for name in (plain, other)]
        assert shapes[0] == shapes[1]
