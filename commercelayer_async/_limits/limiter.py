"""Who may send now, and who waits: queues in order of arrival, one timer, one pause.

A limiter is one budget, shared by all sessions of an organization in an event loop. A call that finds room and nobody
waiting passes without a suspension. Otherwise it joins the queue of its endpoint and priority. After each response or
timer tick, waiters leave from the head of each queue while the windows have room: interactive ones before bulk ones,
and in order of arrival among the endpoints that have room. A cancelled waiter leaves the queue at once, and nothing
depends on any waiter's task. Where a service counts types apart, each has a budget and a pause of its own.

A refusal (429) pauses all requests. When the pause is over one request goes first, as a probe; its response ends the
pause for the rest, or begins a longer one. Responses to requests that left before the refusal do neither. Who cannot
wait for the end of a pause learns it at once, and who was refused queues where it stood before.

Limiters come and go with the sessions that hold them. What they counted stays in a ledger of the event loop until the
last of it has faded.
"""

import asyncio
import logging
import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Final, Protocol
from weakref import WeakKeyDictionary, ref

import attrs

from .._clock import Clock, Timer
from .._markers import override, public
from .._tasks import WaitQueue, next_number
from ..service import Rates
from .budget import Budget, Ledger, Pause, Priority, RateState
from .windows import RateLimits

_log: Final = logging.getLogger("commercelayer_async")

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_LONGEST_ASKED: Final = 3600.0
"""Seconds that a server may ask for and be given; then one request asks again."""
_THROTTLED: Final = 429
_MOST_GONE: Final = 64
"""Cancelled waiters that may stand in the queues, beside as many as wait."""


@public("commercelayer_async")
class Lease(Protocol):
    """The right to send one request."""

    __slots__ = ()

    def settle(self, status: int | None, headers: Mapping[str, str], *, retry_after: float | None = None) -> float:
        """Report the response, or that none came (status None); gives seconds to wait after a refusal, else 0.0.

        The call that was refused waits that long, and at least as long as the server asks or, without that, for one
        second, then two, four, up to a minute. An exception is logged and suppressed.
        """
        ...

    def release(self) -> None:
        """The request was not sent after all."""
        ...


@public("commercelayer_async")
class Limiter(Protocol):
    """A budget of requests; another implementation than the one here can share one among processes.

    Nothing is assumed beyond these methods: a limiter may pause other calls after a refusal, and need not.
    """

    def try_acquire(self, type: str, *, priority: Priority) -> Lease | None:
        """The right to send one request to the endpoint of a resource type now; None if it has to wait."""
        ...

    async def acquire(self, type: str, *, priority: Priority) -> Lease:
        """The same when there is room; it is cancelled when the call's time is up."""
        ...

    def state(self) -> RateState:
        """What is known now of uncacheable reads."""
        ...


