"""Who may send now, and who waits: queues in order of arrival, one timer, one pause.

A limiter is one budget, shared by all sessions of an organization in an event loop. A call that finds room and nobody
waiting passes without a suspension. Otherwise it joins the queue of its endpoint and priority. After each response or
timer tick, waiters leave from the head of each queue while the windows have room: interactive ones before bulk ones,
and in order of arrival among the endpoints that have room. A cancelled waiter leaves the queue at once, and nothing
depends on any waiter's task.

A refusal (429) pauses all requests. When the pause is over one request goes first, as a probe; its response ends the
pause for the rest, or begins a longer one.
"""

import asyncio
import logging
import math
from collections.abc import Mapping
from typing import Final, Protocol
from weakref import WeakKeyDictionary, WeakValueDictionary

from .._clock import Clock, Timer
from .._markers import override, public
from .._tasks import WaitQueue
from ..service import RateFacts
from .budget import NO_LIMITS, UNKNOWN_LIMITS, Budget, Priority, RateState
from .windows import RateLimits, parse_headers

_log: Final = logging.getLogger("commercelayer_async")

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_THROTTLED: Final = 429


@public("commercelayer_async")
class Lease(Protocol):
    """The right to send one request."""

    __slots__ = ()

    def settle(self, status: int | None, headers: Mapping[str, str], *, retry_after: float | None = None) -> float:
        """Report the response, or that none came (status None); gives seconds to wait after a refusal, else 0.0."""
        ...

    def release(self) -> None:
        """The request was not sent after all."""
        ...


@public("commercelayer_async")
class Limiter(Protocol):
    """A budget of requests; another implementation than the one here can share one among processes."""

    def try_acquire(self, type: str, *, priority: Priority) -> Lease | None:
        """The right to send one request to the endpoint of a resource type now; None if it has to wait."""
        ...

    async def acquire(self, type: str, *, priority: Priority) -> Lease:
        """The same when there is room."""
        ...

    def state(self) -> RateState:
        """What is known now of uncacheable reads."""
        ...


class _Lease(Lease):
    """A request that is counted in its class's average and its endpoint's burst."""

    __slots__ = ("_average", "_budget", "_burst", "_limiter", "_open", "probe")

    def __init__(self, limiter: "LocalLimiter", budget: Budget, type: str, *, probe: bool) -> None:
        self._limiter = limiter
        self._budget = budget
        self._average = budget.average
        self._burst = budget.burst(type)
        self._open = True
        self.probe = probe
        if self._average is not None:
            self._average.start()
        if self._burst is not None:
            self._burst.start()

    @override
    def settle(self, status: int | None, headers: Mapping[str, str], *, retry_after: float | None = None) -> float:
        if not self._open:
            return 0.0
        self._open = False
        now = self._limiter.clock.now()
        if self._average is not None:
            self._average.finish(now)
        if self._burst is not None:
            self._burst.finish(now)
        return self._limiter.on_response(self._budget, status, headers, retry_after, probe=self.probe, now=now)

    @override
    def release(self) -> None:
        if self._open:
            self._open = False
            if self._average is not None:
                self._average.cancel()
            if self._burst is not None:
                self._burst.cancel()
            self._limiter.on_release(probe=self.probe)


