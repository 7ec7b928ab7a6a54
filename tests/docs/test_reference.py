"""The reference holds every public name, and nothing that is not there."""

import importlib
import re
from typing import Any

import pytest

from tests.support.docs_blocks import DOCS

DIRECTIVE = re.compile(r"(?m)^::: (\S+)$")
NAMED = [name for page in sorted((DOCS / "reference").glob("*.md")) for name in DIRECTIVE.findall(page.read_text())]
MODULES = [
    "commercelayer_async",
    "commercelayer_async.dask",
    "commercelayer_async.jsonapi",
    "commercelayer_async.redis",
    "commercelayer_async.resources",
    "commercelayer_async.sandbox",
    "commercelayer_async.shared",
]


def at(path: str) -> Any:
    """What a dotted path leads to."""
    module, _, name = path.rpartition(".")
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_reference(module: str) -> None:
    """A name that two modules share is described once."""
    described = [at(name) for name in NAMED]
    public = importlib.import_module(module).__all__
    missing = [name for name in public if not any(at(f"{module}.{name}") is each for each in described)]

    assert [name for name in missing if name != "__version__"] == []


def test_the_public_classes_of_services_are_in_the_reference() -> None:
    """Beside these, the package has what its own rooms read a service by."""
    module = "commercelayer_async.service"
    names = importlib.import_module(module).__all__
    public = {f"{module}.{name}" for name in names if getattr(at(f"{module}.{name}"), "__module__", None) == module}

    assert public
    assert public <= set(NAMED)


def test_what_stands_beside_is_in_the_reference() -> None:
    assert {"commercelayer_async.presets", "commercelayer_async.otel.hooks"} <= set(NAMED)


def test_no_name_is_described_twice() -> None:
    assert len(NAMED) == len(set(NAMED))


def test_every_described_name_is_there_and_has_a_docstring() -> None:
    without = [name for name in NAMED if not getattr(at(name), "__doc__", None)]

    assert without == []
