"""docs/benchmarks.md says nothing that does not follow from its own tables."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import plots
from benchmarks.published import problems
from benchmarks.results import Judged, Results, Table, Verdict, figure_of, judged, rounded, shown

PAGE = """
before
<!-- run: generated --><!-- run: end -->
<!-- retrieve: generated --><!-- retrieve: end -->
<!-- decode: generated --><!-- decode: end -->
<!-- bulk: generated --><!-- bulk: end -->
after
"""
RUN = {
    "date": "2026-11-28",
    "commit": "0123456789",
    "machine": "2 x processor",
    "python": "CPython 3.11.7",
    "versions": {"aiohttp": "3.14.5"},
    "seed": 7,
    "rounds": 9,
}
TABLE = Table(
    key="t",
    title="Title",
    unit="x floor",
    columns=("CPU", "requests"),
    rows={"floor": (1.0, 400), "ours | us": (0.7554, 401), "slow": (152.4, 0), "gone": ("absent", "absent")},
    ours=("ours | us",),
    drawn=("CPU",),
)


def _written(folder: Path, *, seed: int = 7, busy: bool = False) -> list[str]:
    """The results of three benchmarks."""
    for name in ("retrieve", "decode", "bulk"):
        results = Results(name, {**RUN, "seed": seed if name == "bulk" else 7})
        results.table(TABLE._replace(key=f"{name}-t"))
        results.verdicts(
            [
                Verdict(f"{name}-t", "ours | us", "CPU", 0.755, "floor"),
                Verdict(f"{name}-t", "ours | us", "CPU", 1 / 250, "slow"),
                Verdict(f"{name}-t", "ours | us", "requests", 400),
                Verdict(f"{name}-t", "ours | us", "CPU", 1.0, "gone"),
            ]
        )
        if busy:
            results.disturbed("the floor took twice its CPU time")
        results.write(folder / f"{name}.json")
    return [str(folder / f"{name}.json") for name in ("retrieve", "decode", "bulk")]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page that was written from results."""
    path = tmp_path / "docs.md"
    path.write_text(PAGE)
    plots.main(_written(tmp_path), path)
    return path


def test_every_verdict_of_the_documentation_follows_from_its_tables() -> None:
    assert problems(plots.PAGE.read_text()) == []
    shared = plots.PAGE.parent / "explanation/shared-budget.md"
    assert problems(shared.read_text(), ("run", "shared")) == []


def test_every_chart_of_the_documentation_draws_the_figures_of_its_table() -> None:
    folder = plots.PAGE.parent
    drawn: set[Path] = set()
    for block in re.split(r"^(?=\*\*)", plots.PAGE.read_text(), flags=re.MULTILINE):
        rows = [line for line in block.splitlines() if line.startswith("| ")]
        for path in re.findall(r"^!\[.*\]\((.*\.svg)\)$", block, re.MULTILINE):
            told = ET.parse(folder / path).getroot().findtext("{http://www.w3.org/2000/svg}desc") or ""
            for bar in told.partition(": ")[2].split("; "):
                name, _, figure = bar.rpartition(" ")
                assert any(row.startswith(f"| {name} |") and f"| {figure} |" in row for row in rows), (path, bar)
            drawn.add(folder / path)

    assert drawn
    assert drawn == set((folder / plots.FOLDER).glob("*.svg"))


def test_results_become_tables_charts_and_verdicts_between_the_marks_of_a_page(page: Path, tmp_path: Path) -> None:
    text = page.read_text()

    assert text.startswith("\nbefore\n")
    assert text.endswith("\nafter\n")
    assert "| ours &#124; us | 0.755 | 401 |" in text
    assert "| retrieve-t | ours &#124; us | floor | CPU | 0.755 | <= 0.755 | met |" in text
    assert "| retrieve-t | ours &#124; us | slow | CPU | 1/201 | <= 1/250 | **missed** |" in text
    assert "| retrieve-t | ours &#124; us | - | requests | 401 | <= 400 | **missed** |" in text
    assert "| retrieve-t | ours &#124; us | gone | CPU | absent | <= 1.00 | not judged |" in text
    assert "commit `0123456789`: 2 x processor, CPython 3.11.7; aiohttp 3.14.5." in text
    assert "](benchmarks/retrieve-t-cpu.svg)" in text
    assert (tmp_path / "benchmarks/retrieve-t-cpu.svg").exists()
    plots.main(_written(tmp_path), page)
    assert page.read_text() == text


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("| ours &#124; us | 0.755 | 401 |", "| ours &#124; us | 0.655 | 401 |", "follows 0.655, met"),
        ("| slow | 152 | 0 |", "| slow | 211 | 0 |", "follows 1/279, met"),
        ("CPU | 1/201 | <= 1/250 | **missed**", "CPU | 1/278 | <= 1/250 | met", "follows 1/201, missed"),
        ("1/201 | <= 1/250 | **missed**", "1/201 | <= 1/250 | met", "follows 1/201, missed"),
        ("requests | 401 | <= 400 | **missed**", "requests | 400 | <= 400 | met", "follows 401, missed"),
        ("| retrieve-t | ours", "| other-t | ours", "without a table"),
        (
            "| retrieve-t | ours &#124; us | floor",
            "| retrieve-t | ours &#124; us | flour",
            "no figure 'CPU' of 'flour'",
        ),
        ("| - | requests | 401 |", "| - | wall | 401 |", "no figure 'wall'"),
        ("<= 0.755 | met |", "little | met |", "without a table or a bound"),
        (
            "| slow | CPU | 1/201 | <= 1/250 | **missed** |",
            "| floor | CPU | 0.755 | <= 0.950 | met |",
            "twice: retrieve-t | ours | us | floor",
        ),
        ("**decode-t**", "**retrieve-t**", "there are two tables retrieve-t"),
        ("after", "| other | 0.5 | <= 0.6 | met |", "outside of the tables"),
    ],
)
def test_what_does_not_follow_is_found(page: Path, old: str, new: str, problem: str) -> None:
    text = page.read_text()
    assert problems(text) == []
    changed = text.replace(old, new, 1)
    assert changed != text

    assert any(problem in one for one in problems(changed)), problems(changed)


