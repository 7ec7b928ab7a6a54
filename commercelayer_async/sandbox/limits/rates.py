"""Rate limits, counted as the API counts them.

Each class of requests has an average window over all its endpoints and a burst window over each single one.
Windows slide, a request counts when it arrives, and a count is never reset: a place comes free when the request
that took it is older than the window. Three headers tell the average window; the burst window never shows.

Every window is counted twice. What was *charged* decides about refusals. What *arrived* is what a client did,
whether or not it was refused, and is only ever reported.

Not published, hence options: whether a refused request counts too, and whether a refusal says when to come
back.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from .rate_classes import Budget, RateClass

_MAX_TIMESTAMPS: Final = 1_000_000  # moments; a window that holds more counts no further


@attrs.frozen
class Limit:
    """At most so many requests in any stretch of so many seconds."""

    requests: int
    seconds: float


@attrs.frozen
class Limits:
    """Those of one class of requests."""

    average: Limit
    """Over all endpoints of the class."""
    burst: Limit | None = None
    """Over each single endpoint; None for none."""

    def scaled(self, factor: float) -> "Limits":
        """The same numbers of requests in seconds divided by *factor*."""
        burst = self.burst and attrs.evolve(self.burst, seconds=self.burst.seconds / factor)
        return Limits(attrs.evolve(self.average, seconds=self.average.seconds / factor), burst)


_TOKEN: Final = Limits(Limit(30, 60.0))


@attrs.frozen(kw_only=True)
class Rates:
    """The limits of a sandbox, and what happens beyond them.

    `Rates.live()`, `Rates.test()` and `Rates.off()` have the published numbers; `attrs.evolve` makes others.
    """

    uncacheable: Limits
    cacheable: Limits
    write: Limits
    token: Limits = _TOKEN
    enforced: bool = True
    """Whether a request over a limit is answered with 429. Reports are the same either way."""
    told: bool = True
    """Whether headers tell the average. A client that heeds them waits, also where nothing is enforced."""
    count_refused: bool = False
    """Whether a refused request takes a place in the windows too. What the API does is not known."""
    retry_after: bool = False
    """Whether a refusal has a `Retry-After`: whole seconds, 1 at least. The API does not promise it."""

    @classmethod
    def live(cls, *, count_refused: bool = False, retry_after: bool = False) -> "Rates":
        """The limits of the live mode, enforced."""
        few, many = Limits(Limit(200, 60.0), Limit(50, 10.0)), Limits(Limit(1000, 60.0), Limit(250, 10.0))
        return cls(uncacheable=few, cacheable=many, write=few, count_refused=count_refused, retry_after=retry_after)

    @classmethod
    def test(cls, *, count_refused: bool = False, retry_after: bool = False) -> "Rates":
        """The limits of the test mode, enforced."""
        few, many = Limits(Limit(100, 60.0), Limit(25, 10.0)), Limits(Limit(500, 60.0), Limit(125, 10.0))
        return cls(uncacheable=few, cacheable=many, write=few, count_refused=count_refused, retry_after=retry_after)

    @classmethod
    def off(cls) -> "Rates":
        """The limits of the test mode, in reports alone: no header tells them, and nothing is refused."""
        return attrs.evolve(cls.test(), enforced=False, told=False)

    @classmethod
    def told_only(cls) -> "Rates":
        """The limits of the test mode, in headers and reports; nothing is refused."""
        return attrs.evolve(cls.test(), enforced=False)

    def scaled(self, factor: float) -> "Rates":
        """The same numbers of requests in windows *factor* times as short.

        `Rates.test().scaled(100)` allows 25 requests in 0.1 s and 100 in 0.6 s, so that the real algorithm runs
        in little time. `X-Ratelimit-Interval` is a fraction then, which the API never sends.

        Raises:
            ValueError: *factor* is not above 0.
        """
        if not factor > 0:
            raise ValueError(f"windows are divided by a factor above 0, not {factor}")
        return attrs.evolve(
            self,
            uncacheable=self.uncacheable.scaled(factor),
            cacheable=self.cacheable.scaled(factor),
            write=self.write.scaled(factor),
            token=self.token.scaled(factor),
        )

    def of(self, budget: Budget) -> Limits:
        """The limits of one class of requests."""
        match budget:
            case Budget.TOKEN:
                return self.token
            case Budget.CACHEABLE:
                return self.cacheable
            case Budget.UNCACHEABLE:
                return self.uncacheable
            case Budget.WRITE:
                return self.write


@attrs.frozen(kw_only=True)
class WindowReport:
    """What arrived in one window, as the server saw it."""

    budget: str
    """`uncacheable`, `cacheable`, `write` or `token`."""
    endpoint: str | None
    """Of a burst window: the resource type. None for the average window, which is over all endpoints."""
    limit: int
    """How many requests the window admits."""
    seconds: float
    """How long it is."""
    requests: int
    """How many arrived in all."""
    worst: int
    """The most that ever arrived in one window of this length, wherever it begins; refused ones included."""
    refused: int
    """How many were refused because this window was full."""

    @property
    def exceeded(self) -> bool:
        """Whether more arrived than the limit admits."""
        return self.worst > self.limit


@attrs.frozen
class Admission:
    """What is decided about a request when it arrives."""

    headers: Mapping[str, str]
    refused: bool = False


class _SlidingWindowLog:
    """The moments of the last seconds, oldest first, and the most there ever were at once.

    The end of every fullest window is an arrival, so looking back at each arrival finds the worst window in
    any position.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timestamps = deque[float](maxlen=_MAX_TIMESTAMPS)
        self.total = 0
        self.peak = 0

    def count(self, now: float) -> int:
        """How many lie in the window that ends *now*."""
        while self._timestamps and self._timestamps[0] <= now - self._seconds:
            self._timestamps.popleft()
        return len(self._timestamps)

    def add(self, now: float) -> None:
        self._timestamps.append(now)
        self.total += 1
        self.peak = max(self.peak, self.count(now))

    def until_below(self, limit: int, now: float) -> float:
        """Seconds until fewer than *limit* of those in a full window are left."""
        return self._timestamps[len(self._timestamps) - limit] + self._seconds - now


