"""A limiter of the caller's, which may be simple, wrong or broken: nothing is assumed beyond the protocol."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from commercelayer_async import (
    AccessToken,
    ConfigurationError,
    RateLimited,
    RateState,
    Retry,
    Session,
    TimeoutError,
    TransportError,
)
from commercelayer_async.resources import Customer
from tests.support.virtual_loop import run

from .scripted_api import URL, Answer, ScriptedApi


class Own:
    """A limiter that never waits; each method does as it is given, and what is asked of it is counted."""

    def __init__(
        self,
        *,
        gives: Any = 0.0,
        settle: Callable[[], None] = lambda: None,
        release: Callable[[], None] = lambda: None,
        acquire: Callable[[], Any] | None = None,
    ) -> None:
        self.gives = gives
        self.on_settle = settle
        self.on_release = release
        self.on_acquire = acquire
        self.settled: list[int | None] = []
        self.released = 0

    def try_acquire(self, type: str, *, priority: Any) -> Any:
        return self if self.on_acquire is None else None

    async def acquire(self, type: str, *, priority: Any) -> Any:
        assert self.on_acquire is not None
        found = self.on_acquire()
        return await found if asyncio.iscoroutine(found) else found

    def settle(self, status: int | None, headers: Any, *, retry_after: float | None = None) -> Any:
        self.settled.append(status)
        self.on_settle()
        return self.gives

    def release(self) -> None:
        self.released += 1
        self.on_release()

    def state(self) -> RateState:
        return RateState(None, None, None, 0, 0.0)


def broken() -> None:
    raise RuntimeError("the store is down")


def session(api: ScriptedApi, limiter: Own, **options: Any) -> Session:
    http: Any = api
    return Session(URL, AccessToken("opaque"), http=http, limiter=limiter, **options)


@pytest.mark.parametrize("gives", [0.0, 0, None, -1.0, float("nan"), float("inf"), "soon", 0.001])
def test_refused_calls_wait_longer_each_time_whatever_the_limiter_gives(gives: Any) -> None:
    async def main() -> None:
        api = ScriptedApi(lambda path: (429, {}), latency=0.0)
        async with session(api, Own(gives=gives), timeout=100.0) as one:
            with pytest.raises((RateLimited, TimeoutError)):
                await one.get(Customer, "c1")
        times = [moment for moment, _ in api.arrived]
        gaps = [after - before for before, after in pairwise(times)]
        assert 5 <= len(times) <= 9
        bounds = [min(60.0, 2.0**n) for n in range(len(gaps))]
        assert all(0.499 * most <= gap <= most for gap, most in zip(gaps, bounds, strict=True))

    run(main())


@pytest.mark.parametrize(
    ("gives", "asked", "wait"), [(5.0, None, 5.0), (0.0, "7", 7.0), (5.0, "7", 7.0), (9.0, "7", 9.0)]
)
def test_a_refused_call_waits_as_long_as_limiter_and_server_say(gives: float, asked: str | None, wait: float) -> None:
    async def main() -> None:
        answers = iter([(429, {} if asked is None else {"Retry-After": asked}), (200, {})])
        api = ScriptedApi(lambda path: next(answers), latency=0.0)
        async with session(api, Own(gives=gives), timeout=60.0) as one:
            await one.get(Customer, "c1")
        (first, _), (second, _) = api.arrived
        assert second - first == pytest.approx(wait)

    run(main())


def test_a_wait_that_outlasts_the_call_is_not_begun() -> None:
    async def main() -> None:
        api = ScriptedApi(lambda path: (429, {}), latency=0.0)
        async with session(api, Own(gives=5.0), timeout=4.0) as one:
            began = asyncio.get_running_loop().time()
            with pytest.raises(RateLimited) as caught:
                await one.get(Customer, "c1")
        assert asyncio.get_running_loop().time() == began
        assert caught.value.retry_after == 5.0

    run(main())


@pytest.mark.parametrize("status", [200, 429])
def test_a_limiter_that_fails_to_settle_spoils_no_response(status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        answers = iter([status, 200, 200])

        def answer(path: str) -> Answer:
            return next(answers), {}

        async with session(ScriptedApi(answer), Own(settle=broken)) as one:
            assert (await one.get(Customer, "c1")).id == "c1"
            assert (await one.get(Customer, "c2")).id == "c2" if status == 200 else True

    run(main())
    assert "settle() raised RuntimeError" in caplog.text
    assert "store is down" not in caplog.text


def test_a_limiter_that_fails_to_settle_hides_no_failure_and_no_cancellation() -> None:
    async def main() -> None:
        def answer(path: str) -> Answer:
            raise OSError("reset")

        limiter = Own(settle=broken)
        async with session(ScriptedApi(answer), limiter, retry=Retry.never()) as one:
            with pytest.raises((TransportError, OSError)):
                await one.get(Customer, "c1")
        assert limiter.settled == [None]
        async with session(ScriptedApi(lambda path: (200, {}), latency=10.0), limiter) as one:
            call = asyncio.ensure_future(one.get(Customer, "c1"))
            await asyncio.sleep(1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        async with session(ScriptedApi(lambda path: (200, {}), latency=10.0), limiter, timeout=2.0) as one:
            with pytest.raises(TimeoutError):
                await one.get(Customer, "c1")

    run(main())


def test_a_limiter_that_cannot_take_a_lease_back_hides_no_cancellation() -> None:
    async def main() -> None:
        limiter = Own(release=broken)
        api = ScriptedApi(lambda path: (200, {}), latency=10.0)
        async with session(api, limiter, max_connections=1) as one:
            first, second = (asyncio.ensure_future(one.get(Customer, f"c{n}")) for n in range(2))
            await asyncio.sleep(1)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            assert (await first).id == "c0"
        assert limiter.released == 1

    run(main())


def test_a_limiter_that_never_grants_ends_with_the_calls_time() -> None:
    async def main() -> None:
        limiter = Own(acquire=lambda: asyncio.sleep(10**6))
        async with session(ScriptedApi(lambda path: (200, {})), limiter, timeout=3.0) as one:
            with pytest.raises(TimeoutError) as caught:
                await one.get(Customer, "c1")
        assert caught.value.phase == "queue"
        assert caught.value.elapsed == pytest.approx(3.0)

    run(main())


def test_what_a_limiter_raises_reaches_the_caller_and_the_next_call_is_made() -> None:
    async def main() -> None:
        limiter = Own(acquire=broken)
        async with session(ScriptedApi(lambda path: (200, {})), limiter) as one:
            with pytest.raises(RuntimeError, match="the store is down"):
                await one.get(Customer, "c1")
            limiter.on_acquire = None
            assert (await one.get(Customer, "c1")).id == "c1"

    run(main())


def test_a_limiter_that_gives_nothing_is_named() -> None:
    async def main() -> None:
        api = ScriptedApi(lambda path: (200, {}))
        async with session(api, Own(acquire=lambda: None)) as one:
            with pytest.raises(ConfigurationError, match="acquire"):
                await one.get(Customer, "c1")
        assert api.arrived == []

    run(main())
