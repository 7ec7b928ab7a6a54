"""Points in time as the API writes them: ISO 8601, in UTC, with milliseconds."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

_DAY: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()


def iso(ms: int) -> str:
    """Write milliseconds since 1970 as `2018-01-01T12:00:00.000Z`. Such texts sort like the times they name."""
    day, rest = divmod(ms, _DAY)
    seconds, rest = divmod(rest, 1000)
    return f"{_day(day)}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}Z"


@lru_cache(1024)
def _day(number: int) -> str:
    """Write the date that is *number* days after 1970-01-01."""
    return date.fromordinal(_FIRST_DAY + number).isoformat()


def iso_offset(ms: int) -> str:
    """Write milliseconds since 1970 with `+00:00` at the end, as event stores have it."""
    return iso(ms).removesuffix("Z") + "+00:00"


def milliseconds(text: str) -> float:
    """Read an ISO 8601 text as milliseconds since 1970. A date alone will do; without an offset, the text is in UTC.

    Raises:
        ValueError: *text* is not an ISO 8601 time.
    """
    moment = datetime.fromisoformat(text)
    try:
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) / timedelta(milliseconds=1)
    except OverflowError as error:  # the first and the last day of all, with an offset
        raise ValueError(f"{text} is not a time in UTC") from error
