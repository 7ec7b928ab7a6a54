"""Sliding windows: how many requests may leave now.

What the server does (docs.commercelayer.io, "Rate limits"): it counts the requests of an address in two sliding
windows, one over all endpoints of a class (the average), one for each endpoint (the burst), and refuses what is over.
Which resources are cacheable decides the class; the mode, test or live, the numbers. The headers tell of the average.

What we do: we count a request from the moment it leaves until one window after its answer came. The server counted it
somewhere in between, so wherever one of its windows lies, no more requests are in it than we allowed; jitter on the way
cannot bunch them. An answer costs its own latency this way, which is little beside a window.

What we never do: wait without need, or learn a limit by being refused.
"""

import math
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import attrs

from ..errors import ConfigurationError

CACHEABLE: Final = frozenset(
    {
        "bundles",
        "buy_x_pay_y_promotions",
        "coupon_codes_promotion_rules",
        "external_promotions",
        "fixed_amount_promotions",
        "fixed_price_promotions",
        "flex_promotions",
        "free_gift_promotions",
        "free_shipping_promotions",
        "imports",
        "markets",
        "percentage_discount_promotions",
        "price_lists",
        "prices",
        "promotions",
        "sku_options",
        "skus",
        "stock_items",
        "stock_locations",
    }
)
"""Resource types whose reads have budgets of their own, five times as large."""

_SANE_LIMIT: Final = 1_000_000
_SANE_SECONDS: Final = 3600.0
_STEP_UP: Final = 0.05
"""Share by which a limit grows with each answer that promises more."""
CACHEABLE_FACTOR: Final = 5
"""How many times as many reads of cacheable types are allowed."""
Pair = tuple[int, float]
"""How many requests in how many seconds."""


@attrs.frozen(kw_only=True)
class RateLimits:
    """How many uncacheable reads may be made: `average` over all endpoints, `burst` for each.

    Each is a number of requests and a number of seconds, or None for no limit. Reads of cacheable types may be five
    times as many.
    """

    average: Pair | None
    burst: Pair | None

    def __attrs_post_init__(self) -> None:
        for name in ("average", "burst"):
            pair: Pair | None = getattr(self, name)
            if pair is not None and not (1 <= pair[0] <= _SANE_LIMIT and 0 < pair[1] <= _SANE_SECONDS):
                raise ConfigurationError(f"RateLimits.{name} must be (requests, seconds), both above 0, or None")

    @classmethod
    def live(cls) -> "RateLimits":
        """The API's limits for live data, of 2024 and later."""
        return cls(average=(200, 60.0), burst=(50, 10.0))

    @classmethod
    def test(cls) -> "RateLimits":
        """The API's limits for test data, of 2024 and later."""
        return cls(average=(100, 60.0), burst=(25, 10.0))

    @classmethod
    def none(cls) -> "RateLimits":
        """No limits: for a server that has none. The API would refuse most of a burst."""
        return cls(average=None, burst=None)

    @classmethod
    def of_average(cls, limit: int, seconds: float) -> "RateLimits":
        """The limits where only the average is known: the burst has always been a quarter in a sixth of the time."""
        return cls(average=(limit, seconds), burst=(max(1, limit // 4), seconds / 6))

    def times(self, factor: int) -> "RateLimits":
        """Limits `factor` times as large, in the same seconds."""
        return RateLimits(average=_times(self.average, factor), burst=_times(self.burst, factor))


def _times(pair: Pair | None, factor: int) -> Pair | None:
    return None if pair is None else (pair[0] * factor, pair[1])


class Window:
    """One sliding window: requests under way, and those whose answer came less than `seconds` ago."""

    __slots__ = ("_fading", "limit", "seconds", "under_way")

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self.under_way = 0
        self._fading: deque[float] = deque()

    def free(self, now: float) -> int:
        """Requests that may leave now; negative after a limit has shrunk."""
        fading = self._fading
        while fading and fading[0] <= now:
            fading.popleft()
        return self.limit - self.under_way - len(fading)

    def change(self, limit: int, seconds: float) -> None:
        """Have another limit and length from now on; what is counted stays counted, as long as it would have been."""
        shift = seconds - self.seconds
        self._fading = deque(moment + shift for moment in self._fading)
        self.limit = limit
        self.seconds = seconds

    def start(self) -> None:
        """A request leaves."""
        self.under_way += 1

    def cancel(self) -> None:
        """A request that was to leave did not."""
        self.under_way -= 1

    def finish(self, now: float) -> None:
        """An answer came, or none will; the request may have been counted until just now."""
        self.under_way -= 1
        self._fading.append(now + self.seconds)

    def count_foreign(self, count: int, now: float) -> None:
        """So many requests of others are in the server's window too."""
        self._fading.extend([now + self.seconds] * count)

    def frees_at(self, wanted: int) -> float:
        """When `wanted` more may leave, if nothing else happens: 0.0 for now, infinity if only an answer can tell."""
        missing = wanted - (self.limit - self.under_way - len(self._fading))
        if missing <= 0:
            return 0.0
        return self._fading[missing - 1] if missing <= len(self._fading) else math.inf


@attrs.frozen
class ReportedLimit:
    """What an answer's headers say of the average window."""

    limit: int
    seconds: float
    remaining: int | None


def parse_headers(headers: Mapping[str, str]) -> ReportedLimit | None:
    """What the headers say, None if nothing sane: whole numbers in decimal digits, within reason."""
    named = headers.get("X-Ratelimit-Limit")
    average = None if named is None else _average(named, headers.get("X-Ratelimit-Interval"))
    if average is None:
        return None
    limit, seconds = average
    remaining = _number(headers.get("X-Ratelimit-Remaining"))
    return ReportedLimit(limit, seconds, int(remaining) if remaining is not None and remaining <= limit else None)


@lru_cache(maxsize=32)  # a server says the same again and again
def _average(limit: str, seconds: str | None) -> Pair | None:
    requests, window = _number(limit), _number(seconds)
    if requests is None or window is None or not 1 <= requests <= _SANE_LIMIT or not 0 < window <= _SANE_SECONDS:
        return None
    return int(requests), window


def _number(text: str | None) -> float | None:
    if text is None or len(text) > 12 or not text.isascii():  # noqa: PLR2004 - no sane number is longer
        return None
    if text.isdigit():
        return float(text)
    whole, _, fraction = text.partition(".")
    return float(text) if whole.isdigit() and (not fraction or fraction.isdigit()) else None


def update_limit(window: Window, limit: int, *, most: int | None) -> None:
    """Take over a limit that the server tells: at once where it is lower, step by step where it is higher.

    `most` is what was configured, above which nothing goes; None where nothing was.
    """
    if limit <= window.limit:
        window.limit = limit
        return
    goal = limit if most is None else min(limit, most)
    if goal > window.limit:
        window.limit = min(goal, window.limit + max(1, int(window.limit * _STEP_UP)))


def bulk_reserve(limit: int) -> int:
    """Requests of a window that bulk work leaves for interactive calls."""
    return 0 if limit < 10 else max(1, limit // 100)  # noqa: PLR2004 - tiny windows have nothing to spare
