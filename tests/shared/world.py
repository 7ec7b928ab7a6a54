"""Members of a budget and the server that counts them, on a virtual clock: a step takes no time, a request some."""

import heapq
import random
from collections.abc import Callable
from typing import Final

import attrs

from commercelayer_async._shared.state import SECOND, Answer, Request, Settled, State, lease_id
from commercelayer_async._shared.step import step

Step = Callable[[int, Request], Answer]
"""What a store does: the moment, and what is asked."""

LIVE: Final = [200, 60 * SECOND, 50, 10 * SECOND]


def in_memory() -> Step:
    state = State()
    return lambda now, request: step(state, now, request)


@attrs.define
class Member:
    """A process, with calls that wait in its queues by endpoint; `alive` is False after it was killed."""

    name: str
    number: int = 0
    epoch: int = 0
    wants: dict[str, list[int]] = attrs.Factory(dict)
    settled: list[Settled] = attrs.Factory(list)
    due: dict[str, int] = attrs.Factory(dict)
    alive: bool = True
    served: int = 0
    waited: list[int] = attrs.Factory(list)
    came: dict[str, list[int]] = attrs.Factory(dict)

    def die(self) -> None:
        """Be killed: what is under way stays so, and nobody reports of it."""
        self.alive = False


class World:
    """What happens, in order of time; the server counts what arrives."""

    def __init__(self, ask: Step, *, seed: int, pair: list[int] | None = None, delays: tuple[int, int]) -> None:
        self.ask = ask
        self.random = random.Random(seed)
        self.pair = pair or LIVE
        self.delays = delays
        self.now = 1000 * SECOND
        self.arrived: list[tuple[int, str, str]] = []
        self.steps = 0
        self.refuse_at: set[int] = set()
        """The how-many-th requests that the server refuses."""
        self.asked = -1
        self.reports = False
        self.members: list[Member] = []
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self.refill: Callable[[Member], None] = lambda member: None
        self.end = 0

    def at(self, moment: int, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (moment, self._count, what))

    def join(self, name: str) -> Member:
        member = Member(name)
        self.members.append(member)
        return member

    def call(self, member: Member, type: str = "customers", interactive: int = 0, bulk: int = 0) -> None:
        wants = member.wants.setdefault(type, [0, 0])
        is_new = not any(wants) or (interactive and not wants[0])
        wants[0] += interactive
        wants[1] += bulk
        member.came.setdefault(type, []).extend([self.now] * interactive)
        if is_new:
            self.at(self.now, lambda: self.turn(member, type))

    def turn(self, member: Member, type: str) -> None:
        """One step of a member, and when it comes back."""
        if not member.alive:
            return
        interactive, bulk = member.wants.get(type, [0, 0])
        member.number += 1
        settled, member.settled = member.settled, []
        request = Request(member.name, member.number, member.epoch, self.pair, [], 25, type, interactive, bulk, settled)
        answer = self.ask(self.now, request)
        self.steps += 1
        member.epoch = answer.epoch
        member.served += answer.interactive + answer.bulk
        for index in range(1, answer.interactive + answer.bulk + 1):
            is_bulk = index > answer.interactive
            member.wants[type][int(is_bulk)] -= 1
            if not is_bulk:
                member.waited.append(self.now - member.came[type].pop(0))
            self.leave(member, lease_id(member.name, member.number, index), type, int(is_bulk))
        if answer.wait:
            due = member.due[type] = self.now + answer.wait
            late = self.random.randrange(2000)
            self.at(due + late, lambda: self.turn(member, type) if member.due.get(type) == due else None)
        self.refill(member)

    def leave(self, member: Member, id: str, type: str, bulk: int) -> None:
        there, back = (self.random.randint(*self.delays) for _ in range(2))
        self.at(self.now + there, lambda: self.arrive(member, id, type, bulk, back))

    def arrive(self, member: Member, id: str, type: str, bulk: int, back: int) -> None:
        self.arrived.append((self.now, type, member.name))
        status = 429 if len(self.arrived) in self.refuse_at else 200
        report: list[int] = []
        if self.reports:
            counted = sum(moment > self.now - self.pair[1] for moment, _, _ in self.arrived)
            report = [*self.pair, max(0, self.pair[0] - counted)]

        def answer() -> None:
            if not member.alive:
                return
            asked = self.asked if status == 429 else -1
            member.settled.append(Settled(id, type, bulk, 0, status, asked, 500, report))
            self.at(self.now + 5000, lambda: self.turn(member, "") if member.settled else None)

        self.at(self.now + back, answer)

    def run(self, seconds: float) -> None:
        self.end = self.now + int(seconds * SECOND)
        while self._events and self._events[0][0] <= self.end:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = self.end

    def worst(self, span: int, type: str | None = None) -> int:
        """The most that arrived within any stretch of so many microseconds."""
        moments = [moment for moment, name, _ in self.arrived if type in (None, name)]
        worst = first = 0
        for last, moment in enumerate(moments):
            while moments[first] <= moment - span:
                first += 1
            worst = max(worst, last - first + 1)
        return worst

    def keeps_the_windows(self) -> bool:
        limit, span, burst, burst_span = self.pair
        types = {type for _, type, _ in self.arrived}
        return self.worst(span) <= limit and all(self.worst(burst_span, type) <= burst for type in types)


def saturated(world: World, bulk: int = 64, interactive: int = 0, types: tuple[str, ...] = ("customers",)) -> None:
    """Let every member want as many as given at all times."""

    def refill(member: Member) -> None:
        for type in types:
            wants = member.wants.get(type, [0, 0])
            missing = [max(0, interactive - wants[0]), max(0, bulk - wants[1])]
            if any(missing):
                world.call(member, type, *missing)

    world.refill = refill
    for member in world.members:
        refill(member)


def used(world: World, since: int, until: int) -> int:
    return sum(since < moment <= until for moment, _, _ in world.arrived)
