"""Every Python block of the documentation runs against the sandbox and prints what the page says, or says why not."""

import ast
import re
from pathlib import Path

import pytest

from commercelayer_async.cli.app import app
from commercelayer_async.sandbox import Sandbox
from tests.support.docs_blocks import DOCS, PAGES, SNIPPET, blocks_of, fits, run

ROOT = DOCS.parent
# None is that of a file that is shown, which tools that format Python blocks must leave alone.
LANGUAGES = {"", "python", "text", "sh", "js", "json", "toml", "html", "yaml"}
ALL = [block for page in PAGES for block in blocks_of(page)]
PYTHON = [block for block in ALL if block.language == "python"]
RUNNING = sorted({block.page for block in PYTHON if block.reason is None})


@pytest.mark.parametrize("page", RUNNING)
async def test_a_pages_blocks_run_in_order_and_print_what_is_shown(page: str, environment: Sandbox) -> None:
    blocks = [one for one in PYTHON if one.page == page and one.reason is None]

    for block, printed in await run(blocks, environment):
        if block.output is not None:
            assert fits(block.output, printed), f"{block.place} prints:\n{printed}"


def test_a_block_that_does_not_run_is_python_and_says_why() -> None:
    for block in PYTHON:
        if block.reason is not None:
            assert len(block.reason) > 10, block.place
            compile(block.code, block.place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_there_are_blocks_to_run() -> None:
    assert len(RUNNING) >= 10
    assert len([block for block in PYTHON if block.reason is None]) > 3 * len([b for b in PYTHON if b.reason])


def test_blocks_are_of_known_languages_and_stand_at_the_margin() -> None:
    """One that is indented would run nowhere."""
    assert [block.place for block in ALL if block.language not in LANGUAGES] == []
    assert [block.place for block in ALL if not block.language and not SNIPPET.search(block.code)] == []
    assert [block.place for block in PYTHON if block.indented] == []


def test_the_files_that_pages_show_are_tested() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_recipes_*.py"))
    paths = [path for block in ALL for path in SNIPPET.findall(block.code)]
    shown = {Path(path).name for path in paths if not path.startswith("tests/")}

    assert shown
    assert [name for name in sorted(shown) if Path(name).stem not in tests and name != "greetings.py"] == []


def shell_lines() -> list[tuple[str, str]]:
    return [(block.place, line) for block in ALL if block.language == "sh" for line in block.code.splitlines()]


def test_the_make_targets_of_shell_blocks_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = [(place, target) for place, line in shell_lines() for target in re.findall(r"^make ([a-z-]+)", line)]

    assert named
    assert [each for each in named if not re.search(rf"^{each[1]}:", makefile, re.MULTILINE)] == []


def test_the_commands_of_shell_blocks_exist() -> None:
    named = [
        (place, command)
        for place, line in shell_lines()
        for command in re.findall(r"(?:^|/|\| )commercelayer-async ([a-z]+)", line)
    ]

    assert named
    assert [each for each in named if each[1] not in app.commands] == []
