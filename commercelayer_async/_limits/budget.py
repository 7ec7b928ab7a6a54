"""The budget of requests that are counted together: its windows, and what may leave now. No queue and no clock.

A ledger is what has been counted and learned of an origin: of both classes of routes, or of each type where the service
counts types apart. It knows neither loop nor limiter, and outlives the limiter that keeps it: sessions that follow one
another count in the same windows.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from itertools import starmap
from typing import Any, Final

import attrs

from .._markers import public
from .._rate_dialects import ReportedWindow
from ..service import Rates, RequestsInSeconds
from ..service import Windows as Declared
from ..service.by_type import of_type
from .quota import Quota
from .windows import Limits, RateLimits, ReportedLimit, Window, choose, next_limit, reported_of

_UNKNOWN_LIMITS: Final = Limits((10**5, 60.0), (10**5, 10.0))
"""Until something is known: so large that they limit nothing. They count what leaves, for the limits to come."""
_MOST_BURSTS: Final = 64
"""Endpoints whose burst windows are kept although nothing is counted in them: links may name any number."""
_MOST_BUDGETS: Final = 64
"""Types that are counted apart and whose budgets are kept although nothing is counted in them, for the same reason."""
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
    """What is known of one class of requests now: of their average or, of several windows, of the fullest."""

    limit: int | None
    """Requests in `seconds`: configured, declared, claimed by the token or reported by headers; None for no limit."""
    seconds: float | None
    remaining: int | None
    """Requests that could leave at once, as far as this window goes."""
    waiting: int
    """Calls in the queue."""
    closed_for: float
    """Seconds for which no request leaves, after the server refused one; 0.0 if requests leave."""
    members: int = 1
    """Processes that share the budget, of the last minute; several event loops of one process count each."""
    store: str | None = None
    """Where a budget is kept that processes share: "file" or "redis"; None for memory."""
    store_lost: bool = False
    """True while that cannot be reached: then each member has its share of the limits, as `members` last were."""


_NEW: Final[Any] = object()
"""What stands for an endpoint that was not met before: None stands for no window."""


@attrs.define
class Pause:
    """The pause after a refusal, of all whom the server counts together."""

    until: float = 0.0
    refusals: int = 0
    """Refusals in a row: of the request that began the pause, and of each probe since."""
    count: int = 0
    """Pauses so far: a refused request that left before the last one began is no news."""
    is_probing: bool = False
    """True while one request is under way to see whether it is over."""

    def holds(self, now: float) -> bool:
        """True if no request may leave now."""
        return self.refusals > 0 and (self.is_probing or now < self.until)

    def left(self, now: float) -> float:
        """Seconds for which no request leaves."""
        return max(0.0, self.until - now) if self.refusals else 0.0


class Budget:
    """The windows of requests that are counted together: some over all of them, a burst for each endpoint."""

    def __init__(self, limits: Limits | None, facts: Rates, pause: Pause, declared: Declared = ()) -> None:
        """Begin with the configured limits, None where there are none, and with the windows that a service declares.

        Budgets may share a pause.
        """
        self._facts = facts
        self.pause: Final = pause
        self.declared: Final = tuple(starmap(Window, declared))
        """Windows over all of it, beside the average. Headers correct those of which they report the length."""
        self._declared_limits: Final = declared
        self._lengths: Final = frozenset(seconds for _, seconds in declared)
        self._configured = limits is not None
        unknown = _UNKNOWN_LIMITS if not declared else Limits(_UNKNOWN_LIMITS.average, None)
        self._limits = limits if limits is not None else unknown
        """What bursts are derived from: the limits as configured, of the token's mode, or as first reported."""
        self._is_documented = self._configured
        """True if the burst is configured, or that of the token's mode, and not a guess from the average."""
        self.is_known = self._configured
        """False until there are limits: configured, of the token's mode, or reported."""
        self.max_concurrent = None if self._configured or declared else facts.concurrent_until_known
        """Requests under way at most, while not even that is known whether there are limits."""
        self.average = _window(self._limits.average)
        self.bursts: dict[str, Window | None] = {}
        self._windows: dict[str, Sequence[Window]] = {}
        """All in which a request finds room, by the type of its endpoint."""
        self._quota: Quota | None = None
        """What is left, where headers tell of a window that cannot be kept."""

    def use(self, limits: Limits, *, documented: bool = True) -> None:
        """Have these limits from now on; what is counted stays counted."""
        self._limits = limits
        self._is_documented = documented
        self.is_known = True
        self.max_concurrent = None
        self.average = _changed(self.average, limits.average)
        self._change_bursts(limits.burst)

    def windows(self, type: str, now: float) -> Sequence[Window]:
        """All windows in which a request to a type's endpoint has to find room, and is counted."""
        windows = self._windows.get(type)
        if windows is None:
            given = (self.average, *self.declared, self.burst(type, now))
            windows = self._windows[type] = tuple(window for window in given if window is not None)
        return windows

    def burst(self, type: str, now: float) -> Window | None:
        """The burst window of a type's endpoint."""
        window: Window | None = self.bursts.get(type, _NEW)
        if window is _NEW:
            if len(self.bursts) >= _MOST_BURSTS:
                self.bursts = {one: window for one, window in self.bursts.items() if window and not window.is_idle(now)}
                self._windows.clear()
            window = self.bursts[type] = _window(self._burst_limit())
        return window

    def has_room(self, type: str, priority: Priority, now: float) -> bool:
        """True if a request to a type's endpoint may leave now."""
        average, windows = self.average, self.windows(type, now)
        if average is not None:
            if self.max_concurrent is not None and average.under_way >= self.max_concurrent:
                return False
            if self._quota is not None and not self._quota.has_room(average.under_way, now):
                return False
        for window in windows:
            if not window.has_room(now):
                return False
        return priority is not Priority.BULK or self._has_room_for_bulk(windows, now)

    def has_room_at(self, type: str, priority: Priority, now: float) -> float:
        """The moment when a request may leave if nothing else happens; infinity if it depends on a response."""
        average, windows = self.average, self.windows(type, now)
        if self.max_concurrent is not None and average is not None and average.under_way >= self.max_concurrent:
            return math.inf
        at = max((window.has_room_at() for window in windows), default=0.0)
        if self._quota is not None and average is not None:
            at = max(at, self._quota.has_room_at(average.under_way, now))
        if priority is Priority.BULK and at <= now:
            least = self._least_for_interactive(now)
            at = max((window.has_room_for_bulk_at(now, least=least) for window in windows), default=0.0)
        return at

    def tightest(self, now: float) -> Window | None:
        """The window over all of it that has the fewest requests left; None if none is known."""
        average = self.average if self.is_known else None
        known = self.declared if average is None else (average, *self.declared)
        return min(known, key=lambda window: window.free(now), default=None)

    def learn(
        self, status: int | None, headers: Mapping[str, str], *, began: float, now: float, wall_time: float
    ) -> None:
        """Take over what a response says of the limits, or that none came (status None); it was asked for at `began`.

        Headers that report a limit count whatever the status. Without them, only a document says that there are no
        limits: pages of errors come from other servers on the way too, and errors may be made before requests are
        counted.
        """
        reported = self._facts.dialect(headers, wall_time)
        if self.declared and reported:
            self._correct_declared(reported, began, now)
            reported = [one for one in reported if one.seconds not in self._lengths]
        kept, counted = choose(reported)
        if kept is not None:
            self._update(kept, began, now)
        elif not reported and self.max_concurrent is not None and status == _OK and _is_document(headers):
            self.max_concurrent = None
        if counted is not None or self._quota is not None:
            self._count_down(counted, began, now)

    def is_idle(self, now: float) -> bool:
        """True if nothing is counted in any window, and nothing paused."""
        if self.pause.until > now:
            return False
        windows = (self.average, *self.declared, *self.bursts.values())
        is_over = self._quota is None or self._quota.is_over(now)
        return is_over and all(window is None or window.is_idle(now) for window in windows)

    def finish_all(self, now: float) -> None:
        """Let all requests fade that are under way: nobody is left who could report their responses."""
        if self._quota is not None and self.average is not None:
            self._quota.lose(self.average.under_way, now)
        for window in (self.average, *self.declared, *self.bursts.values()):
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
                self._change_bursts(self._burst_limit())
        if reported.remaining is not None:
            window.count_foreign(reported.limit - reported.remaining, began, now)

    def _correct_declared(self, reported: Sequence[ReportedWindow], began: float, now: float) -> None:
        """Take over what headers report of declared windows: each by its own length."""
        for window, (limit, seconds) in zip(self.declared, self._declared_limits, strict=True):
            told = reported_of(reported, limit, seconds)
            if told is not None:
                window.change(next_limit(window.limit, told.limit, most=None), window.seconds)
                if told.remaining is not None:
                    window.count_foreign(told.limit - told.remaining, began, now)

    def _change_bursts(self, burst: RequestsInSeconds | None) -> None:
        self.bursts = {type: _changed(window, burst) for type, window in self.bursts.items()}
        self._windows.clear()

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

    def _has_room_for_bulk(self, windows: Sequence[Window], now: float) -> bool:
        least = self._least_for_interactive(now)
        for window in windows:  # noqa: SIM110 - `all` of a generator is slower
            if not window.has_room_for_bulk(now, least=least):
                return False
        return True

    def _least_for_interactive(self, now: float) -> int:
        """Requests of each window that bulk calls leave in any case: one, if interactive calls were made lately."""
        return int(self.average is not None and self.average.reserve(now) > 0)


