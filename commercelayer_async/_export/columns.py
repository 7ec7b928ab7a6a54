"""Which cells a record has in a table, and of which kinds.

A table has columns before it has rows, so they come from the class: `id` and `type`, each attribute, the linkage of
each relationship, and columns that lose nothing of the rest. A type without a class has its attributes and linkage as
JSON. The same class and the same `include` always give the same columns.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, Union, cast, get_args, get_origin

import attrs

from ..errors import ConfigurationError
from ..jsonapi import GenericResource, Resource, ToMany
from ..jsonapi._json import as_object, loads
from ..jsonapi._schema import wire_names, wire_types
from ..jsonapi.resource import declared_relationships
from .records import Record

OTHER: Final = "other_attributes"
"""The column for attributes that the class does not declare, and for values that do not fit their column."""
META: Final = "meta"
INCLUDED: Final = "included"


class Kind(Enum):
    """What the cells of a column are."""

    TEXT = "text"
    INTEGER = "integer"
    """Of 64 bits, signed."""
    NUMBER = "number"
    """A double."""
    BOOLEAN = "boolean"
    MOMENT = "moment"
    """ISO 8601 with its offset from UTC, as received."""
    JSON = "json"


@attrs.frozen
class Column:
    """One column: its name, and what its cells are."""

    name: str
    kind: Kind


@attrs.frozen
class Table:
    """The columns of a type, and how a record fills them."""

    columns: tuple[Column, ...]
    attributes: Mapping[str, Kind] | None = attrs.field(repr=False)
    """The declared attributes by their names in documents; None for a type without a class."""
    to_one: tuple[str, ...] = attrs.field(repr=False)
    to_many: tuple[str, ...] = attrs.field(repr=False)
    compound: bool = attrs.field(repr=False)

    def row(self, record: Record, *, strict: bool) -> list[Any]:
        """A record's cells, in the order of the columns: scalars as received, JSON values for the JSON columns.

        With `strict`, a value that is not of its column's kind stands in `other_attributes` instead.
        """
        data = as_object(loads(record.data)) or {}
        attributes = as_object(data.get("attributes")) or {}
        relationships = as_object(data.get("relationships")) or {}
        said = {name: as_object(one) or {} for name, one in relationships.items()}
        linkage = {name: one["data"] for name, one in said.items() if "data" in one}
        cells: list[Any] = [data.get("id"), data.get("type")]
        if self.attributes is None:
            cells += [attributes or None, linkage or None]
        else:
            known = self.attributes
            invalid_attributes = {
                name: value
                for name, value in attributes.items()
                if name not in known or (strict and not fits(value, known[name]))
            }
            cells += [None if name in invalid_attributes else attributes.get(name) for name in known]
            for name in self.to_one:
                one = as_object(linkage.get(name)) or {}
                cells += [_text(one.get("type")), _text(one.get("id"))]
            cells += [linkage.get(name) for name in self.to_many]
            cells.append(invalid_attributes or None)
        cells.append(data.get("meta") or None)
        if self.compound:
            cells.append([loads(one) for one in record.included or ()])
        return cells


def table_of(cls: type[Resource] | None, *, compound: bool) -> Table:
    """The table for a class; for None, that of a type without one.

    Raises:
        ConfigurationError: an attribute has the name of a column that is there already.
    """
    columns = [Column("id", Kind.TEXT), Column("type", Kind.TEXT)]
    attributes: dict[str, Kind] | None = None
    to_one: list[str] = []
    to_many: list[str] = []
    if cls is None:
        columns += [Column("attributes", Kind.JSON), Column("relationships", Kind.JSON)]
    else:
        types = wire_types(cls)
        attributes = {name: _kind_of(types[field]) for name, field in wire_names(cls).items()}
        for name, declared in declared_relationships(cls).items():
            (to_many if isinstance(declared, ToMany) else to_one).append(name)
        columns += [Column(name, kind) for name, kind in attributes.items()]
        columns += [Column(f"{name}.{part}", Kind.TEXT) for name in to_one for part in ("type", "id")]
        columns += [Column(name, Kind.JSON) for name in to_many]
        columns.append(Column(OTHER, Kind.JSON))
    columns.append(Column(META, Kind.JSON))
    if compound:
        columns.append(Column(INCLUDED, Kind.JSON))
    names = [column.name for column in columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(
            f"{getattr(cls, '__name__', 'the class')} has a field called {twice!r}, as a column of every export is;"
            " export it as JSON lines"
        )
    return Table(tuple(columns), attributes, tuple(to_one), tuple(to_many), compound)


def class_for(cls: type[Resource]) -> type[Resource] | None:
    """The class that gives a table its columns; None for those that declare nothing."""
    return None if cls in (Resource, GenericResource) else cls


def fits(value: object, kind: Kind) -> bool:
    """Whether a JSON value can stand in a column without loss; null can in any."""
    if value is None or kind is Kind.JSON:
        return True
    match kind:
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case Kind.NUMBER:
            whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53
            return whole or isinstance(value, float)
        case Kind.MOMENT:
            return isinstance(value, str) and moment_of(value) is not None


def moment_of(text: str) -> datetime | None:
    """The moment that a text names, if it tells its offset from UTC and has no more than microseconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    digits = text.partition(".")[2]
    exact = sum(1 for _ in _leading_digits(digits)) <= 6  # noqa: PLR2004 - microseconds
    return moment if moment.tzinfo is not None and exact else None


def _leading_digits(text: str) -> list[str]:
    found: list[str] = []
    for char in text:
        if not char.isdigit():
            break
        found.append(char)
    return found


def _kind_of(hint: Any) -> Kind:
    """The kind of a field by its type; what is none of the scalars is JSON."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        kinds = {_kind_of(one) for one in get_args(hint) if one is not type(None)}
        return kinds.pop() if len(kinds) == 1 else Kind.JSON
    for cls, kind in _KINDS:
        if isinstance(hint, type) and issubclass(cast("type[object]", hint), cls):
            return kind
    return Kind.JSON


# `bool` before `int`, whose subclass it is.
_KINDS: Final[tuple[tuple[type, Kind], ...]] = (
    (str, Kind.TEXT),
    (bool, Kind.BOOLEAN),
    (int, Kind.INTEGER),
    (float, Kind.NUMBER),
    (Decimal, Kind.NUMBER),
    (datetime, Kind.MOMENT),
)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
