"""The query parameters of a request, decoded.

A parameter that the API does not have is refused with 400. A sparse fieldset may name fields that do not exist: they
are ignored.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from ..refusals import bad_request
from ..world.schema import TYPES
from .listing import SORTABLE, SortKey

_FIELDS: Final = re.compile(r"fields\[(\w+)\]")
_PAGE: Final = re.compile(r"page\[(number|size|after|before)\]")
_FILTER: Final = re.compile(r"filter\[q\]\[(\w+)\]")


@attrs.frozen
class IncludeTree:
    """The paths of `include` as a tree: relationships, and below each what to include from there."""

    children: Mapping[str, "IncludeTree"]


NO_INCLUDE: Final = IncludeTree({})


@attrs.frozen
class Query:
    """The query of a request."""

    include: IncludeTree
    fields: Mapping[str, frozenset[str]]
    """By type: the attributes and relationships to show. A type that is missing shows all of them."""
    sort: tuple[SortKey, ...]
    page: Mapping[str, str]
    filters: Mapping[str, str]
    """By name, as in `created_at_gt`. `filters` reads them, because their meaning depends on the type of the list."""


def parse_query(parameters: Iterable[tuple[str, str]], types: Sequence[str]) -> Query:
    """Read *parameters*, for a document whose primary data is of one of *types*.

    Raises:
        Refusal: 400 for an unknown parameter, or for an unknown name in `sort` or `include`.
    """
    include = NO_INCLUDE
    fields, page, filters = dict[str, frozenset[str]](), dict[str, str](), dict[str, str]()
    sort: tuple[SortKey, ...] = ()
    for name, value in parameters:
        if name == "include":
            include = _parse_include(value, types)
        elif name == "sort":
            sort = tuple(_parse_sort_key(item) for item in value.split(",") if item)
        elif found := _FIELDS.fullmatch(name):
            fields[found[1]] = frozenset(filter(None, value.split(",")))
        elif found := _PAGE.fullmatch(name):
            page[found[1]] = value
        elif found := _FILTER.fullmatch(name):
            filters[found[1]] = value
        else:
            raise bad_request("PARAM_NOT_ALLOWED", f"{name} is not a parameter of this API.")
    return Query(include, fields, sort, page, filters)


def _parse_sort_key(item: str) -> SortKey:
    name = item.removeprefix("-")
    if name not in SORTABLE:
        raise bad_request("INVALID_SORT_CRITERIA", f"{name} cannot be sorted by.")
    return SortKey(name, descending=item.startswith("-"))


def _parse_include(value: str, types: Sequence[str]) -> IncludeTree:
    """Read `a,a.b,c` as a tree. Each step must be a relationship of at least one of the types from which it starts."""
    return _include_tree([path.split(".") for path in value.split(",") if path], types)


def _include_tree(paths: Sequence[Sequence[str]], types: Sequence[str]) -> IncludeTree:
    further = dict[str, list[Sequence[str]]]()
    for first, *rest in paths:
        below = further.setdefault(first, [])
        if rest:
            below.append(rest)
    return IncludeTree({name: _include_tree(below, _targets(name, types)) for name, below in further.items()})


def _targets(name: str, types: Sequence[str]) -> Sequence[str]:
    found = [TYPES[type].relationships[name] for type in types if type in TYPES and name in TYPES[type].relationships]
    if not found:
        raise bad_request("INVALID_INCLUDE", f"{name} is not a relationship of {' or '.join(types)}.")
    if not all(relationship.includable for relationship in found):
        raise bad_request("INVALID_INCLUDE", f"{name} cannot be included.")
    return list(dict.fromkeys(target for relationship in found for target in relationship.targets))
