"""The architecture: which module may import which, and where nothing awaits."""

import ast
from pathlib import Path

import pytest

import commercelayer_async

ROOT = Path(commercelayer_async.__file__).parent

# From the bottom up: a module imports only what stands before it, or beside it in the same line.
LAYERS = [
    {"_version", "_text"},
    {"errors"},
    {"jsonapi"},
    {"resources"},
    {"_clock", "_wire"},
    {"_origin", "_deadline", "_shared", "_transport", "_retry", "_rates", "_hooks", "_places", "_filters", "_paging"},
    {"_tokens", "_answers", "_limiter"},
    {"_auth", "_options"},
    {"_sender"},
    {"_core", "_chunks"},
    {"_reader", "_bulk", "_batch", "presets", "otel"},
    {"_many", "_collection"},
    {"_session"},
    {"_export"},
    {"__init__"},
    {"cli"},
    {"__main__"},
]
ALONE = {"sandbox"}
"""What shares no code with anything."""
SANS_IO = [
    *("jsonapi", "resources", "errors", "_text", "_tokens", "_answers", "_origin", "_retry", "_rates", "_hooks"),
    *("_filters", "_paging"),
]

MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def unit(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The units of this package that a module imports, for the type checkers alone or not."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                package = ["commercelayer_async", *path.parts[:-1]]
                base = package[: len(package) - node.level + 1]
                module = ".".join([*base, *module.split(".")]).rstrip(".")
            names = [module] if module != "commercelayer_async" else [f"{module}.{alias.name}" for alias in node.names]
            found |= {name.split(".")[1] for name in names if name.startswith("commercelayer_async.")}
    return found - {unit(path)}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_down(path: Path) -> None:
    """`errors` names `jsonapi` for the type checkers alone; the command line runs the sandbox."""
    height = {name: n for n, layer in enumerate(LAYERS) for name in layer}
    for imported in imports(path):
        if unit(path) in ALONE:
            assert imported == "_version", f"{path} imports {imported}"
        elif (unit(path), imported) not in {("errors", "jsonapi"), ("cli", "sandbox")} and imported in height:
            assert height[imported] <= height[unit(path)], f"{path} imports {imported}, which stands above it"


def test_every_module_has_its_place() -> None:
    known = {name for layer in LAYERS for name in layer} | ALONE
    assert {unit(path) for path in MODULES} == known


@pytest.mark.parametrize("path", [path for path in MODULES if unit(path) in SANS_IO], ids=str)
def test_nothing_awaits_below_the_engine(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text())
    awaiting = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert not [node for node in ast.walk(tree) if isinstance(node, awaiting)]
