"""An export over workers on a virtual clock: how long it takes with so many records and addresses. Pure.

What is modelled: a plan, one request after the other from one worker; a scheduler that handles one task at a time;
workers that read some partitions at once, a page after the other; and the average window of each address, which lets
requests leave evenly and shares them among the partitions that the address reads. At the end the scheduler hands out
the look at each file. What is not: deaths, retries, the burst window, and that partitions differ in size.
"""

import heapq
import math
from typing import Final, NamedTuple

PAGE: Final = 25
REQUESTS_A_SECOND: Final = 200 / 60.0
"""Of an address, by the live limits."""
TASKS_AT_ONCE: Final = 2
"""Of the one worker that each address has."""


class Costs(NamedTuple):
    """What a step costs, in seconds."""

    request: float
    """From asking to the answer."""
    record: float
    """CPU of a worker for each record."""
    partition: float
    """CPU of the scheduler and of the client for each partition: half when it is read, half when it is looked at."""


class Outcome(NamedTuple):
    """How long an export takes, in seconds, and what it could not be faster than."""

    whole: float
    windows: float
    """All requests, each address at its limit and none idle."""
    plan: float
    """Planning, while nothing is read."""
    scheduler: float
    """All that the scheduler does, one after the other."""

    @property
    def bound_by(self) -> str:
        """The largest of the three."""
        bounds = {"the windows": self.windows, "the plan": self.plan, "the scheduler": self.scheduler}
        return max(bounds, key=bounds.__getitem__)


class _Address:
    """The partitions that one address reads at the same time."""

    def __init__(self, fastest: float) -> None:
        self._fastest = fastest
        self._now = 0.0
        self.left: list[float] = []
        """Requests that each of them still needs."""
        self.version = 0

    @property
    def _pace(self) -> float:
        """Requests a second of each."""
        return min(self._fastest, REQUESTS_A_SECOND / len(self.left)) if self.left else 0.0

    def go_on_until(self, now: float) -> None:
        """Read until a moment."""
        pace = self._pace
        self.left = [one - pace * (now - self._now) for one in self.left]
        self._now = now
        self.version += 1

    def next_end(self) -> float:
        """When the first of them is read."""
        return self._now + min(self.left) / self._pace if self.left else math.inf


def simulate(records: int, addresses: int, costs: Costs, *, rows: int = 5000) -> Outcome:
    """Export so many records over so many addresses."""
    partitions = math.ceil(records / rows)
    requests = records / PAGE
    plan = (partitions + 1) * max(costs.request, 1 / REQUESTS_A_SECOND)
    read = _read(partitions, rows / PAGE, addresses, costs, plan)
    return Outcome(
        whole=read + partitions * costs.partition / 2,
        windows=requests / REQUESTS_A_SECOND / addresses,
        plan=plan,
        scheduler=partitions * costs.partition,
    )


def _read(partitions: int, requests: float, addresses: int, costs: Costs, begin: float) -> float:
    """When the last partition is read."""
    places = [_Address(1 / (costs.request + PAGE * costs.record)) for _ in range(addresses)]
    scheduler_free = begin
    waiting = partitions
    events: list[tuple[float, int, int]] = []
    """Moments, addresses, and the address's version; -1 for a partition that begins there."""

    def dispatch(number: int, now: float) -> None:
        nonlocal scheduler_free, waiting
        if waiting:
            waiting -= 1
            scheduler_free = max(now, scheduler_free) + costs.partition / 2
            heapq.heappush(events, (scheduler_free, number, -1))

    for _ in range(TASKS_AT_ONCE):
        for number in range(addresses):
            dispatch(number, begin)
    now = begin
    while events:
        moment, number, version = heapq.heappop(events)
        place = places[number]
        if version not in (-1, place.version):
            continue
        now = moment
        place.go_on_until(now)
        if version == -1:
            place.left.append(requests)
        else:
            ended = [one for one in place.left if one <= 1e-6]
            place.left = [one for one in place.left if one > 1e-6]
            for _ in ended:
                dispatch(number, now)
        if place.left:
            heapq.heappush(events, (place.next_end(), number, place.version))
    return now
