"""The query of a request: which parameters there are, and what they say.

Names and values are taken decoded. A parameter that is not of the API is refused with 400; a sparse fieldset
may name what it likes, and what does not exist is simply not there.
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
    """What `include` asks for below one point: relationships, and what to include from there."""

    children: Mapping[str, "IncludeTree"]


NO_INCLUDE: Final = IncludeTree({})


@attrs.frozen
class Query:
    """What a request asks for beside its path."""

    include: IncludeTree
    fields: Mapping[str, frozenset[str]]
    """By type: the attributes and relationships to show. A type that is not here shows all of them."""
    sort: tuple[SortKey, ...]
    page: Mapping[str, str]
    filters: Mapping[str, str]
    """By name, as in `created_at_gt`. What they mean depends on the type listed."""


def parse_query(parameters: Iterable[tuple[str, str]], types: Sequence[str]) -> Query:
    """The query in *parameters*, for a document whose primary data is of *types*.

    Raises:
        Refusal: 400 for a parameter that does not exist, or says what cannot be.
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
            raise bad_request("PARAM_NOT_ALLOWED", f"{name} is no parameter of this API.")
    return Query(include, fields, sort, page, filters)


def _parse_sort_key(item: str) -> SortKey:
    name = item.removeprefix("-")
    if name not in SORTABLE:
        raise bad_request("INVALID_SORT_CRITERIA", f"{name} cannot be sorted by.")
    return SortKey(name, descending=item.startswith("-"))


def _parse_include(value: str, types: Sequence[str]) -> IncludeTree:
    """`a,a.b,c` as a tree; every step has to exist in at least one of the types it may start from."""
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
        raise bad_request("INVALID_INCLUDE", f"{name} is no relationship of {' or '.join(types)}.")
    if not all(relationship.includable for relationship in found):
        raise bad_request("INVALID_INCLUDE", f"{name} cannot be included.")
    return list(dict.fromkeys(target for relationship in found for target in relationship.targets))
