"""The columns of a table, and the cells of a record in them.

A table has columns before it has rows, so the columns come from the class: `id` and `type`, each attribute, the linkage
of each relationship, and columns for all the rest, so that nothing is lost. A type without a class has its attributes
and its linkage as JSON. The same class and the same `include` always give the same columns.
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
from ..jsonapi._schema import checked_types, member_names
from ..jsonapi.resource import declared_relationships
from .records import RawRecord

OTHER: Final = "other_attributes"
"""The column for attributes that the class does not declare, and for values that do not fit their column."""
META: Final = "meta"
INCLUDED: Final = "included"


class CellType(Enum):
    """The type of a column's cells."""

    TEXT = "text"
    INTEGER = "integer"
    """Of 64 bits, signed."""
    NUMBER = "number"
    """A double."""
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    """ISO 8601 with its offset from UTC, as received."""
    JSON = "json"


@attrs.frozen
class Column:
    """One column: its name, and the type of its cells."""

    name: str
    type: CellType


@attrs.frozen
class RowLayout:
    """The columns of a table, and how a record fills them."""

    columns: tuple[Column, ...]
    attributes: Mapping[str, CellType] | None = attrs.field(repr=False)
    """The declared attributes by their names in documents; None for a type without a class."""
    to_one: tuple[str, ...] = attrs.field(repr=False)
    to_many: tuple[str, ...] = attrs.field(repr=False)
    compound: bool = attrs.field(repr=False)

    def row(self, record: RawRecord, *, strict: bool) -> list[Any]:
        """The cells of a record, in the order of the columns: scalars as received, JSON values for JSON columns.

        With `strict`, a value that is not of its column's type goes to `other_attributes` instead.
        """
        data = as_object(loads(record.data)) or {}
        attributes = as_object(data.get("attributes")) or {}
        linkage = _linkage_by_name(data)
        cells: list[Any] = [data.get("id"), data.get("type")]
        if self.attributes is None:
            cells += [attributes or None, linkage or None]
        else:
            cells += self._declared_cells(self.attributes, attributes, linkage, strict=strict)
        cells.append(data.get("meta") or None)
        if self.compound:
            cells.append([loads(one) for one in record.included or ()])
        return cells

    def _declared_cells(
        self,
        declared: Mapping[str, CellType],
        attributes: Mapping[str, Any],
        linkage: Mapping[str, Any],
        *,
        strict: bool,
    ) -> list[Any]:
        other = {
            name: value
            for name, value in attributes.items()
            if name not in declared or (strict and not fits(value, declared[name]))
        }
        cells: list[Any] = [None if name in other else attributes.get(name) for name in declared]
        for name in self.to_one:
            identifier = as_object(linkage.get(name)) or {}
            cells += [_text(identifier.get("type")), _text(identifier.get("id"))]
        cells += [linkage.get(name) for name in self.to_many]
        cells.append(other or None)
        return cells


def layout_for(cls: type[Resource] | None, *, compound: bool) -> RowLayout:
    """Make the layout for a class; for None, that of a type without one.

    Raises:
        ConfigurationError: an attribute has the name of another column.
    """
    columns = [Column("id", CellType.TEXT), Column("type", CellType.TEXT)]
    attributes: dict[str, CellType] | None = None
    to_one: list[str] = []
    to_many: list[str] = []
    if cls is None:
        columns += [Column("attributes", CellType.JSON), Column("relationships", CellType.JSON)]
    else:
        types = checked_types(cls)
        attributes = {name: _cell_type(types[field]) for name, field in member_names(cls).items()}
        for name, declared in declared_relationships(cls).items():
            (to_many if isinstance(declared, ToMany) else to_one).append(name)
        columns += [Column(name, type) for name, type in attributes.items()]
        columns += [Column(f"{name}.{part}", CellType.TEXT) for name in to_one for part in ("type", "id")]
        columns += [Column(name, CellType.JSON) for name in to_many]
        columns.append(Column(OTHER, CellType.JSON))
    columns.append(Column(META, CellType.JSON))
    if compound:
        columns.append(Column(INCLUDED, CellType.JSON))
    _require_distinct([column.name for column in columns], cls)
    return RowLayout(tuple(columns), attributes, tuple(to_one), tuple(to_many), compound)


def _require_distinct(names: list[str], cls: type[Resource] | None) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(
            f"{getattr(cls, '__name__', 'the class')} has a field called {twice!r}, which is the name of another"
            " column; export it as JSON lines"
        )


def class_for(cls: type[Resource]) -> type[Resource] | None:
    """The class that gives a table its columns; None for the classes that declare nothing."""
    return None if cls in (Resource, GenericResource) else cls


def fits(value: object, type: CellType) -> bool:
    """True if a JSON value can be a cell of this type without loss; null always can."""
    if value is None or type is CellType.JSON:
        return True
    match type:
        case CellType.TEXT:
            return isinstance(value, str)
        case CellType.BOOLEAN:
            return isinstance(value, bool)
        case CellType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case CellType.NUMBER:
            # A double holds every integer up to 2**53.
            exact = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53
            return exact or isinstance(value, float)
        case CellType.TIMESTAMP:
            return isinstance(value, str) and parse_timestamp(value) is not None


def parse_timestamp(text: str) -> datetime | None:
    """The datetime that a text spells; None if it has no offset from UTC, or more digits than microseconds."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    digits = text.partition(".")[2]
    exact = len(_leading_digits(digits)) <= 6  # noqa: PLR2004 - microseconds
    return parsed if parsed.tzinfo is not None and exact else None


def _leading_digits(text: str) -> list[str]:
    found: list[str] = []
    for char in text:
        if not char.isdigit():
            break
        found.append(char)
    return found


def _cell_type(hint: Any) -> CellType:
    """The type of cells for a field, by its type hint; JSON for whatever is not a scalar."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        types = {_cell_type(one) for one in get_args(hint) if one is not type(None)}
        return types.pop() if len(types) == 1 else CellType.JSON
    for cls, cell_type in _CELL_TYPES:
        if isinstance(hint, type) and issubclass(cast("type[object]", hint), cls):
            return cell_type
    return CellType.JSON


# `bool` before `int`, as it is a subclass of it.
_CELL_TYPES: Final[tuple[tuple[type, CellType], ...]] = (
    (str, CellType.TEXT),
    (bool, CellType.BOOLEAN),
    (int, CellType.INTEGER),
    (float, CellType.NUMBER),
    (Decimal, CellType.NUMBER),
    (datetime, CellType.TIMESTAMP),
)


def _linkage_by_name(data: Mapping[str, Any]) -> dict[str, Any]:
    """The linkage of each relationship that has any, null included."""
    relationships = as_object(data.get("relationships")) or {}
    objects = {name: as_object(one) or {} for name, one in relationships.items()}
    return {name: one["data"] for name, one in objects.items() if "data" in one}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