@pytest.mark.parametrize("name", ["run", "retrieve", "decode", "bulk"])
def test_an_empty_section_and_a_missing_one_are_found(page: Path, name: str) -> None:
    empty = plots.placed(page.read_text(), name, "")

    assert f"the section {name} is missing or empty" in problems(empty)
    assert f"the section {name} is missing or empty" in problems(empty.replace(f"<!-- {name}:", "<!-- other:"))


def test_a_section_without_a_table_is_found(page: Path) -> None:
    assert "the section decode has no table" in problems(plots.placed(page.read_text(), "decode", "Soon."))


def test_what_was_measured_on_a_busy_machine_is_published_only_on_request_and_says_so(tmp_path: Path) -> None:
    page = tmp_path / "docs.md"
    page.write_text(PAGE)
    written = _written(tmp_path, busy=True)

    with pytest.raises(SystemExit, match="busy"):
        plots.main(written, page)
    assert page.read_text() == PAGE

    plots.main([*written, "--busy"], page)
    assert "Other programs were at work on the machine" in page.read_text()


def test_results_of_several_runs_are_not_mixed(tmp_path: Path) -> None:
    page = tmp_path / "docs.md"
    page.write_text(PAGE)

    with pytest.raises(SystemExit, match="not of one run"):
        plots.main(_written(tmp_path, seed=8), page)
    assert page.read_text() == PAGE


def test_a_verdict_needs_a_row_and_no_row_stands_twice() -> None:
    results = Results("bulk", RUN)
    results.table(TABLE)
    verdict = Verdict("t", "ours | us", "CPU", 1.0, "floor")
    results.verdict(verdict)

    with pytest.raises(ValueError, match="twice"):
        results.verdict(verdict)
    with pytest.raises(ValueError, match="two tables"):
        results.table(TABLE)
    with pytest.raises(LookupError, match="no table"):
        results.verdict(verdict._replace(table="other"))
    with pytest.raises(LookupError, match="no figure"):
        results.verdict(verdict._replace(row="other"))


@pytest.mark.parametrize(
    ("figure", "bound", "found"),
    [
        # What is printed decides: a reader sees 0.950 against 0.950.
        (0.9504, 0.95, Judged("0.950", "met")),
        (0.9506, 0.95, Judged("0.951", "missed")),
        (400, 400, Judged("400", "met")),
        (401, 400, Judged("401", "missed")),
        (2_080.4, 2_080, Judged("2,080", "met")),
        (2_081, 2_080, Judged("2,081", "missed")),
        (0.0, 0, Judged("0", "met")),
        (-0.3, 1.0, Judged("-0.300", "met")),
        ("cannot", 1.0, Judged("cannot", "not judged")),
    ],
)
def test_a_verdict_is_about_the_printed_digits(figure: float | str, bound: float, found: Judged) -> None:
    table = Table("t", "", "", ("CPU",), {"ours": (figure,)})

    assert judged(table, Verdict("t", "ours", "CPU", bound)) == found


def test_figures_are_shown_with_no_more_digits_than_they_have() -> None:
    figures = (0.004, 0.0196, 0.02, 0.0832, 0.5, 0.99961, 1.234, 12.34, 99.96, 1234.5, 7, 30_000, "cannot", -0.0)

    assert [shown(figure) for figure in figures] == [
        *("1/250", "1/51", "0.0200", "0.0832", "0.500", "1.00", "1.23", "12.3", "100", "1,234"),
        *("7", "30,000", "cannot", "0"),
    ]


@given(st.one_of(st.floats(-1e6, 1e6), st.integers(-(10**6), 10**6), st.sampled_from(("absent", "cannot"))))
def test_a_printed_figure_reads_as_the_figure_that_is_kept(figure: float | str) -> None:
    assert shown(rounded(figure)) == shown(figure)
    assert shown(figure_of(shown(figure))) == shown(figure)
    assert json.loads(json.dumps(rounded(figure))) == rounded(figure)
