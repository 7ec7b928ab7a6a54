"""What bulk calls leave to interactive ones: nothing where there are none, and enough where there are."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.bulk_api import LimitedApi
from benchmarks.bulk_limits import beside_bulk
from commercelayer_async import Priority, RateLimits
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.demand import Demand
from commercelayer_async._limits.limiter import LocalLimiter
from commercelayer_async.service import COMMERCE_LAYER
from tests.support.virtual_loop import run


def limiter(limits: RateLimits) -> LocalLimiter:
    return LocalLimiter(limits, clock=LoopClock(random=lambda: 0.5), facts=COMMERCE_LAYER.rates)


@pytest.mark.parametrize("limits", [RateLimits.live(), RateLimits.test()])
def test_alone_bulk_calls_fill_the_windows_to_the_last_request(limits: RateLimits) -> None:
    async def main() -> None:
        keeper = limiter(limits)
        assert limits.burst is not None
        leases = [keeper.try_acquire("customers", priority=Priority.BULK) for _ in range(limits.burst[0])]
        assert None not in leases

    run(main())


def test_after_an_interactive_call_bulk_calls_leave_one_request_at_every_endpoint() -> None:
    async def main() -> None:
        keeper = limiter(RateLimits.live())
        (await keeper.acquire("customers")).settle(200, {})
        workers = [asyncio.ensure_future(keeper.acquire("orders", priority=Priority.BULK)) for _ in range(60)]
        await asyncio.sleep(50)
        assert keeper.try_acquire("orders") is None  # those that came before wait
        began = asyncio.get_running_loop().time()
        await keeper.acquire("orders")
        assert asyncio.get_running_loop().time() == began
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)

    run(main())


def test_a_window_for_one_request_is_had_by_bulk_calls_too() -> None:
    async def main() -> None:
        keeper = limiter(RateLimits(average=(1, 5.0), burst=None))
        for priority in (*Priority, *Priority):
            (await keeper.acquire("customers", priority=priority)).settle(200, {})

    run(main())


@pytest.mark.parametrize("every", [30.0, 10.0, 5.0, 2.0])
@pytest.mark.parametrize("evenly", [True, False])
@pytest.mark.parametrize("limits", [RateLimits.live(), RateLimits.test()])
def test_interactive_calls_beside_a_saturating_bulk_read_wait_for_seconds_and_nothing_is_wasted(
    limits: RateLimits, every: float, *, evenly: bool
) -> None:
    """At an even pace, and at random moments of the same average pace; the windows are used to 96 % at least."""
    waits: list[float] = []
    left: list[float] = []
    chance = random.Random(5)

    async def main() -> None:
        keeper = limiter(limits)
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def call(priority: Priority, type: str) -> None:
            at = loop.time()
            lease = await keeper.acquire(type, priority=priority)
            left.append(loop.time() - began)
            if priority is Priority.INTERACTIVE:
                waits.append(loop.time() - at)
            await asyncio.sleep(0.1)
            lease.settle(200, {})

        async def work(type: str) -> None:
            while True:
                await call(Priority.BULK, type)

        workers = [asyncio.ensure_future(work(type)) for type in ("customers", "orders") for _ in range(8)]
        calls: list[asyncio.Future[None]] = []
        while loop.time() - began < 780:
            calls.append(asyncio.ensure_future(call(Priority.INTERACTIVE, "customers")))
            await asyncio.sleep(every if evenly else chance.expovariate(1 / every))
        await asyncio.wait(calls)
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)

    run(main())
    assert limits.average is not None
    assert max(waits) < (0.5 if evenly else 8.0)
    assert sum(120 <= moment < 720 for moment in left) >= 0.96 * 10 * limits.average[0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 90.0), st.integers(0, 30)), max_size=60), st.floats(0.5, 120.0))
def test_what_is_expected_is_never_negative_and_ends_when_the_calls_have_ended(
    steps: list[tuple[float, int]], seconds: float
) -> None:
    demand, total, now = Demand(), 0, 1000.0
    for gap, calls in steps:
        now += gap
        total += calls
        assert demand.expected(total, calls, now - gap, now, seconds) >= 0
    assert demand.expected(total, 0, now, now + 2.1 * seconds, seconds) == 0
    assert demand.expected(total, 0, now, now + 3.0 * seconds, seconds) == 0


def test_the_pace_is_found_after_few_calls() -> None:
    demand = Demand()
    found = [demand.expected(n, n, 1000.0, 1000.0 + 2.0 * n, 60.0) for n in range(1, 200)]
    assert all(30 <= one <= 60 for one in found)
    assert all(30 <= one <= 32 for one in found[60:])


@pytest.mark.parametrize("limits", [RateLimits.live(), RateLimits.test()])
def test_web_calls_every_two_seconds_beside_a_stream_end_in_time(limits: RateLimits) -> None:
    beside = beside_bulk(LimitedApi.LIMITS if limits == RateLimits.live() else ((100, 60.0), (25, 10.0)))

    assert beside.calls > 100
    assert (beside.failed, beside.refused) == (0, 0)
