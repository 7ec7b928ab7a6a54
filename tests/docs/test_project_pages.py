"""The pages about the project say something in each of their cells."""

import re

import pytest

from tests.docs.docs_tree import ROOT

PAGES = ["index.md", "explanation/glossary.md", "project/comparison.md", "project/support.md"]
RULE = re.compile(r"\|( ?-+ ?\|)+")
"""The line between the heading of a table and its rows."""
BLANK = set("-–—? ")  # noqa: RUF001 - the dashes themselves


def rows_of(page: str) -> list[list[str]]:
    """The rows of a page's tables, without their headings, whose corner may be empty."""
    lines = [line for line in (ROOT / "docs" / page).read_text().splitlines() if line.startswith("|")]
    headings = {number - 1 for number, line in enumerate(lines) if RULE.fullmatch(line)}
    rows = [line for number, line in enumerate(lines) if number not in headings and not RULE.fullmatch(line)]
    return [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]


@pytest.mark.parametrize("page", PAGES)
def test_no_cell_of_a_table_is_left_blank(page: str) -> None:
    """A dash is blank too."""
    rows = rows_of(page)

    assert rows
    assert [row for row in rows if any(set(cell) <= BLANK for cell in row)] == []
