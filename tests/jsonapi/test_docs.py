"""The pages and examples about the layer hold."""

import ast
import re
import runpy
from pathlib import Path

import pytest

import commercelayer_async.jsonapi as layer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "jsonapi-conformance.md").read_text()
SOURCES = sorted(Path(layer.__file__).parent.glob("*.py"))


def test_every_test_that_the_conformance_table_names_exists():
    here = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", PAGE)

    assert len(named) > 60
    assert [name for name in named if f"def {name}(" not in here] == []


def test_the_conformance_table_is_whole():
    items = set(re.findall(r"\b([A-N]\d+)\b", "\n".join(line for line in PAGE.splitlines() if line.startswith("| "))))
    last = {"A": 9, "B": 10, "C": 10, "D": 12, "E": 6, "F": 8, "G": 9, "H": 7, "I": 4, "J": 6, "K": 10, "M": 7, "N": 11}

    assert {f"{group}{n}" for group, count in last.items() for n in range(1, count + 1)} - items == set()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("blog", ["JSON:API in one page by Ada", "- First! by nobody", "{'likes': 3}"]),
        ("orders", ["1234 placed 10,00 None"]),
    ],
)
def test_the_examples_run(name, said, capsys):
    runpy.run_path(str(ROOT / "docs" / "examples" / f"{name}.py"), run_name="__main__")
    shown = capsys.readouterr().out

    assert all(text in shown for text in said)


def test_the_layer_awaits_nothing_and_imports_no_network():
    for path in SOURCES:
        text = path.read_text()
        waiting = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)
        assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, waiting)], path
        assert not re.search(r"^(from|import) (asyncio|aiohttp|socket|ssl|yarl)", text, re.MULTILINE), path


def test_the_layer_knows_no_service():
    text = "".join(path.read_text().lower() for path in SOURCES)

    assert "commerce layer" not in text
    assert "customer_payment" not in text
