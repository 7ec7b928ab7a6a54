"""Modules that pages and CONTRIBUTING name are there; each term of the glossary has one."""

import re
from pathlib import Path

import pytest

from tests.docs.docs_tree import PACKAGE, ROOT

DOCS = ROOT / "docs"
GLOSSARY = DOCS / "explanation" / "glossary.md"
ROWS = [line for line in GLOSSARY.read_text().splitlines() if re.match(r"\| (?!term \||---)", line)]
PAGES = [
    ROOT / "CONTRIBUTING.md",
    *sorted((DOCS / "explanation").glob("*.md")),
    *sorted((DOCS / "project").glob("*.md")),
]
NAMED = re.compile(r"`((?:\w+/)*\w+(?:\.py|/))`")
"""A module or a folder, as prose names it."""


def is_there(name: str) -> bool:
    return any((base / name).exists() for base in (PACKAGE, ROOT, ROOT / "tests"))


def test_each_term_has_its_meaning_and_a_module() -> None:
    assert len(ROWS) > 30
    assert [row for row in ROWS if not re.fullmatch(r"\| [^|]+ \| [A-Z`][^|]+[.…] \| `[\w/]+\.py` \|", row)] == []


def test_no_term_stands_twice() -> None:
    terms = [row.split("|")[1].strip() for row in ROWS]

    assert len(terms) == len(set(terms))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_a_terms_module_is_there(row: str) -> None:
    (module,) = re.findall(r"`([\w/]+\.py)` \|$", row)

    assert (PACKAGE / module).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_prose_names_is_there(page: Path) -> None:
    assert [name for name in NAMED.findall(page.read_text()) if not is_there(name)] == []
