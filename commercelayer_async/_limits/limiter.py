"""Who may send now, and who waits: one queue in order of arrival, one timer, one gate.

A limiter is one budget, shared by all sessions of an organization in an event loop. A call that finds room and nobody
waiting passes without a suspension. Otherwise it queues with the calls of its endpoint, interactive ones before bulk
ones; whenever an answer comes or the timer rings, those at the head leave as long as there is room. A waiter that was
cancelled is gone from the queue at once, and nothing hangs on any waiter's task.

A refusal (429) closes the gate for all. When its time is over one request goes first; its answer opens the gate for
the rest, or closes it again for longer.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Protocol
from weakref import WeakKeyDictionary, WeakValueDictionary

import attrs

from .._clock import Chance, Clock, Timer
from .windows import CACHEABLE, CACHEABLE_FACTOR, Pair, RateLimits, Window, bulk_reserve, parse_headers, update_limit

_log: Final = logging.getLogger("commercelayer_async")

_FIRST_GATE: Final = 1.0
_LONGEST_GATE: Final = 60.0
_THROTTLED: Final = 429

TOKEN_LIMITS: Final = RateLimits(average=(30, 60.0), burst=None)
"""Of the token endpoint, live and test together."""
_NONE: Final = RateLimits.none()
_UNKNOWN: Final = RateLimits(average=(10**5, 60.0), burst=(10**5, 10.0))
"""Until something is known; it counts what leaves, for the limits to come."""
_UNDER_WAY: Final = 25
"""Requests under way at once until something is known, which no documented limit refuses."""


class Priority(StrEnum):
    """Who goes first when there is little room."""

    INTERACTIVE = "interactive"
    """Somebody waits: before all bulk calls, and with a share of each window to themselves."""
    BULK = "bulk"
    """A worker: takes what is left."""


@attrs.frozen
class RateState:
    """What is known of one class of requests now."""

    limit: int | None
    """Requests in `seconds`, as configured, told by the token or learned from headers; None for no limit."""
    seconds: float | None
    remaining: int | None
    """Requests that could leave at once, as far as the average goes."""
    waiting: int
    """Calls in the queue."""
    closed_for: float
    """Seconds until the gate opens, after the server refused; 0.0 if it is open."""


class Lease(Protocol):
    """The right to send one request."""

    def settle(self, status: int | None, headers: Mapping[str, str], *, retry_after: float | None = None) -> float:
        """Tell the answer, or that none came (status None); gives seconds to wait after a refusal, else 0.0."""
        ...

    def release(self) -> None:
        """The request was not sent after all."""
        ...


class Limiter(Protocol):
    """A budget; several processes can share one by another implementation than the one here."""

    def try_acquire(self, type_: str, *, priority: Priority) -> Lease | None:
        """The right to send one request to the endpoint of a resource type now; None if it has to wait."""
        ...

    async def acquire(self, type_: str, *, priority: Priority) -> Lease:
        """The same when there is room."""
        ...

    def state(self) -> RateState:
        """What is known now of uncacheable reads."""
        ...


class _Budget:
    """The windows of one class, and who waits for them."""

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits
        self.under_way_at_most: int | None = None
        self.average = _window(limits.average)
        self.bursts: dict[str, Window | None] = {}
        self.queues: dict[tuple[str, Priority], deque[_Waiter]] = {}

    def use(self, limits: RateLimits) -> None:
        """Have these limits from now on; what is counted stays counted."""
        self.limits = limits
        self.under_way_at_most = None
        self.average = _changed(self.average, limits.average)
        self.bursts = {type_: _changed(window, limits.burst) for type_, window in self.bursts.items()}

    def burst(self, type_: str) -> Window | None:
        """The burst window of an endpoint."""
        if type_ not in self.bursts:
            self.bursts[type_] = _window(self.limits.burst)
        return self.bursts[type_]

    def room(self, type_: str, priority: Priority, now: float) -> bool:
        """Whether a request to an endpoint may leave now."""
        if self._crowded():
            return False
        for window in (self.average, self.burst(type_)):
            if window is not None:
                kept = bulk_reserve(window.limit) if priority is Priority.BULK else 0
                if window.free(now) <= kept:
                    return False
        return True

    def room_at(self, type_: str, priority: Priority) -> float:
        """When a request to an endpoint may leave, if nothing else happens; infinity if only an answer can tell."""
        if self._crowded():
            return math.inf
        windows = [window for window in (self.average, self.burst(type_)) if window is not None]
        bulk = priority is Priority.BULK
        return max(
            (window.frees_at(1 + (bulk_reserve(window.limit) if bulk else 0)) for window in windows), default=0.0
        )

    def _crowded(self) -> bool:
        most = self.under_way_at_most
        return most is not None and self.average is not None and self.average.under_way >= most


def _window(pair: Pair | None) -> Window | None:
    return Window(*pair) if pair is not None else None


def _changed(window: Window | None, pair: Pair | None) -> Window | None:
    if window is None or pair is None:
        return _window(pair)
    window.change(*pair)
    return window


class _Waiter:
    """A call in the queue."""

    __slots__ = ("future", "number")

    def __init__(self, number: int, future: "asyncio.Future[_Lease]") -> None:
        self.number = number
        self.future = future


class _Lease:
    """See `Lease`."""

    __slots__ = ("_average", "_budget", "_burst", "_limiter", "_open", "probe")

    def __init__(self, limiter: "LocalLimiter", budget: _Budget, type_: str, *, probe: bool) -> None:
        self._limiter = limiter
        self._budget = budget
        self._average = budget.average
        self._burst = budget.burst(type_)
        self._open = True
        self.probe = probe
        if self._average is not None:
            self._average.start()
        if self._burst is not None:
            self._burst.start()

    def settle(self, status: int | None, headers: Mapping[str, str], *, retry_after: float | None = None) -> float:
        """See `Lease.settle`."""
        if not self._open:
            return 0.0
        self._open = False
        now = self._limiter.clock.now()
        if self._average is not None:
            self._average.finish(now)
        if self._burst is not None:
            self._burst.finish(now)
        return self._limiter.on_response(self._budget, status, headers, retry_after, probe=self.probe, now=now)

    def release(self) -> None:
        """See `Lease.release`."""
        if self._open:
            self._open = False
            if self._average is not None:
                self._average.cancel()
            if self._burst is not None:
                self._burst.cancel()
            self._limiter.on_release(probe=self.probe)


class LocalLimiter:
    """A budget in memory, for the sessions of one event loop."""

    def __init__(self, limits: RateLimits | None, *, clock: Clock, chance: Chance) -> None:
        """Keep `limits`; None to go by the token's mode and the headers, and until then by how many are under way."""
        self.clock: Final = clock
        self._chance = chance
        self._configured = limits is not None
        self._limits_unknown = limits is None
        first = limits if limits is not None else _UNKNOWN
        self._uncacheable = _Budget(first)
        self._cacheable = _Budget(first.times(CACHEABLE_FACTOR))
        if self._limits_unknown:
            self._uncacheable.under_way_at_most = self._cacheable.under_way_at_most = _UNDER_WAY
        self._number = 0
        self._waiting = 0
        self._timer: Timer | None = None
        self._timer_at = math.inf
        self._gate_opens = 0.0
        self._refusals = 0
        self._probing = False

    async def acquire(self, type_: str, *, priority: Priority = Priority.INTERACTIVE) -> _Lease:
        """See `Limiter.acquire`; calls are served in order of arrival."""
        lease = self.try_acquire(type_, priority=priority)
        if lease is not None:
            return lease
        budget = self._budget(type_)
        self._number += 1
        waiter = _Waiter(self._number, asyncio.get_running_loop().create_future())
        budget.queues.setdefault((type_, priority), deque()).append(waiter)
        self._waiting += 1
        self._dispatch()
        try:
            return await waiter.future
        except asyncio.CancelledError:
            # Its place stays in the queue, where the pump passes over it.
            if waiter.future.cancelled():
                self._waiting -= 1
            else:
                waiter.future.result().release()
            raise

    def try_acquire(self, type_: str, *, priority: Priority = Priority.INTERACTIVE) -> _Lease | None:
        """The same without waiting: None if there is no room, or if others were first."""
        budget = self._budget(type_)
        now = self.clock.now()
        if self._refusals and (self._probing or now < self._gate_opens):
            return None
        if self._waiting or not budget.room(type_, priority, now):
            return None
        return self._grant(budget, type_)

    def on_response(
        self,
        budget: _Budget,
        status: int | None,
        headers: Mapping[str, str],
        retry_after: float | None,
        *,
        probe: bool,
        now: float,
    ) -> float:
        """An answer came; whoever may leave now, leaves. Gives seconds that the gate is closed for."""
        if status is not None:
            self._update_from_headers(budget, headers, now)
        if probe:
            self._probing = False
        wait = 0.0
        if status == _THROTTLED:
            wait = self._close_gate(now, retry_after)
        elif status is not None and self._refusals and (probe or now >= self._gate_opens):
            self._refusals = 0
        self._dispatch()
        return wait

    def on_release(self, *, probe: bool) -> None:
        """A lease was given back unused."""
        if probe:
            self._probing = False
        self._dispatch()

    def use(self, limits: RateLimits) -> None:
        """The limits of the mode that a token is for, unless some were configured or are known already."""
        if self._limits_unknown:
            self._limits_unknown = False
            self._uncacheable.use(limits)
            self._cacheable.use(limits.times(CACHEABLE_FACTOR))
            self._dispatch()

    def state(self) -> RateState:
        """See `Limiter.state`."""
        window = self._uncacheable.average
        now = self.clock.now()
        closed_for = max(0.0, self._gate_opens - now) if self._refusals else 0.0
        if window is None or self._limits_unknown:
            return RateState(None, None, None, self._waiting, closed_for)
        return RateState(window.limit, window.seconds, max(0, window.free(now)), self._waiting, closed_for)

    def _budget(self, type_: str) -> _Budget:
        return self._cacheable if type_ in CACHEABLE else self._uncacheable

    def _grant(self, budget: _Budget, type_: str) -> _Lease:
        probe = bool(self._refusals)
        self._probing = probe
        return _Lease(self, budget, type_, probe=probe)

    def _update_from_headers(self, budget: _Budget, headers: Mapping[str, str], now: float) -> None:
        reported = parse_headers(headers)
        if self._limits_unknown:
            # The first answer: from now on there are the limits that it tells, or none.
            self._limits_unknown = False
            first = _NONE if reported is None else RateLimits.of_average(reported.limit, reported.seconds)
            budget.use(first)
            other = self._cacheable if budget is self._uncacheable else self._uncacheable
            other.use(_NONE)
        if reported is None or (self._configured and budget.average is None):
            return
        window = budget.average
        if window is None:
            budget.use(RateLimits.of_average(reported.limit, reported.seconds))
            return
        if reported.limit != window.limit:
            configured = budget.limits.average
            before = window.limit
            update_limit(
                window, reported.limit, most=configured[0] if self._configured and configured is not None else None
            )
            _scale(budget.bursts.values(), window.limit / before)
        if reported.seconds > window.seconds or not self._configured:
            window.seconds = reported.seconds
        if reported.remaining is not None:
            strangers = window.free(now) - reported.remaining
            if strangers > 0:
                window.count_foreign(strangers, now)

    def _close_gate(self, now: float, retry_after: float | None) -> float:
        """Close the gate for as long as the server says, else for longer each time; gives the seconds."""
        if now >= self._gate_opens:
            self._refusals += 1
        wait = retry_after
        if wait is None:
            bound = min(_LONGEST_GATE, _FIRST_GATE * 2.0 ** min(self._refusals - 1, 16))
            wait = bound * (0.5 + self._chance() / 2)
        if now + wait > self._gate_opens:
            self._gate_opens = now + wait
            _log.warning("the rate limit was exceeded: all requests wait %.1f s", wait)
        return self._gate_opens - now

    def _dispatch(self) -> None:
        """Let leave who may, in order; then set the timer for the next one."""
        if not self._waiting:
            return
        now = self.clock.now()
        next_at = math.inf
        for budget in (self._uncacheable, self._cacheable):
            for priority in Priority:
                next_at = min(next_at, self._dispatch_priority(budget, priority, now))
        self._schedule(next_at)

    def _dispatch_priority(self, budget: _Budget, priority: Priority, now: float) -> float:
        """The same for one priority of a class; gives when its next waiter may leave."""
        while True:
            heads = [
                (queue[0].number, type_, queue)
                for (type_, of), queue in budget.queues.items()
                if of is priority and _drop_cancelled(queue)
            ]
            if not heads:
                return math.inf
            if self._refusals and (self._probing or now < self._gate_opens):
                # A probe's answer pumps again; else the gate's time does.
                return math.inf if self._probing else self._gate_opens
            ready = [head for head in heads if budget.room(head[1], priority, now)]
            if not ready:
                return min(budget.room_at(type_, priority) for _, type_, _ in heads)
            _, type_, queue = min(ready, key=lambda head: head[0])
            self._waiting -= 1
            queue.popleft().future.set_result(self._grant(budget, type_))

    def _schedule(self, when: float) -> None:
        if when == self._timer_at and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = when
        if when < math.inf:
            self._timer = self.clock.at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        self._dispatch()


_OfLoop = WeakValueDictionary[tuple[str, RateLimits | None], LocalLimiter]
_shared: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop]] = WeakKeyDictionary()


def shared_limiter(url: str, limits: RateLimits | None, *, clock: Clock, chance: Chance) -> LocalLimiter:
    """The budget that all sessions of a server in the running event loop share, if they name the same limits.

    Loops of other threads and other processes have budgets of their own: give each its part of the limits, or a limiter
    that they share.
    """
    of_loop = _shared.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    limiter = of_loop.get((url, limits))
    if limiter is None:
        limiter = of_loop[url, limits] = LocalLimiter(limits, clock=clock, chance=chance)
    return limiter


def _drop_cancelled(queue: deque[_Waiter]) -> bool:
    """Whether anybody still waits, once those who left are gone from the head."""
    while queue and queue[0].future.done():
        queue.popleft()
    return bool(queue)


def _scale(windows: Iterable[Window | None], factor: float) -> None:
    """The headers are silent about bursts; they move with the average."""
    for window in windows:
        if window is not None:
            window.limit = max(1, round(window.limit * factor))
