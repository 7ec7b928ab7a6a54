"""Who waits for what: pauses, turns, time that is not enough, and calls that are cancelled."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import AccessToken, CommerceLayerError, RateLimited, RateLimits, Session, TimeoutError
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.limiter import LocalLimiter, PausedTooLong
from commercelayer_async.resources import Customer
from commercelayer_async.service import COMMERCE_LAYER
from tests.support.virtual_loop import run

from .scripted_api import URL, Answer, ScriptedApi

NO_HEADERS: Mapping[str, str] = {}


def limiter(limits: RateLimits | None = None) -> LocalLimiter:
    clock = LoopClock(random=lambda: 0.5)
    return LocalLimiter(limits or RateLimits.none(), clock=clock, facts=COMMERCE_LAYER.rates)


def session(api: ScriptedApi, **options: Any) -> Session:
    http: Any = api
    return Session(URL, AccessToken("opaque"), http=http, **{"limits": RateLimits.none(), **options})


def once_refused(seconds: str, *, others: int = 200) -> Any:
    """Refuses the first request, and lets the others through."""
    answers = iter([(429, {"Retry-After": seconds})])

    def answer(path: str) -> Answer:
        return next(answers, (others, {}))

    return answer


@pytest.mark.parametrize("enough", [False, True])
def test_who_cannot_wait_for_the_end_of_a_pause_learns_it_at_once(*, enough: bool) -> None:
    """The refused call, those in the queue, and those that come later, from any session."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        api = ScriptedApi(once_refused("3600"), latency=1.0)
        limits = RateLimits(average=(1, 2.0), burst=None)
        async with session(api, timeout=5000.0 if enough else 60.0, limits=limits) as one:
            began = loop.time()
            calls = [asyncio.ensure_future(one.get(Customer, f"c{n}")) for n in range(3)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            async with session(api, timeout=5.0, limits=limits) as later:
                if enough:
                    assert all(isinstance(result, Customer) for result in results)
                    await later.get(Customer, "c4")
                    return
                results += await asyncio.gather(later.get(Customer, "c4"), return_exceptions=True)
            assert loop.time() - began == pytest.approx(1.0)
            assert len(api.arrived) == 1
            for result in results:
                assert isinstance(result, RateLimited)
                assert result.retry_after == pytest.approx(3600.0, abs=1.0)
                assert f"{URL}/api/customers/c" in str(result)

    run(main())


def test_a_full_window_is_waited_for_until_the_time_is_up() -> None:
    async def main() -> None:
        api = ScriptedApi(lambda path: (200, {}))
        async with session(api, timeout=5.0, limits=RateLimits(average=(1, 60.0), burst=None)) as one:
            await one.get(Customer, "c1")
            with pytest.raises(TimeoutError) as caught:
                await one.get(Customer, "c1")
            assert caught.value.phase == "queue"

    run(main())


def test_refused_calls_keep_their_turns() -> None:
    """Five leave at once and are refused; those that came later wait behind all of them."""
    order: list[str] = []

    async def main() -> None:
        refuse = {"c0", "c1", "c2", "c3", "c4"}

        def answer(path: str) -> Answer:
            id = path.rpartition("/")[2]
            if id in refuse:
                refuse.discard(id)
                return 429, {"Retry-After": "1"}
            return 200, {}

        api = ScriptedApi(answer)
        async with session(api, timeout=None, limits=RateLimits(average=(5, 1.0), burst=None)) as one:

            async def call(n: int) -> None:
                await one.get(Customer, f"c{n}")
                order.append(f"c{n}")

            await asyncio.gather(*(call(n) for n in range(40)))

    run(main())
    assert order[:5] == ["c0", "c1", "c2", "c3", "c4"]


def test_a_late_success_from_before_a_refusal_ends_no_pause() -> None:
    async def main() -> None:
        keeper = limiter()
        early, refused = keeper.try_acquire("customers"), keeper.try_acquire("customers")
        assert early is not None
        assert refused is not None
        assert refused.settle(429, NO_HEADERS, retry_after=10.0) == 10.0
        await asyncio.sleep(10)
        probe = keeper.try_acquire("customers")
        assert probe is not None
        early.settle(200, NO_HEADERS)
        assert keeper.try_acquire("customers") is None
        assert probe.settle(429, NO_HEADERS) == 1.5  # the second in a row
        await asyncio.sleep(1.5)
        probe = keeper.try_acquire("customers")
        assert probe is not None
        probe.settle(200, NO_HEADERS)
        again = keeper.try_acquire("customers")
        assert again is not None
        assert again.settle(429, NO_HEADERS) == 0.75  # the first one again

    run(main())


def test_refusals_of_requests_that_left_together_are_one_refusal() -> None:
    async def main() -> None:
        keeper = limiter()
        leases = [keeper.try_acquire("customers") for _ in range(5)]
        for lease in leases[:3]:
            assert lease is not None
            assert lease.settle(429, NO_HEADERS) == 0.75
        await asyncio.sleep(0.75)
        probe = keeper.try_acquire("customers")
        assert probe is not None
        probe.settle(200, NO_HEADERS)
        for lease in leases[3:]:
            assert lease is not None
            assert lease.settle(429, NO_HEADERS) == 0.0
        assert keeper.try_acquire("customers") is not None

    run(main())


def test_a_late_refusal_that_names_a_time_is_heeded() -> None:
    async def main() -> None:
        keeper = limiter()
        first, late = keeper.try_acquire("customers"), keeper.try_acquire("customers")
        assert first is not None
        assert late is not None
        first.settle(429, NO_HEADERS)
        await asyncio.sleep(5)
        probe = keeper.try_acquire("customers")
        assert probe is not None
        probe.settle(200, NO_HEADERS)
        assert late.settle(429, NO_HEADERS, retry_after=7.0) == 7.0
        assert keeper.try_acquire("customers") is None
        await asyncio.sleep(7)
        assert keeper.try_acquire("customers") is not None
        assert keeper.try_acquire("customers") is None  # the first one goes alone

    run(main())


def test_no_server_pauses_an_origin_for_more_than_an_hour() -> None:
    async def main() -> None:
        keeper = limiter()
        lease = keeper.try_acquire("customers")
        assert lease is not None
        assert lease.settle(429, NO_HEADERS, retry_after=86_400.0) == 3600.0

    run(main())


@pytest.mark.parametrize("settled", [False, True])
def test_a_lease_granted_to_a_call_that_is_cancelled_in_that_moment_is_given_back(*, settled: bool) -> None:
    async def main() -> None:
        keeper = limiter(RateLimits(average=(1, 60.0), burst=None))
        lease = keeper.try_acquire("customers")
        assert lease is not None
        calls = [asyncio.ensure_future(keeper.acquire("customers")) for _ in range(2)]
        await asyncio.sleep(0)
        if settled:
            lease.settle(200, NO_HEADERS)
            await asyncio.sleep(59.9)
            asyncio.get_running_loop().call_later(0.1, calls[0].cancel)  # in the turn of the timer that grants it
            await asyncio.sleep(0.2)
        else:
            lease.release()
            calls[0].cancel()
        await asyncio.wait(calls[:1])
        assert calls[0].cancelled()
        await asyncio.wait(calls[1:], timeout=0.0)
        assert calls[1].done()
        calls[1].result().release()
        assert keeper.state().remaining == 1
        assert keeper.state().waiting == 0

    run(main())


def test_a_call_that_is_cancelled_when_a_pause_refuses_it_is_not_counted_twice() -> None:
    async def main() -> None:
        keeper = limiter(RateLimits(average=(2, 60.0), burst=None))
        (await keeper.acquire("customers")).settle(200, NO_HEADERS)
        lease = keeper.try_acquire("customers")
        assert lease is not None
        call = asyncio.ensure_future(keeper.acquire_within(5.0, "customers"))
        await asyncio.sleep(0)
        assert keeper._timer is not None
        lease.settle(429, NO_HEADERS, retry_after=100.0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert keeper.state().waiting == 0
        assert keeper._timer is None
        with pytest.raises(PausedTooLong):
            await keeper.acquire_within(99.0, "customers")
        assert (await keeper.acquire_within(101.0, "customers")).probe

    run(main())


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_when_nobody_waits_no_timer_is_set_and_no_waiter_is_kept(cancelled: list[bool]) -> None:
    async def main() -> None:
        keeper = limiter(RateLimits(average=(3, 5.0), burst=(2, 2.0)))

        async def call() -> None:
            (await keeper.acquire("customers")).settle(200, NO_HEADERS)

        calls = [asyncio.ensure_future(call()) for _ in cancelled]
        await asyncio.sleep(1)
        for one, is_cancelled in zip(calls, cancelled, strict=True):
            if is_cancelled:
                one.cancel()
        await asyncio.wait(calls)
        assert keeper.state().waiting == 0
        assert keeper._timer is None
        assert not any(queue for queues in keeper._queues.values() for queue in queues.values())
        assert not keeper._due

    run(main())


def test_the_cancelled_do_not_pile_up_behind_one_who_waits() -> None:
    async def main() -> None:
        keeper = limiter(RateLimits(average=(1, 3600.0), burst=None))
        assert keeper.try_acquire("customers") is not None
        first = asyncio.ensure_future(keeper.acquire("customers"))
        for _ in range(1000):
            call = asyncio.ensure_future(keeper.acquire("customers"))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])
        (queue,) = (queue for queues in keeper._queues.values() for queue in queues.values())
        assert len(queue._waiters) < 100
        first.cancel()
        await asyncio.wait([first])

    run(main())


def test_a_session_that_waits_for_a_pause_can_be_closed() -> None:
    async def main() -> None:
        api = ScriptedApi(once_refused("3000"))
        one = session(api, timeout=None)
        call = asyncio.ensure_future(one.get(Customer, "c1"))
        await asyncio.sleep(10)
        assert not call.done()
        await one.close()
        with pytest.raises(CommerceLayerError):
            await call

    run(main())
