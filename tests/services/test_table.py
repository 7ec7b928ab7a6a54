"""The documentation says of each service what the tests say."""

import re

import pytest

from tests.services.calls import CALLS
from tests.services.table import PAGE, table, with_table
from tests.services.written_services import WRITTEN

VALUES = PAGE.parents[2] / "tests/services/values.py"


def test_the_table_is_that_of_the_tests() -> None:
    """`python -m tests.services.table --write` writes it."""
    text = PAGE.read_text()

    assert table() in text
    assert with_table(text) == text


def test_a_row_for_each_service_and_a_column_for_each_call() -> None:
    head, _, *rows = table().splitlines()

    assert head.count("|") == len(CALLS) + 2
    assert len(rows) == 10
    cells = [cell.strip() for row in rows for cell in row.split("|")[2:-1]]
    assert [cell for cell in cells if not re.fullmatch("yes|of what is not cut|cannot: .+", cell)] == []


@pytest.mark.parametrize("section", re.findall(r"\[start:([\w-]+)\]", VALUES.read_text()))
def test_each_value_is_at_most_ten_lines_and_on_the_page(section: str) -> None:
    text = VALUES.read_text().partition(f"[start:{section}]\n")[2].partition("# --8<-- [end")[0]

    assert len(text.splitlines()) <= 10
    assert f'--8<-- "tests/services/values.py:{section}"' in PAGE.read_text()


def test_the_six_are_there() -> None:
    assert [written.world.name for written in WRITTEN] == [
        "Klaviyo",
        "App Store Connect",
        "HCP Terraform",
        "Drupal",
        "Planning Center",
        "Kitsu",
    ]
