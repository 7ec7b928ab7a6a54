"""The tree of the package, as `docs/explanation/path.md` shows it: a line for each module, from its own docstring.

python tests/docs/docs_tree.py --write
"""

import ast
import functools
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "commercelayer_async"
SANDBOX = PACKAGE / "sandbox"
PAGE = ROOT / "docs" / "explanation" / "path.md"
FLOORS = {PACKAGE: "FLOORS", SANDBOX: "SANDBOX_FLOORS"}
"""The folders whose members stand in an order of their own, and the list of the architecture test that holds it."""

_BLOCK = re.compile(r"(?ms)^(?P<start><!-- tree of (?P<folder>\S+) -->\n\n```text\n).*?^```$")
_PUBLIC_NAMES = "The public names, each imported when it is first used."
_COLUMN = 27
_WIDTH = 120


@functools.cache
def listed(name: str) -> tuple[str, ...]:
    """A list of the architecture test, which is read and not imported: this runs without pytest too."""
    tree = ast.parse((ROOT / "tests" / "test_architecture.py").read_text())
    (values,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]
    )
    return tuple(ast.literal_eval(values))


def tree(folder: Path) -> str:
    """A folder and all that is in it, but for a folder that has a tree of its own."""
    return "\n".join([f"{folder.relative_to(ROOT)}/", *_lines(folder, 1)]) + "\n"


def with_trees(page: str) -> str:
    """A page whose trees are those of the files."""
    return _BLOCK.sub(lambda found: f"{found['start']}{tree(ROOT / found['folder'])}```", page)


def _lines(folder: Path, depth: int) -> Iterator[str]:
    for path in sorted(_members(folder), key=_position):
        yield from _line(path, depth)
        if path.is_dir() and path not in FLOORS:
            yield from _lines(path, depth + 1)


def _members(folder: Path) -> list[Path]:
    # The line of a folder is that of its `__init__`, which is a member only where it has a place in the order.
    folders = [path.parent for path in folder.glob("*/__init__.py")]
    return [*folders, *(path for path in folder.glob("*.py") if folder in FLOORS or path.name != "__init__.py")]


def _position(path: Path) -> tuple[int, str]:
    order = FLOORS.get(path.parent)
    return (listed(order).index(path.stem) if order else 0, path.name)


def _line(path: Path, depth: int) -> list[str]:
    relative = path.relative_to(PACKAGE).as_posix()
    mark = "pure" if {relative, relative.removesuffix(".py")} & {*listed("PURE")} else ""
    name = "  " * depth + path.name + "/" * path.is_dir()
    start = f"{name:{_COLUMN}} {mark:6}"
    return textwrap.wrap(
        _first_line(path),
        width=_WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _first_line(path: Path) -> str:
    if path.name == "__init__.py":
        return _PUBLIC_NAMES
    module = path / "__init__.py" if path.is_dir() else path
    docstring = ast.get_docstring(ast.parse(module.read_text())) or ""
    return docstring.partition("\n\n")[0].replace("`", "")


def main(arguments: list[str]) -> int:
    """Write the trees into the page, or print that of the package."""
    if arguments == ["--write"]:
        PAGE.write_text(with_trees(PAGE.read_text()))
    else:
        sys.stdout.write(tree(PACKAGE))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
