"""The query parameters of a request, decoded.

A parameter that the API does not have, or not for such a request, is refused with 400: a list paged by cursors is
neither filtered nor sorted. A sparse fieldset may name fields that do not exist: they are ignored.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from ..refusals import bad_request
from ..world.schema import TYPES, query_type
from .listing import SortKey

_FIELDS: Final = re.compile(r"fields\[(\w+)\]")
_PAGE: Final = re.compile(r"page\[(number|size|after|before)\]")
_FILTER: Final = re.compile(r"filter\[q\]\[(\w+)\]")

Takes = frozenset[str]
"""Which parameters a request takes: `include`, `fields`, `sort`, `filter`, and those of `page` by their names."""

LINKAGE: Final = Takes()
"""Of the linkage of a relationship."""
RECORD: Final = Takes({"include", "fields"})
"""Of one record."""
LIST: Final = RECORD | {"sort", "filter", "number", "size"}
"""Of a list whose pages have numbers."""
CURSOR_LIST: Final = Takes({"fields", "after", "before", "size"})
"""Of a list that is paged by cursors."""


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


def parse_query(parameters: Iterable[tuple[str, str]], types: Sequence[str], takes: Takes) -> Query:
    """Read *parameters*, for a document whose primary data is of one of *types*.

    Raises:
        Refusal: 400 for a parameter that the request does not take, or for an unknown name in `sort` or `include`.
    """
    include = NO_INCLUDE
    fields, page, filters = dict[str, frozenset[str]](), dict[str, str](), dict[str, str]()
    sort: tuple[SortKey, ...] = ()
    for name, value in parameters:
        if name == "include" and "include" in takes:
            include = _parse_include(value, types)
        elif name == "sort" and "sort" in takes:
            sort = tuple(_parse_sort_key(item, types) for item in value.split(",") if item)
        elif (found := _FIELDS.fullmatch(name)) and "fields" in takes:
            fields[found[1]] = frozenset(filter(None, value.split(",")))
        elif (found := _PAGE.fullmatch(name)) and found[1] in takes:
            page[found[1]] = value
        elif (found := _FILTER.fullmatch(name)) and "filter" in takes:
            filters[found[1]] = value
        else:
            raise bad_request("PARAM_NOT_ALLOWED", f"{name} is not a parameter of this request.")
    if {"after", "before"} <= page.keys():
        raise bad_request("PARAM_NOT_ALLOWED", "page[after] and page[before] are two pages.")
    return Query(include, fields, sort, page, filters)


def _parse_sort_key(item: str, types: Sequence[str]) -> SortKey:
    name = item.removeprefix("-")
    attribute = query_type(tuple(types)).attribute(name)
    if attribute is None or not attribute.sortable:
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
