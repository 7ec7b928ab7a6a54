"""What a shared budget keeps: configured limits and none, windows that a service declares, pauses of both classes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from commercelayer_async import AccessToken, ConfigurationError, Lease, Priority, RateLimited, RateLimits, Session
from commercelayer_async._limits.binding import BoundLimiter
from commercelayer_async._limits.limiter import PausedTooLong, TimedLimiter
from commercelayer_async._rate_dialects import ReportedWindow
from commercelayer_async.service import COMMERCE_LAYER, Rates, Service
from commercelayer_async.shared import FileLimiter
from tests.limits.scripted_api import ScriptedApi

URL = "https://api.example.com"
CACHEABLE = min(COMMERCE_LAYER.rates.cacheable)
MINUTE = RateLimits(average=(5, 60.0), burst=None)


def bound(path: Path, facts: Rates = COMMERCE_LAYER.rates, **options: Any) -> BoundLimiter:
    """A member of the budgets in a file."""
    return FileLimiter(path / "limits.db", limits=options.pop("configured", None)).bind(URL, facts=facts, **options)


async def taken(limiter: BoundLimiter, calls: int, type: str = "orders") -> list[Lease]:
    """The leases of those of so many calls that may leave at once."""
    tasks = [asyncio.create_task(limiter.acquire(type, priority=Priority.BULK)) for _ in range(calls)]
    done, waiting = await asyncio.wait(tasks, timeout=0.3)
    for task in waiting:
        task.cancel()
    return [task.result() for task in done]


async def test_all_windows_that_a_service_declares_are_kept_over_all_members(tmp_path: Path) -> None:
    facts = Rates(windows=((9, 0.1), (4, 60.0), (100, 600.0)))
    one, other = bound(tmp_path, facts), bound(tmp_path, facts)
    leases = [*await taken(one, 3), *await taken(other, 3, "customers")]

    assert len(leases) == 4
    state = one.state()
    assert (state.limit, state.seconds) == (4, 60.0)
    await one.close()
    await other.close()


async def test_types_that_are_counted_apart_wait_neither_for_each_other_nor_for_pauses(tmp_path: Path) -> None:
    facts = Rates(windows={"orders": ((2, 60.0),), ...: ((3, 60.0),)})
    one, other = bound(tmp_path, facts), bound(tmp_path, facts)
    leases = await taken(one, 5)
    assert len(leases) == 2
    leases[0].settle(429, {}, retry_after=50.0)

    assert len(await taken(one, 2, "customers")) == 2
    assert len(await taken(other, 5, "customers")) == 1
    assert len(await taken(other, 5)) == 0
    assert one.state().remaining == 0
    await one.close()
    await other.close()


async def test_headers_correct_a_declared_window_to_fewer_at_once(tmp_path: Path) -> None:
    facts = Rates(lambda *_: (ReportedWindow(7, 60.0, None), ReportedWindow(900, 900.0, 899)), windows=((9, 60.0),))
    one = bound(tmp_path, facts)
    (lease,) = await taken(one, 1)
    lease.settle(200, {})

    assert len(await taken(one, 9)) == 6
    await one.close()


async def test_a_service_without_modes_has_no_burst_of_one(tmp_path: Path) -> None:
    """Of its headers only the window over all endpoints is known."""
    one = bound(tmp_path, Rates(lambda *_: (ReportedWindow(100, 60.0, 99),)))
    (lease,) = await taken(one, 1)
    lease.settle(200, {})
    await asyncio.sleep(0.1)

    assert len(await taken(one, 9)) == 9
    await one.close()


@pytest.mark.parametrize("windows", [((5_001, 60.0),), {"orders": ((5, 3601.0),)}])
def test_windows_that_are_too_large_are_refused_by_name(windows: Any, tmp_path: Path) -> None:
    facts = Rates(windows=windows)
    with pytest.raises(ConfigurationError, match=r"Rates\.windows"):
        bound(tmp_path, facts)
    bound(tmp_path, facts, configured=MINUTE)
    bound(tmp_path, facts, limits=MINUTE)


async def test_a_session_says_so_at_its_first_call(tmp_path: Path) -> None:
    service = Service(rates=Rates(windows=((9_000, 60.0),)))
    limiter = FileLimiter(tmp_path / "limits.db")
    api: Any = ScriptedApi(lambda path: (500, {}))
    async with Session(URL, AccessToken("opaque"), service=service, http=api, limiter=limiter) as session:
        with pytest.raises(ConfigurationError, match=r"9000 requests in 60 s"):
            await session.get("orders", "1")


async def test_no_limits_are_none_for_who_said_so_alone(tmp_path: Path) -> None:
    free = bound(tmp_path, limits=RateLimits.none(), documented=RateLimits(average=(20, 60.0), burst=(9, 10.0)))
    held = bound(tmp_path)
    leases = await taken(free, 30)

    assert len(leases) == 30
    leases[0].settle(200, {"X-RateLimit-Limit": "20", "X-RateLimit-Interval": "60", "X-RateLimit-Remaining": "0"})
    assert len(await taken(free, 30)) == 30
    assert free.state().limit is None
    assert len(await taken(held, 1)) == 0, "what left without limits is counted"
    await free.close()
    await held.close()


async def test_configured_limits_take_the_place_of_declared_windows(tmp_path: Path) -> None:
    one = bound(tmp_path, Rates(windows=((2, 60.0),)), limits=MINUTE)
    assert len(await taken(one, 9)) == 5
    await one.close()


async def test_a_refusal_pauses_both_classes_of_routes_for_all_members(tmp_path: Path) -> None:
    one, other = bound(tmp_path, documented=MINUTE), bound(tmp_path, documented=MINUTE)
    assert isinstance(other, TimedLimiter)
    (lease,) = await taken(one, 1)
    assert lease.settle(429, {}, retry_after=50.0) == pytest.approx(50.0, abs=0.5)

    assert len(await taken(one, 1, CACHEABLE)) == 0
    for type in ("orders", CACHEABLE):
        async with asyncio.timeout(5):
            with pytest.raises(PausedTooLong) as caught:
                await other.acquire_within(20.0, type, priority=Priority.INTERACTIVE)
        assert caught.value.seconds == pytest.approx(50.0, abs=2.0)
    await one.close()
    await other.close()


async def test_who_waits_and_cannot_outwait_a_pause_learns_it_at_once(tmp_path: Path) -> None:
    one = bound(tmp_path, limits=RateLimits(average=(1, 60.0), burst=None))
    assert isinstance(one, TimedLimiter)
    (lease,) = await taken(one, 1)
    hurried = asyncio.create_task(one.acquire_within(80.0, "orders", priority=Priority.BULK))
    patient = asyncio.create_task(one.acquire_within(200.0, "orders", priority=Priority.BULK))
    await asyncio.sleep(0)
    lease.settle(429, {}, retry_after=100.0)

    async with asyncio.timeout(5):
        with pytest.raises(PausedTooLong):
            await hurried
    assert not patient.done()
    patient.cancel()
    await asyncio.wait([patient])
    await one.close()


async def test_a_call_that_cannot_outwait_a_pause_is_refused_at_once(tmp_path: Path) -> None:
    sent: list[str] = []

    def refuse(path: str) -> tuple[int, dict[str, str]]:
        sent.append(path)
        return 429, {"Retry-After": "50"}

    api: Any = ScriptedApi(refuse)
    limiter = FileLimiter(tmp_path / "limits.db")
    async with asyncio.timeout(10), Session(URL, AccessToken("x"), http=api, limiter=limiter, timeout=20) as session:
        for _ in range(2):
            with pytest.raises(RateLimited) as caught:
                await session.get("orders", "1")
            assert caught.value.retry_after == pytest.approx(50.0, abs=2.0)
    assert len(sent) == 1
