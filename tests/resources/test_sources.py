"""The source of the resource classes: documented, and linked to the right classes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from commercelayer_async import resources

MODULES = sorted(Path(resources.__file__).parent.rglob("*.py"))

# Everything not named here leads to a GenericResource: `| None` for one, bare for many.
TARGETS = {
    "customer": "Customer",
    "jwt_customer": "Customer | None",
    "payment_method": "PaymentMethod | None",
    "payment_source": "PaymentSource | None",
    "wallet": "CustomerPaymentSource | None",
    "customer_payment_sources": "CustomerPaymentSource",
    "event_stores": "EventStore",
}


def classes() -> Iterator[ast.ClassDef]:
    for module in MODULES:
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                yield node


each_class = pytest.mark.parametrize("node", [pytest.param(node, id=node.name) for node in classes()])


def members(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr | None, str | None]]:
    """Name, value and docstring of every field, relationship and constant of a class."""
    for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case _:
                continue
        match following:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield name, value, text
            case _:
                yield name, value, None


def is_enum(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "StrEnum" for base in node.bases)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_modules_have_docstrings(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


@each_class
def test_classes_open_with_a_line_that_says_what_they_are(node: ast.ClassDef) -> None:
    docstring = ast.get_docstring(node)

    assert docstring is not None
    assert docstring.splitlines()[0].endswith((".", ":"))


@each_class
def test_every_field_and_relationship_is_documented(node: ast.ClassDef) -> None:
    """A class's `type` and the values of an enumeration speak for themselves."""
    silent = [name for name, _, text in members(node) if not text and name != "type"]

    assert is_enum(node) or silent == []


@each_class
def test_relationships_lead_to_the_classes_of_the_schema(node: ast.ClassDef) -> None:
    found: dict[str, str] = {}
    expected: dict[str, str] = {}
    for name, value, _ in members(node):
        match value:
            case ast.Call(func=ast.Subscript(value=ast.Name(id=kind), slice=ast.Constant(value=str(target)))):
                found[name] = target
                generic = "GenericResource | None" if kind == "ToOne" else "GenericResource"
                expected[name] = TARGETS.get(name, generic)
            case _:
                continue

    assert found == expected


@each_class
def test_enumerations_are_mentioned_where_their_values_are_met(node: ast.ClassDef) -> None:
    if not is_enum(node):
        return
    texts = [text for other in classes() for _, _, text in members(other) if text]

    assert any(f"see `{node.name}`" in text for text in texts)
