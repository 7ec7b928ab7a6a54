"""The page about the path of a call shows the package as it is: every module, in the order of the floors."""

import re
from pathlib import Path

import pytest

from tests import test_architecture
from tests.docs.docs_tree import PACKAGE, PAGE, SANDBOX, listed, with_trees

TEXT = PAGE.read_text()
TREES = dict(re.findall(r"(?ms)^<!-- tree of (\S+) -->\n\n```text\n(.*?)^```$", TEXT))
ENTRY = re.compile(r"(?m)^(?P<indent>(?:  )+)(?P<name>\w+(?:\.py|/))(?= )")


def paths_of(tree: str) -> list[str]:
    """The modules and folders of a tree, relative to its root, in the order in which they stand."""
    folders: list[str] = []
    paths = []
    for entry in ENTRY.finditer(tree):
        depth = len(entry["indent"]) // 2 - 1
        folders = [*folders[:depth], entry["name"].rstrip("/")]
        paths.append("/".join(folders))
    return paths


def top_of(tree: str) -> list[str]:
    return [path.removesuffix(".py") for path in paths_of(tree) if "/" not in path]


def on_disk(root: Path, *, without: Path | None = None) -> set[str]:
    """The modules and folders below a folder. The `__init__` of a folder is the folder's own line."""
    modules = [path for path in root.rglob("*.py") if without is None or without not in path.parents]
    folders = {path.parent for path in root.rglob("__init__.py") if path.parent != root}
    shown = [path for path in modules if path.name != "__init__.py" or path.parent == root]
    kept = [path for path in folders if without is None or without not in path.parents]
    return {path.relative_to(root).as_posix() for path in (*shown, *kept)}


def test_both_trees_are_there() -> None:
    assert list(TREES) == ["commercelayer_async", "commercelayer_async/sandbox"]


def test_the_trees_hold_every_file_and_no_other() -> None:
    package, sandbox = (paths_of(tree) for tree in TREES.values())

    assert sorted(package) == sorted(on_disk(PACKAGE, without=SANDBOX)), "run `make docs-tree`"
    assert sorted(sandbox) == sorted(on_disk(SANDBOX)), "run `make docs-tree`"


def test_the_rooms_stand_in_the_order_of_the_floors() -> None:
    """Nobody imports from below, on the page as in the code."""
    package, sandbox = TREES.values()

    assert top_of(package) == list(listed("FLOORS")), "run `make docs-tree`"
    assert top_of(sandbox) == list(listed("SANDBOX_FLOORS")), "run `make docs-tree`"


def test_what_is_pure_is_marked() -> None:
    tree = TREES["commercelayer_async"]
    marks = [tree[entry.end() :].split(maxsplit=1)[0] == "pure" for entry in ENTRY.finditer(tree)]
    marked = [path for path, mark in zip(paths_of(tree), marks, strict=True) if mark]

    assert {path.removesuffix(".py") for path in marked} == {name.removesuffix(".py") for name in listed("PURE")}


def test_the_lines_are_the_modules_own() -> None:
    assert with_trees(TEXT) == TEXT, "run `make docs-tree`"


@pytest.mark.parametrize("name", ["FLOORS", "SANDBOX_FLOORS", "PURE"])
def test_the_lists_are_those_of_the_architecture_test(name: str) -> None:
    assert list(listed(name)) == getattr(test_architecture, name)
