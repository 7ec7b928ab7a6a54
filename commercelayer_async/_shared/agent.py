"""The queues of one event loop for one budget, and the only one there that talks to the store about it.

Callers queue in memory. One task, the pump, asks the store: as soon as somebody comes who changes what is wanted, when
the store said to come back, a moment after responses came, and now and then to be seen. A call that is cancelled
leaves its queue; what is granted for it goes to the next, or back. A step is asked again with the same number until it
is answered, so that it is made once.

When the store is lost the agent goes on with its share, or fails those who wait, and asks again now and then.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from .._clock import Clock, Timer
from .._limits.budget import Priority, RateState
from .._limits.limiter import Lease, PausedTooLong, back_off
from .._limits.windows import Limits, choose, next_limit, reported_of
from .._markers import override
from .._rate_dialects import ReportedWindow
from .._tasks import consume_exception, next_number
from ..errors import SharedBudgetError
from .own import Own
from .queues import Queues
from .state import SECOND, Answer, Held, Request, Settled, lease_id
from .store import Store, StoreLost
from .terms import Terms, pair_of

_log: Final = logging.getLogger("commercelayer_async")

OnUnreachable = Literal["share", "raise"]

_BEAT: Final = 2.0
"""Seconds after which an idle member asks: to be seen, for which `step.BEAT` would do, and to know what there is.

