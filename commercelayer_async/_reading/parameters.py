"""Query parameters as encoded `name=value` pairs, of values as the API writes them.

Names come from the facts of the service, as they are written in its documentation. Brackets in them are encoded, as
JSON:API 1.1 asks for ("Square Brackets in Parameter Names").
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import quote

from .._plain import plain, plain_text
from .._text import printable
from ..errors import ConfigurationError

_BEYOND: Final = 2**63
"""What no number of the API reaches."""

WRITABLE: Final = (str, int, float, Decimal, date)
"""What a plain value is an instance of that a query can hold; booleans are integers here, and datetimes dates."""


def parameter(name: str, value: str, *, safe: str = "") -> str:
    """Encode one query parameter; of its value, the characters in `safe` stay as they are."""
    return f"{_encoded_name(name)}={quote(value, safe=safe)}"


def encoded(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Encode query parameters, names and values."""
    return tuple(parameter(name, value) for name, value in pairs)


def query_parameters(params: object) -> tuple[str, ...]:
    """Encode the `params` of a caller, in their order: scalars as the API writes them, several joined by commas.

    Raises:
        ConfigurationError: a name or a value cannot be sent; the parameter is named, its value is not shown.
    """
    if params is None:
        return ()
    given: Any = params
    if not isinstance(params, Mapping):
        raise ConfigurationError(
            f"params must be a mapping such as {{'include': 'customer'}}, not a {type(params).__name__}"
        )
    return tuple(_query_parameter(name, value) for name, value in given.items())


def _query_parameter(given: object, value: object) -> str:
    name = plain_text(given)
    if not name or not is_encodable(name):
        shown = printable(repr(name), 80) if name is not None else f"a {type(given).__name__}"
        raise ConfigurationError(f"params: {shown} is not the name of a parameter, such as 'include'")
    where = f"params: {printable(repr(name), 80)}"
    if value is None:
        raise ConfigurationError(f"{where} is None; leave it out, or give '' for an empty one")
    if isinstance(value, Mapping):
        raise ConfigurationError(f"{where} is a mapping; give a parameter of its own for each member")
    if isinstance(value, list | tuple | AbstractSet):
        return parameter(name, texts_of(cast("Iterable[object]", value), where), safe=",:")
    return parameter(name, text_of(value, where), safe=",:")


def texts_of(values: Iterable[object], where: str, write: Callable[[object, str], str] | None = None) -> str:
    """Write several values as one text with commas, each by `write`; those of a set in the order of their texts.

    Raises:
        ConfigurationError: there are none, or one cannot be written; `where` is what the error begins with.
    """
    texts = [(write or text_of)(value, where) for value in values]
    if not texts:
        raise ConfigurationError(f"{where} has no values, and would filter nothing")
    if any("," in text for text in texts):
        # No way is documented to write a comma that does not part two values.
        raise ConfigurationError(f"{where} has a value with a comma, which the API would take for two values")
    # A set has no order of its own, and the same query is to have the same URL.
    return ",".join(sorted(texts) if isinstance(values, AbstractSet) else texts)


def text_of(value: object, where: str) -> str:
    """Write one value as the API does.

    Raises:
        ConfigurationError: it cannot be written, or would mean something else; `where` is what the error begins with.
    """
    match plain(value):
        case bool() as truth:
            return "true" if truth else "false"
        case str() as text:
            if is_encodable(text):
                return text
            raise ConfigurationError(f"{where} has a value with half a character (a lone surrogate)")
        case datetime() as moment:
            return _timestamp(moment, where)
        case date() as day:
            return day.isoformat()
        case int() | float() | Decimal() as number:
            return _number(number, where)
        case _:
            raise ConfigurationError(
                f"{where} takes a text, a number, a boolean, a date or an aware datetime, not a {type(value).__name__}"
            )


def is_encodable(text: str) -> bool:
    """False for a text with half a character (a lone surrogate), which has no UTF-8 form."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(value: float | Decimal, where: str) -> str:
    # Not by isfinite, which does not take integers of this size; NaN is never smaller.
    if not (isinstance(value, Decimal) and value.is_nan()) and -_BEYOND < value < _BEYOND:
        return f"{value:f}" if isinstance(value, Decimal) else repr(value)
    raise ConfigurationError(f"{where} has a number that no record can have")


def _timestamp(moment: datetime, where: str) -> str:
    """Write a point in time as the API does: in UTC, with milliseconds, or microseconds where there are any."""
    try:
        utc = moment.astimezone(UTC) if moment.utcoffset() is not None else None
    except Exception as error:
        # Of a time zone of the caller's, or at the ends of time.
        raise ConfigurationError(f"{where} has a datetime that is none in UTC") from error
    if utc is None:
        raise ConfigurationError(f"{where} has a datetime without time zone; give it one, such as UTC")
    exact = "milliseconds" if utc.microsecond % 1000 == 0 else "microseconds"
    return f"{utc.replace(tzinfo=None).isoformat(timespec=exact)}Z"


@lru_cache(maxsize=256)
def _encoded_name(name: str) -> str:
    return quote(name, safe="")
