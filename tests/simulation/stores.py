"""A model of the store of a shared budget: a file or a Redis server, with what goes wrong with it.

It keeps states and calls the package's pure `step`; what is modelled is the way there and back. A file's step happens
in one moment, or finds the file busy. A server's takes a round trip: an answer may be lost after the step was made, and
a server that stood still makes later what its clients have given up.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final, Literal

import attrs

from commercelayer_async import RateLimits
from commercelayer_async._markers import override
from commercelayer_async._shared.limiter import SharedLimiter
from commercelayer_async._shared.state import SECOND, Answer, Request, State
from commercelayer_async._shared.step import step
from commercelayer_async._shared.store import Store, StoreLost

from .service import Pair
from .time import Time

FAULTS: Final = {
    "file": (
        "busy",  # somebody holds the file
        "lost",  # the disk is full, or may only be read
        "empties",  # it was damaged, and is replaced
    ),
    "redis": (
        "lost",  # it is down, and has kept everything
        "flaps",  # it is down and up again, every second
        "stalls",  # it answers nobody, and then makes all that was asked meanwhile
        "slow",  # each answer takes long
        "empties",  # it restarts without what it had
    ),
}
"""What may happen to a store for a while."""

_PATIENCE: Final = {"file": 3.0, "redis": 0.5}
"""Seconds after which a store that does not answer is lost."""
_FLAP: Final = 0.7
_FORGOTTEN: Final = 75.0
"""Seconds after which nothing counts any more that a store has forgotten."""


@attrs.frozen(kw_only=True)
class StoreFault:
    """Something that goes wrong with the store from a moment on."""

    what: str
    at: float = 0.0
    seconds: float = 0.0


@attrs.frozen(kw_only=True)
class StorePlan:
    """A store that all processes of a run share."""

    kind: str = "file"
    limits: tuple[Pair, Pair] | None = None
    """What the limiters are given; None to go by the token and the headers."""
    policy: Literal["share", "raise"] = "share"
    faults: tuple[StoreFault, ...] = ()
    lost_answers: int = 0
    """Of a thousand steps."""


class Shelf:
    """What is behind the stores of all processes."""

    def __init__(self, plan: StorePlan, time: Time, random: Random, trace: Callable[[str], None]) -> None:
        self.plan = plan
        self.time = time
        self.random = random
        self.trace = trace
        self.spare_windows = 0.0
        """Windows, or parts of one, that may be used beyond one: what nobody can know, as the documentation says."""
        self.somebody_went = False
        """True once a member was killed or has left: nobody tells of its requests any more."""
        self._faults = plan.faults
        self._states: dict[str, State] = {}
        self._late: list[tuple[float, str, Request]] = []
        """Steps that were asked of a server that stood still, and when it makes them."""
        self._emptied_at: float | None = None
        self._members: dict[tuple[str, str], tuple[float, float]] = {}
        """When members of each budget were first and last answered."""
        self._spared: set[float] = set()
        self._alone: dict[tuple[str, str], float] = {}
        """The members of each budget that go on alone, and since when."""
        self._last_lost: dict[tuple[str, str], float] = {}
        self._granted: dict[tuple[str, str], float] = {}
        """When members of each budget were last given places."""
        self._shares: dict[tuple[str, str], float] = {}
        """Which part of a window is a member's of what was free when it was last answered."""

    def end_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._pass_time()
        self._faults = ()
        self.plan = attrs.evolve(self.plan, lost_answers=0)

    @property
    def last_fault_ends(self) -> float:
        """The moment from which on nothing is wrong."""
        return 1000.0 + max((one.at + one.seconds for one in self.plan.faults), default=0.0)

    def fault(self) -> StoreFault | None:
        """What is wrong now."""
        self._pass_time()
        now = self.time.moment - 1000.0
        return next((one for one in self._faults if one.at <= now < one.at + one.seconds), None)

    def step(self, key: str, request: Request) -> Answer:
        """Make a step now."""
        self._pass_time()
        now = self.time.moment
        if not request.epoch and self._emptied_at is not None and now < self._emptied_at + _FORGOTTEN:
            self._spare("a newcomer believes a store that has forgotten", since=self._emptied_at)
        if request.leaves:
            self.somebody_went = True
        state = self._states.setdefault(key, State())
        answer = step(state, round(now * SECOND), request)
        first, _ = self._members.get((key, request.member), (now, now))
        self._members[key, request.member] = first, now
        if answer.interactive or answer.bulk:
            self._granted[key, request.member] = now
        limit = self.plan.limits[0][0] if self.plan.limits is not None else answer.limit
        self._shares[key, request.member] = answer.free // answer.members / limit if limit else 0.0
        self._alone.pop((key, request.member), None)
        missed = self._last_lost.get((key, request.member), -1.0)
        for (budget, _), since in self._alone.items():
            if budget == key and missed < since:
                # Whoever missed it too keeps to its share, until all have found it again.
                self._spare("a member has not found the store again, and another never missed it", since=since)
        return answer

    def make_late(self, key: str, request: Request, when: float) -> None:
        """Make a step in some seconds, although nobody waits for it any more."""
        self._late.append((self.time.moment + when, key, request))

    def lose(self, key: str, request: Request) -> None:
        """Note that a member goes on alone."""
        if (key, request.member) not in self._alone:
            self._spare_what_others_took(key, request.member)
        self._alone.setdefault((key, request.member), self.time.moment)
        self._last_lost[key, request.member] = self.time.moment
        if self.fault() is None:
            self._spare("a member goes on alone, and the others do not", since=-1.0)
        _, last = self._members.get((key, request.member), (0.0, 0.0))
        if any(budget == key and first > last for (budget, _), (first, _) in self._members.items()):
            self._spare("a member does not know of one that joined since", since=0.0)

    def leave(self, members: set[str]) -> None:
        """Note that members end, or are killed: nobody tells what they did alone."""
        if any(member in members for _, member in self._alone):
            self._spare("a member went that was alone", since=None)

    def _spare_what_others_took(self, key: str, member: str) -> None:
        """A member goes by what was free when it was last answered, ten seconds ago at most."""
        heard, share = self._members.get((key, member), (0.0, 0.0))[1], self._shares.get((key, member), 0.0)
        if any(budget == key and one != member and at > heard for (budget, one), at in self._granted.items()):
            self.spare_windows += share
            self.trace(f"{share:.2f} of a window more may be used: {member} does not know what others took")

    def _pass_time(self) -> None:
        """Let happen what was due since somebody looked."""
        now = self.time.moment
        for moment, key, request in self._late:
            if moment <= now:
                self._late = [one for one in self._late if one[2] is not request or one[0] != moment]
                self.step(key, request)
        for one in self._faults:
            if one.what == "empties" and one.at + 1000.0 <= now:
                self._faults = tuple(other for other in self._faults if other is not one)
                self._empty()

    def _empty(self) -> None:
        self.trace("the store has forgotten everything")
        self._states.clear()
        self._late.clear()
        self._members.clear()
        self._alone.clear()
        self._emptied_at = self.time.moment
        if self.somebody_went:
            self._spare("nobody tells what those had used who went", since=None)

    def _spare(self, why: str, *, since: float | None) -> None:
        """One window more, once for each time that the store forgot or was lost."""
        if since is None or since not in self._spared:
            self.spare_windows += 1
            self.trace(f"one window more may be used: {why}")
        if since is not None:
            self._spared.add(since)


