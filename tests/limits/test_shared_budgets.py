"""Who shares a budget, and how long it lasts: sessions in a row, test and live tokens, loops."""

import asyncio
import base64
import gc
import json
import weakref
from collections.abc import Mapping
from typing import Any

import pytest

from commercelayer_async import AccessToken, RateLimits, Session
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits import limiter as limiter_module
from commercelayer_async._limits.limiter import LocalLimiter, shared_limiter
from commercelayer_async._reading.reader import endpoint_of
from commercelayer_async.resources import Customer
from commercelayer_async.service import COMMERCE_LAYER
from tests.support.virtual_loop import VirtualLoop, run

from .scripted_api import URL, ScriptedApi, Sliding

FACTS = COMMERCE_LAYER.rates
NO_HEADERS: Mapping[str, str] = {}


def token(**claims: object) -> AccessToken:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return AccessToken(f"e30.{body}.c2ln")


def session(api: ScriptedApi, auth: AccessToken | None = None, **options: Any) -> Session:
    http: Any = api
    return Session(URL, auth or AccessToken("opaque"), http=http, **{"timeout": None, **options})


def shared(url: str = "https://a", limits: RateLimits | None = None, mode: str | None = None) -> LocalLimiter:
    return shared_limiter(url, limits, clock=LoopClock(random=lambda: 0.5), facts=FACTS, mode=mode)


@pytest.mark.parametrize("limits", [None, RateLimits(average=(20, 60.0), burst=None)])
def test_sessions_in_a_row_keep_the_windows(limits: RateLimits | None) -> None:
    async def main() -> None:
        service = Sliding(20, 60.0)
        api = ScriptedApi(service)
        for _ in range(10):
            async with session(api, limits=limits) as one:
                await asyncio.gather(*(one.get(Customer, "c1") for _ in range(9)))
            del one
            gc.collect()
        assert len(api.arrived) == 90
        assert service.refused == 0

    run(main())


def test_token_requests_in_a_row_keep_their_window() -> None:
    async def main() -> None:
        limits = RateLimits(average=FACTS.token, burst=None)
        for n in range(30):
            lease = shared("https://auth", limits).try_acquire("token")
            assert lease is not None
            lease.settle(200, NO_HEADERS)
            del lease
            gc.collect()
            assert shared("https://auth", limits).state().remaining == 29 - n
        assert shared("https://auth", limits).try_acquire("token") is None
        await asyncio.sleep(60)
        assert shared("https://auth", limits).state().remaining == 30

    run(main())


def test_a_request_whose_session_is_gone_counts_for_one_window_more() -> None:
    async def main() -> None:
        limits = RateLimits(average=(5, 60.0), burst=(2, 10.0))
        leases = [shared(limits=limits).try_acquire("customers") for _ in range(2)]
        await asyncio.sleep(100)
        del leases
        gc.collect()
        assert shared(limits=limits).state().remaining == 3
        assert shared(limits=limits).try_acquire("customers") is None
        await asyncio.sleep(60)
        assert shared(limits=limits).state().remaining == 5

    run(main())


def test_a_pause_outlasts_the_session_that_was_refused() -> None:
    async def main() -> None:
        lease = shared().try_acquire("customers")
        assert lease is not None
        lease.settle(429, NO_HEADERS, retry_after=300.0)
        del lease
        gc.collect()
        await asyncio.sleep(200)
        assert shared().state().closed_for == pytest.approx(100)
        assert shared().try_acquire("customers") is None

    run(main())


def test_what_nobody_holds_and_nothing_counts_in_is_forgotten() -> None:
    async def main() -> None:
        for n in range(1000):
            lease = shared(f"https://{n}", RateLimits.live()).try_acquire("customers")
            assert lease is not None
            lease.settle(200, NO_HEADERS)
            await asyncio.sleep(10)
        assert len(limiter_module._shared[asyncio.get_running_loop()].entries) <= 64

    run(main())


def test_no_closed_loop_is_kept() -> None:
    async def main() -> None:
        keeper = shared()
        waiting = [asyncio.ensure_future(keeper.acquire("customers")) for _ in range(30)]
        await asyncio.sleep(1)
        assert not all(one.done() for one in waiting)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        gone = weakref.ref(runner.get_loop())
        runner.run(main())
    del runner
    gc.collect()
    assert gone() is None


def test_test_and_live_tokens_count_apart() -> None:
    async def main() -> None:
        api = ScriptedApi(lambda path: (200, {}))
        async with (
            session(api, token(test=True)) as test,
            session(api, token(test=False)) as live,
            session(api, token(test=False, more=1)) as other,
        ):
            await asyncio.gather(*(test.get(Customer, "c1") for _ in range(20)))
            await live.get(Customer, "c1")
            assert (test.rate_limits.limit, test.rate_limits.remaining) == (100, 80)
            assert (live.rate_limits.limit, live.rate_limits.remaining) == (200, 199)
            assert other.rate_limits == live.rate_limits

    run(main())


def test_configured_limits_count_apart_for_test_and_live_too() -> None:
    async def main() -> None:
        api = ScriptedApi(lambda path: (200, {}))
        limits = RateLimits(average=(10, 60.0), burst=None)
        async with (
            session(api, token(test=True), limits=limits) as test,
            session(api, token(test=False), limits=limits) as live,
        ):
            await test.get(Customer, "c1")
            await live.get(Customer, "c1")
            assert test.rate_limits.remaining == live.rate_limits.remaining == 9

    run(main())


@pytest.mark.parametrize(
    ("target", "api", "endpoint"),
    [
        ("/api/customers/x", "/api", "customers"),
        ("/api/customers?page[size]=1", "/api", "customers"),
        ("/api/2017-08/customers/x/orders", "/api", "customers"),
        ("/api/customers/x/orders", "/api/2017-08", "customers"),
        ("/api/skus", "/api/2017-08", "skus"),
        ("/api/2017-08/skus?a=/b", "/api/2017-08", "skus"),
        ("/api/2026-05/skus/x", "/api/2017-08", "skus"),
        ("/prefix/api/skus/x", "/prefix/api/v1", "skus"),
        ("/prefix/api/v2/skus/x", "/prefix/api/v1", "skus"),
        ("/api/", "/api", ""),
    ],
)
def test_a_link_counts_at_its_type_whatever_version_it_names(target: str, api: str, endpoint: str) -> None:
    assert endpoint_of(target, api) == endpoint