class LocalLimiter(Limiter):
    """A budget in memory, for the sessions of one event loop."""

    def __init__(self, limits: RateLimits | None, *, clock: Clock, facts: RateFacts) -> None:
        """Keep `limits`; None to go by the token's mode and the headers, and until then by how many are under way."""
        self.clock: Final = clock
        self._facts = facts
        self._configured = limits is not None
        self._limits_unknown = limits is None
        first = limits if limits is not None else UNKNOWN_LIMITS
        self._uncacheable = Budget(first)
        self._cacheable = Budget(first.times(facts.cacheable_factor))
        self._budgets = (self._uncacheable, self._cacheable)
        if self._limits_unknown:
            for budget in self._budgets:
                budget.max_concurrent = facts.concurrent_until_known
        self._queues: dict[tuple[Budget, Priority], dict[str, WaitQueue[_Lease]]] = {
            (budget, priority): {} for budget in self._budgets for priority in Priority
        }
        self._waiting = 0
        self._timer: Timer | None = None
        self._timer_at = math.inf
        self._paused_until = 0.0
        self._refusals = 0
        self._probing = False

    @override
    async def acquire(self, type: str, *, priority: Priority = Priority.INTERACTIVE) -> _Lease:
        lease = self.try_acquire(type, priority=priority)
        if lease is not None:
            return lease
        waiter = self._queues[self._budget(type), priority].setdefault(type, WaitQueue()).append()
        self._waiting += 1
        self._dispatch()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                self._waiting -= 1
            else:
                # Cancelled in the moment when its turn came: the turn goes to the next.
                waiter.result().release()
            raise

    @override
    def try_acquire(self, type: str, *, priority: Priority = Priority.INTERACTIVE) -> _Lease | None:
        budget = self._budget(type)
        now = self.clock.now()
        # Whoever waits was here first.
        if self._waiting or self._is_paused(now) or not budget.has_room(type, priority, now):
            return None
        return self._grant(budget, type)

    def on_response(
        self,
        budget: Budget,
        status: int | None,
        headers: Mapping[str, str],
        retry_after: float | None,
        *,
        probe: bool,
        now: float,
    ) -> float:
        """Learn from a response, and let leave who may leave now; gives seconds that the pause has left."""
        if status is not None:
            self._update_from_headers(budget, headers, now)
        if probe:
            self._probing = False
        wait = 0.0
        if status == _THROTTLED:
            wait = self._pause(now, retry_after)
        elif status is not None and self._refusals and (probe or now >= self._paused_until):
            self._refusals = 0
        self._dispatch()
        return wait

    def on_release(self, *, probe: bool) -> None:
        """A lease was given back unused: let leave who may leave now."""
        if probe:
            self._probing = False
        self._dispatch()

    def use(self, limits: RateLimits) -> None:
        """Keep the limits of the mode that a token is for, unless some were configured or are known already."""
        if self._limits_unknown:
            self._limits_unknown = False
            self._uncacheable.use(limits)
            self._cacheable.use(limits.times(self._facts.cacheable_factor))
            self._dispatch()

    @override
    def state(self) -> RateState:
        window = self._uncacheable.average
        now = self.clock.now()
        closed_for = max(0.0, self._paused_until - now) if self._refusals else 0.0
        if window is None or self._limits_unknown:
            return RateState(None, None, None, self._waiting, closed_for)
        return RateState(window.limit, window.seconds, max(0, window.free(now)), self._waiting, closed_for)

    def _budget(self, type: str) -> Budget:
        return self._cacheable if type in self._facts.cacheable else self._uncacheable

    def _grant(self, budget: Budget, type: str) -> _Lease:
        probe = bool(self._refusals)
        self._probing = probe
        return _Lease(self, budget, type, probe=probe)

    def _update_from_headers(self, budget: Budget, headers: Mapping[str, str], now: float) -> None:
        reported = parse_headers(headers)
        if self._limits_unknown:
            # The first response ever: from now on there are the limits that it reports, or none. The other class of
            # routes has none until a response of its own reports them.
            self._limits_unknown = False
            first = NO_LIMITS
            if reported is not None:
                first = RateLimits.of_average(reported.limit, reported.seconds, self._facts)
            for one in self._budgets:
                one.use(first if one is budget else NO_LIMITS)
        if reported is not None:
            budget.update(reported, now, configured=self._configured, facts=self._facts)

    def _is_paused(self, now: float) -> bool:
        return self._refusals > 0 and (self._probing or now < self._paused_until)

    def _pause(self, now: float, retry_after: float | None) -> float:
        """Pause for as long as the server says, else for longer each time; gives the seconds."""
        if now >= self._paused_until:
            self._refusals += 1
        wait = retry_after
        if wait is None:
            bound = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._refusals - 1, 16))
            wait = bound * (0.5 + self.clock.random() / 2)
        if now + wait > self._paused_until:
            self._paused_until = now + wait
            _log.warning("the rate limit was exceeded: all requests wait %.1f s", wait)
        return self._paused_until - now

    def _dispatch(self) -> None:
        """Let leave who may, in order; then set the timer for the next one."""
        if not self._waiting:
            return
        now = self.clock.now()
        next_at = math.inf
        for budget in self._budgets:
            for priority in Priority:
                next_at = min(next_at, self._dispatch_priority(budget, priority, now))
        self._schedule(next_at)

    def _dispatch_priority(self, budget: Budget, priority: Priority, now: float) -> float:
        """The same for one priority of a class; gives the moment when its next waiter may leave."""
        queues = self._queues[budget, priority]
        while True:
            heads = [(queue.first_number, type, queue) for type, queue in queues.items() if queue]
            if not heads:
                return math.inf
            if self._is_paused(now):
                # The probe's response dispatches again; else the end of the pause does.
                return math.inf if self._probing else self._paused_until
            ready = [head for head in heads if budget.has_room(head[1], priority, now)]
            if not ready:
                return min(budget.has_room_at(type, priority) for _, type, _ in heads)
            _, type, queue = min(ready, key=lambda head: head[0])
            self._waiting -= 1
            queue.wake_next(self._grant(budget, type))

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


def shared_limiter(url: str, limits: RateLimits | None, *, clock: Clock, facts: RateFacts) -> LocalLimiter:
    """The budget that all sessions of a server in the running event loop share, if they name the same limits.

    Loops of other threads and other processes have budgets of their own: give each its part of the limits, or a limiter
    that they share.
    """
    of_loop = _shared.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    limiter = of_loop.get((url, limits))
    if limiter is None:
        limiter = of_loop[url, limits] = LocalLimiter(limits, clock=clock, facts=facts)
    return limiter
