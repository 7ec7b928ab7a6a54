"""What responses say of the limits, and what they are not believed."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import RateLimits
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.limiter import LocalLimiter
from commercelayer_async.service import COMMERCE_LAYER
from tests.support.virtual_loop import run

FACTS = COMMERCE_LAYER.rates
JSON = {"Content-Type": "application/vnd.api+json"}


def limiter(limits: RateLimits | None = None) -> LocalLimiter:
    return LocalLimiter(limits, clock=LoopClock(random=lambda: 0.5), facts=FACTS)


def headers(limit: int, seconds: float = 60, remaining: int | None = None) -> dict[str, str]:
    found = {"X-Ratelimit-Limit": str(limit), "X-Ratelimit-Interval": f"{seconds:g}", **JSON}
    return found if remaining is None else found | {"X-Ratelimit-Remaining": str(remaining)}


def burst_of(keeper: LocalLimiter, type: str = "customers") -> int:
    """How many leave at once."""
    leases = [lease for _ in range(300) if (lease := keeper.try_acquire(type)) is not None]
    for lease in leases:
        lease.release()
    return len(leases)


async def ask(keeper: LocalLimiter, status: int | None, said: Mapping[str, str], type: str = "customers") -> None:
    (await keeper.acquire(type)).settle(status, said)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (502, {}),
        (502, {"Content-Type": "text/html"}),
        (200, {"Content-Type": "text/html"}),
        (429, {}),
        (404, JSON),
        (401, JSON),
        (500, JSON),
        (None, {}),
    ],
)
def test_a_response_that_says_nothing_of_limits_leaves_them_unknown(status: int | None, said: dict[str, str]) -> None:
    async def main() -> None:
        keeper = limiter()
        await ask(keeper, status, said)
        await asyncio.sleep(5)
        await ask(keeper, 503, {})  # ends the pause after a 429
        assert keeper.state().limit is None
        assert burst_of(keeper) == 25
        await ask(keeper, 200, headers(100))
        assert keeper.state().limit == 100

    run(main())


def test_a_document_without_headers_says_that_there_are_no_limits_and_what_leaves_counts_all_the_same() -> None:
    async def main() -> None:
        keeper = limiter()
        await ask(keeper, 200, JSON)
        leases = [keeper.try_acquire("customers") for _ in range(90)]
        assert None not in leases
        for lease in leases:
            assert lease is not None
            lease.settle(200, JSON)
        assert burst_of(keeper, "skus") == 25  # nothing was said of the other class
        await ask(keeper, 200, headers(100))
        assert keeper.state().remaining == 8

    run(main())


@given(st.sampled_from([RateLimits.live(), RateLimits.test()]), st.integers(1, 199))
def test_bursts_follow_the_average_down_and_up_and_end_where_they_began(mode: RateLimits, low: int) -> None:
    assert mode.average is not None
    assert mode.burst is not None
    full, burst = mode.average[0], mode.burst[0]

    async def main() -> None:
        assert mode.average is not None
        keeper = limiter()
        keeper.use(mode)
        assert burst_of(keeper) == burst
        await ask(keeper, 200, headers(low, 6 if low < 6 else 60))
        await asyncio.sleep(120)
        if low < full:
            assert burst_of(keeper) == max(1, burst * low // full)
            assert burst_of(keeper, "orders") == max(1, burst * low // full)
        for _ in range(400):
            await ask(keeper, 200, headers(full))
            await asyncio.sleep(60)
        assert keeper.state().limit == full
        assert burst_of(keeper) == burst_of(keeper, "orders") == burst_of(keeper, "never seen before") == burst

    run(main())


@pytest.mark.parametrize("configured", [False, True])
def test_a_longer_window_counts_what_left_before_it_was_known_and_a_shorter_one_forgets_it(*, configured: bool) -> None:
    async def main() -> None:
        limits = RateLimits(average=(50, 60.0), burst=None)
        keeper = limiter(limits if configured else None)
        await ask(keeper, 200, headers(50))
        for _ in range(9):
            await ask(keeper, 200, headers(50))
        await asyncio.sleep(70)
        assert keeper.state().remaining == 50
        await ask(keeper, 200, headers(50, 100))
        assert keeper.state().seconds == 100
        assert keeper.state().remaining == 39
        await asyncio.sleep(31)
        assert keeper.state().remaining == 49
        await ask(keeper, 200, headers(50, 60))
        assert keeper.state().seconds == 60
        await asyncio.sleep(60)
        assert keeper.state().remaining == 50
        await ask(keeper, 200, headers(50, 30))
        assert keeper.state().seconds == (60 if configured else 30)

    run(main())


@pytest.mark.parametrize("strangers", [1, 2, 3, 4, 5, 6, 60])
def test_requests_of_others_are_counted_from_the_first_on(strangers: int) -> None:
    async def main() -> None:
        keeper = limiter(RateLimits(average=(100, 60.0), burst=None))
        for n in range(1, 4):
            await ask(keeper, 200, headers(100, 60, 100 - n))
        assert keeper.state().remaining == 97
        await ask(keeper, 200, headers(100, 60, 96 - strangers))
        assert keeper.state().remaining == 96 - strangers
        await asyncio.sleep(60)
        assert keeper.state().remaining == 100

    run(main())


@pytest.mark.parametrize("looked", [False, True])
def test_a_late_response_invents_no_strangers(*, looked: bool) -> None:
    """98 leave; one is sent at 55 s, counted then, and answered at 66 s, when the 98 have faded."""

    async def main() -> None:
        keeper = limiter(RateLimits(average=(100, 60.0), burst=None))
        for n in range(1, 99):
            await ask(keeper, 200, headers(100, 60, 100 - n))
        await asyncio.sleep(55)
        slow = await keeper.acquire("customers")
        await asyncio.sleep(11)
        if looked:
            assert keeper.state().remaining == 99
        slow.settle(200, headers(100, 60, 1))
        assert keeper.state().remaining == 99

    run(main())


def test_a_response_that_took_longer_than_a_window_says_nothing_of_others() -> None:
    async def main() -> None:
        keeper = limiter(RateLimits(average=(100, 60.0), burst=None))
        slow = await keeper.acquire("customers")
        await asyncio.sleep(61)
        slow.settle(200, headers(100, 60, 3))
        assert keeper.state().remaining == 99

    run(main())


def test_a_lie_about_what_is_left_holds_nobody_back_for_a_window() -> None:
    """After five seconds one request asks again; what it hears holds for the others."""

    async def main() -> None:
        keeper = limiter(RateLimits(average=(100, 60.0), burst=(25, 10.0)))
        began = asyncio.get_running_loop().time()
        await ask(keeper, 200, headers(100, 60, 0))
        assert keeper.try_acquire("customers") is None
        lease = await keeper.acquire("customers")
        assert asyncio.get_running_loop().time() - began == pytest.approx(5.0)
        others = [asyncio.ensure_future(keeper.acquire("customers")) for _ in range(20)]
        await asyncio.sleep(1)
        assert not any(other.done() for other in others)
        lease.settle(200, headers(100, 60, 98))
        await asyncio.gather(*others)
        assert asyncio.get_running_loop().time() - began == pytest.approx(6.0)

    run(main())


@pytest.mark.parametrize(("status", "said"), [(200, headers(100, 60, 0)), (502, {}), (None, {})])
def test_while_others_seem_to_fill_the_window_one_request_asks_every_five_seconds(
    status: int | None, said: dict[str, str]
) -> None:
    async def main() -> None:
        keeper = limiter(RateLimits(average=(100, 60.0), burst=None))
        began = asyncio.get_running_loop().time()
        await ask(keeper, 200, headers(100, 60, 0))
        for n in range(1, 11):
            await ask(keeper, status, said)
            assert asyncio.get_running_loop().time() - began == pytest.approx(5.0 * n)

    run(main())


def test_endless_endpoints_leave_nothing_behind() -> None:
    async def main() -> None:
        keeper = limiter(RateLimits.live())
        for n in range(1000):
            await ask(keeper, 200, headers(200), f"type{n}")
        await asyncio.sleep(60)
        await ask(keeper, 200, headers(200), "one more")
        assert sum(len(budget.bursts) for budget in keeper.ledger.budgets) <= 64

    run(main())
