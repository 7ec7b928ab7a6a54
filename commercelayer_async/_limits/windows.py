"""Sliding windows: how many requests may leave now.

What the server does (docs.commercelayer.io, "Rate limits"): it counts the requests of an address in two sliding
windows, one over all endpoints of a class (the average), one for each endpoint (the burst), and refuses what is over.
Whether a type is cacheable decides the class; the mode, test or live, the numbers. Headers report the average alone.

What we do: we count a request from the moment it leaves until one window after its response came. The server counted it
somewhere in between, so wherever one of its windows lies, no more requests are in it than we allowed; jitter on the way
cannot bunch them. A request costs its own latency this way, which is little beside a window.

What we never do: wait without need, or learn a limit by being refused.
"""

import math
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import attrs

from .._markers import public
from ..errors import ConfigurationError
from ..service import COMMERCE_LAYER, RateFacts, RequestsInSeconds

_SANE_LIMIT: Final = 1_000_000
_SANE_SECONDS: Final = 3600.0
_STEP_UP: Final = 0.05
"""Share by which a limit grows with each response that reports a higher one."""


@public("commercelayer_async")
@attrs.frozen(kw_only=True)
class RateLimits:
    """How many uncacheable reads may be made: `average` over all endpoints, `burst` for each.

    Each is a number of requests and a number of seconds, or None for no limit. Reads of cacheable types may be five
    times as many (docs.commercelayer.io, "Rate limits").
    """

    average: RequestsInSeconds | None
    burst: RequestsInSeconds | None

    def __attrs_post_init__(self) -> None:
        for name in ("average", "burst"):
            pair: RequestsInSeconds | None = getattr(self, name)
            if pair is not None and not (1 <= pair[0] <= _SANE_LIMIT and 0 < pair[1] <= _SANE_SECONDS):
                raise ConfigurationError(f"RateLimits.{name} must be (requests, seconds), both above 0, or None")

    @classmethod
    def live(cls) -> "RateLimits":
        """The API's limits for live data, of 2024 and later."""
        return cls.of(COMMERCE_LAYER.rates.live)

    @classmethod
    def test(cls) -> "RateLimits":
        """The API's limits for test data, of 2024 and later."""
        return cls.of(COMMERCE_LAYER.rates.test)

    @classmethod
    def none(cls) -> "RateLimits":
        """No limits: for a server that has none. The API would refuse most of a burst."""
        return cls(average=None, burst=None)

    @classmethod
    def of(cls, pairs: tuple[RequestsInSeconds, RequestsInSeconds]) -> "RateLimits":
        """The limits of a pair: the average, and the burst."""
        average, burst = pairs
        return cls(average=average, burst=burst)

    @classmethod
    def of_average(cls, limit: int, seconds: float, facts: RateFacts) -> "RateLimits":
        """The limits where only the average is known: the burst has always been the same part of it."""
        requests = max(1, int(limit * facts.burst_share))
        return cls(average=(limit, seconds), burst=(requests, seconds * facts.burst_seconds_share))

    def times(self, factor: int) -> "RateLimits":
        """Limits `factor` times as large, in the same seconds."""
        return RateLimits(average=_times(self.average, factor), burst=_times(self.burst, factor))


def _times(pair: RequestsInSeconds | None, factor: int) -> RequestsInSeconds | None:
    return None if pair is None else (pair[0] * factor, pair[1])


class Window:
    """A sliding-window limit: requests under way, and those whose response came less than `seconds` ago."""

    __slots__ = ("_fading", "limit", "seconds", "under_way")

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self.under_way = 0
        self._fading: deque[float] = deque()

    def free(self, now: float) -> int:
        """Requests that may leave now; negative after the limit was lowered."""
        fading = self._fading
        while fading and fading[0] <= now:
            fading.popleft()
        return self.limit - self.under_way - len(fading)

    def change(self, limit: int, seconds: float) -> None:
        """Have another limit and length from now on; what is counted stays counted, for the new length."""
        shift = seconds - self.seconds
        self._fading = deque(moment + shift for moment in self._fading)
        self.limit = limit
        self.seconds = seconds

    def start(self) -> None:
        """Count a request that leaves."""
        self.under_way += 1

    def cancel(self) -> None:
        """Count no longer a request that was to leave and did not."""
        self.under_way -= 1

    def finish(self, now: float) -> None:
        """Let a request fade: its response came, or none will. The server may have counted it until just now."""
        self.under_way -= 1
        self._fading.append(now + self.seconds)

    def count_foreign(self, count: int, now: float) -> None:
        """Count requests that other clients made against the same limit."""
        self._fading.extend([now + self.seconds] * count)

    def frees_at(self, wanted: int) -> float:
        """The moment when `wanted` more may leave if nothing else happens.

        0.0 stands for now, infinity for never: only a response can tell.
        """
        missing = wanted - (self.limit - self.under_way - len(self._fading))
        if missing <= 0:
            return 0.0
        return self._fading[missing - 1] if missing <= len(self._fading) else math.inf


@attrs.frozen
class ReportedLimit:
    """The average window as a response's headers report it."""

    limit: int
    seconds: float
    remaining: int | None


def parse_headers(headers: Mapping[str, str]) -> ReportedLimit | None:
    """The limit that the headers report; None without one that makes sense: decimal digits, within reason."""
    named = headers.get("X-Ratelimit-Limit")
    average = None if named is None else _average(named, headers.get("X-Ratelimit-Interval"))
    if average is None:
        return None
    limit, seconds = average
    remaining = _number(headers.get("X-Ratelimit-Remaining"))
    return ReportedLimit(limit, seconds, int(remaining) if remaining is not None and remaining <= limit else None)


@lru_cache(maxsize=32)  # a server repeats the same headers
def _average(limit: str, seconds: str | None) -> RequestsInSeconds | None:
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
    """Take over a limit that the server reports: at once where it is lower, step by step where it is higher.

    `most` is the configured limit, which is never exceeded; None where none is.
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