class Ledger:
    """What was counted and learned of an origin: the budgets of all that is counted together, and pauses."""

    def __init__(self, limits: RateLimits | None, facts: Rates) -> None:
        """Begin with the configured limits; None to go by what the service declares, the token's mode and the headers.

        Configured limits replace what is declared.
        """
        self._facts = facts
        windows: Declared | Mapping[Any, Declared] = facts.windows if limits is None else ()
        self._table = windows if isinstance(windows, Mapping) else None
        declared = () if isinstance(windows, Mapping) else windows
        pause = Pause()
        uncacheable = Limits.of(limits) if limits is not None else None
        cacheable = Limits.of(limits, factor=facts.cacheable_factor) if limits is not None else None
        self.uncacheable: Final = Budget(uncacheable, facts, pause, declared)
        self.cacheable: Final = Budget(cacheable, facts, pause, declared)
        self._of_types: dict[str, Budget] = {}
        """Where each type is counted apart: then a refusal of one says nothing of another, and each has its pause."""

    @property
    def budgets(self) -> Sequence[Budget]:
        """All that anything may be counted in."""
        return (self.uncacheable, self.cacheable, *self._of_types.values())

    def budget(self, type: str, now: float, is_waited_for: Callable[[Budget], bool]) -> Budget:
        """What a request to a type's endpoint is counted in; budgets that calls wait for are not given up."""
        if self._table is None:
            return self.cacheable if type in self._facts.cacheable else self.uncacheable
        budget = self._of_types.get(type)
        if budget is None:
            if len(self._of_types) >= _MOST_BUDGETS:
                kept = {one: it for one, it in self._of_types.items() if is_waited_for(it) or not it.is_idle(now)}
                self._of_types = kept
            budget = Budget(None, self._facts, Pause(), of_type(self._table, type) or ())
            self._of_types[type] = budget
        return budget

    def use(self, limits: RateLimits) -> bool:
        """Have the limits of a token's mode, unless some are known already; True if so."""
        if self.uncacheable.max_concurrent is None and self.cacheable.max_concurrent is None:
            return False
        for budget, factor in ((self.uncacheable, 1), (self.cacheable, self._facts.cacheable_factor)):
            if budget.max_concurrent is not None:
                budget.use(Limits.of(limits, factor=factor))
        return True

    def tightest(self, now: float) -> Window | None:
        """The fullest window of uncacheable reads; where types are counted apart, of the type that has the fewest left.

        None if none is known.
        """
        counted = (self.uncacheable, *self._of_types.values())
        windows = [window for budget in counted if (window := budget.tightest(now)) is not None]
        return min(windows, key=lambda window: window.free(now), default=None)

    def closed_for(self, now: float) -> float:
        """Seconds for which no request leaves, or none of some type."""
        return max(budget.pause.left(now) for budget in self.budgets)

    def is_idle(self, now: float) -> bool:
        """True if nothing is counted and nothing paused, so that a new ledger would serve as well."""
        return all(budget.is_idle(now) for budget in self.budgets)

    def finish_all(self, now: float) -> None:
        """Let all requests fade that are under way: nobody is left who could report their responses."""
        for budget in self.budgets:
            budget.pause.is_probing = False
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