class PausedTooLong(Exception):
    """No request leaves for `seconds`, and the caller has less time than that."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class TimedLimiter(Limiter):
    """A limiter that tells a call at once that its time will be up before a pause is over: one by inheriting."""

    @abstractmethod
    async def acquire_within(self, seconds: float, type: str, *, priority: Priority) -> Lease:
        """The right to send one request when there is room.

        Raises:
            PausedTooLong: a pause will last longer than `seconds`.
        """


class LocalLease(Lease):
    """A request that is counted in all windows of its endpoint."""

    __slots__ = ("_bulk", "_limiter", "_open", "_windows", "began", "budget", "pauses", "probe", "turn")

    def __init__(  # noqa: PLR0917 - made for each request, where keywords take time
        self,
        limiter: "LocalLimiter",
        budget: Budget,
        type: str,
        now: float,
        turn: int,
        bulk: bool,  # noqa: FBT001 - as above
    ) -> None:
        self._limiter = limiter
        self.budget = budget
        self._windows = budget.windows(type, now)
        self._bulk = bulk
        self._open = True
        self.began = now
        self.turn = turn
        """Its place in the order of arrival, to keep if the request is refused."""
        self.pauses = budget.pause.count
        """Pauses before it left: a refusal from before the last one is no news."""
        self.probe = budget.pause.refusals > 0
        for window in self._windows:
            window.start(now, bulk=bulk)

    @override
    def settle(self, status: int | None, headers: Mapping[str, str], *, retry_after: float | None = None) -> float:
        if not self._open:
            return 0.0
        self._open = False
        now = self._limiter.clock.now()
        for window in self._windows:
            window.finish(now, bulk=self._bulk)
        return self._limiter.on_response(self, status, headers, retry_after, now=now)

    @override
    def release(self) -> None:
        if self._open:
            self._open = False
            for window in self._windows:
                window.cancel(bulk=self._bulk)
            self._limiter.on_release(self)


_Waiter = asyncio.Future[LocalLease]


class LocalLimiter(Limiter):
    """A budget in memory, for the sessions of one event loop."""

    def __init__(self, limits: RateLimits | None, *, clock: Clock, facts: Rates, ledger: Ledger | None = None) -> None:
        """Keep `limits`; None to go by what the service declares, the token's mode and the headers.

        Until any of these tells, it goes by how many are under way.

        `ledger` is what an earlier limiter of the same limits counted.
        """
        self.clock: Final = clock
        self._facts = facts
        self.ledger: Final = ledger if ledger is not None else Ledger(limits, facts)
        self._queues: dict[tuple[Budget, Priority], dict[str, WaitQueue[LocalLease]]] = {}
        self._waiting = 0
        self._gone = 0
        """Cancelled waiters that may still stand in a queue."""
        self._due: dict[_Waiter, tuple[float, Pause]] = {}
        """When the time of those is up who wait and have not all the time there is, and the pause they may wait for."""
        self._timer: Timer | None = None
        self._timer_at = math.inf

    @override
    async def acquire(self, type: str, *, priority: Priority = Priority.INTERACTIVE) -> LocalLease:
        return await self.acquire_within(math.inf, type, priority=priority)

    async def acquire_within(
        self, seconds: float, type: str, *, priority: Priority = Priority.INTERACTIVE, turn: int | None = None
    ) -> LocalLease:
        """The right to send one request when there is room.

        `turn` is that of a lease whose request was refused; else the call joins the queue at its end.

        Raises:
            PausedTooLong: a pause will last longer than `seconds`.
        """
        lease = self.try_acquire(type, priority=priority)
        if lease is not None:
            return lease
        now = self.clock.now()
        due = now + seconds
        budget = self._budget(type, now)
        pause = budget.pause
        if pause.refusals and due < pause.until:
            raise PausedTooLong(pause.until - now)
        queue = self._queues.setdefault((budget, priority), {}).setdefault(type, WaitQueue())
        waiter = queue.append() if turn is None else queue.insert(turn)
        self._waiting += 1
        if due < math.inf:
            self._due[waiter] = due, pause
        self._dispatch()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                self._on_cancelled()
            elif waiter.exception() is None:
                # Cancelled in the moment when its turn came: the turn goes to the next.
                waiter.result().release()
            raise
        finally:
            self._due.pop(waiter, None)

    @override
    def try_acquire(self, type: str, *, priority: Priority = Priority.INTERACTIVE) -> LocalLease | None:
        # Whoever waits was here first.
        if self._waiting:
            return None
        now = self.clock.now()
        budget = self._budget(type, now)
        if (budget.pause.refusals and budget.pause.holds(now)) or not budget.has_room(type, priority, now):
            return None
        return self._grant(budget, type, priority, now, next_number())

    def on_response(
        self,
        lease: LocalLease,
        status: int | None,
        headers: Mapping[str, str],
        retry_after: float | None,
        *,
        now: float,
    ) -> float:
        """Learn from a response, and let leave who may leave now; gives seconds that the pause has left."""
        budget, pause = lease.budget, lease.budget.pause
        budget.learn(status, headers, began=lease.began, now=now, wall_time=self.clock.wall_time())
        if lease.probe:
            pause.is_probing = False
        wait = 0.0
        if status == _THROTTLED:
            wait = self._pause(pause, now, retry_after, is_news=lease.pauses == pause.count)
        elif lease.probe and status is not None:
            pause.refusals = 0
        if self._waiting or self._timer is not None:
            self._dispatch()
        return wait

    def on_release(self, lease: LocalLease) -> None:
        """A lease was given back unused: let leave who may leave now."""
        if lease.probe:
            lease.budget.pause.is_probing = False
        self._dispatch()

    def use(self, limits: RateLimits) -> None:
        """Keep the limits of the mode that a token is for, unless some were configured or are known already."""
        if self.ledger.use(limits):
            self._dispatch()

    @override
    def state(self) -> RateState:
        now = self.clock.now()
        window, paused_for = self.ledger.tightest(now), self.ledger.closed_for(now)
        if window is None:
            return RateState(None, None, None, self._waiting, paused_for)
        return RateState(window.limit, window.seconds, max(0, window.free(now)), self._waiting, paused_for)

    def _budget(self, type: str, now: float) -> Budget:
        return self.ledger.budget(type, now, self._is_waited_for)

    def _is_waited_for(self, budget: Budget) -> bool:
        return any((budget, priority) in self._queues for priority in Priority)

    def _grant(self, budget: Budget, type: str, priority: Priority, now: float, turn: int) -> LocalLease:
        lease = LocalLease(self, budget, type, now, turn, priority is Priority.BULK)
        budget.pause.is_probing = lease.probe
        return lease

    def _pause(self, pause: Pause, now: float, retry_after: float | None, *, is_news: bool) -> float:
        """Pause for as long as the server says, else for longer each time; gives the seconds that are left."""
        if is_news:
            pause.refusals += 1
            pause.count += 1
        if retry_after is not None:
            wait = min(retry_after, _LONGEST_ASKED)
            # It may be one that left before the pause which is over: then the next request is a probe again.
            pause.refusals = max(1, pause.refusals)
        elif is_news:
            wait = back_off(pause.refusals, self.clock.random())
        else:
            wait = 0.0
        if now + wait > pause.until:
            pause.until = now + wait
            _log.warning("the rate limit was exceeded: all requests wait %.1f s", wait)
            self._refuse_who_cannot_wait(pause, now)
        return max(0.0, pause.until - now)

    def _refuse_who_cannot_wait(self, pause: Pause, now: float) -> None:
        for waiter, (due, its_pause) in list(self._due.items()):
            if its_pause is pause and due < pause.until and not waiter.done():
                self._waiting -= 1
                waiter.set_exception(PausedTooLong(pause.until - now))

    def _on_cancelled(self) -> None:
        """Forget a waiter that was cancelled: no timer for nobody, and queues that hold none but those who wait."""
        self._waiting -= 1
        self._gone += 1
        if not self._waiting:
            self._schedule(math.inf)
        if not self._waiting or self._gone > self._waiting + _MOST_GONE:
            self._gone = 0
            for key, queues in list(self._queues.items()):
                for type, queue in list(queues.items()):
                    queue.discard_done()
                    if not queue:
                        del queues[type]
                if not queues:
                    del self._queues[key]

    def _dispatch(self) -> None:
        """Let leave who may, in order; then set the timer for the next one."""
        if not self._waiting:
            if self._timer is not None:
                self._schedule(math.inf)
            return
        now = self.clock.now()
        next_at = math.inf
        for budget in {budget: None for budget, _ in self._queues}:
            for priority in Priority:
                if (budget, priority) in self._queues:
                    next_at = min(next_at, self._dispatch_priority(budget, priority, now))
        self._schedule(next_at)

    def _dispatch_priority(self, budget: Budget, priority: Priority, now: float) -> float:
        """The same for one priority of a budget; gives the moment when its next waiter may leave."""
        queues, pause = self._queues[budget, priority], budget.pause
        while True:
            heads = [(queue.first_number, type, queue) for type, queue in queues.items() if queue]
            if len(heads) < len(queues):
                for type in [type for type, queue in queues.items() if not queue]:
                    del queues[type]
            if not heads:
                del self._queues[budget, priority]
                return math.inf
            if pause.holds(now):
                # The probe's response dispatches again; else the end of the pause does.
                return math.inf if pause.is_probing else pause.until
            ready = [head for head in heads if budget.has_room(head[1], priority, now)]
            if not ready:
                return min(budget.has_room_at(type, priority, now) for _, type, _ in heads)
            turn, type, queue = min(ready, key=lambda head: head[0])
            self._waiting -= 1
            queue.wake_next(self._grant(budget, type, priority, now, turn))

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


def back_off(refusals: int, random: float) -> float:
    """Seconds to wait after so many refusals in a row, where the server asks for none; `random` is from 0.0 to 1.0."""
    bound = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(refusals - 1, 16))
    return bound * (0.5 + random / 2)


_Key = tuple[str, RateLimits | None, str | None, Rates]


@attrs.define
class _Entry:
    """What was counted, and the limiter that counts in it now, if a session holds one."""

    ledger: Ledger
    limiter: "ref[LocalLimiter]"


@attrs.define
class _OfLoop:
    """The budgets of an event loop. Nothing in here refers to the loop, so none is kept by it."""

    entries: dict[_Key, _Entry] = attrs.Factory(dict[_Key, _Entry])
    sweep_at: int = 16
    """Entries at which those are dropped that nobody holds and in which nothing is counted."""


_shared: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop]] = WeakKeyDictionary()


def shared_limiter(
    url: str, limits: RateLimits | None, *, clock: Clock, facts: Rates, mode: str | None = None
) -> LocalLimiter:
    """The budget that all sessions of a server in the running event loop share, if they name the same limits.

    Whose requests they are does not matter: where a server counts accounts apart, that is never too fast. `mode` is
    that of their tokens, test or live, which the server counts apart. What sessions counted that are gone is counted
    on, until it has faded. Loops of other threads and other processes have budgets of their own: give each its part of
    the limits, or a limiter that they share.
    """
    of_loop = _shared.setdefault(asyncio.get_running_loop(), _OfLoop())
    key = (url, limits, mode, facts)
    entry = of_loop.entries.get(key)
    limiter = entry.limiter() if entry is not None else None
    if limiter is not None:
        return limiter
    now = clock.now()
    ledger = None
    if entry is not None and not entry.ledger.is_idle(now):
        ledger = entry.ledger
        ledger.finish_all(now)
    if ledger is None:
        ledger = Ledger(limits, facts)
    limiter = LocalLimiter(limits, clock=clock, facts=facts, ledger=ledger)
    of_loop.entries[key] = _Entry(ledger, ref(limiter))
    if len(of_loop.entries) > of_loop.sweep_at:
        of_loop.entries = {
            key: one for key, one in of_loop.entries.items() if one.limiter() is not None or not one.ledger.is_idle(now)
        }
        of_loop.sweep_at = max(16, 2 * len(of_loop.entries))
    return limiter
