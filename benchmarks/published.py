"""Check a page of benchmarks: that each verdict on it follows from a table on it, and that no section is empty."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from .results import Cell, Judged, Table, Verdict, figure_of, judged

VERDICTS: Final = ("table", "row", "beside", "figure", "measured", "wanted", "verdict")
"""The columns of a table of verdicts."""
ITSELF: Final = "-"
"""Stands for the row beside, where a figure itself is judged."""
SECTIONS: Final = ("run", "retrieve", "decode", "bulk")

_SECTION: Final = re.compile(r"<!-- (\w+): generated -->(.*?)<!-- (\w+): end -->", re.DOTALL)
_TABLE: Final = re.compile(r"^\*\*([\w-]+)\*\*[^\n]*\n(?:\n!\[[^\n]*\n)*\n((?:\|[^\n]*\n?)+)", re.MULTILINE)


def problems(page: str, wanted: Sequence[str] = SECTIONS) -> list[str]:
    """What is wrong with a page of these sections, of which the first tells the run; empty if nothing is."""
    sections = {begin: text for begin, text, end in _SECTION.findall(page) if begin == end}
    found = [f"the section {name} is missing or empty" for name in wanted if not sections.get(name, "").strip()]
    tables: dict[str, Table] = {}
    verdicts: list[Sequence[str]] = []
    for name in wanted[1:]:
        heads = _TABLE.findall(f"{sections.get(name, '')}\n")
        if not heads and sections.get(name, "").strip():
            found.append(f"the section {name} has no table")
        for key, rows in heads:
            cells = [_cells(line) for line in rows.splitlines()]
            if tuple(cells[0]) == VERDICTS:
                verdicts += cells[2:]
                continue
            if key in tables:
                found.append(f"there are two tables {key}")
            tables[key] = _read(key, cells)
    if page.count("| <= ") > len(verdicts):
        found.append("a verdict stands outside of the tables of verdicts")
    return [*found, *_wrong(verdicts, tables)]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("&#124;", "|") for cell in line.strip().strip("|").split("|")]


def _read(key: str, cells: Sequence[Sequence[str]]) -> Table:
    rows: dict[str, Sequence[Cell]] = {row[0]: [figure_of(cell) for cell in row[1:]] for row in cells[2:]}
    return Table(key, "", "", cells[0][1:], rows)


def _wrong(verdicts: Sequence[Sequence[str]], tables: Mapping[str, Table]) -> Iterator[str]:
    """What does not follow from the tables."""
    seen: set[tuple[str, ...]] = set()
    for line in verdicts:
        shown = " | ".join(line)
        key, row, beside, column, measured, wanted, outcome = line
        if (goal := (key, row, beside, column)) in seen:
            yield f"twice: {shown}"
        seen.add(goal)
        bound = figure_of(wanted.removeprefix("<= "))
        if key not in tables or isinstance(bound, str):
            yield f"without a table or a bound: {shown}"
            continue
        try:
            verdict = Verdict(key, row, column, bound, None if beside == ITSELF else beside)
            follows = judged(tables[key], verdict)
        except LookupError as error:
            yield f"{error.args[0]}: {shown}"
            continue
        if follows != Judged(measured, outcome.strip("*")):
            yield f"{shown}: from the table follows {follows.measured}, {follows.outcome}"
