"""Filters: `filter[q][{attributes}_{predicate}]=value`.

Attributes are those that the schema flags as filterable. Several are joined by `_or_` or by `_and_`; those of related
records have the name of the relationship in front, over any number of relationships (`customer_email_eq`). What the API
does with any other filter is not published: here it is refused with 400.

A record that relates to nothing is compared as if all attributes of what it relates to were null. Of a to-many
relationship one record has to meet a condition; of a predicate that says what is not, as `not_eq` does, all have to.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from ..refusals import bad_request
from ..world.attributes import ID, Attribute
from ..world.schema import ResourceType, query_type
from ..world.table import Reference
from ..world.world import World
from .access import Access
from .predicates import ORDERS, PREDICATES, Predicate, comparable, operand

# `x_not_eq` ends in `_not_eq` and in `_eq`: the longer one is meant.
_LONGEST_FIRST: Final = sorted(PREDICATES.values(), key=lambda predicate: -len(predicate.name))


@attrs.frozen
class Path:
    """What a condition compares: an attribute of a record, or of those at the end of relationships."""

    attribute: Attribute
    types: tuple[str, ...]
    """Of the records that have the attribute."""
    relationships: tuple[str, ...] = ()
    """From the record of the list on."""
    many: bool = False
    """Whether one of the relationships is a to-many."""


@attrs.frozen
class Condition:
    """One filter. A list has the records that meet all its conditions."""

    name: str
    text: str
    """The value as it was sent."""
    predicate: Predicate = attrs.field(eq=False)
    paths: Sequence[tuple[Path, object]] = attrs.field(eq=False)
    """What it compares, and with what."""
    every: bool = attrs.field(eq=False)
    """Whether all of the paths have to meet it, or any."""

    @property
    def ids(self) -> Sequence[str] | None:
        """The ids that it names, if it compares the ids of the list with given ones; else None."""
        (path, values), *others = self.paths
        if others or path.relationships or path.attribute is not ID or self.predicate.name not in _ID_PREDICATES:
            return None
        return self.text.split(",") if isinstance(values, list) else [self.text]


_ID_PREDICATES: Final = frozenset({"eq", "in", "not_eq", "not_in", "lt", "lteq", "gt", "gteq"})


def parse_conditions(filters: Mapping[str, str], types: tuple[str, ...], world: World) -> tuple[Condition, ...]:
    """Read the filters of a list of records of *types*.

    Raises:
        Refusal: 400 for an unknown predicate, an attribute that cannot be filtered by, or a value of another kind.
    """
    return tuple(_condition(name, text, types, world) for name, text in filters.items())


def _condition(name: str, text: str, types: tuple[str, ...], world: World) -> Condition:
    predicates = [predicate for predicate in _LONGEST_FIRST if name.endswith(f"_{predicate.name}")]
    if not predicates:
        raise bad_request("FILTER_NOT_ALLOWED", f"{name} does not end in a known predicate.")
    for predicate in predicates:
        whole = name.removesuffix(f"_{predicate.name}")
        word = "_and_" if "_and_" in whole else "_or_"
        paths = [_path(query_type(types), types, part) for part in whole.split(word)]
        found = [path for path in paths if path is not None]
        if len(found) == len(paths):
            compared = [(path, _operand(predicate, path, text, world)) for path in found]
            return Condition(name, text, predicate, compared, every=word == "_and_")
    attribute = name.removesuffix(f"_{predicates[0].name}")
    raise bad_request("FILTER_NOT_ALLOWED", f"{attribute} cannot be filtered by.")


def _path(schema: ResourceType, types: tuple[str, ...], name: str) -> Path | None:
    attribute = schema.attribute(name)
    if attribute is not None and attribute.filterable:
        return Path(attribute, types)
    for relationship in schema.relationships.values():
        rest = name.removeprefix(f"{relationship.name}_")
        if relationship.filterable and rest != name:
            targets = relationship.targets
            below = _path(query_type(targets), targets, rest)
            if below is not None:
                names = (relationship.name, *below.relationships)
                return attrs.evolve(below, relationships=names, many=relationship.many or below.many)
    return None


def _operand(predicate: Predicate, path: Path, text: str, world: World) -> object:
    value = operand(predicate, path.attribute, text)
    if not _compares_ids(predicate, path):
        return value
    if isinstance(value, list):
        return [_key_of(world, path, str(id)) for id in value]  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - any list
    return _key_of(world, path, str(value))


def _compares_ids(predicate: Predicate, path: Path) -> bool:
    """Tell whether ids are compared by their order, which is that of creation and not that of their letters."""
    return path.attribute is ID and predicate.name in ORDERS


def _key_of(world: World, path: Path, id: str) -> int:
    table = world.table_of(path.types)
    key = table.key_of(id) if table is not None else 0  # there are no records, so any key will do
    if key is None:
        raise bad_request("INVALID_FILTER_VALUE", f"{id} is not an id.")
    return key


class Matcher:
    """Tells which records meet conditions, as far as a viewer can see what these compare.

    Args:
        world: The records.
        access: Who sees what.
    """

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._access = access

    def meets(self, record: Reference, condition: Condition) -> bool:
        """Tell whether *record* meets *condition*."""
        results = (self._holds(record, condition.predicate, *compared) for compared in condition.paths)
        return all(results) if condition.every else any(results)

    def _holds(self, record: Reference, predicate: Predicate, path: Path, operand: object) -> bool:
        values = [self._value(one, predicate, path) for one in self._end_of(record, path)]
        if path.many and predicate.negative:
            return all(value is None or predicate.met(value, operand) for value in values)
        return any(predicate.met(value, operand) for value in values or [None])

    def _end_of(self, record: Reference, path: Path) -> Sequence[Reference]:
        records: Sequence[Reference] = [record]
        for name in path.relationships:
            records = [related for one in records for related in self._access.related(one, name)]
        return records

    def _value(self, record: Reference, predicate: Predicate, path: Path) -> object:
        value = self._world.value(record, path.attribute.name)
        if _compares_ids(predicate, path):
            table = self._world.table_of(path.types)
            return table.key_of(str(value)) if table is not None else None
        return comparable(predicate, path.attribute, value)
