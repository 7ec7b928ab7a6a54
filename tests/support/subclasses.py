"""Values of classes that pass for the built-in ones, and write, compare and hash themselves in ways of their own.

What such a value is, is in its content; whatever it answers when it is asked is wrong. Enum members, numbers as numpy
has them, and datetimes as pandas has them are of this kind.
"""

import enum
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

WRONG = "WRONG"
"""What they say: nothing that is sent or shown may have it."""


def _says(result: Any) -> Callable[..., Any]:
    return lambda *_arguments, **_options: result


_no = _says(result=False)
_yes = _says(result=True)


def _lying(base: type, **more: Any) -> Any:
    """Make a subclass whose instances keep the content of `base`, and whose methods say something else."""
    texts = dict.fromkeys(("__str__", "__repr__", "__format__"), _says(WRONG))
    return type(f"Lying{base.__name__.title()}", (base,), {**texts, "__eq__": _no, "__hash__": _says(1), **more})


Text = _lying(
    str,
    __len__=_says(1),
    __iter__=_says(iter(WRONG)),
    __contains__=_no,
    __add__=_says(WRONG),
    encode=_says(WRONG.encode()),
    isascii=_yes,
    partition=_says((WRONG, "", "")),
    removeprefix=_says(WRONG),
    replace=_says(WRONG),
    split=_says([WRONG]),
    startswith=_no,
    strip=_says(WRONG),
)
Whole = _lying(int, __int__=_says(7), __index__=_says(7), __lt__=_no, __gt__=_no)
Real = _lying(float, __float__=_says(7.0), __lt__=_no, __gt__=_no)
Amount = _lying(Decimal, __lt__=_no, is_nan=_no)
Moment = _lying(datetime, isoformat=_says(WRONG), astimezone=_says(None), utcoffset=_says(None), replace=_says(None))
Day = _lying(date, isoformat=_says(WRONG), strftime=_says(WRONG))


class Index:
    """A whole number by protocol alone, as numpy has them."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __index__(self) -> int:
        return self._number


class Float:
    """A number by protocol alone, as numpy's of half the precision."""

    def __init__(self, number: float) -> None:
        self._number = number

    def __float__(self) -> float:
        return self._number


def member(value: Any, *bases: type) -> Any:
    """Make an enum member of a value; with bases, one that is an instance of them too."""
    all_bases = (*bases, enum.Enum)
    body = enum.EnumMeta.__prepare__("Known", all_bases)
    body["MEMBER"] = value
    return enum.EnumMeta("Known", all_bases, body)["MEMBER"]


def variants(value: Any) -> list[Any]:
    """Make values of other classes that are the same as a plain one."""
    made: dict[type, Callable[[Any], list[Any]]] = {
        bool: lambda truth: [NumpyBool(truth)],
        str: lambda text: [Text(text), member(text, str), member(Text(text))],
        int: lambda number: [Whole(number), member(number, int), Index(number)],
        float: lambda number: [Real(number), member(number, float), Float(number)],
        Decimal: lambda amount: [Amount(amount)],
        datetime: lambda moment: [Moment(*moment.timetuple()[:6], moment.microsecond, moment.tzinfo, fold=moment.fold)],
        date: lambda day: [Day(day.year, day.month, day.day)],
        UUID: lambda _: [],
    }
    return [*made[type(value)](value), member(value)]


class _NumpyBool:
    def __init__(self, value: bool) -> None:  # noqa: FBT001 - as numpy's
        self._value = value

    def __bool__(self) -> bool:
        return self._value

    def __float__(self) -> float:
        return float(self._value)

    def __complex__(self) -> complex:
        return complex(self._value)


NumpyBool: Any = type("bool_", (_NumpyBool,), {"__module__": "numpy"})


def impostors(value: Any) -> st.SearchStrategy[Any]:
    """Draw a value of another class that is the same as a plain one."""
    return st.sampled_from(variants(value))
