"""The architecture: which room may import which, and where nothing awaits or loads aiohttp."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Container
from pathlib import Path

import pytest

import commercelayer_async

ROOT = Path(commercelayer_async.__file__).parent

FLOORS = [
    "_version",
    "_markers",
    "sandbox",
    "_plain",
    "_text",
    "jsonapi",
    "errors",
    "_checks",
    "resources",
    "_rate_dialects",
    "service",
    "_tasks",
    "_clock",
    "_retry",
    "_http",
    "_limits",
    "_hooks",
    "_shared",
    "_auth",
    "_calls",
    "_reading",
    "_bulk",
    "_lists",
    "shared",
    "redis",
    "_options",
    "_session_parts",
    "_session",
    "_access",
    "__init__",
    "presets",
    "otel",
    "_export",
    "_dask",
    "dask",
    "cli",
    "__main__",
]
"""The rooms of the house, from the ground up: one imports only what stands before it. No exceptions."""

SANDBOX_FLOORS = [
    "refusals",
    "viewer",
    "world",
    "http",
    "oauth",
    "limits",
    "faults",
    "api",
    "application",
    "background",
    "server",
    "command",
    "__init__",
    "pytest_plugin",
    "__main__",
]
"""The rooms of the sandbox, which imports nothing of the client."""

PURE = [
    "_plain",
    "_text",
    "_markers",
    "jsonapi",
    "errors",
    "_checks",
    "resources",
    "_rate_dialects",
    "service",
    "_retry",
    "_hooks",
    "_http/message.py",
    "_http/origin.py",
    "_http/status.py",
    "_limits/demand.py",
    "_limits/moments.py",
    "_limits/windows.py",
    "_limits/quota.py",
    "_limits/budget.py",
    "_shared/state.py",
    "_shared/room.py",
    "_shared/line.py",
    "_shared/terms.py",
    "_shared/step.py",
    "_shared/own.py",
    "_auth/credentials.py",
    "_auth/kept_tokens.py",
    "_auth/principal.py",
    "_calls/attempts.py",
    "_calls/memory.py",
    "_reading/chunks.py",
    "_reading/parameters.py",
    "_reading/top_level.py",
    "_bulk/outcomes.py",
    "_lists/filters.py",
    "_lists/list_query.py",
    "_lists/moments.py",
    "_lists/pages.py",
    "_lists/seen_ids.py",
    "_lists/paginators.py",
]
"""What awaits nothing and loads no aiohttp."""

MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def room(path: Path, base: str = "") -> str:
    """The room that a module belongs to: its folder, or itself where it stands in none."""
    return path.relative_to(base).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The modules of this package that a module imports, whether at once, later, or for type checkers alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom):
            base = ["commercelayer_async", *path.parts[:-1]][: len(path.parts) - node.level + 1] if node.level else []
            module = [*base, *(node.module or "").split(".")] if node.module else base
            found |= {".".join([*module, alias.name]) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name.removeprefix("commercelayer_async.") for name in found if name.startswith("commercelayer_async.")}


def rooms_imported(path: Path) -> set[str]:
    """The rooms that a module imports from; a name of the package itself is of its `__init__`."""
    return {name.split(".")[0] if name.split(".")[0] in FLOORS else "__init__" for name in imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_room_imports_only_what_stands_before_it(path: Path) -> None:
    own = room(path)
    if own == "__init__":
        # The map of the house: it names everything, and loads it when it is asked for.
        own = "_export"
    allowed = FLOORS[: FLOORS.index(own) + 1]

    assert not {name for name in rooms_imported(path) if name not in allowed}


EDGES = FLOORS[FLOORS.index("__init__") :]


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) in EDGES], ids=str)
def test_only_one_module_above_the_session_looks_inside_one(path: Path) -> None:
    """`_access` does, for those edges that need more than the public names."""
    tree = ast.parse((ROOT / path).read_text())
    inside = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert not inside & {"_context", "_parts", "_options"}


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) == "sandbox"], ids=str)
def test_a_room_of_the_sandbox_imports_only_what_stands_before_it(path: Path) -> None:
    own = room(path, "sandbox")
    allowed = SANDBOX_FLOORS[: SANDBOX_FLOORS.index(own if own != "__init__" else "server") + 1]
    imported = {name.removeprefix("sandbox.").split(".")[0] for name in imports(path) if name.startswith("sandbox.")}

    assert not {name for name in imported if name not in allowed and name in SANDBOX_FLOORS}


def test_the_modules_of_the_json_api_layer_import_one_another_without_a_circle() -> None:
    """Imports for type checkers alone count too: a circle of names is a circle for whoever reads."""
    by_name = {dotted(str(path)).removesuffix(".__init__"): path for path in MODULES if room(path) == "jsonapi"}
    graph = {
        name: {known for found in imports(path) if (known := nearest(f"commercelayer_async.{found}", by_name))}
        for name, path in by_name.items()
    }

    order = tuple(graphlib.TopologicalSorter(graph).static_order())

    assert set(order) == set(by_name)
    assert len(graph["commercelayer_async.jsonapi"]) > 5


def nearest(name: str, modules: Container[str]) -> str | None:
    """The module that an imported name is, or that it is in."""
    return next((known for known in (name, name.rpartition(".")[0]) if known in modules), None)


def test_every_module_has_its_room() -> None:
    assert {room(path) for path in MODULES} == set(FLOORS)
    assert {room(path, "sandbox") for path in MODULES if room(path) == "sandbox"} == set(SANDBOX_FLOORS)


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) in PURE or str(path) in PURE], ids=str)
def test_nothing_awaits_in_a_pure_module(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text())

    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)]


def dotted(name: str) -> str:
    return f"commercelayer_async.{name.removesuffix('.py').replace('/', '.')}"


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_loads_no_aiohttp(name: str) -> None:
    program = f"import {dotted(name)}, sys; sys.exit('aiohttp' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_json_api_layer_needs_neither_loop_nor_yarl_nor_cattrs() -> None:
    program = (
        "import commercelayer_async.jsonapi, sys; sys.exit(bool({'asyncio', 'cattrs', 'yarl'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
