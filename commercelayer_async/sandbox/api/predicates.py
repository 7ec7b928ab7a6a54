"""The predicates of filters, with the meaning that they have in ransack, which the API's filters are named after.

A comparison with null is never true, as in SQL; `null` and its like ask for it. Texts are alike without regard to case,
as in PostgreSQL, for all predicates that look into them (`matches`, `start`, `end`, `cont`), but equal only in the same
case. Predicates that end in `_any` or `_all` hold if they hold for any or all of several values.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import Any, Final, cast

import attrs

from ..refusals import bad_request
from ..world.attributes import Attribute, Kind
from ..world.times import milliseconds


class Takes(Enum):
    """What a predicate is compared with."""

    ONE = auto()
    MANY = auto()
    TRUTH = auto()
    JSON = auto()


class Reads(Enum):
    """As what a predicate reads attribute and values."""

    VALUE = auto()
    """As what the attribute holds: a number, a time, ..."""
    TEXT = auto()
    JSON = auto()
    NULL = auto()
    """It asks whether there is anything."""


_Holds = Callable[[Any, Any], bool]
"""Of a value that is not null, and what it is compared with."""


@attrs.frozen
class Predicate:
    """One predicate."""

    name: str
    holds: _Holds
    takes: Takes = Takes.ONE
    reads: Reads = Reads.VALUE
    null: bool = False
    """What it says of null, if `reads` is not `NULL`."""
    negative: bool = False
    """Whether it says what is not. Of a to-many relationship it then has to hold for every record."""

    def met(self, value: object, operand: object) -> bool:
        """Tell whether it holds of *value*, which `comparable` made, against *operand*, which `operand` made."""
        if self.reads is Reads.NULL or value is not None:
            return self.holds(value, operand)
        return self.null


def comparable(predicate: Predicate, attribute: Attribute, value: object) -> object:
    """Make of an attribute's value what *predicate* compares; None if it is null, or not comparable."""
    match predicate.reads:
        case Reads.TEXT if value is not None:
            return value if isinstance(value, str) else json.dumps(value)
        case Reads.VALUE if attribute.kind is Kind.TIME and isinstance(value, str):
            return milliseconds(value)
        case _:
            return value


def operand(predicate: Predicate, attribute: Attribute, text: str) -> object:
    """Read the value of a filter.

    Raises:
        Refusal: 400 if it is empty, or not of the kind that attribute or predicate want.
    """
    match predicate.takes:
        case Takes.TRUTH:
            return _truth(text)
        case Takes.JSON:
            return _json(text)
        case Takes.MANY:
            values = [_single(predicate, attribute, one) for one in text.split(",") if one.strip()]
            if not values:
                raise _invalid(text, "a list with a value in it")
            return values
        case Takes.ONE:
            return _single(predicate, attribute, text)


def _single(predicate: Predicate, attribute: Attribute, text: str) -> object:
    if not text.strip():
        # The server is apt to drop such a filter, and then lists everything.
        raise _invalid(text, "a value")
    if predicate.reads is Reads.TEXT:
        return text
    match attribute.kind:
        case Kind.NUMBER:
            return _number(text)
        case Kind.BOOLEAN:
            return _truth(text)
        case Kind.TIME:
            return _time(text)
        case Kind.JSON:
            return _json_or_text(text)
        case Kind.TEXT:
            return text


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise _invalid(text, "true or false")
    return text == "true"


def _number(text: str) -> float:
    if not re.fullmatch(r"[+-]?\d{1,18}(\.\d+)?", text, re.ASCII):
        raise _invalid(text, "a number")
    return float(text) if "." in text else int(text)


def _time(text: str) -> float:
    try:
        return milliseconds(text)
    except ValueError:
        raise _invalid(text, "a time in ISO 8601") from None


def _json(text: str) -> object:
    value = _json_or_text(text)
    if not isinstance(value, dict | list):
        raise _invalid(text, "a JSON object")
    return cast("object", value)