class ModelStore(Store):
    """The store as one process sees it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.name = shelf.plan.kind
        self.members: set[str] = set()

    @override
    async def step(self, key: str, request: Request) -> Answer:
        self.members.add(request.member)
        try:
            if self.name == "file":
                return await self._step_in_file(key, request)
            return await self._step_in_server(key, request)
        except StoreLost:
            self._shelf.lose(key, request)
            raise

    async def _step_in_file(self, key: str, request: Request) -> Answer:
        until = self._shelf.time.moment + _PATIENCE["file"]
        while (fault := self._shelf.fault()) is not None:
            if fault.what == "lost" or self._shelf.time.moment >= until:
                raise StoreLost(f"the file is {fault.what}")
            await asyncio.sleep(0.1)
        return self._shelf.step(key, request)

    async def _step_in_server(self, key: str, request: Request) -> Answer:
        shelf, fault = self._shelf, self._shelf.fault()
        what = fault.what if fault is not None else ""
        if fault is not None and what == "flaps":
            what = "lost" if (shelf.time.moment - 1000.0 - fault.at) % (2 * _FLAP) < _FLAP else ""
        if what == "lost":
            await asyncio.sleep(0.001)
            raise StoreLost("the connection was refused")
        if fault is not None and what == "stalls":
            left = fault.at + fault.seconds - (shelf.time.moment - 1000.0)
            if left > _PATIENCE["redis"]:
                shelf.make_late(key, request, left)
                await asyncio.sleep(_PATIENCE["redis"])
                raise StoreLost("it did not answer")
            await asyncio.sleep(left)
        way = shelf.random.uniform(0.05, 0.24) if what == "slow" else shelf.random.uniform(0.0001, 0.004)
        await asyncio.sleep(way)
        answer = shelf.step(key, request)
        if shelf.random.randrange(1000) < shelf.plan.lost_answers:
            raise StoreLost("the connection broke after the step was made")
        await asyncio.sleep(way)
        return answer

    @override
    async def close(self) -> None:
        """Nothing is open; but nobody tells any more what was done alone."""
        self._shelf.leave(self.members)


class ModelLimiter(SharedLimiter):
    """The limiter of one process, with the model for a store."""

    def __init__(self, shelf: Shelf, number: int) -> None:
        average, burst = shelf.plan.limits or (None, None)
        limits = None if average is None else RateLimits(average=average, burst=burst)
        super().__init__(limits, on_unreachable=shelf.plan.policy)
        self._shelf = shelf
        self._number = number
        self._made = 0
        self._stores: list[ModelStore] = []

    def kill(self) -> None:
        """Note that the process was killed."""
        for store in self._stores:
            self._shelf.leave(store.members)

    @override
    def _open(self) -> Store:
        self._stores.append(ModelStore(self._shelf))
        return self._stores[-1]

    @override
    def new_member(self) -> str:
        self._made += 1
        return f"p{self._number}.{self._made}"
