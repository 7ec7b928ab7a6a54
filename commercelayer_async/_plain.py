"""Plain values of what callers give, so that what was checked is what is sent, compared and shown.

A text may be an enum member, a number one of numpy's, a datetime one of pandas': each passes `isinstance`, and then
writes, compares and hashes itself in its own way. So every value is made plain where it comes in, once, and from there
on only the plain one is used. Nothing here calls a method that a subclass may have replaced.
"""

import operator
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from numbers import Real
from typing import Any, Final
from uuid import UUID

_PLAIN: Final = frozenset({str, int, bool, float, Decimal, datetime, date, type(None)})


def plain(value: Any) -> Any:
    """Return a scalar as an instance of exactly `str`, `int`, `bool`, `float`, `Decimal`, `datetime` or `date`.

    An enum member stands for its value, a UUID for its text, and a number of another package's for the built-in one. A
    subclass gives what it is, whatever it says that it is. Anything else is returned as it is, to be refused.
    """
    given: object = value
    cls = type(given)
    if cls in _PLAIN:
        return value
    if issubclass(cls, Enum):
        # Not `value.value`, which a class may replace. For a `(str, Enum)` it is the text.
        return plain(value._value_)
    for kind, make in _MAKERS:
        if issubclass(cls, kind):
            return make(value)
    return _number(value, cls)


def plain_text(value: Any) -> str | None:
    """Return a text as a plain `str`; None for what is not one."""
    text = plain(value)
    return text if type(text) is str else None


def plain_json(value: Any) -> Any:
    """Return a value that is to become JSON, made of dicts, lists and plain scalars as far as it is made of such."""
    given: object = value
    if isinstance(given, Mapping):
        return {plain(name): plain_json(member) for name, member in value.items()}
    if isinstance(given, list | tuple):
        return [plain_json(entry) for entry in value]
    return plain(value)


def make_plain(instance: object, *names: str) -> None:
    """Make attributes of an instance plain, also of a frozen one that is being made."""
    for name in names:
        object.__setattr__(instance, name, plain(getattr(instance, name)))


def _datetime(moment: datetime) -> datetime:
    return datetime.combine(moment, datetime.timetz(moment))


def _date(day: date) -> date:
    return date.fromordinal(date.toordinal(day))


_MAKERS: Final[tuple[tuple[type, Any], ...]] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (Decimal, Decimal),
    (datetime, _datetime),
    (date, _date),
    (UUID, UUID.__str__),
)
"""How an instance of a subclass becomes one of the class; a datetime is a date too, and comes first."""


def _number(value: Any, cls: Any) -> Any:
    """Return what counts as a number by the protocols of Python as one; anything else as it is."""
    if (cls.__module__, cls.__name__) in (("numpy", "bool"), ("numpy", "bool_")):
        # The one scalar of numpy that is neither an instance of the built-in class nor a number.
        return bool(value)
    # An array of one number is not a number, and neither is what has a float for want of something better: numpy's
    # complex numbers and points in time.
    if (
        hasattr(cls, "__len__")
        or hasattr(cls, "__iter__")
        or (hasattr(cls, "__complex__") and not issubclass(cls, Real))
    ):
        return value
    for protocol, make in (("__index__", operator.index), ("__float__", float)):
        if hasattr(cls, protocol):
            # Whatever a class of the caller's raises: what cannot say its number is not one.
            with suppress(Exception):
                return make(value)
    return value
