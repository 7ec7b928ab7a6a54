"""The types of cells: which one an annotation gives, and which JSON values fit it without loss.

A cell holds a JSON value as received, or its text: JSON knows texts, numbers, truth values and null alone. So a `UUID`,
an `Enum` of texts or a `time` is a text here, as it is in the document.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NewType, Union, cast, get_args, get_origin
from uuid import UUID


class CellType(Enum):
    """The type of a column's cells."""

    TEXT = "text"
    INTEGER = "integer"
    """Of 64 bits, signed."""
    NUMBER = "number"
    """A double."""
    DECIMAL = "decimal"
    """A number with all its digits, as text: tables have no type for one of any size."""
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    """A moment: ISO 8601 with its offset from UTC, as received."""
    DATE = "date"
    """A day: ISO 8601, as received."""
    JSON = "json"
    """Whatever is none of these, as JSON."""


def cell_type(hint: Any) -> CellType:
    """The type of cells for a field, by its type hint; JSON for whatever is not a scalar."""
    types = set(_types(hint))
    if len(types) == 1:
        return types.pop()
    # Together they are what all of them are.
    return next((wider for wider, narrower in _WIDER if types and types <= narrower), CellType.JSON)


_WIDER: Final = (
    (CellType.NUMBER, {CellType.INTEGER, CellType.NUMBER}),
    (CellType.DECIMAL, {CellType.INTEGER, CellType.NUMBER, CellType.DECIMAL}),
    (CellType.TEXT, {CellType.TEXT, CellType.TIMESTAMP, CellType.DATE}),
)


def _types(hint: Any) -> Iterable[CellType]:
    """The types of what a hint allows, null left out."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield from _types(arguments[0])
    elif origin in (Union, UnionType):
        for one in arguments:
            yield from _types(one)
    elif origin is Literal:
        yield from _types_of_values(arguments)
    elif isinstance(hint, NewType):
        yield from _types(hint.__supertype__)
    elif hasattr(hint, "__value__"):  # `type X = ...`, of Python 3.12
        yield from _types(hint.__value__)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        yield from _types_of_values(hint)
    elif hint not in (None, NoneType):
        yield _type_of_class(hint)


def _types_of_values(values: Iterable[Any]) -> Iterable[CellType]:
    """The types of the values of a `Literal` or an `Enum`."""
    for value in values:
        plain = value.value if isinstance(value, Enum) else value
        if plain is not None:
            yield _type_of_class(type(plain))


def _type_of_class(hint: Any) -> CellType:
    if not isinstance(hint, type):
        return CellType.JSON
    return next((known for cls, known in _BY_CLASS if issubclass(cast("type[object]", hint), cls)), CellType.JSON)


# `bool` before `int`, and `datetime` before `date`, as they are subclasses of these.
_BY_CLASS: Final[tuple[tuple[type, CellType], ...]] = (
    (str, CellType.TEXT),
    (bool, CellType.BOOLEAN),
    (int, CellType.INTEGER),
    (float, CellType.NUMBER),
    (Decimal, CellType.DECIMAL),
    (datetime, CellType.TIMESTAMP),
    (date, CellType.DATE),
    (UUID, CellType.TEXT),
    # Texts in JSON: a duration and an offset from UTC have no type in tables that keeps them as they are.
    (time, CellType.TEXT),
    (timedelta, CellType.TEXT),
    # In base64.
    (bytes, CellType.TEXT),
    (bytearray, CellType.TEXT),
)


def fits(value: object, type: CellType) -> bool:
    """True if a JSON value can be a cell of this type without loss; null always can."""
    return value is None or type is CellType.JSON or _FITS[type](value)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _is_double(value: object) -> bool:
    # A double holds every integer up to 2**53.
    exact = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53
    return exact or isinstance(value, float)


def _is_decimal(value: object) -> bool:
    if isinstance(value, str):
        return _DECIMAL.fullmatch(value) is not None
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""A number as JSON spells it (RFC 8259, section 6)."""
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6}0*)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
"""RFC 3339, and without seconds. Versions of Python read more than that, but not the same."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_timestamp(text: str) -> datetime | None:
    """The moment that a text spells, in UTC.

    None if it has no offset from UTC, more digits than microseconds, or a year beyond 1 to 9999, there or in UTC.
    """
    if _MOMENT.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_date(text: str) -> date | None:
    """The day that a text spells as YYYY-MM-DD; None if it is none, or has more than that."""
    if _DAY.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


_FITS: Final[dict[CellType, Callable[[object], bool]]] = {
    CellType.TEXT: lambda value: isinstance(value, str),
    CellType.INTEGER: _is_integer,
    CellType.NUMBER: _is_double,
    CellType.DECIMAL: _is_decimal,
    CellType.BOOLEAN: lambda value: isinstance(value, bool),
    CellType.TIMESTAMP: lambda value: isinstance(value, str) and parse_timestamp(value) is not None,
    CellType.DATE: lambda value: isinstance(value, str) and parse_date(value) is not None,
}
