"""A member that has nothing to ask keeps up with what others take: it goes by that, should the store be lost."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from commercelayer_async import Limiter, Priority, RateLimits
from commercelayer_async._markers import override
from commercelayer_async._shared.limiter import SharedLimiter
from commercelayer_async._shared.state import SECOND, Answer, Request, State
from commercelayer_async._shared.step import step
from commercelayer_async._shared.store import Store, StoreLost
from tests.support.virtual_loop import run

LIMIT = 40
LIMITS = RateLimits(average=(LIMIT, 60.0), burst=None)
ASKS = 2.0
"""Seconds after which an idle member asks."""
SOON = 0.5


class Shelf:
    """A store in memory that several members reach, or none."""

    def __init__(self) -> None:
        self.is_lost = False
        self.state = State()
        self.steps = 0

    def limiter(self) -> SharedLimiter:
        return _Member(self)


class _Member(SharedLimiter, Store):
    name = "shelf"

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(LIMITS, on_unreachable="share")
        self._shelf = shelf

    @override
    def _open(self) -> Store:
        return self

    @override
    async def step(self, key: str, request: Request) -> Answer:
        if self._shelf.is_lost:
            raise StoreLost("it was told to be")
        self._shelf.steps += 1
        return step(self._shelf.state, round(asyncio.get_running_loop().time() * SECOND), request)


async def taken(limiter: Limiter, most: int) -> int:
    """How many requests may leave before one has to wait, up to so many; each is answered at once."""
    for count in range(most):
        try:
            async with asyncio.timeout(SOON):
                lease = await limiter.acquire("orders", priority=Priority.INTERACTIVE)
        except TimeoutError:
            return count
        lease.settle(200, {})
    return most


def both(act: Callable[[Shelf, SharedLimiter, SharedLimiter], Awaitable[None]]) -> None:
    """Two members of one budget, of which the first made a request and the second none for now."""

    async def main() -> None:
        shelf = Shelf()
        idle, busy = shelf.limiter(), shelf.limiter()
        assert await taken(idle, 1) == 1
        await asyncio.sleep(SOON)
        await act(shelf, idle, busy)
        for one in (idle, busy):
            await one.close()

    run(main())


@pytest.mark.parametrize("took", [1, 20, 38, 39])
def test_who_is_idle_when_the_store_is_lost_does_not_take_what_others_took_seconds_before(took: int) -> None:
    async def act(shelf: Shelf, idle: SharedLimiter, busy: SharedLimiter) -> None:
        assert await taken(busy, took) == took
        await asyncio.sleep(ASKS + SOON)
        shelf.is_lost = True
        alone = await taken(idle, LIMIT) + await taken(busy, LIMIT)
        assert 1 + took + alone <= LIMIT
        # And not none where there is room: each has its part.
        assert alone >= (LIMIT - took - 1) // 2

    both(act)


def test_who_is_idle_asks_seldom() -> None:
    async def act(shelf: Shelf, idle: SharedLimiter, busy: SharedLimiter) -> None:
        before = shelf.steps
        await asyncio.sleep(60)
        assert shelf.steps - before <= 60 / ASKS + 2

    both(act)