class _MeteredWindow:
    """One limit of a class or an endpoint."""

    def __init__(self, rate_class: RateClass, limit: Limit, *, burst: bool) -> None:
        self.rate_class = rate_class
        self.limit = limit
        self.burst = burst
        self.arrived = _SlidingWindowLog(limit.seconds)
        self.charged = _SlidingWindowLog(limit.seconds)
        self.refused = 0

    def full(self, now: float) -> bool:
        return self.charged.count(now) >= self.limit.requests

    def report(self) -> WindowReport:
        return WindowReport(
            budget=self.rate_class.budget.value,
            endpoint=self.rate_class.endpoint if self.burst else None,
            limit=self.limit.requests,
            seconds=self.limit.seconds,
            requests=self.arrived.total,
            worst=self.arrived.peak,
            refused=self.refused,
        )


class Meter:
    """Counts requests and decides which are too many.

    Args:
        rates: the limits.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._averages = dict[Budget, _MeteredWindow]()
        self._windows = dict[RateClass, Sequence[_MeteredWindow]]()

    def admit(self, rate_class: RateClass | None, now: float) -> Admission:
        """Take note of a request that is arriving *now*, and decide about it.

        Args:
            rate_class: Where it counts; None where no limit applies.
            now: seconds from anywhere, never less than the last time.
        """
        if rate_class is None:
            return Admission({})
        windows = self._windows.get(rate_class) or self._open(rate_class)
        for window in windows:
            window.arrived.add(now)
        full = [window for window in windows if window.full(now)] if self._rates.enforced else []
        for window in full:
            window.refused += 1
        if not full or self._rates.count_refused:
            for window in windows:
                window.charged.add(now)
        return Admission(self._headers(windows[0], now) | self._retry_after(full, now), refused=bool(full))

    def report(self) -> tuple[WindowReport, ...]:
        """Every window that a request arrived in: the averages first, then the endpoints, by name."""
        bursts = [window for _, *bursts in list(self._windows.values()) for window in bursts]  # another thread may ask
        reports = [window.report() for window in (*self._averages.values(), *bursts)]
        return tuple(sorted(reports, key=lambda report: (report.endpoint or "", report.budget)))

    def _open(self, rate_class: RateClass) -> Sequence[_MeteredWindow]:
        """The windows of *rate_class*, that of the average first."""
        limits = self._rates.of(rate_class.budget)
        average = self._averages.setdefault(rate_class.budget, _MeteredWindow(rate_class, limits.average, burst=False))
        bursts = [_MeteredWindow(rate_class, limits.burst, burst=True)] if limits.burst else []
        self._windows[rate_class] = windows = (average, *bursts)
        return windows

    def _headers(self, average: _MeteredWindow, now: float) -> dict[str, str]:
        if not self._rates.told:
            return {}
        return {
            "X-Ratelimit-Limit": str(average.limit.requests),
            "X-Ratelimit-Interval": f"{average.limit.seconds:g}",
            "X-Ratelimit-Remaining": str(max(0, average.limit.requests - average.charged.count(now))),
        }

    def _retry_after(self, full: Sequence[_MeteredWindow], now: float) -> dict[str, str]:
        if not full or not self._rates.retry_after:
            return {}
        seconds = max(window.charged.until_below(window.limit.requests, now) for window in full)
        return {"Retry-After": str(max(1, math.ceil(seconds)))}
