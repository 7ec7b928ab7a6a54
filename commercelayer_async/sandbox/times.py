"""Points in time as the API writes them: ISO 8601, UTC, milliseconds."""

from datetime import UTC, datetime


def iso(ms: int) -> str:
    """`2018-01-01T12:00:00.000Z` for milliseconds since 1970. Such texts sort like the times they name."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


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
