"""The catalogue: one test that walks the whole table."""

import ast
from pathlib import Path

import pytest

from tests.faults.catalogue import NUMBERS, ROWS, ids, numbers, printed
from tests.faults.row import Row
from tests.faults.runner import quicken, run

HERE = Path(__file__).parent
PLAYED = [(row, name) for row, name in zip(ROWS, ids(), strict=True) if not row.shown]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=name, marks=[pytest.mark.xfail(strict=True, reason=row.fails)] if row.fails else [])
        for row, name in PLAYED
    ],
)
async def test_row(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch, read=row.read, connect=row.connect)
    await run(row)


def test_the_catalogue_is_whole() -> None:
    assert numbers() == {letter: set(wanted) for letter, wanted in NUMBERS.items()}


def test_the_drills_that_the_catalogue_names_are_there() -> None:
    names = {
        node.name
        for path in HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {row.shown for row in ROWS if row.shown} - names == set()


def test_the_documentation_is_what_the_table_prints() -> None:
    assert (HERE.parents[1] / "docs" / "faults.md").read_text() == printed()
