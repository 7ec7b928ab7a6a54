"""Rules that a line is excused from: each such line says why."""

import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_DIRECTIVE = re.compile(
    r"#\s*(?:(?:ruff: )?noqa(?:: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*)?"
    r"|type: ignore(?:\[[^\]]*\])?|pyright: ignore(?:\[[^\]]*\])?)"
)
FILES = sorted(
    path
    for folder in ("commercelayer_async", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if path.parent != ROOT / "tests" / "typing"
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
"""All but `tests/typing`, where a line that a type checker has to refuse is the test, and what benchmarks install."""


def unexplained(comment: str) -> bool:
    """True if a comment excuses its line from a rule, and holds no word beside that."""
    rest, directives = _DIRECTIVE.subn("", comment)
    return directives > 0 and re.search("[a-z]{2}", rest) is None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_line_that_is_excused_from_a_rule_says_why(path: Path) -> None:
    with tokenize.open(path) as file:
        comments = [token for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.COMMENT]

    assert not [f"{path}:{token.start[0]}" for token in comments if unexplained(token.string)]


@pytest.mark.parametrize(
    ("comment", "is_unexplained"),
    [
        ("# noqa: SLF001", True),
        ("# noqa: SLF001, PLC0415", True),
        ("# noqa", True),
        ("# noqa: SLF001  # pyright: ignore[reportPrivateUsage]", True),
        ("# type: ignore[arg-type]", True),
        ("# ruff: noqa: PLC0415", True),
        ("# noqa: SLF001 - a copy of this session", False),
        ("# type: ignore[arg-type] # wrong on purpose", False),
        ("# noqa: SLF001 - its own  # pyright: ignore[reportPrivateUsage]", False),
        ("# anything else", False),
    ],
)
def test_a_reason_is_known_from_a_directive(comment: str, *, is_unexplained: bool) -> None:
    assert unexplained(comment) == is_unexplained
