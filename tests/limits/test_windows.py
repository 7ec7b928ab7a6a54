"""The rate windows and the limiter: properties, in virtual time."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commercelayer_async import ConfigurationError, Priority, RateLimits
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.limiter import LocalLimiter, shared_limiter
from commercelayer_async._limits.windows import ReportedLimit, next_limit, parse_headers
from commercelayer_async.service import COMMERCE_LAYER
from tests.support.virtual_loop import run

NO_HEADERS: Mapping[str, str] = {}
FACTS = COMMERCE_LAYER.rates


def limiter(average: tuple[int, float] | None, burst: tuple[int, float] | None = None) -> LocalLimiter:
    return LocalLimiter(RateLimits(average=average, burst=burst), clock=LoopClock(random=lambda: 0.5), facts=FACTS)


def worst(arrivals: list[float], seconds: float) -> int:
    """The most arrivals in a window of any position."""
    arrivals = sorted(arrivals)
    first = most = 0
    for n, moment in enumerate(arrivals):
        while arrivals[first] <= moment - seconds + 1e-6:
            first += 1
        most = max(most, n - first + 1)
    return most


@given(
    st.integers(1, 30),
    st.floats(0.1, 30.0),
    st.integers(1, 200),
    st.integers(0, 2**32).map(random.Random),
    st.floats(0.0, 3.0),
)
@settings(max_examples=60, deadline=None)
def test_no_window_of_any_position_ever_holds_more(
    limit: int, seconds: float, calls: int, chance: random.Random, latency: float
) -> None:
    """As the server counts: at some moment between leaving and answering, bunched by jitter as it may be."""
    arrivals: list[float] = []

    async def call(keeper: LocalLimiter, priority: Priority) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(chance.random() * seconds)
        lease = await keeper.acquire("customers", priority=priority)
        there, back = chance.random() * latency, chance.random() * latency
        await asyncio.sleep(there)
        arrivals.append(loop.time())
        await asyncio.sleep(back)
        lease.settle(200, NO_HEADERS)

    async def main() -> None:
        keeper = limiter((limit, seconds))
        await asyncio.gather(*(call(keeper, chance.choice(list(Priority))) for _ in range(calls)))

    run(main())
    assert len(arrivals) == calls
    assert worst(arrivals, seconds) <= limit


@given(st.integers(0, 2**32).map(random.Random), st.integers(2, 60))
@settings(max_examples=60, deadline=None)
def test_cancelled_waiters_hang_nobody(chance: random.Random, calls: int) -> None:
    """Whoever is cancelled, whenever: the others leave, in order of arrival, and nothing is lost of the windows."""
    left: list[int] = []

    async def call(keeper: LocalLimiter, number: int) -> None:
        lease = await keeper.acquire("customers")
        left.append(number)
        try:
            await asyncio.sleep(0.1)
        finally:
            lease.settle(None, NO_HEADERS)

    async def main() -> None:
        keeper = limiter((3, 10.0), (2, 4.0))
        tasks = [asyncio.create_task(call(keeper, number)) for number in range(calls)]
        victims = chance.sample(range(calls), chance.randrange(calls))
        for victim in victims:
            await asyncio.sleep(chance.random() * 5)
            tasks[victim].cancel()
        await asyncio.wait(tasks)
        survivors = [n for n in range(calls) if n not in victims]
        assert [n for n in left if n not in victims] == survivors
        assert keeper.state().waiting == 0
        await asyncio.sleep(20)
        assert keeper.state().remaining == 3

    run(main())


def test_both_windows_are_kept_and_burst_is_of_each_endpoint() -> None:
    async def main() -> None:
        keeper = limiter((10, 60.0), (4, 10.0))
        leases = [keeper.try_acquire("customers") for _ in range(5)]
        assert [lease is not None for lease in leases] == [True] * 4 + [False]
        assert [keeper.try_acquire("orders") is not None for _ in range(5)] == [True] * 4 + [False]
        assert [keeper.try_acquire("event_stores") is not None for _ in range(3)] == [True, True, False]

    run(main())


def test_cacheable_types_have_five_times_as_much_of_their_own() -> None:
    async def main() -> None:
        keeper = limiter((2, 60.0))
        assert sum(keeper.try_acquire("skus") is not None for _ in range(20)) == 10
        assert sum(keeper.try_acquire("customers") is not None for _ in range(20)) == 2

    run(main())


def test_a_call_behind_a_full_endpoint_does_not_hold_up_another() -> None:
    async def main() -> None:
        keeper = limiter((10, 60.0), (1, 10.0))
        assert keeper.try_acquire("customers") is not None
        waiting = asyncio.create_task(keeper.acquire("customers"))
        await asyncio.sleep(0)
        started = asyncio.get_running_loop().time()
        await keeper.acquire("orders")
        assert asyncio.get_running_loop().time() == started
        waiting.cancel()
        await asyncio.wait([waiting])

    run(main())


def test_an_interactive_call_is_not_stuck_behind_bulk_calls() -> None:
    """It goes before all that wait, also where the window is full."""

    async def main() -> None:
        keeper = limiter((50, 10.0))
        done: list[str] = []

        async def call(priority: Priority) -> None:
            (await keeper.acquire("customers", priority=priority)).settle(200, NO_HEADERS)
            done.append(priority)

        bulk = [asyncio.create_task(call(Priority.BULK)) for _ in range(500)]
        await asyncio.sleep(0.001)
        assert len(done) == 50
        await call(Priority.INTERACTIVE)
        assert asyncio.get_running_loop().time() == pytest.approx(1010.0)
        assert done.index("interactive") == 50
        await asyncio.gather(*bulk)

    run(main())


def test_a_cancelled_waiter_keeps_no_part_of_a_window() -> None:
    async def main() -> None:
        local = limiter((2, 30.0))
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def call() -> None:
            lease = await local.acquire("customers")
            lease.settle(200, NO_HEADERS)

        await asyncio.gather(call(), call())
        waiting = [asyncio.ensure_future(call()) for _ in range(20)]
        await asyncio.sleep(1.0)
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
        await asyncio.gather(call(), call())
        assert loop.time() - began == pytest.approx(30.0, abs=0.1)
        assert local.state().waiting == 0

    run(main())


def test_a_saturating_worker_uses_nearly_all_of_the_windows() -> None:
    """At test limits, with 40 ms of latency: 97 % of what the windows allow in ten minutes."""
    count = 0

    async def main() -> None:
        nonlocal count
        keeper = limiter((100, 60.0), (25, 10.0))
        loop = asyncio.get_running_loop()
        end = loop.time() + 600

        async def work() -> None:
            nonlocal count
            while True:
                lease = await keeper.acquire("customers", priority=Priority.BULK)
                if loop.time() >= end:
                    lease.release()
                    return
                count += 1
                await asyncio.sleep(0.04)
                lease.settle(200, NO_HEADERS)

        await asyncio.gather(*(work() for _ in range(30)))

    run(main())
    assert count >= 0.97 * 1000


def test_a_refusal_closes_one_gate_for_all_and_one_request_opens_it() -> None:
    sent: list[float] = []

    async def main() -> None:
        keeper = limiter((1000, 1.0))
        loop = asyncio.get_running_loop()
        begin = loop.time()

        async def call(status: int, wish: float | None = None) -> None:
            lease = await keeper.acquire("customers")
            sent.append(loop.time() - begin)
            await asyncio.sleep(0.1)
            lease.settle(status, NO_HEADERS, retry_after=wish)

        await call(429, 5.0)
        assert keeper.state().closed_for == 5.0
        await asyncio.gather(call(429, 7.0), *(call(200) for _ in range(20)))

    run(main())
    assert sent[1] == pytest.approx(5.1)
    assert sent[2] == pytest.approx(12.2)
    assert sent[3:] == pytest.approx([12.3] * 19)


def test_without_a_wish_the_gate_stays_closed_longer_each_time() -> None:
    async def main() -> None:
        keeper = limiter((1000, 1.0))
        waits = []
        for _ in range(9):
            lease = await keeper.acquire("customers")
            waits.append(lease.settle(429, NO_HEADERS))
        assert waits == [0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 45.0, 45.0, 45.0]

    run(main())


def test_a_probe_that_is_lost_does_not_keep_the_gate_shut() -> None:
    async def main() -> None:
        keeper = limiter((1000, 1.0))
        (await keeper.acquire("customers")).settle(429, NO_HEADERS, retry_after=1.0)
        probe = await keeper.acquire("customers")
        count_foreign = [asyncio.create_task(keeper.acquire("customers")) for _ in range(3)]
        await asyncio.sleep(1)
        assert not any(other.done() for other in count_foreign)
        probe.release()
        await asyncio.sleep(0)
        assert sum(other.done() for other in count_foreign) == 1
        next(other for other in count_foreign if other.done()).result().settle(None, NO_HEADERS)
        await asyncio.sleep(0)
        assert sum(other.done() for other in count_foreign) == 2
        for other in count_foreign:
            other.cancel()
        await asyncio.wait(count_foreign)

    run(main())


def headers(limit: object, interval: object = 60, remaining: object = None) -> dict[str, str]:
    named = {"X-Ratelimit-Limit": limit, "X-Ratelimit-Interval": interval, "X-Ratelimit-Remaining": remaining}
    return {name: str(value) for name, value in named.items() if value is not None}


def test_limits_are_learned_down_at_once_and_up_slowly() -> None:
    async def main() -> None:
        keeper = LocalLimiter(None, clock=LoopClock(random=lambda: 0.5), facts=FACTS)
        assert keeper.state().limit is None
        keeper.try_acquire("customers").settle(200, headers(100))  # type: ignore[union-attr] # there is room for one
        assert keeper.state().limit == 100
        keeper.try_acquire("customers").settle(200, headers(40))  # type: ignore[union-attr] # there is room for one
        assert keeper.state().limit == 40
        keeper.try_acquire("customers").settle(200, headers(200))  # type: ignore[union-attr] # there is room for one
        assert keeper.state().limit == 42

    run(main())


def test_what_was_configured_is_never_exceeded() -> None:
    async def main() -> None:
        keeper = limiter((40, 60.0))
        for _ in range(30):
            (await keeper.acquire("customers")).settle(200, headers(200))
        assert keeper.state().limit == 40
        (await keeper.acquire("customers")).settle(200, headers(10))
        assert keeper.state().limit == 10

    run(main())


def test_until_something_is_known_few_are_under_way() -> None:
    async def main() -> None:
        keeper = LocalLimiter(None, clock=LoopClock(random=lambda: 0.5), facts=FACTS)
        leases = [keeper.try_acquire("customers") for _ in range(200)]
        assert sum(lease is not None for lease in leases) == 25
        leases[0].settle(200, NO_HEADERS)  # type: ignore[union-attr] # there is room for one
        assert all(keeper.try_acquire("customers") is not None for _ in range(200))

    run(main())


def test_what_left_before_anything_was_known_counts() -> None:
    async def main() -> None:
        keeper = LocalLimiter(None, clock=LoopClock(random=lambda: 0.5), facts=FACTS)
        leases = [keeper.try_acquire("customers") for _ in range(25)]
        leases[0].settle(200, headers(100, 60, 99))  # type: ignore[union-attr] # there is room for one
        assert keeper.state().remaining == 75
        assert keeper.try_acquire("customers") is None  # the burst is used up
        assert keeper.try_acquire("orders") is not None
        for lease in leases[1:]:
            lease.settle(200, headers(100, 60))  # type: ignore[union-attr] # there is room for one
        await asyncio.sleep(10)
        assert keeper.try_acquire("customers") is not None

    run(main())


def test_the_mode_counts_until_headers_tell() -> None:
    async def main() -> None:
        keeper = LocalLimiter(None, clock=LoopClock(random=lambda: 0.5), facts=FACTS)
        keeper.use(RateLimits.test())
        assert keeper.state().limit == 100
        keeper.use(RateLimits.live())
        assert keeper.state().limit == 100

    run(main())


def test_requests_of_others_count_too() -> None:
    async def main() -> None:
        keeper = limiter((100, 60.0))
        (await keeper.acquire("customers")).settle(200, headers(100, 60, 30))
        assert keeper.state().remaining == 30
        await asyncio.sleep(61)
        assert keeper.state().remaining == 100

    run(main())


@pytest.mark.parametrize(
    "odd",
    [
        headers("words"),
        headers(-5),
        headers(0),
        headers("9" * 40),
        headers("nan"),
        headers("inf"),
        headers(100, 31_536_000),
        headers(100, 0),
        headers(1, 60),
        headers(1, 3600, 0),
        headers(5, 60),
        headers("\u0661\u0660\u0660"),
        headers("1e3"),
        {},
        {"X-Ratelimit-Limit": "100"},
    ],
)
def test_headers_that_make_no_sense_are_ignored(odd: dict[str, str]) -> None:
    assert parse_headers(odd) is None


def test_headers_that_make_sense_are_read() -> None:
    assert parse_headers(headers(200, 60, 12)) == ReportedLimit(200, 60.0, 12)
    assert parse_headers(headers(200, 0.6)) == ReportedLimit(200, 0.6, None)
    assert parse_headers(headers(200, 60, 201)) == ReportedLimit(200, 60.0, None)
    assert parse_headers(headers(200, 60, "x")) == ReportedLimit(200, 60.0, None)


@given(st.text() | st.integers().map(str))
def test_no_header_breaks_anything(text: str) -> None:
    parse_headers({"X-Ratelimit-Limit": text, "X-Ratelimit-Interval": text, "X-Ratelimit-Remaining": text})


def test_a_limit_grows_by_a_twentieth_and_falls_at_once() -> None:
    assert next_limit(100, 200, most=None) == 105
    assert next_limit(105, 106, most=None) == 106
    assert next_limit(106, 200, most=106) == 106
    assert next_limit(106, 3, most=None) == 3
    assert next_limit(3, 200, most=None) == 4


@pytest.mark.parametrize(
    "pair",
    [
        (0, 1.0),
        (5, 0.0),
        (5, -1.0),
        (5, float("nan")),
        (5, float("inf")),
        (10**9, 1.0),
        (200_001, 60.0),
        (2.5, 1.0),
        (True, 1.0),
        (5, True),
        ("5", 1.0),
        [5, 1.0],
        (5,),
        5,
    ],
)
@pytest.mark.parametrize("name", ["average", "burst"])
def test_limits_that_make_no_sense_are_refused_where_they_are_made(pair: Any, name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"RateLimits\.{name}"):
        RateLimits(**{"average": None, "burst": None, name: pair})


def test_the_largest_limits_work_for_both_classes() -> None:
    async def main() -> None:
        keeper = limiter((200_000, 60.0))
        assert keeper.try_acquire("skus") is not None
        assert keeper.try_acquire("customers") is not None

    run(main())


def test_sessions_of_one_organization_share_a_budget() -> None:
    async def main() -> None:
        clock = LoopClock()

        def shared(url: str, limits: RateLimits | None = None) -> LocalLimiter:
            return shared_limiter(url, limits, clock=clock, facts=FACTS)

        one = shared("https://a")
        assert shared("https://a") is one
        assert shared("https://b") is not one
        assert shared("https://a", RateLimits.live()) is not one

    run(main())


def test_ten_thousand_waiters_are_served_in_order() -> None:
    async def main() -> None:
        keeper = limiter((1000, 1.0))
        served: list[int] = []

        async def call(number: int) -> None:
            (await keeper.acquire("customers")).settle(200, NO_HEADERS)
            served.append(number)

        await asyncio.gather(*(call(number) for number in range(10_000)))
        assert served == list(range(10_000))

    run(main())
