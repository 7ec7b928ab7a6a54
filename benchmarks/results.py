"""What a benchmark found: tables, and verdicts that follow from them; as JSON for `benchmarks.plots`.

A figure has the digits that are printed, and no more: tables are rounded when they are made, and a verdict is computed
from the rounded figures of its table by `judged`. So whoever reads a published table can check each verdict with it,
and `benchmarks.published` does.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from .measuring import print_table

Cell = float | int | str
"""A figure; or a text in place of one: a contender that is absent, or cannot do it."""
MET: Final = "met"
MISSED: Final = "missed"


class Table(NamedTuple):
    """A table of figures, and which of its columns are drawn."""

    key: str
    """Names the table, and begins the names of its charts' files."""
    title: str
    unit: str
    """What the figures are: for ratios, what 1 is."""
    columns: Sequence[str]
    rows: Mapping[str, Sequence[Cell]]
    ours: Collection[str] = ()
    """The rows of this package."""
    drawn: Sequence[str] = ()
    """The columns that become charts, which have to be ratios."""

    def cell(self, row: str, column: str) -> Cell:
        """Return a figure.

        Raises:
            LookupError: the table has no such row or column.
        """
        if row not in self.rows or column not in self.columns:
            raise LookupError(f"the table {self.key} has no figure {column!r} of {row!r}")
        return self.rows[row][self.columns.index(column)]


class Verdict(NamedTuple):
    """A goal: that a figure of a table is not above a bound."""

    table: str
    row: str
    column: str
    bound: float
    beside: str | None = None
    """The row by whose figure that of `row` is divided; None for the figure itself."""


class Judged(NamedTuple):
    """What a table says of a verdict, as it is printed."""

    measured: str
    outcome: str


def shown(figure: Cell) -> str:
    """A figure as it is printed: three digits, whole numbers as they are, shares below 1/50 as fractions."""
    if isinstance(figure, str | int):
        return figure if isinstance(figure, str) else f"{figure:,}"
    if -5e-5 < figure < 1e-9:
        return "0"
    if figure > 0 and (under := round(1 / figure)) > 50:
        return f"1/{under:,}"
    three = float(f"{figure:.3g}") if abs(figure) < 100 else figure
    digits = sum(abs(three) < size for size in (100, 10, 1, 0.1))
    return f"{three:,.{digits}f}"


def figure_of(text: str) -> Cell:
    """Read a printed figure; give a text that is none as it is."""
    over, slash, under = text.replace(",", "").partition("/")
    try:
        if slash:
            return int(over) / int(under)
        return float(over) if "." in over else int(over)
    except ValueError:
        return text


def rounded(figure: Cell) -> Cell:
    """A figure with the digits that are printed."""
    return figure if isinstance(figure, str | int) else figure_of(shown(figure))


def judged(table: Table, verdict: Verdict) -> Judged:
    """Compare a figure of a table with its bound, digit for digit as both are printed.

    Raises:
        LookupError: the table has no such row or column.
    """
    over = rounded(table.cell(verdict.row, verdict.column))
    under = 1 if verdict.beside is None else rounded(table.cell(verdict.beside, verdict.column))
    if isinstance(over, str) or isinstance(under, str):
        return Judged(over if isinstance(over, str) else str(under), "not judged")
    measured = shown(over if verdict.beside is None else over / under)
    value = figure_of(measured)
    within = not isinstance(value, str) and value <= verdict.bound
    return Judged(measured, MET if within else MISSED)


class Results:
    """The tables and verdicts of one benchmark's run."""

    def __init__(self, benchmark: str, run: Mapping[str, Any]) -> None:
        """Nothing yet; `benchmark` is the section of the documentation, `run` what all benchmarks of a run share."""
        self._benchmark = benchmark
        self._run = run
        self._tables: dict[str, Table] = {}
        self._verdicts: dict[Verdict, None] = {}
        self._disturbances: list[str] = []

    def disturbed(self, how: str) -> None:
        """Note that others were at work on the machine: nothing of this run is fit to be published."""
        self._disturbances.append(how)

    def table(self, table: Table) -> None:
        """Add a table, with the digits that are printed, and print it.

        Raises:
            ValueError: there is one of that name.
        """
        if table.key in self._tables:
            raise ValueError(f"there are two tables {table.key}")
        rows = {name: [rounded(cell) for cell in cells] for name, cells in table.rows.items()}
        self._tables[table.key] = table._replace(rows=rows)
        print(f"\n{table.key}: {table.title}; {table.unit}")
        print_table(("", *table.columns), [(name, *map(shown, cells)) for name, cells in rows.items()])

    def verdict(self, verdict: Verdict) -> None:
        """Add a verdict on a table that was added before, and print it.

        Raises:
            LookupError: there is no such table, row or column.
            ValueError: there is that verdict already.
        """
        if verdict in self._verdicts:
            raise ValueError(f"twice: {verdict}")
        if verdict.table not in self._tables:
            raise LookupError(f"there is no table {verdict.table}")
        found = judged(self._tables[verdict.table], verdict)
        self._verdicts[verdict] = None
        beside = f" / {verdict.beside}" if verdict.beside is not None else ""
        what = f"{verdict.row}{beside}, {verdict.column}"
        print(f"goal of {verdict.table}: {what}: {found.measured} (<= {shown(verdict.bound)}: {found.outcome})")

    def verdicts(self, verdicts: Iterable[Verdict]) -> None:
        """Add several."""
        for verdict in verdicts:
            self.verdict(verdict)

    def write(self, path: Path | None) -> None:
        """Say whether the run was disturbed, and write the file, if one was asked for."""
        if self._disturbances:
            print(f"\nThe machine was busy: {'; '.join(self._disturbances)}. Measure again.")
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        found = {
            "benchmark": self._benchmark,
            "run": self._run,
            "disturbed": self._disturbances,
            "tables": [table._asdict() for table in self._tables.values()],
            "verdicts": [verdict._asdict() for verdict in self._verdicts],
        }
        path.write_text(json.dumps(found, indent=1, default=list) + "\n")
