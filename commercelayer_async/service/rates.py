"""How many requests a service takes, before configuration or headers say more."""

from collections.abc import Mapping
from types import EllipsisType
from typing import Any, Final, cast

import attrs

from .._checks import require_number
from .._markers import public
from .._rate_dialects import BodyWait, Dialect, Names, guarded, guarded_wait
from ..errors import ConfigurationError

RequestsInSeconds = tuple[int, float]
"""How many requests in how many seconds."""

Windows = tuple[RequestsInSeconds, ...]
"""Sliding windows, all of which a request has to find room in."""

_LONGEST: Final = 31 * 24 * 3600.0
_MOST_REQUESTS: Final = 1_000_000


def _copied(given: Any) -> Any:
    """A table of the service's own, which a caller cannot change later."""
    return dict(cast("Mapping[object, object]", given)) if isinstance(given, Mapping) else given


def _is_pair(given: Any) -> bool:
    return isinstance(given, tuple) and len(cast("tuple[object, ...]", given)) == 2  # noqa: PLR2004 - a pair


def _check_windows(_: object, attribute: "attrs.Attribute[Any]", given: object) -> None:
    table = cast("Mapping[object, object]", given) if isinstance(given, Mapping) else {...: given}
    if not all(isinstance(type, str) or type is ... for type in table):
        raise ConfigurationError(
            f"Rates.{attribute.name}: a table is by type, a text, with ... for the types that are not named"
        )
    for windows in table.values():
        pairs: Any = windows
        if not isinstance(windows, tuple) or not all(_is_pair(pair) for pair in pairs):
            raise ConfigurationError(
                f"Rates.{attribute.name} must be pairs of requests and seconds, such as ((3, 1.0), (60, 60.0)), or such"
                " pairs by type, with ... for the types that are not named"
            )
        for requests, seconds in pairs:
            require_number(f"Rates.{attribute.name}: a number of requests", requests)
            require_number(f"Rates.{attribute.name}: a number of seconds", seconds)
            if requests > _MOST_REQUESTS or requests != int(requests) or seconds > _LONGEST:
                raise ConfigurationError(
                    f"Rates.{attribute.name}: {requests} in {seconds} s is not a window; up to {_MOST_REQUESTS:,} whole"
                    " requests in up to 31 days are"
                )


@attrs.frozen(kw_only=True)
class Modes:
    """Limits that depend on a token's mode, test or live, and on whether a type's reads are cacheable."""

    live: tuple[RequestsInSeconds, RequestsInSeconds]
    """For live data: over all endpoints (the average), and for each endpoint (the burst)."""
    test: tuple[RequestsInSeconds, RequestsInSeconds]
    """The same for test data."""
    cacheable: frozenset[str]
    """Types whose reads have budgets of their own."""
    cacheable_factor: int
    """How many times as many reads of these are allowed."""
    burst_share: float
    """The burst's part of the requests of the average, where only the average is known."""
    burst_seconds_share: float
    """The burst's part of the seconds of the average."""


@public("commercelayer_async.service")
@attrs.frozen
class Rates:
    """What is known of a service's limits: how its headers report them, and windows that its documents declare."""

    dialect: Dialect = attrs.field(default=Names("X-RateLimit-", left="Remaining", reset="Reset"), converter=guarded)
    """What reads the headers that report limits."""
    windows: Windows | Mapping[str | EllipsisType, Windows] = attrs.field(
        default=(), kw_only=True, converter=_copied, validator=_check_windows, hash=False
    )
    """Declared windows, in each of which a request has to find room: `((3, 1.0), (60, 60.0))` is three in a second and
    sixty in a minute, up to a million in up to 31 days.

    Pairs count all requests to the session's origin together. A table counts those of each type apart, `...` standing
    for each type that it does not name, by itself: types that are counted apart do not wait for each other, nor for
    the end of each other's refusals.

    They are kept from the first request on. A header that reports a window of the same length corrects it: at once to
    fewer requests, step by step to more. `limits=RateLimits(...)` of a session takes their place. A window of more than
    5,000 requests in more than ten minutes is kept to a five-hundredth of its length, in a quarter of a megabyte at
    most.

    All sessions of an origin in an event loop count in the same windows, whatever their secrets: where the service
    counts accounts apart that is slower than it has to be, and never too fast.
    """
    token: RequestsInSeconds | None = attrs.field(default=None, kw_only=True)
    """Of the token endpoint."""
    concurrent_until_known: int | None = attrs.field(default=25, kw_only=True)
    """Requests under way at once until a limit is known, or a response shows that none is reported; None for any."""
    wait_in_body: BodyWait | None = attrs.field(default=None, kw_only=True, converter=guarded_wait)
    """What reads from the JSON of a refusal how many seconds it asks to wait, where no `Retry-After` says so."""
    modes: Modes | None = attrs.field(default=None, kw_only=True)
    """Limits that depend on the token's mode; None for a service without modes."""

    @property
    def cacheable(self) -> frozenset[str]:
        """Types whose reads have budgets of their own."""
        return self.modes.cacheable if self.modes is not None else frozenset()

    @property
    def cacheable_factor(self) -> int:
        """How many times as many reads of these are allowed."""
        return self.modes.cacheable_factor if self.modes is not None else 1

    def __attrs_post_init__(self) -> None:
        if self.modes is not None and self.windows:
            raise ConfigurationError("Rates.modes are limits of their own: leave windows out")
