"""Facts of the service about lists stand once, in `service`: no other module repeats them as literals."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast
from urllib.parse import quote

import pytest

import commercelayer_async
from commercelayer_async._lists.filters import ransack_of
from commercelayer_async.service import COMMERCE_LAYER as SERVICE
from commercelayer_async.service import Numbers
from commercelayer_async.service.by_type import values_of

ROOT = Path(commercelayer_async.__file__).parent
EXEMPT = {"resources", "sandbox", "service"}
"""The classes name what they read, the sandbox imports nothing of the client, and `service` is where facts stand."""
NUMBERED = {"_bulk", "_lists", "_reading"}
"""Where the size of a page and of a chunk of ids is not repeated either."""
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in EXEMPT)

PAGING = list(values_of(SERVICE.paging))
FILTERS = ransack_of(SERVICE)
IDS, KEYSET, SORT = SERVICE.ids_at_once, SERVICE.keyset, SERVICE.sort
assert IDS is not None
assert isinstance(IDS.template, str)
assert KEYSET is not None
assert SORT is not None
NAMES = (
    *(paging.number for paging in PAGING if isinstance(paging, Numbers)),
    *(paging.size for paging in PAGING),
    IDS.template,
    FILTERS.template.partition("{}")[0],
)
PARAMETERS = (*NAMES, *(quote(name, safe="") for name in NAMES), f"sort={SORT.tie_break}")
"""Texts that hold one of these repeat a fact."""
WORDS = (
    IDS.template.rpartition("[")[2].rstrip("]"),
    f"{KEYSET.attribute}_{KEYSET.operator}",
    "record_count",
    *(type for type in cast("Mapping[object, object]", SERVICE.paging) if isinstance(type, str)),
)
"""Texts that hold one of these as a word repeat a fact."""
SIZES = {IDS.most, *(paging.most for paging in PAGING)}
PREDICATES = frozenset(name for name in FILTERS.predicates.all if "_" in name or name in ("jcont", "lteq", "gteq"))
"""Texts that are one of these, or several predicates, repeat a fact; the others are words of other things too."""


def docstrings(tree: ast.AST) -> set[int]:
    """The constants that are statements of their own: docstrings, and the descriptions of fields."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def repeated(source: str, *, numbers: bool) -> Iterator[object]:
    """The facts that the literals of a module repeat."""
    tree = ast.parse(source)
    described = docstrings(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in described:
            continue
        value = node.value
        if isinstance(value, str):
            words = value.split()
            yield from (parameter for parameter in PARAMETERS if parameter in value)
            yield from (word for word in WORDS if re.search(rf"\b{word}\b", value))
            yield from PREDICATES & {value}
            if len(words) > 1 and FILTERS.predicates.all.issuperset(words):
                yield value
        elif numbers and value in SIZES and not isinstance(value, bool):
            yield value


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_literal_repeats_a_fact_of_the_service(path: Path) -> None:
    numbers = path.relative_to(ROOT).parts[0] in NUMBERED

    assert list(repeated(path.read_text(), numbers=numbers)) == []


@pytest.mark.parametrize(
    "source",
    [
        "x = 'page[number]=1'",
        "x = f'page%5Bsize%5D={size}'",
        "x = f'filter%5Bq%5D%5B{name}%5D='",
        "x = 'filter[q][name_eq]'",
        "x = {'id_in': ids}",
        "x = 'id_gt'",
        "x = ('sort=id',)",
        "x = meta['record_count']",
        "x = path == 'event_stores'",
        "x = 'not_eq'",
        "x = 'eq gt lt'.split()",
        "x = 25",
    ],
)
def test_a_literal_that_repeats_one_is_found(source: str) -> None:
    assert list(repeated(source, numbers=True))


@pytest.mark.parametrize("source", ['"""As `page[number]` says."""', "x = 'a page of 25'", "x = 'in'", "x = 26"])
def test_words_of_other_things_are_none(source: str) -> None:
    assert not list(repeated(source, numbers=True))


def test_only_the_session_and_the_edges_choose_a_service() -> None:
    """Modules that read lists take the facts from the session they read for."""
    named = [path for path in MODULES if path.relative_to(ROOT).parts[0] in NUMBERED]

    assert not [path for path in named if "COMMERCE_LAYER" in path.read_text()]
