"""A limiter for sessions whose budgets are kept in a store: which budget is whose, and who closes it.

A limiter is one object for any number of sessions, organizations and event loops. Each session binds it: it says which
service it reads, in which mode, and what is documented of the limits. What is bound is a limiter of its own, and only
sessions of one origin, mode and class of routes count together. The last one that is closed in a loop closes what the
loop had open.
"""

import asyncio
import hashlib
import math
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Final, Self, cast

import attrs

from .._clock import Clock, LoopClock
from .._limits.binding import BindingLimiter, BoundLimiter, SharedBudgets
from .._limits.budget import Priority, RateState
from .._limits.limiter import Lease, TimedLimiter
from .._limits.windows import Limits, RateLimits
from .._markers import override
from .._plain import plain_text
from ..errors import ConfigurationError, closed_error
from ..service import COMMERCE_LAYER, Rates
from ..service.by_type import of_type, values_of
from .agent import Agent, OnUnreachable
from .store import Store
from .terms import Terms

_POLICIES: Final = ("share", "raise")
_TOKEN: Final = "token"  # noqa: S105 - the type of token requests
_MOST_REQUESTS: Final = 5_000
"""Of a declared window: all that was counted is read and written with each step."""
_LONGEST: Final = 3600.0
"""Seconds of a declared window: stores forget what nobody asked for in two of them."""


@attrs.define(eq=False)
class _OfLoop:
    """What an event loop has open."""

    store: Store
    agents: dict[tuple[str, Terms], Agent] = attrs.Factory(dict[tuple[str, Terms], Agent])
    users: set["_Bound"] = attrs.Factory(set["_Bound"])
    lost: set[Agent] = attrs.Factory(set[Agent])
    """Those that cannot reach the store."""
    is_closed: bool = False

    def on_store(self, agent: Agent) -> None:
        """Tell all users that the store is lost, as soon as one member noticed, or that it is back for the last one."""
        was_lost = bool(self.lost)
        (self.lost.add if agent.is_lost else self.lost.discard)(agent)
        if bool(self.lost) != was_lost:
            for user in tuple(self.users):
                user.tell(is_lost=not was_lost)

    async def close(self) -> None:
        self.is_closed = True
        agents, self.agents = self.agents, {}
        await asyncio.gather(*(agent.close() for agent in agents.values()))
        await self.store.close()


