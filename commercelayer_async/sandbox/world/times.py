"""Points in time as the API writes them: ISO 8601, UTC, milliseconds."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

_DAY: Final = 86_400_000
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()


def iso(ms: int) -> str:
    """`2018-01-01T12:00:00.000Z` for milliseconds since 1970. Such texts sort like the times they name."""
    day, rest = divmod(ms, _DAY)
    seconds, rest = divmod(rest, 1000)
    return f"{_day(day)}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}Z"


@lru_cache(1024)
def _day(number: int) -> str:
    """The date so many days after 1970 began."""
    return date.fromordinal(_FIRST_DAY + number).isoformat()


def iso_offset(ms: int) -> str:
    """The form with `+00:00`, which event stores have."""
    return iso(ms).removesuffix("Z") + "+00:00"


def milliseconds(text: str) -> int:
    """Milliseconds since 1970 for an ISO 8601 text, a date alone included; UTC unless it says otherwise.

    Raises:
        ValueError: *text* is no such thing.
    """
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
