"""The columns of a table, and the cells of a record in them.

A table has columns before it has rows, so the columns come from the class: `id` and `type`, each attribute, the linkage
of each relationship, and columns for all the rest, so that nothing is lost. What a to-one relationship includes may
have columns of its own (`customer.email`), by its class; all else that is included is JSON. A type without a class has
its attributes and its linkage as JSON. The same class and the same `include` always give the same columns.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec
from msgspec import Raw

from ..errors import ConfigurationError
from ..jsonapi import GenericResource, Resource, ToMany
from ..jsonapi._json import FAILURES, as_object, loads
from ..jsonapi._schema import checked_types, member_names
from ..jsonapi.resource import declared_relationships
from .cells import CellType, cell_type, fits
from .records import RawRecord

OTHER: Final = "other_attributes"
"""The column for attributes that the class does not declare, and for values that do not fit their column."""
RELATIONSHIPS: Final = "relationships"
META: Final = "meta"
INCLUDED: Final = "included"

_NULL: Final = Raw(b"null")
_Key = tuple[str | None, str | None]


class _Object(msgspec.Struct):
    """A resource object, each member as its bytes: numbers keep their spelling."""

    type: Raw = _NULL
    id: Raw = _NULL
    attributes: Raw = _NULL
    relationships: Raw = _NULL
    meta: Raw = _NULL


_decode_object: Final = msgspec.json.Decoder(_Object).decode
_decode_members: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_encode: Final = msgspec.json.Encoder().encode


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
    targets: Mapping[str, Mapping[str, CellType]] = attrs.field(factory=dict[str, Mapping[str, CellType]], repr=False)
    """The attributes of what to-one relationships include, by the relationship, where these have columns."""

    def row(self, record: RawRecord, *, strict: bool) -> list[Any]:
        """The cells of a record, in the order of the columns: None, a text, or the bytes of JSON.

        None is null or absent. A text is a `str`; numbers, with their spelling, truth values and all else are `Raw`,
        and in JSON columns texts too. With `strict`, a value that is not of its column's type goes to
        `other_attributes` instead.
        """
        data = _decode_object(record.data)
        linkage = _linkage_by_name(data.relationships)
        included = {_key_of(raw): raw for raw in record.included or ()} if self.targets else {}
        taken = set[_Key]()
        cells: list[Any] = [loads(data.id), loads(data.type)]
        if self.attributes is None:
            cells += [_given(data.attributes), _encoded(linkage or None)]
        else:
            found, other = _attribute_cells(self.attributes, data.attributes, strict=strict)
            cells += found
            for name in self.to_one:
                identifier = as_object(linkage.get(name)) or {}
                key = (_text(identifier.get("type")), _text(identifier.get("id")))
                cells += key
                if name in self.targets:
                    target = None if None in key else included.get(key)
                    cells += _target_cells(self.targets[name], target, strict=strict)
                    taken |= {key} if target is not None else set()
            cells += [_encoded(linkage.get(name)) for name in self.to_many]
            cells.append(other)
        cells.append(_given(data.meta))
        if self.compound:
            rest = (raw for raw in record.included or () if not taken or _key_of(raw) not in taken)
            cells.append(Raw(b"[%b]" % b",".join(rest)))
        return cells


def layout_for(
    cls: type[Resource] | None, *, compound: bool, targets: Mapping[str, type[Resource]] | None = None
) -> RowLayout:
    """Make the layout for a class; for None, that of a type without one.

    `targets` are the classes of what to-one relationships include and what is to have columns, by the relationship.

    Raises:
        ConfigurationError: an attribute has the name of another column.
    """
    columns = [Column("id", CellType.TEXT), Column("type", CellType.TEXT)]
    attributes: dict[str, CellType] | None = None
    to_one: list[str] = []
    to_many: list[str] = []
    spread: dict[str, Mapping[str, CellType]] = {}
    if cls is None:
        columns += [Column("attributes", CellType.JSON), Column(RELATIONSHIPS, CellType.JSON)]
    else:
        attributes = _attribute_types(cls)
        for name, declared in declared_relationships(cls).items():
            (to_many if isinstance(declared, ToMany) else to_one).append(name)
        columns += [Column(name, type) for name, type in attributes.items()]
        spread = {name: _attribute_types(target) for name, target in (targets or {}).items() if name in to_one}
        for name in to_one:
            columns += [Column(f"{name}.{part}", CellType.TEXT) for part in ("type", "id")]
            columns += [Column(f"{name}.{one.name}", one.type) for one in _target_columns(spread.get(name))]
        columns += [Column(name, CellType.JSON) for name in to_many]
        columns.append(Column(OTHER, CellType.JSON))
    columns.append(Column(META, CellType.JSON))
    if compound:
        columns.append(Column(INCLUDED, CellType.JSON))
    _require_distinct([column.name for column in columns], cls)
    return RowLayout(tuple(columns), attributes, tuple(to_one), tuple(to_many), compound, spread)


def _attribute_types(cls: type[Resource]) -> dict[str, CellType]:
    types = checked_types(cls)
    return {name: cell_type(types[field]) for name, field in member_names(cls).items()}


def _target_columns(attributes: Mapping[str, CellType] | None) -> list[Column]:
    """The columns for the target of a relationship, whose type and id are there already; as `_target_cells`."""
    if attributes is None:
        return []
    rest = (RELATIONSHIPS, OTHER, META)
    return [*(Column(name, type) for name, type in attributes.items()), *(Column(name, CellType.JSON) for name in rest)]


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


def _attribute_cells(
    declared: Mapping[str, CellType], attributes: Raw, *, strict: bool
) -> tuple[list[Any], Raw | None]:
    """The cells of declared attributes, and one for all others."""
    try:
        members: dict[str, Raw] = _decode_members(attributes)
    except FAILURES:
        # Not an object, or null: then all of it is "other".
        members, rest = {}, _given(attributes)
    else:
        rest = None
    other = {name: raw for name, raw in members.items() if name not in declared}
    cells: list[Any] = []
    for name, type in declared.items():
        raw = members.get(name, _NULL)
        cell, fit = _cell(raw, type)
        if strict and not fit:
            other[name], cell = raw, None
        cells.append(cell)
    return cells, _encoded(other) if other else rest


def _target_cells(declared: Mapping[str, CellType], target: bytes | None, *, strict: bool) -> list[Any]:
    data = _Object() if target is None else _decode_object(target)
    cells, other = _attribute_cells(declared, data.attributes, strict=strict)
    return [*cells, _encoded(_linkage_by_name(data.relationships) or None), other, _given(data.meta)]


def _key_of(raw: bytes) -> _Key:
    """The type and id of an included resource object, as far as it has them: what is included may be anything."""
    try:
        data = _decode_object(raw)
    except FAILURES:
        return None, None
    return _text(loads(data.type)), _text(loads(data.id))


def _cell(raw: Raw, type: CellType) -> tuple[Any, bool]:
    """An attribute as a cell, and whether it fits the type of its column."""
    if type is CellType.JSON:
        return _json(raw), True
    value = loads(raw)
    fit = fits(value, type)
    if isinstance(value, str):
        # A decimal number, which documents may spell as a text, is one number however it is spelled.
        return (Raw(value.encode()) if fit and type is CellType.DECIMAL else value), fit
    return _json(raw), fit


def _linkage_by_name(raw: Raw) -> dict[str, Any]:
    """The linkage of each relationship that has any, null included."""
    relationships = as_object(loads(raw)) or {}
    objects = {name: as_object(one) or {} for name, one in relationships.items()}
    return {name: one["data"] for name, one in objects.items() if "data" in one}


def _json(raw: Raw) -> Raw | None:
    # A copy: otherwise it keeps the whole record.
    text = bytes(raw)
    return None if text == b"null" else Raw(text)


def _given(raw: Raw) -> Raw | None:
    """The bytes of an object; None for one without members, which says no more than its absence."""
    return None if bytes(raw) == b"{}" else _json(raw)


def _encoded(value: object) -> Raw | None:
    return None if value is None else Raw(_encode(value))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