class SharedLimiter(BindingLimiter, ABC):
    """Budgets in a store that other processes use too."""

    def __init__(self, limits: RateLimits | None, *, on_unreachable: str, address: str | None = None) -> None:
        if limits is not None and not isinstance(cast("object", limits), RateLimits):
            raise ConfigurationError(f"limits must be RateLimits or None, not {type(limits).__name__}")
        if on_unreachable not in _POLICIES:
            raise ConfigurationError(f"on_unreachable must be 'share' or 'raise', not {on_unreachable!r}")
        self._limits = limits
        # What is sent from another address is another budget of the service.
        self._of_address = "" if address is None else f" from {_require_label(address)}"
        self._on_unreachable: OnUnreachable = "raise" if on_unreachable == "raise" else "share"
        self._loops: dict[asyncio.AbstractEventLoop, _OfLoop] = {}
        self._process = os.getpid()
        self._default: BoundLimiter | None = None

    @abstractmethod
    def _open(self) -> Store:
        """A store for the running event loop; nothing is opened or sent yet."""

    @override
    def bind(
        self,
        url: str,
        *,
        mode: str | None = None,
        limits: RateLimits | None = None,
        documented: RateLimits | None = None,
        facts: Rates = COMMERCE_LAYER.rates,
        clock: Clock | None = None,
    ) -> BoundLimiter:
        ceilings = tuple(one for one in (self._limits, limits) if one is not None)
        if not ceilings:
            _require_countable(facts)
        return _Bound(
            self, f"{url} {mode}{self._of_address}", ceilings, documented, facts=facts, clock=clock or LoopClock()
        )

    @override
    def try_acquire(self, type: str, *, priority: Priority) -> Lease | None:
        return self._unbound().try_acquire(type, priority=priority)

    @override
    async def acquire(self, type: str, *, priority: Priority) -> Lease:
        return await self._unbound().acquire(type, priority=priority)

    @override
    def state(self) -> RateState:
        return self._unbound().state()

    async def close(self) -> None:
        """Tell the store what is left to tell, and let go of it in this event loop; twice is fine.

        Whoever still waits gets `SharedBudgetError`. Sessions do this too: the last one that is closed.
        """
        of_loop = self._loops.pop(asyncio.get_running_loop(), None) if self._process == os.getpid() else None
        if of_loop is not None:
            await of_loop.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _unbound(self) -> BoundLimiter:
        """The budget of those who name no service."""
        if self._default is None:
            self._default = self.bind("")
        return self._default

    def of_loop(self) -> _OfLoop:
        """What this event loop has open. What a parent process had is its own: a fork begins anew."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._loops = {}
        loop = asyncio.get_running_loop()
        found = self._loops.get(loop)
        if found is None:
            # What sessions left open in a loop that was closed refers to it, and would keep it for ever. The items are
            # copied in one go: other threads have loops too.
            for other in [one for one in tuple(self._loops) if one.is_closed()]:
                self._loops.pop(other, None)
            found = self._loops[loop] = _OfLoop(self._open())
        return found

    def is_used_by(self, bound: "_Bound") -> bool:
        """True if it has used what this event loop has open."""
        of_loop = self._loops.get(asyncio.get_running_loop()) if self._process == os.getpid() else None
        return of_loop is not None and bound in of_loop.users

    async def left(self, bound: "_Bound") -> None:
        """Close what the event loop has open, if this was its last user."""
        if not self.is_used_by(bound):
            return
        loop = asyncio.get_running_loop()
        of_loop = self._loops[loop]
        of_loop.users.discard(bound)
        if not of_loop.users:
            del self._loops[loop]
            await of_loop.close()

    def new_member(self) -> str:
        """A name for a member, which no other has."""
        return secrets.token_hex(6)

    @property
    def policy(self) -> OnUnreachable:
        """What to do without the store."""
        return self._on_unreachable


def _require_label(address: object) -> str:
    label = plain_text(address)
    if not label:
        raise ConfigurationError("address must be a text that names where requests come from, such as 'eu-1', or None")
    return label


def _require_countable(facts: Rates) -> None:
    """Refuse windows that are too large for a state which is written with each request.

    Raises:
        ConfigurationError: the service declares one.
    """
    for windows in values_of(facts.windows):
        for requests, seconds in windows:
            if requests > _MOST_REQUESTS or seconds > _LONGEST:
                raise ConfigurationError(
                    f"Rates.windows declares {requests} requests in {seconds:g} s, and a shared limiter keeps up to"
                    f" {_MOST_REQUESTS:,} in up to {_LONGEST:,.0f} s: give the limiter or the session"
                    " limits=RateLimits(…), which take the place of what is declared, or leave limiter= out"
                )


class _Bound(TimedLimiter, SharedBudgets):
    """The budgets of one origin and mode, for one session."""

    def __init__(
        self,
        owner: SharedLimiter,
        name: str,
        ceilings: tuple[RateLimits, ...],
        documented: RateLimits | None,
        *,
        facts: Rates,
        clock: Clock,
    ) -> None:
        self._owner = owner
        self._name = name
        self._ceilings = ceilings
        self._documented = documented
        self._facts = facts
        self._clock = clock
        self._by_type = isinstance(facts.windows, Mapping) and not ceilings
        """True if each type is counted apart."""
        self._types: set[str] = set()
        """Those that were counted apart here."""
        self._watchers: list[Callable[[bool], None]] = []
        self._last: RateState | None = None
        """What was known when it was closed; None until then."""

    @override
    def try_acquire(self, type: str, *, priority: Priority) -> Lease | None:
        # Only the store knows, and it has to be waited for.
        return None

    @override
    async def acquire(self, type: str, *, priority: Priority) -> Lease:
        return await self.acquire_within(math.inf, type, priority=priority)

    @override
    async def acquire_within(self, seconds: float, type: str, *, priority: Priority) -> Lease:
        if self._last is not None:
            raise closed_error()
        if self._by_type:
            self._types.add(type)
        return await self._agent(type).acquire(type, priority=priority, seconds=seconds)

    @override
    def state(self) -> RateState:
        if self._last is not None:
            return self._last
        if not self._by_type:
            return self._agent("").state()
        if not self._types:
            return RateState(None, None, None, 0, 0.0, store=self._owner.of_loop().store.name)
        states = [self._agent(type).state() for type in self._types]
        # Where types are counted apart, of the one that has the fewest left.
        return min(states, key=lambda one: math.inf if one.remaining is None else one.remaining)

    @override
    def watch(self, on_store: Callable[[bool], None]) -> None:
        self._watchers.append(on_store)

    def tell(self, *, is_lost: bool) -> None:
        """Tell who watches, in a turn of the event loop of their own: whatever they raise, the queues go on."""
        for watcher in self._watchers:
            asyncio.get_running_loop().call_soon(watcher, is_lost)

    @override
    def waiting_elsewhere(self) -> int:
        types = self._types if self._by_type else {""}
        return 0 if self._last is not None else sum(self._agent(type).waiting_elsewhere for type in types)

    @override
    async def close(self) -> None:
        if self._last is None:
            is_used = self._owner.is_used_by(self)
            self._last = self.state() if is_used else RateState(None, None, None, 0, 0.0)
        await self._owner.left(self)

    def _agent(self, type: str) -> Agent:
        """What counts a type here: with all others, with those of its class of routes, or alone."""
        of_loop = self._owner.of_loop()
        if self not in of_loop.users:
            of_loop.users.add(self)
            if of_loop.lost:
                self.tell(is_lost=True)
        if self._by_type:
            return self._agent_of(of_loop, f"{self._name} 1 {type}", self._terms(1, type))
        if type == _TOKEN:
            return self._agent_of(of_loop, f"{self._name} 1", self._terms(1))
        return self._agent_of_class(of_loop, self._factor(type))

    def _agent_of_class(self, of_loop: _OfLoop, factor: int) -> Agent:
        def pause(seconds: float) -> None:
            """A refusal of one class of routes is one of the other too, as it is of an address."""
            if not of_loop.is_closed:
                for other in {1, self._facts.cacheable_factor} - {factor}:
                    self._agent_of_class(of_loop, other).pause(seconds)

        return self._agent_of(of_loop, f"{self._name} {factor}", self._terms(factor), pause)

    def _factor(self, type: str) -> int:
        return self._facts.cacheable_factor if type in self._facts.cacheable else 1

    def _terms(self, factor: int, type: str | None = None) -> Terms:
        ceilings = tuple(Limits.of(one, factor=factor) for one in self._ceilings)
        documented = Limits.of(self._documented, factor=factor) if self._documented is not None else None
        declared = of_type(self._facts.windows, type) or () if not ceilings else ()
        return Terms(self._facts, documented, ceilings, declared)

    def _agent_of(
        self, of_loop: _OfLoop, name: str, terms: Terms, on_pause: Callable[[float], None] = lambda _seconds: None
    ) -> Agent:
        key = budget_key(name)
        agent = of_loop.agents.get((key, terms))
        if agent is None:
            agent = of_loop.agents[key, terms] = Agent(
                of_loop.store,
                key,
                terms,
                member=self._owner.new_member(),
                clock=self._clock,
                on_unreachable=self._owner.policy,
                on_pause=on_pause,
                on_store=of_loop.on_store,
            )
        return agent


def budget_key(name: str) -> str:
    """The name of a budget in a store: it tells nobody whose it is."""
    return hashlib.sha256(f"commercelayer_async {name}".encode()).hexdigest()[:32]
