"""What is left until a reset, where headers tell of no window's length, in virtual time."""

import asyncio
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commercelayer_async import RateLimits
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.limiter import LocalLease, LocalLimiter, shared_limiter
from commercelayer_async._rate_dialects import Dialect, Names, ReportedWindow
from commercelayer_async.service import COMMERCE_LAYER
from tests.support.virtual_loop import run

FACTS = attrs.evolve(
    COMMERCE_LAYER.rates, dialect=Names("X-RateLimit-", left="Remaining", window="Period", reset="Reset")
)
JSON = {"Content-Type": "application/vnd.api+json"}


def limiter(limits: RateLimits | None = None, *, dialect: Dialect = FACTS.dialect) -> LocalLimiter:
    clock = LoopClock(random=lambda: 0.5)
    return LocalLimiter(limits, clock=clock, facts=attrs.evolve(FACTS, dialect=dialect))


def headers(left: float, reset: float, limit: int | None = 100) -> dict[str, str]:
    told = {"X-RateLimit-Remaining": f"{left:g}", "X-RateLimit-Reset": f"{reset:.3f}".removesuffix(".000"), **JSON}
    return told if limit is None else told | {"X-RateLimit-Limit": str(limit)}


async def ask(keeper: LocalLimiter, told: Mapping[str, str], *, status: int | None = 200) -> None:
    (await keeper.acquire("customers")).settle(status, told)


def leave(keeper: LocalLimiter) -> list[LocalLease]:
    """All that may leave at once."""
    return [lease for _ in range(200) if (lease := keeper.try_acquire("customers")) is not None]


def burst_of(keeper: LocalLimiter) -> int:
    """How many may leave at once."""
    leases = leave(keeper)
    for lease in leases:
        lease.release()
    return len(leases)


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(("reset", "waits"), [(7, 8.0), (0.742, 0.842), (0, 1.0)])
def test_with_nothing_left_no_request_leaves_until_the_reset(reset: float, waits: float) -> None:
    """Seconds may have been rounded down, so one more is waited for, or a tenth after a fraction."""

    async def main() -> None:
        keeper = limiter()
        await ask(keeper, headers(0, reset))
        began = now()
        assert keeper.try_acquire("customers") is None

        await keeper.acquire("customers")

        assert now() - began == pytest.approx(waits)

    run(main())


def test_as_many_may_be_under_way_as_are_left() -> None:
    async def main() -> None:
        keeper = limiter()
        await ask(keeper, headers(8, 30))
        leases = leave(keeper)
        assert len(leases) == 8
        leases.pop().settle(200, headers(5, 30))  # another client took two
        assert burst_of(keeper) == 0
        leases.pop().settle(200, headers(6, 30))  # counted earlier, and late
        leases.pop().settle(None, {})  # counted, for all that is known
        leases.pop().settle(502, {})
        assert burst_of(keeper) == 0
        while leases:
            leases.pop().settle(200, headers(3, 30))
        assert burst_of(keeper) == 3

    run(main())


def test_after_the_reset_as_many_as_the_limit_may_be_under_way_until_a_response_reports() -> None:
    async def main() -> None:
        keeper = limiter()
        await ask(keeper, headers(0, 9.5, limit=12))
        await asyncio.sleep(9.6)
        leases = leave(keeper)
        assert len(leases) == 12
        leases.pop().settle(200, headers(4, 9.5, limit=12))
        assert burst_of(keeper) == 0

    run(main())


def test_what_is_heard_late_of_a_window_that_is_over_says_nothing() -> None:
    async def main() -> None:
        keeper = limiter()
        slow = await keeper.acquire("customers")
        await asyncio.sleep(5)
        await ask(keeper, headers(0, 9.5))
        await asyncio.sleep(10)
        slow.settle(200, headers(0, 12.5))
        assert burst_of(keeper) == 25

    run(main())


def test_what_is_heard_late_does_not_close_a_newer_window() -> None:
    async def main() -> None:
        keeper = limiter()
        slow = await keeper.acquire("customers")
        await asyncio.sleep(5)
        await ask(keeper, headers(90, 9.5))
        slow.settle(200, headers(0, 1.5))
        assert burst_of(keeper) == 25

    run(main())


