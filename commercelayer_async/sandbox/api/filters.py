"""Filters: `filter[q][{attribute}_{predicate}]=value`.

A comparison with null is never true, as in SQL; the predicates `null` and `not_null` ask for it. A new predicate is one
more line in `_PREDICATES`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

import attrs

from ..refusals import bad_request
from ..world.times import iso, milliseconds

Values = tuple[str, ...]


@attrs.frozen
class Condition:
    """One filter. A list has the records that meet all its conditions."""

    attribute: str
    predicate: str
    values: Values
    """The values to compare with: one, or several for `in` and `not_in`. Times are written as in documents."""

    def met_by(self, value: object) -> bool:
        """Tell whether an attribute with *value* meets the condition."""
        return _PREDICATES[self.predicate](value, self.values)


def parse_condition(name: str, value: str, attributes: Collection[str]) -> Condition:
    """Read a filter.

    Args:
        name: Attribute, underscore, predicate, as in `created_at_gt`.
        value: The value of the parameter.
        attributes: The names by which records may be filtered.

    Raises:
        Refusal: 400 for an unknown predicate or attribute, or a value that should be a time and is not.
    """
    for predicate in _LONGEST_FIRST:
        attribute = name.removesuffix(f"_{predicate}")
        if attribute != name:
            break
    else:
        raise bad_request("FILTER_NOT_ALLOWED", f"{name} does not end in a known predicate.")
    if attribute not in attributes:
        raise bad_request("FILTER_NOT_ALLOWED", f"{attribute} cannot be filtered by.")
    values = tuple(value.split(",")) if predicate in _LIST_PREDICATES else (value,)
    is_time = attribute.endswith("_at") and predicate not in _NULL_PREDICATES
    return Condition(attribute, predicate, tuple(map(_time, values)) if is_time else values)


def _time(text: str) -> str:
    try:
        return iso(milliseconds(text))
    except (ValueError, OverflowError):
        raise bad_request("INVALID_FILTER_VALUE", f"{text} is not a time in ISO 8601.") from None


def _operand(value: object, text: str) -> object:
    """Read *text* as a value of the type of *value*; None if it cannot be compared with it."""
    match value:
        case bool():
            return {"true": True, "false": False}.get(text)
        case int() | float():
            try:
                return float(text)
            except ValueError:
                return None
        case str():
            return text
        case _:
            return None


def _among(value: object, values: Values) -> bool:
    return value is not None and any(value == _operand(value, text) for text in values)


def _not_among(value: object, values: Values) -> bool:
    return value is not None and not _among(value, values)


def _less(value: object, values: Values) -> bool:
    match value, _operand(value, values[0]):
        case (str() as left, str() as right):
            return left < right
        case (int() | float() as left, float() as right):
            return left < right
        case _:
            return False


def _greater(value: object, values: Values) -> bool:
    comparable = _operand(value, values[0]) is not None
    return comparable and not _less(value, values) and not _among(value, values)


def _is_null(value: object, values: Values) -> bool:
    return (value is None) == (values == ("true",))


_PREDICATES: Final[Mapping[str, Callable[[object, Values], bool]]] = {
    "eq": _among,
    "not_eq": _not_among,
    "in": _among,
    "not_in": _not_among,
    "lt": _less,
    "lteq": lambda value, values: _less(value, values) or _among(value, values),
    "gt": _greater,
    "gteq": lambda value, values: _greater(value, values) or _among(value, values),
    "null": _is_null,
    "not_null": lambda value, values: not _is_null(value, values),
}
_LIST_PREDICATES: Final = frozenset({"in", "not_in"})
_NULL_PREDICATES: Final = frozenset({"null", "not_null"})
# `x_not_eq` ends in `_not_eq` and in `_eq`: the longer one is meant.
_LONGEST_FIRST: Final = sorted(_PREDICATES, key=len, reverse=True)
