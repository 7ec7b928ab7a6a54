"""The count of requests in sliding windows, and the decision which to refuse.

A request counts from its arrival until it is as old as the window; a count is never reset. The three `X-Ratelimit-*`
headers report the average window alone.

Every client, which is an IP address to the service, has windows of its own; those of tokens too.

Every window counts twice. What it *charged* decides about refusals. What *arrived* is what a client did, whether or not
it was refused, and is only reported.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import attrs

from .rate_classes import Budget, RateClass
from .rates import Limit, Rates, WindowReport

_MAX_TIMESTAMPS: Final = 1_000_000  # a window with more requests than that is not counted further


@attrs.frozen
class Admission:
    """The decision about a request on its arrival."""

    headers: Mapping[str, str]
    """To be added to the response."""
    refused: bool = False


class _SlidingWindowLog:
    """The arrival times within the last seconds, oldest first, and the most there ever were.

    Every fullest window ends with an arrival. So the count at each arrival finds the worst window there was, wherever
    it began.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timestamps = deque[float](maxlen=_MAX_TIMESTAMPS)
        self.total = 0
        self.peak = 0

    def count(self, now: float) -> int:
        """Count the arrivals in the window that ends *now*."""
        while self._timestamps and self._timestamps[0] <= now - self._seconds:
            self._timestamps.popleft()
        return len(self._timestamps)

    def add(self, now: float) -> None:
        self._timestamps.append(now)
        self.total += 1
        self.peak = max(self.peak, self.count(now))

    def until_below(self, limit: int, now: float) -> float:
        """Give the seconds until fewer than *limit* arrivals are left. There must be at least as many now."""
        return self._timestamps[len(self._timestamps) - limit] + self._seconds - now


class _MeteredWindow:
    """A limit with its two counts: the average limit of a budget, or the burst limit of an endpoint."""

    def __init__(self, address: str, rate_class: RateClass, limit: Limit, *, burst: bool) -> None:
        self.address = address
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
            address=self.address,
        )


class Meter:
    """The rate windows of a sandbox.

    Args:
        rates: The limits.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._averages = dict[tuple[str, Budget], _MeteredWindow]()
        self._windows = dict[tuple[str, RateClass], Sequence[_MeteredWindow]]()

    def admit(self, rate_class: RateClass | None, now: float, address: str) -> Admission:
        """Count a request that arrives *now*, and decide whether to refuse it.

        Args:
            rate_class: Where it counts; None if no limit applies.
            now: Seconds from any start, never less than at the last call.
            address: The client's, which has windows of its own.
        """
        if rate_class is None:
            return Admission({})
        windows = self._windows.get((address, rate_class)) or self._open(address, rate_class)
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
        """Report every window in which a request arrived: the average ones first, then by endpoint and address."""
        # A copy of the values: the server may open a window while another thread asks for a report.
        bursts = [window for _, *bursts in list(self._windows.values()) for window in bursts]
        reports = [window.report() for window in (*self._averages.values(), *bursts)]
        return tuple(sorted(reports, key=lambda report: (report.endpoint or "", report.budget, report.address)))

    def _open(self, address: str, rate_class: RateClass) -> Sequence[_MeteredWindow]:
        """Begin to count a client's requests of *rate_class*. The average window, which its budget shares, is first."""
        limits = self._rates.of(rate_class.budget)
        window = partial(_MeteredWindow, address, rate_class)
        average = self._averages.setdefault((address, rate_class.budget), window(limits.average, burst=False))
        bursts = [window(limits.burst, burst=True)] if limits.burst else []
        self._windows[address, rate_class] = windows = (average, *bursts)
        return windows

    def _headers(self, average: _MeteredWindow, now: float) -> dict[str, str]:
        if not self._rates.reported:
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