Should the store be lost then, it goes by what it knows; what others took since it last asked, it takes again.
"""
_GATHER: Final = 0.01
"""Seconds in which responses are gathered for a step, where nobody waits."""
_FIRST_RETRY: Final = 0.25
_LONGEST_RETRY: Final = 2.0
_CLOSING: Final = 2.0
"""Seconds for telling the store that the member goes."""
_MOST_SETTLED: Final = 10_000
"""Responses that are remembered for a store that is lost."""
_REUNION: Final = 5.0
"""Seconds after a loss in which all members have found the store again, and told it what left meanwhile."""
_SHARE_AGAIN: Final = 0.05
"""Seconds after which it is looked again whether the share has room."""
_THROTTLED: Final = 429
_OK: Final = 200


class SharedLease(Lease):
    """A request that is counted in a shared budget."""

    __slots__ = ("_agent", "_bulk", "_id", "_open", "_type")

    def __init__(self, agent: "Agent", id: str, type: str, bulk: int) -> None:
        self._agent = agent
        self._id = id
        self._type = type
        self._bulk = bulk
        self._open = True

    @override
    def settle(self, status: int | None, headers: Mapping[str, str], *, retry_after: float | None = None) -> float:
        if not self._open:
            return 0.0
        self._open = False
        return self._agent.on_response(Settled(self._id, self._type, self._bulk), status, headers, retry_after)

    @override
    def release(self) -> None:
        if self._open:
            self._open = False
            self._agent.on_release(self._id)


class Agent:
    """The member of a budget that an event loop is."""

    def __init__(
        self,
        store: Store,
        key: str,
        terms: Terms,
        *,
        member: str,
        clock: Clock,
        on_unreachable: OnUnreachable,
        on_pause: Callable[[float], None] = lambda _seconds: None,
        on_store: Callable[["Agent"], None] = lambda _agent: None,
    ) -> None:
        """Nothing is asked yet. No other has the name `member`.

        `on_pause` is told the seconds of each pause that a refusal here begins, `on_store` that the store was lost or
        is back.
        """
        self._store = store
        self._key = key
        self._terms = terms
        self._on_pause = on_pause
        self._on_store = on_store
        self._clock = clock
        self._policy: Final = on_unreachable
        self._member = member
        self._documented, self._ceilings = terms.pairs()
        is_configured = bool(terms.ceilings or terms.declared)
        self._concurrent = 0 if is_configured else terms.facts.concurrent_until_known or 0
        self._lifts = int(terms.lifts_average), int(terms.lifts_burst)
        self._own = Own(self._ceilings, self._concurrent, lifts=self._lifts)
        self._queues = Queues()
        self._number = 0
        self._settled: deque[tuple[float, Settled]] = deque(maxlen=_MOST_SETTLED)
        self._released: list[str] = []
        self._due: dict[str, float] = {}
        """When to ask again for those who wait at an endpoint; at once for one that is not here."""
        self._flush_at = math.inf
        self._beat_at = math.inf
        self._request: Request | None = None
        """The step that is not answered yet."""
        self._answer: Answer | None = None
        self._learned: list[int] = []
        """The limits that headers reported, for a store that has forgotten them; empty if none are known."""
        self._epoch = 0
        self._gate = -math.inf
        self._paused = -math.inf
        """Until when nothing is to leave, for the store to be told: a refusal that another budget met."""
        self._refusals = 0
        self._lost: StoreLost | None = None
        self._losses = 0
        self._tells_all = False
        """Whether the next step has to name all that is under way: the store may not know of it."""
        self._woken = asyncio.Event()
        self._timer: Timer | None = None
        self._local_timer: Timer | None = None
        self._pump: asyncio.Task[None] | None = None
        self._closed = False

    async def acquire(self, type: str, *, priority: Priority, seconds: float = math.inf) -> Lease:
        """The right to send one request, when there is room.

        Raises:
            PausedTooLong: a pause will last longer than `seconds`.
            SharedBudgetError: the store is lost, and the policy is to raise, or nobody knows this member's share; or
                the limiter was closed.
        """
        if self._closed:
            raise self._closed_error()
        now = self._clock.now()
        due = now + seconds
        if now < self._gate > due:
            raise PausedTooLong(self._gate - now)
        if not self._queues.has(type, priority):
            # Interactive calls before bulk ones: the store knows of these alone.
            self._due.pop(type, None)
        waiter = self._queues.append(type, priority, due=due)
        if self._lost is not None and self._policy == "share" and self._own.knows_members:
            self._serve_share()
        self._wake()
        return await self._queues.wait(waiter)

    def on_response(
        self, settled: Settled, status: int | None, headers: Mapping[str, str], retry_after: float | None
    ) -> float:
        """Note what a response says for the next step; gives the seconds of a pause as far as they are known."""
        now = self._clock.now()
        settled.status = status or 0
        settled.report = self._report(status, headers)
        if status == _THROTTLED:
            settled.chance = round(self._clock.random() * 1000)
            settled.asked = -1 if retry_after is None else round(retry_after * SECOND)
            self._refusals += 1
            wait = retry_after if retry_after is not None else back_off(self._refusals, settled.chance / 1000)
            self._shut(now + wait)
            self._on_pause(self._gate - now)
        elif status is not None:
            self._refusals = 0
        self._own.finish(settled.id, now)
        self._settled.append((now, settled))
        self._flush(now if status == _THROTTLED else now + _GATHER)
        return max(0.0, self._gate - now) if status == _THROTTLED else 0.0

    def pause(self, seconds: float) -> None:
        """Let nothing leave for so long, here and at all other members: another budget of the server was refused."""
        until = self._clock.now() + seconds
        self._paused = max(self._paused, until)
        self._shut(until)
        self._flush(self._clock.now())

    def _shut(self, until: float) -> None:
        """Know of a pause; who cannot wait for its end learns it at once."""
        now = self._clock.now()
        self._gate = max(self._gate, until)
        if self._gate <= now:
            return
        self._queues.fail_impatient(now, self._gate)

    def on_release(self, id: str) -> None:
        """Note that a request was not sent."""
        self._own.cancel(id)
        self._released.append(id)
        self._flush(self._clock.now())

    @property
    def is_lost(self) -> bool:
        """True while the store cannot be reached."""
        return self._lost is not None

    @property
    def waiting_elsewhere(self) -> int:
        """Calls of all other members that wait, as the last step said."""
        return self._answer.waiting if self._answer is not None else 0

    def state(self) -> RateState:
        """What the last step said."""
        waiting = len(self._queues)
        known, lost = self._answer, self._lost is not None
        if known is None:
            return RateState(None, None, None, waiting, 0.0, store=self._store.name, store_lost=lost)
        closed_for = max(0.0, self._gate - self._clock.now())
        pairs = [(one[0], one[1]) for one in self._ceilings if one[0]]
        if known.limit and not self._terms.lifts_average:
            pairs.append((known.limit, known.span))
        # The one of the slowest pace is the one that is full.
        limit, span = min(pairs, key=lambda pair: pair[0] / pair[1], default=(None, 0))
        seconds, left = (span / SECOND, known.free) if limit is not None else (None, None)
        return RateState(limit, seconds, left, waiting, closed_for, known.members, self._store.name, lost)

    async def close(self) -> None:
        """Tell the store what is left to tell, and leave; those who wait get `SharedBudgetError`."""
        self._closed = True
        pump, self._pump = self._pump, None
        for timer in (self._timer, self._local_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._local_timer = None
        self._fail(self._closed_error())
        if pump is None:
            return
        pump.cancel()
        # A client may lose the cancellation of a step; then the pump ends after the step, because it is closed.
        await asyncio.wait([pump], timeout=_CLOSING)
        if self._lost is None and pump.done():
            try:
                async with asyncio.timeout(_CLOSING):
                    if self._request is not None:
                        await self._store.step(self._key, self._request)
                    await self._store.step(self._key, self._next_request("", leaves=1))
            except (StoreLost, TimeoutError):
                # It learns the same from silence.
                pass
        self._request = None

    def _closed_error(self) -> SharedBudgetError:
        return SharedBudgetError("the limiter was closed", store=self._store.name)

    def _wake(self) -> None:
        self._woken.set()
        if self._closed:
            # Responses may come late; the store was told that all has ended.
            return
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._run(), name="commercelayer shared budget")
            self._pump.add_done_callback(consume_exception)

    def _flush(self, when: float) -> None:
        """Tell the store soon; at once, if others wait here for what was used."""
        if self._lost is not None:
            self._serve_share()
            return
        if self._queues:
            when = min(when, self._clock.now() + _GATHER / 5)
        if when < self._flush_at:
            self._flush_at = when
            self._wake()

    async def _run(self) -> None:
        """Ask whenever there is something to ask, one step at a time."""
        while await self._is_due():
            try:
                await self._ask()
            except Exception:  # noqa: BLE001 - whatever it is, it is logged
                # A fault of ours must not leave callers waiting for nobody.
                _log.exception("the shared rate budget failed inside; it goes on as without its store")
                self._lose(StoreLost("asking it failed inside; the log says how"))

    async def _is_due(self) -> bool:
        """True as soon as there is something to ask; False if there never will be."""
        while not self._closed:
            self._woken.clear()
            now, at = self._clock.now(), self._next_at()
            if at <= now:
                return True
            self._set_timer(at)
            await self._woken.wait()
        return False

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.at(at, self._woken.set) if at < math.inf else None

    def _next_at(self) -> float:
        if self._lost is not None:
            return self._beat_at
        at = min(self._flush_at, self._beat_at)
        for type in self._queues.types():
            at = min(at, self._due.get(type, -math.inf))
        return at

    async def _ask(self) -> None:
        """One step, and what follows from its answer."""
        now = self._clock.now()
        request = self._request
        if request is None:
            types = [type for type in self._queues.types() if self._due.get(type, -math.inf) <= now]
            if types and self._own.is_bound(now) and self._lost is None:
                # Within the share alone; the store is not asked for what cannot leave.
                for type in types:
                    self._due[type] = now + _SHARE_AGAIN
                types = [type for type in types if self._own.has_room(type, now)]
                if not types and now < min(self._flush_at, self._beat_at):
                    return
            request = self._request = self._next_request(types[0] if types and self._lost is None else "")
        try:
            answer = await self._store.step(self._key, request)
        except StoreLost as lost:
            self._lose(lost)
            return
        self._request = None
        now = self._clock.now()
        self._beat_at = now + _BEAT
        if self._lost is not None:
            self._find(request, answer, now)
            return
        if answer.epoch != request.epoch and request.epoch:
            self._begin_again(answer, now)
            return
        self._epoch = answer.epoch
        self._own.heard(answer)
        self._answer = answer
        if answer.known and answer.limit:
            self._learned = [answer.limit, answer.span, answer.burst, answer.burst_span]
        self._gate = -math.inf
        self._shut(max(self._paused, now + answer.closed_for / SECOND))
        self._deliver(request, answer, now)

    def _find(self, request: Request, answer: Answer, now: float) -> None:
        """The store is back: tell it first what left meanwhile. It did not know of that when it answered."""
        _log.info("the shared rate budget (%s) is back", self._store.name)
        self._lost, self._losses = None, 0
        self._on_store(self)
        self._own.find(now + _REUNION)
        granted = range(1, answer.interactive + answer.bulk + 1)
        self._released += [lease_id(request.member, request.number, index) for index in granted]
        self._tell_all(now)

    def _tell_all(self, now: float) -> None:
        """Ask at once, and say what is under way."""
        self._tells_all = True
        self._due.clear()
        self._flush_at = now

    def _begin_again(self, answer: Answer, now: float) -> None:
        """The store has forgotten the budget: tell it all again, and take only the share until it knows of all."""
        _log.warning("the shared rate budget (%s) began anew: its store had lost it", self._store.name)
        self._epoch = answer.epoch
        self._settled.clear()
        self._settled.extend((now - one.ago / SECOND, one) for one in self._own.history(now))
        longest = max((self._answer.span if self._answer is not None else 0), *(one[1] for one in self._ceilings), 0)
        self._own.lose(now)
        self._own.find(now + longest / SECOND + _BEAT)
        self._tell_all(now)

    def _next_request(self, type: str, *, leaves: int = 0) -> Request:
        now = self._clock.now()
        self._number += 1
        self._flush_at = math.inf
        settled = [_ended_before(one, now - at) for at, one in self._settled]
        self._settled.clear()
        released, self._released = self._released, []
        interactive, bulk = self._queues.at(type)
        if type and self._own.is_bound(now):
            # One by one, as long as there is room in the share.
            interactive = min(interactive, 1)
            bulk = min(bulk, 1 - interactive)
        paused = max(0, round((self._paused - now) * SECOND)) if self._paused > now else 0
        held = [Held(id, one.type, one.bulk) for id, one in self._own.under_way.items()] if self._tells_all else []
        self._tells_all = False
        return Request(
            self._member,
            self._number,
            self._epoch,
            self._documented or self._learned,
            self._ceilings,
            self._concurrent,
            type,
            interactive,
            bulk,
            settled,
            released,
            held,
            *self._lifts,
            paused,
            leaves,
        )

    def _deliver(self, request: Request, answer: Answer, now: float) -> None:
        """Let leave who may, in order; what nobody wants goes back."""
        for index in range(1, answer.interactive + answer.bulk + 1):
            bulk = int(index > answer.interactive)
            id = lease_id(request.member, request.number, index)
            self._grant(id, request.type, bulk)
        if not request.type:
            return
        if answer.wait:
            self._due[request.type] = now + answer.wait / SECOND
        elif not self._own.is_bound(now):
            self._due.pop(request.type, None)

    def _grant(self, id: str, type: str, bulk: int) -> None:
        priority = Priority.BULK if bulk else Priority.INTERACTIVE
        if self._queues.has(type, priority):
            self._own.start(id, type, bulk)
            self._queues.wake_next(type, priority, SharedLease(self, id, type, bulk))
        else:
            self._released.append(id)
            self._flush_at = min(self._flush_at, self._clock.now())

    def _report(self, status: int | None, headers: Mapping[str, str]) -> list[int]:
        facts = self._terms.facts
        reported = facts.dialect(headers, self._clock.wall_time())
        self._correct_declared(reported)
        kept, _ = choose(reported)
        if kept is not None:
            pair = pair_of(Limits.of_average(kept.limit, kept.seconds, facts))
            return [*pair, kept.remaining if kept.remaining is not None else -1]
        if not reported and status == _OK and (self._answer is None or not self._answer.known):
            return [0, 0, 0, 0, -1]
        return []

    def _correct_declared(self, reported: Sequence[ReportedWindow]) -> None:
        """Take over what headers report of declared windows: each member learns it from its own responses."""
        declared = self._terms.declared
        for pair, (limit, seconds) in zip(self._ceilings[len(self._terms.ceilings) :], declared, strict=True):
            told = reported_of(reported, int(limit), seconds)
            if told is not None:
                pair[0] = next_limit(pair[0], told.limit, most=None)

    def _lose(self, lost: StoreLost) -> None:
        """Go on by the policy, and ask again soon."""
        now = self._clock.now()
        was_lost = self.is_lost
        if not was_lost:
            _log.warning("the shared rate budget (%s) cannot be reached: %s", self._store.name, lost.reason)
            self._own.lose(now)
        self._lost = lost
        self._losses += 1
        if not was_lost:
            self._on_store(self)
        wait = min(_LONGEST_RETRY, _FIRST_RETRY * 2.0 ** min(self._losses - 1, 8))
        self._beat_at = now + wait * (0.5 + self._clock.random() / 2)
        if self._policy == "raise":
            self._fail(lost.explain(self._store.name, consequence="on_unreachable is 'raise'"))
        elif not self._own.knows_members:
            consequence = "it never was, so nobody knows which share of the limits is this process's"
            self._fail(lost.explain(self._store.name, consequence=consequence))
        else:
            self._serve_share()

    def _serve_share(self) -> None:
        """Without the store: let leave who may within the share of this member."""
        if self._local_timer is not None:
            self._local_timer.cancel()
            self._local_timer = None
        if self._lost is None or self._policy != "share" or not self._own.knows_members:
            return
        now = self._clock.now()
        if now >= self._gate:
            for priority in Priority:
                for type in self._queues.types():
                    while self._queues.has(type, priority) and self._own.has_room(type, now):
                        self._grant(f"{self._member}.alone.{next_number()}", type, int(priority is Priority.BULK))
        if self._queues.types():
            self._local_timer = self._clock.at(max(now + _SHARE_AGAIN, self._gate), self._serve_share)

    def _fail(self, error: SharedBudgetError) -> None:
        self._queues.fail_all(error)
        self._due.clear()


def _ended_before(settled: Settled, seconds: float) -> Settled:
    """A response as a step tells it: so long ago."""
    settled.ago = max(0, round(seconds * SECOND))
    return settled