def _json_or_text(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _invalid(text: str, wanted: str) -> Exception:
    return bad_request("INVALID_FILTER_VALUE", f"{text!r} is not {wanted}.")


def _equal(value: Any, other: Any) -> bool:
    # In JSON, and in SQL, true is not 1.
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _ordered(compare: Callable[[Any, Any], bool]) -> _Holds:
    """Compare by order, where the two have one: not a text with a number that an object holds."""

    def holds(value: Any, other: Any) -> bool:
        try:
            return compare(value, other)
        except TypeError:
            return False

    return holds


@lru_cache(256)
def _pattern(like: str) -> re.Pattern[str]:
    """Make a pattern of SQL's LIKE: `%` stands for any characters, `_` for one; a backslash takes that meaning away."""
    parts = re.findall(r"\\.|.", like, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return re.compile("".join(wild.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL | re.IGNORECASE)


def _matches(value: str, like: str) -> bool:
    return _pattern(like).fullmatch(value) is not None


def _starts(value: str, start: str) -> bool:
    return value.casefold().startswith(start.casefold())


def _ends(value: str, end: str) -> bool:
    return value.casefold().endswith(end.casefold())


def _contains_text(value: str, part: str) -> bool:
    return part.casefold() in value.casefold()


def _contains(value: Any, part: Any) -> bool:
    """Tell whether JSON contains other JSON, as PostgreSQL's `@>` does."""
    if isinstance(value, dict) and isinstance(part, dict):
        whole, members = cast("Mapping[str, Any]", value), cast("Mapping[str, Any]", part)
        return all(name in whole and _contains(whole[name], one) for name, one in members.items())
    if isinstance(value, list) and isinstance(part, list):
        entries, wanted = cast("Sequence[Any]", value), cast("Sequence[Any]", part)
        return all(any(_contains(entry, one) for entry in entries) for one in wanted)
    return not isinstance(value, dict | list) and _equal(value, part)


def _not(holds: _Holds) -> _Holds:
    return lambda value, other: not holds(value, other)


def _any(holds: _Holds) -> _Holds:
    return lambda value, others: any(holds(value, other) for other in others)


def _all(holds: _Holds) -> _Holds:
    return lambda value, others: all(holds(value, other) for other in others)


def _is(*, truth: bool) -> _Holds:
    """Ask for a truth value; the value `false` asks for the other one."""
    return lambda value, asked: isinstance(value, bool) and (value is truth) is asked


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _asks(question: Callable[[object], bool]) -> _Holds:
    """Ask a question; the value `false` asks its opposite."""
    return lambda value, asked: question(value) is asked


def _several(name: str, holds: _Holds, reads: Reads, *, negative: bool) -> Sequence[Predicate]:
    return [
        Predicate(f"{name}_any", _any(holds), Takes.MANY, reads, negative=negative),
        Predicate(f"{name}_all", _all(holds), Takes.MANY, reads, negative=negative),
    ]


def _family(name: str, opposite: str, holds: _Holds) -> Sequence[Predicate]:
    """Make the predicates about a part of a text: with its opposite, and for several values."""
    return [
        Predicate(name, holds, reads=Reads.TEXT),
        Predicate(opposite, _not(holds), reads=Reads.TEXT, negative=True),
        *_several(name, holds, Reads.TEXT, negative=False),
        *_several(opposite, _not(holds), Reads.TEXT, negative=True),
    ]


_ORDERS: Final[Mapping[str, _Holds]] = {
    "lt": _ordered(lambda value, other: value < other),
    "lteq": _ordered(lambda value, other: value <= other),
    "gt": _ordered(lambda value, other: value > other),
    "gteq": _ordered(lambda value, other: value >= other),
}
_UNDOCUMENTED: Final = frozenset({"not_cont_any"})
_ALL: Final = (
    Predicate("eq", _equal),
    Predicate("not_eq", _not(_equal), negative=True),
    Predicate("eq_or_null", _equal, null=True),
    Predicate("not_eq_or_null", _not(_equal), null=True, negative=True),
    Predicate("not_eq_all", _all(_not(_equal)), Takes.MANY, negative=True),
    Predicate("in", _any(_equal), Takes.MANY),
    Predicate("not_in", _all(_not(_equal)), Takes.MANY, negative=True),
    Predicate("in_or_null", _any(_equal), Takes.MANY, null=True),
    Predicate("not_in_or_null", _all(_not(_equal)), Takes.MANY, null=True, negative=True),
    *(Predicate(name, holds) for name, holds in _ORDERS.items()),
    *(one for name, holds in _ORDERS.items() for one in _several(name, holds, Reads.VALUE, negative=False)),
    *_family("matches", "does_not_match", _matches),
    *_family("start", "not_start", _starts),
    *_family("end", "not_end", _ends),
    *_family("cont", "not_cont", _contains_text),
    Predicate("jcont", _contains, Takes.JSON, Reads.JSON),
    Predicate("present", _asks(lambda value: not _blank(value)), Takes.TRUTH, Reads.NULL),
    Predicate("blank", _asks(_blank), Takes.TRUTH, Reads.NULL),
    Predicate("null", _asks(lambda value: value is None), Takes.TRUTH, Reads.NULL),
    Predicate("not_null", _asks(lambda value: value is not None), Takes.TRUTH, Reads.NULL),
    Predicate("true", _is(truth=True), Takes.TRUTH),
    Predicate("false", _is(truth=False), Takes.TRUTH),
)

PREDICATES: Final = {predicate.name: predicate for predicate in _ALL if predicate.name not in _UNDOCUMENTED}
"""The predicates that the API documents, by name."""

ORDERS: Final = frozenset(name for order in _ORDERS for name in (order, f"{order}_any", f"{order}_all"))
"""The names of those that compare by order."""
