"""The budget of one class of routes: its windows, and what may leave now. No queue and no clock.

A ledger is what has been counted and learned of both classes. It knows neither loop nor limiter, and outlives the
limiter that keeps it: sessions that follow one another count in the same windows.
"""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import attrs

from .._markers import public
from .._rate_dialects import ReportedWindow
from ..service import RateFacts, RequestsInSeconds
from .quota import Quota
from .windows import Limits, RateLimits, ReportedLimit, Window, choose, next_limit

_UNKNOWN_LIMITS: Final = Limits((10**5, 60.0), (10**5, 10.0))
"""Until something is known: so large that they limit nothing. They count what leaves, for the limits to come."""
_MOST_BURSTS: Final = 64
"""Endpoints whose burst windows are kept although nothing is counted in them: links may name any number."""
_OK: Final = 200


@public("commercelayer_async")
class Priority(StrEnum):
    """Who goes first where the rate windows have little room."""

    INTERACTIVE = "interactive"
    """Somebody waits: before all bulk calls, which leave them what they used lately, up to half of each window."""
    BULK = "bulk"
    """A worker: takes what is left, which is all where no interactive calls were made lately."""


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


_NEW: Final[Any] = object()
"""What stands for an endpoint that was not met before: None stands for no window."""


class Budget:
    """The windows of one class of routes: the average over all of them, a burst for each."""

    def __init__(self, limits: Limits | None, facts: RateFacts) -> None:
        """Begin with the configured limits; None where there are none."""
        self._facts = facts
        self._configured = limits is not None
        self._limits = limits if limits is not None else _UNKNOWN_LIMITS
        """What bursts are derived from: the limits as configured, of the token's mode, or as first reported."""
        self._is_documented = self._configured
        """True if the burst is configured, or that of the token's mode, and not a guess from the average."""
        self.is_known = self._configured
        """False until there are limits: configured, of the token's mode, or reported."""
        self.max_concurrent = None if self._configured else facts.concurrent_until_known
        """Requests under way at most, while not even that is known whether there are limits."""
        self.average = _window(self._limits.average)
        self.bursts: dict[str, Window | None] = {}
        self._quota: Quota | None = None
        """What is left, where headers tell of a window that cannot be kept."""

    def use(self, limits: Limits, *, documented: bool = True) -> None:
        """Have these limits from now on; what is counted stays counted."""
        self._limits = limits
        self._is_documented = documented
        self.is_known = True
        self.max_concurrent = None
        self.average = _changed(self.average, limits.average)
        self.bursts = {type: _changed(window, limits.burst) for type, window in self.bursts.items()}

    def burst(self, type: str, now: float) -> Window | None:
        """The burst window of a type's endpoint."""
        window: Window | None = self.bursts.get(type, _NEW)
        if window is _NEW:
            if len(self.bursts) >= _MOST_BURSTS:
                self.bursts = {one: window for one, window in self.bursts.items() if window and not window.is_idle(now)}
            window = self.bursts[type] = _window(self._burst_limit())
        return window

    def has_room(self, type: str, priority: Priority, now: float) -> bool:
        """True if a request to a type's endpoint may leave now."""
        average, burst = self.average, self.burst(type, now)
        if average is not None:
            if self.max_concurrent is not None and average.under_way >= self.max_concurrent:
                return False
            if not average.has_room(now):
                return False
            if self._quota is not None and not self._quota.has_room(average.under_way, now):
                return False
        if burst is not None and not burst.has_room(now):
            return False
        return priority is not Priority.BULK or self._has_room_for_bulk(average, burst, now)

    def has_room_at(self, type: str, priority: Priority, now: float) -> float:
        """The moment when a request may leave if nothing else happens; infinity if it depends on a response."""
        average, burst = self.average, self.burst(type, now)
        if self.max_concurrent is not None and average is not None and average.under_way >= self.max_concurrent:
            return math.inf
        windows = [window for window in (average, burst) if window is not None]
        at = max((window.has_room_at() for window in windows), default=0.0)
        if self._quota is not None and average is not None:
            at = max(at, self._quota.has_room_at(average.under_way, now))
        if priority is Priority.BULK and at <= now:
            least = self._least_for_interactive(now)
            at = max((window.has_room_for_bulk_at(now, least=least) for window in windows), default=0.0)
        return at

    def learn(
        self, status: int | None, headers: Mapping[str, str], *, began: float, now: float, wall_time: float
    ) -> None:
        """Take over what a response says of the limits, or that none came (status None); it was asked for at `began`.

        Headers that report a limit count whatever the status. Without them, only a document says that there are no
        limits: pages of errors come from other servers on the way too, and errors may be made before requests are
        counted.
        """
        reported = self._facts.dialect(headers, wall_time)
        kept, counted = choose(reported)
        if kept is not None:
            self._update(kept, began, now)
        elif not reported and self.max_concurrent is not None and status == _OK and _is_document(headers):
            self.max_concurrent = None
        if counted is not None or self._quota is not None:
            self._count_down(counted, began, now)

    def is_idle(self, now: float) -> bool:
        """True if nothing is counted in any window."""
        windows = (self.average, *self.bursts.values())
        is_over = self._quota is None or self._quota.is_over(now)
        return is_over and all(window is None or window.is_idle(now) for window in windows)

    def finish_all(self, now: float) -> None:
        """Let all requests fade that are under way: nobody is left who could report their responses."""
        if self._quota is not None and self.average is not None:
            self._quota.lose(self.average.under_way, now)
        for window in (self.average, *self.bursts.values()):
            if window is not None:
                window.finish_all(now)

    def _update(self, reported: ReportedLimit, began: float, now: float) -> None:
        """Take over what headers report of the average; they never mention bursts, which go by the average.

        A configured limit is an upper bound; one that was configured to be none stays none.
        """
        window, base = self.average, self._limits.average
        if window is None or base is None:
            return
        if not self.is_known:
            self.use(Limits.of_average(reported.limit, reported.seconds, self._facts), documented=False)
        elif reported.limit != window.limit or reported.seconds != window.seconds:
            limit = next_limit(window.limit, reported.limit, most=base[0] if self._configured else None)
            seconds = max(base[1], reported.seconds) if self._configured else reported.seconds
            if (limit, seconds) != (window.limit, window.seconds):
                window.change(limit, seconds)
                burst = self._burst_limit()
                self.bursts = {type: _changed(one, burst) for type, one in self.bursts.items()}
        if reported.remaining is not None:
            window.count_foreign(reported.limit - reported.remaining, began, now)

    def _count_down(self, window: ReportedWindow | None, began: float, now: float) -> None:
        """Take over what is left of a window whose length is not told, or that is too long to be kept."""
        if window is None or window.remaining is None or window.resets_in is None:
            if self._quota is not None:
                self._quota.lose(1, now)
        elif self.average is not None:
            self._quota = self._quota or Quota()
            self._quota.update(window.remaining, window.resets_in, window.limit, began=began, now=now)

    def _burst_limit(self) -> RequestsInSeconds | None:
        """The burst's part of the average as it is now: always from the first pair, so that no rounding adds up."""
        (average, burst), now = self._limits, self.average
        if burst is None or average is None or now is None:
            return burst
        seconds = burst[1] if now.seconds == average[1] else burst[1] * now.seconds / average[1]
        # A higher average does not say that more may leave at once: the documented burst is the most there is.
        limit = min(now.limit, average[0]) if self._is_documented else now.limit
        return max(1, burst[0] * limit // average[0]), seconds

    def _has_room_for_bulk(self, average: Window | None, burst: Window | None, now: float) -> bool:
        least = self._least_for_interactive(now)
        return (average is None or average.has_room_for_bulk(now, least=least)) and (
            burst is None or burst.has_room_for_bulk(now, least=least)
        )

    def _least_for_interactive(self, now: float) -> int:
        """Requests of each window that bulk calls leave in any case: one, if interactive calls were made lately."""
        return int(self.average is not None and self.average.reserve(now) > 0)


class Ledger:
    """What was counted and learned of an origin: the budgets of both classes, and the pause after a refusal."""

    def __init__(self, limits: RateLimits | None, facts: RateFacts) -> None:
        """Begin with the configured limits; None to go by the token's mode and the headers."""
        self._facts = facts
        uncacheable = Limits.of(limits) if limits is not None else None
        cacheable = Limits.of(limits, factor=facts.cacheable_factor) if limits is not None else None
        self.uncacheable: Final = Budget(uncacheable, facts)
        self.cacheable: Final = Budget(cacheable, facts)
        self.budgets: Final = (self.uncacheable, self.cacheable)
        self.paused_until = 0.0
        self.refusals = 0
        """Refusals in a row: of the request that began the pause, and of each probe since."""
        self.pauses = 0
        """Pauses so far: a refused request that left before the last one began is no news."""

    def use(self, limits: RateLimits) -> bool:
        """Have the limits of a token's mode, unless some are known already; True if so."""
        if self.uncacheable.max_concurrent is None and self.cacheable.max_concurrent is None:
            return False
        for budget, factor in ((self.uncacheable, 1), (self.cacheable, self._facts.cacheable_factor)):
            if budget.max_concurrent is not None:
                budget.use(Limits.of(limits, factor=factor))
        return True

    def is_idle(self, now: float) -> bool:
        """True if nothing is counted and nothing paused, so that a new ledger would serve as well."""
        return self.paused_until <= now and all(budget.is_idle(now) for budget in self.budgets)

    def finish_all(self, now: float) -> None:
        """Let all requests fade that are under way: nobody is left who could report their responses."""
        for budget in self.budgets:
            budget.finish_all(now)


def _is_document(headers: Mapping[str, str]) -> bool:
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return not media_type or media_type.endswith(("/json", "+json"))


def _window(pair: RequestsInSeconds | None) -> Window | None:
    return Window(*pair) if pair is not None else None


def _changed(window: Window | None, pair: RequestsInSeconds | None) -> Window | None:
    if window is None or pair is None:
        return _window(pair)
    window.change(*pair)
    return window