def test_a_reset_that_is_far_is_asked_about_each_hour_by_one_request() -> None:
    async def main() -> None:
        keeper = limiter()
        began = now()
        await ask(keeper, headers(0, 40_000))
        for hour, (status, told) in enumerate([(200, headers(0, 36_400)), (502, {}), (None, {})], start=1):
            lease = await keeper.acquire("customers")
            assert now() - began == pytest.approx(3600 * hour)
            assert keeper.try_acquire("customers") is None
            lease.settle(status, told)
        await ask(keeper, headers(0, 40_000))
        assert now() - began == pytest.approx(4 * 3600)

    run(main())


def test_a_window_of_a_day_counts_down_and_one_of_a_minute_is_kept() -> None:
    async def main() -> None:
        keeper = limiter()
        await ask(keeper, headers(50, 9) | {"X-RateLimit-Period": "60"})
        assert (keeper.state().limit, keeper.state().seconds, keeper.state().remaining) == (100, 60.0, 50)
        await ask(keeper, headers(3, 9_000, limit=10_000) | {"X-RateLimit-Period": "86400"})
        assert keeper.state().limit == 100
        assert burst_of(keeper) == 3

    run(main())


@pytest.mark.parametrize("told", [headers(60, 9.5), {"X-RateLimit-Limit": "300", **JSON}])
def test_a_service_that_reports_of_limits_has_some(told: dict[str, str]) -> None:
    """As many are under way as before anything was known, and not as many as there are."""

    async def main() -> None:
        keeper = limiter()
        await ask(keeper, told)
        assert burst_of(keeper) == 25

    run(main())


def test_configured_limits_hold_beside_it_and_none_stay_none() -> None:
    async def main() -> None:
        none, few = limiter(RateLimits.none()), limiter(RateLimits(average=(10, 60.0), burst=None))
        for keeper, burst in ((none, 200), (few, 9)):
            await ask(keeper, headers(60, 9.5))
            assert burst_of(keeper) == burst
        await ask(none, headers(0, 9.5))
        await ask(few, headers(0, 9.5))
        assert (burst_of(none), burst_of(few)) == (200, 0)

    run(main())


def test_it_outlives_the_session_that_heard_of_it() -> None:
    async def main() -> None:
        clock = LoopClock()
        first = shared_limiter("https://a", None, clock=clock, facts=FACTS)
        await ask(first, headers(5, 300))
        leave(first)
        await asyncio.sleep(200)
        del first
        second = shared_limiter("https://a", None, clock=clock, facts=FACTS)
        assert burst_of(second) == 0
        await asyncio.sleep(101)
        assert burst_of(second) == 25

    run(main())


def test_a_dialect_of_a_callers_that_fails_holds_nobody_up() -> None:
    def fails(headers: Mapping[str, str], now: float) -> Sequence[ReportedWindow]:
        raise KeyError("x")

    async def main() -> None:
        keeper = limiter(RateLimits(average=(1, 5.0), burst=None), dialect=fails)
        waiting = [asyncio.create_task(ask(keeper, JSON)) for _ in range(3)]
        await asyncio.gather(*waiting)
        assert now() == 1010.0

    run(main())


class Counting:
    """A service that counts in windows which lie fixed, and tells what is left and when the next one begins."""

    def __init__(self, limit: int, seconds: float, round: Callable[[float], float]) -> None:
        self.limit, self.seconds, self.round = limit, seconds, round
        self.counts: dict[int, int] = {}

    def count(self) -> dict[str, str]:
        number, into = divmod(now(), self.seconds)
        self.counts[int(number)] = self.counts.get(int(number), 0) + 1
        left = max(0, self.limit - self.counts[int(number)])
        return headers(left, self.round(self.seconds - into), self.limit)


@given(
    st.integers(25, 60),
    st.floats(10.0, 60.0),
    st.integers(1, 300),
    st.integers(0, 2**32).map(random.Random),
    st.sampled_from([math.floor, math.ceil, round, float]),
)
@settings(max_examples=60, deadline=None)
def test_no_window_ever_holds_more(
    limit: int, seconds: float, calls: int, chance: random.Random, rounded: Callable[[float], float]
) -> None:
    latency = 3.0 * chance.random()

    async def call(keeper: LocalLimiter, service: Counting) -> None:
        await asyncio.sleep(chance.random() * seconds)
        lease = await keeper.acquire("customers")
        await asyncio.sleep(chance.random() * latency)
        told = service.count()
        await asyncio.sleep(chance.random() * latency)
        lease.settle(200, told)

    async def main() -> Any:
        keeper, service = limiter(), Counting(limit, seconds, rounded)
        await asyncio.gather(*(call(keeper, service) for _ in range(calls)))
        return service

    service = run(main())
    assert sum(service.counts.values()) == calls
    assert max(service.counts.values()) <= limit
