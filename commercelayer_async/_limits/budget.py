"""The budget of one class of routes: its windows, and what may leave now. No queue and no clock."""

import math
from enum import StrEnum
from typing import Final

import attrs

from .._markers import public
from ..service import RateFacts, RequestsInSeconds
from .windows import RateLimits, ReportedLimit, Window, bulk_reserve, update_limit

NO_LIMITS: Final = RateLimits.none()
UNKNOWN_LIMITS: Final = RateLimits(average=(10**5, 60.0), burst=(10**5, 10.0))
"""Until something is known: so large that they limit nothing. They count what leaves, for the limits to come."""


@public("commercelayer_async")
class Priority(StrEnum):
    """Who goes first where the rate windows have little room."""

    INTERACTIVE = "interactive"
    """Somebody waits: before all bulk calls, and with a share of each window to themselves."""
    BULK = "bulk"
    """A worker: takes what is left."""


@public("commercelayer_async")
@attrs.frozen
class RateState:
    """What is known of one class of requests now."""

    limit: int | None
    """Requests in `seconds`, as configured, claimed by the token or reported by headers; None for no limit."""
    seconds: float | None
    remaining: int | None
    """Requests that could leave at once, as far as the average goes."""
    waiting: int
    """Calls in the queue."""
    closed_for: float
    """Seconds for which no request leaves, after the server refused one; 0.0 if requests leave."""


class Budget:
    """The windows of one class of routes: the average over all of them, a burst for each."""

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits
        self.max_concurrent: int | None = None
        """Requests under way at most, while nothing is known of the windows."""
        self.average = _window(limits.average)
        self.bursts: dict[str, Window | None] = {}

    def use(self, limits: RateLimits) -> None:
        """Have these limits from now on; what is counted stays counted."""
        self.limits = limits
        self.max_concurrent = None
        self.average = _changed(self.average, limits.average)
        self.bursts = {type: _changed(window, limits.burst) for type, window in self.bursts.items()}

    def burst(self, type: str) -> Window | None:
        """The burst window of a type's endpoint."""
        if type not in self.bursts:
            self.bursts[type] = _window(self.limits.burst)
        return self.bursts[type]

    def has_room(self, type: str, priority: Priority, now: float) -> bool:
        """True if a request to a type's endpoint may leave now."""
        if self._is_crowded():
            return False
        for window in (self.average, self.burst(type)):
            if window is not None and window.free(now) <= _reserved(window, priority):
                return False
        return True

    def has_room_at(self, type: str, priority: Priority) -> float:
        """The moment when a request may leave if nothing else happens; infinity if only a response can tell."""
        if self._is_crowded():
            return math.inf
        windows = [window for window in (self.average, self.burst(type)) if window is not None]
        return max((window.frees_at(1 + _reserved(window, priority)) for window in windows), default=0.0)

    def update(self, reported: ReportedLimit, now: float, *, configured: bool, facts: RateFacts) -> None:
        """Take over what a response's headers report of the average.

        A configured limit is an upper bound; one that was configured to be none stays none.
        """
        window = self.average
        if window is None:
            # Nothing was known of this class. The headers never mention bursts, which go by the average.
            if not configured:
                self.use(RateLimits.of_average(reported.limit, reported.seconds, facts))
            return
        if reported.limit != window.limit:
            # The limit was lowered: at once. It was raised: step by step, or one mistaken header would cost a refusal.
            most = self.limits.average
            before = window.limit
            update_limit(window, reported.limit, most=most[0] if configured and most is not None else None)
            self._scale_bursts(window.limit / before)
        if reported.seconds > window.seconds or not configured:
            window.seconds = reported.seconds
        if reported.remaining is not None:
            # Fewer are left than we count: other clients of the same address share the limit.
            foreign = window.free(now) - reported.remaining
            if foreign > 0:
                window.count_foreign(foreign, now)

    def _scale_bursts(self, factor: float) -> None:
        for window in self.bursts.values():
            if window is not None:
                window.limit = max(1, round(window.limit * factor))

    def _is_crowded(self) -> bool:
        most = self.max_concurrent
        return most is not None and self.average is not None and self.average.under_way >= most


def _reserved(window: Window, priority: Priority) -> int:
    """Requests of a window that calls of this priority may not take."""
    return bulk_reserve(window.limit) if priority is Priority.BULK else 0


def _window(pair: RequestsInSeconds | None) -> Window | None:
    return Window(*pair) if pair is not None else None


def _changed(window: Window | None, pair: RequestsInSeconds | None) -> Window | None:
    if window is None or pair is None:
        return _window(pair)
    window.change(*pair)
    return window
