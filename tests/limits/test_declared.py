"""Windows that a service declares, several of each scope, in virtual time."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import EllipsisType
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commercelayer_async import AccessToken, ConfigurationError, Priority, RateLimits, Session
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.limiter import LocalLease, LocalLimiter, shared_limiter
from commercelayer_async._limits.moments import Grains
from commercelayer_async._markers import override
from commercelayer_async._rate_dialects import APP_STORE, DRAFT_6, DRAFT_8, Dialect, Names, ReportedWindow
from commercelayer_async.jsonapi import Resource
from commercelayer_async.service import COMMERCE_LAYER, Rates, Service, plural
from tests.support.virtual_loop import run

from .scripted_api import URL, ScriptedApi
from .test_windows import worst

NO_HEADERS: Mapping[str, str] = {}
JSON = {"Content-Type": "application/vnd.api+json"}
KLAVIYO = Rates(DRAFT_6, windows={"profile": ((75, 1.0), (750, 60.0)), ...: ((3, 1.0), (60, 60.0))})
Declared = Sequence[tuple[int, float]]


@attrs.frozen(kw_only=True, eq=False)
class Profile(Resource):
    """A class whose type is not the path of its resources."""

    type = "profile"


def limiter(facts: Rates, limits: RateLimits | None = None) -> LocalLimiter:
    return LocalLimiter(limits, clock=LoopClock(random=lambda: 0.5), facts=facts)


def now() -> float:
    return asyncio.get_running_loop().time()


def leave(keeper: LocalLimiter, type: str, most: int = 1000) -> list[LocalLease]:
    """All that may leave at once."""
    return [lease for _ in range(most) if (lease := keeper.try_acquire(type)) is not None]


async def saturate(keeper: LocalLimiter, type: str, seconds: float, *, workers: int, latency: float) -> list[float]:
    """When a server counts the requests of workers that never rest."""
    arrived: list[float] = []
    end = now() + seconds

    async def work() -> None:
        while True:
            lease = await keeper.acquire(type, priority=Priority.BULK)
            if now() >= end:
                lease.release()
                return
            await asyncio.sleep(latency / 2)
            arrived.append(now())
            await asyncio.sleep(latency / 2)
            lease.settle(200, NO_HEADERS)

    await asyncio.gather(*(work() for _ in range(workers)))
    return arrived


WINDOWS = st.lists(st.tuples(st.integers(1, 30), st.floats(0.5, 100.0)), min_size=1, max_size=3).map(tuple)


@given(
    WINDOWS,
    WINDOWS,
    st.integers(0, 2**32).map(random.Random),
    st.floats(0.0, 3.0),
    st.sampled_from(["together", "apart"]),
)
@settings(max_examples=40, deadline=None)
def test_no_declared_window_of_any_position_ever_holds_more(
    some: tuple[tuple[int, float], ...],
    others: tuple[tuple[int, float], ...],
    chance: random.Random,
    latency: float,
    counted: str,
) -> None:
    """As the server counts, at some moment between leaving and answering: all together, or each type by itself."""
    arrivals: dict[str, list[float]] = defaultdict(list)
    together = counted == "together"
    declared: Any = some if together else {"a": some, ...: others}

    async def call(keeper: LocalLimiter, type: str, priority: Priority) -> None:
        await asyncio.sleep(chance.random() * 10)
        lease = await keeper.acquire(type, priority=priority)
        there, back = chance.random() * latency, chance.random() * latency
        await asyncio.sleep(there)
        arrivals["" if together else type].append(now())
        await asyncio.sleep(back)
        lease.settle(200, NO_HEADERS)

    async def main() -> None:
        keeper = limiter(Rates(windows=declared))
        await asyncio.gather(*(call(keeper, chance.choice("abc"), chance.choice(list(Priority))) for _ in range(90)))

    run(main())
    assert sum(map(len, arrivals.values())) == 90
    for type, moments in arrivals.items():
        for limit, seconds in some if together or type == "a" else others:
            assert worst(moments, seconds) <= limit


@pytest.mark.parametrize(
    ("declared", "seconds"),
    [
        (((3, 1.0), (60, 60.0)), 600.0),
        (((75, 1.0), (750, 60.0)), 240.0),
        (((100, 20.0),), 400.0),
        (((350, 3600.0),), 36_000.0),
        (((6_000, 86_400.0), (500, 3_600.0)), 1.5 * 86_400.0),
    ],
)
def test_who_never_rests_uses_nearly_all_of_the_tightest_window(
    declared: tuple[tuple[int, float], ...], seconds: float
) -> None:
    async def main() -> list[float]:
        keeper = limiter(Rates(windows=declared))
        return await saturate(keeper, "orders", seconds, workers=20, latency=0.04)

    arrived = run(main())
    assert len(arrived) >= 0.95 * min(limit * seconds / length for limit, length in declared)
    for limit, length in declared:
        assert worst(arrived, length) <= limit


def test_types_that_are_counted_apart_do_not_wait_for_each_other() -> None:
    """Neither for room, nor for the end of a pause."""

    async def main() -> None:
        keeper = limiter(KLAVIYO)
        assert len(leave(keeper, "list")) == 3
        waiting = asyncio.ensure_future(keeper.acquire("list"))
        await asyncio.sleep(0)
        assert not waiting.done()
        began = now()
        refused = await keeper.acquire("flow")
        assert refused.settle(429, NO_HEADERS, retry_after=50.0) == 50.0
        for _ in range(75):
            (await keeper.acquire("profile")).settle(200, NO_HEADERS)
        assert now() == began
        assert keeper.state().closed_for == 50.0
        (await keeper.acquire("flow")).settle(200, NO_HEADERS)
        assert now() - began == pytest.approx(50.0)
        assert not waiting.done()  # those before it are under way
        waiting.cancel()

    run(main())


def test_of_endless_types_only_those_are_kept_in_which_something_is_counted() -> None:
    async def main() -> None:
        keeper = limiter(KLAVIYO)
        kept = leave(keeper, "list")
        for n in range(1000):
            (await keeper.acquire(f"type{n}")).settle(200, NO_HEADERS)
            await asyncio.sleep(3)
        assert len(keeper.ledger.budgets) <= 70
        assert leave(keeper, "list") == []
        kept.pop().settle(200, NO_HEADERS)

    run(main())


def test_limits_of_a_caller_take_the_place_of_what_is_declared() -> None:
    async def main() -> None:
        keeper = limiter(KLAVIYO, RateLimits(average=(10, 60.0), burst=None))
        assert len(leave(keeper, "list")) == 10
        assert leave(keeper, "profile") == []

    run(main())


def reported(*windows: ReportedWindow) -> Dialect:
    return lambda _headers, _wall_time: windows


async def after(facts: Rates, headers: Mapping[str, str], type: str = "orders") -> LocalLimiter:
    """A limiter after one response."""
    keeper = limiter(facts)
    (await keeper.acquire(type)).settle(200, {**JSON, **headers})
    return keeper


@pytest.mark.parametrize(
    ("facts", "headers", "left"),
    [
        (
            Rates(DRAFT_8, windows=((50, 1.0), (100, 60.0), (1000, 3600.0))),
            {
                "RateLimit-Policy": '"s";q=50;w=1, "m";q=40;w=60, "h";q=1000;w=3600',
                "RateLimit": '"s";r=49;t=1, "m";r=39;t=9, "h";r=7;t=99',
            },
            [49, 39, 7],
        ),
        (
            Rates(DRAFT_6, windows=((3, 1.0), (60, 60.0))),
            {
                "RateLimit-Limit": "60, 3;w=1, 60;w=60",
                "RateLimit-Remaining": "20",
                "RateLimit-Reset": "30",
            },
            [2, 20],
        ),
        (
            Rates(APP_STORE, windows=((3500, 3600.0),)),
            {"X-Rate-Limit": "user-hour-lim:3500;user-hour-rem:500;"},
            [500],
        ),
        (
            Rates(Names("X-PCO-API-Request-Rate-", used="Count", window="Period"), windows=((100, 20.0),)),
            {
                "X-PCO-API-Request-Rate-Limit": "100",
                "X-PCO-API-Request-Rate-Count": "60",
                "X-PCO-API-Request-Rate-Period": "20",
            },
            [40],
        ),
        (Rates(reported(ReportedWindow(20, 60.0, 15), ReportedWindow(90, 60.0, 4)), windows=((90, 60.0),)), {}, [4]),
        (
            Rates(reported(ReportedWindow(10**9, 60.0), ReportedWindow(0, 9.0)), windows=((5, 9.0), (9, 60.0))),
            {},
            [4, 8],
        ),
        (Rates(reported(ReportedWindow(1, 3600.0, 0)), windows=((500, 3600.0),)), {}, [499]),
        (Rates(reported(ReportedWindow(1, 86_400.0, 0)), windows=((1, 86_400.0),)), {}, [0]),
    ],
)
def test_each_reported_window_corrects_the_declared_one_of_its_length(
    facts: Rates, headers: Mapping[str, str], left: list[int]
) -> None:
    async def main() -> None:
        keeper = await after(facts, headers)
        assert [window.free(now()) for window in keeper.ledger.uncacheable.declared] == left
        state = keeper.state()
        assert state.remaining == min(left)
        assert len(leave(keeper, "orders")) == min(left)

    run(main())


def test_what_is_reported_of_a_length_that_is_not_declared_is_kept_beside() -> None:
    async def main() -> None:
        facts = Rates(reported(ReportedWindow(50, 60.0, 49), ReportedWindow(10, 1.0, 9)), windows=((10, 1.0),))
        keeper = await after(facts, {})
        arrived = await saturate(keeper, "orders", 240.0, workers=20, latency=0.01)
        assert worst(arrived, 60.0) <= 50
        assert worst(arrived, 1.0) <= 10
        assert len(arrived) >= 0.95 * 200

    run(main())


def test_a_window_of_a_day_keeps_few_moments() -> None:
    async def main() -> None:
        keeper = limiter(Rates(windows=((6_000, 86_400.0),)))
        arrived = await saturate(keeper, "orders", 200_000.0, workers=3, latency=40.0)
        assert worst(arrived, 86_400.0) == 6_000
        assert len(arrived) >= 0.99 * (2 * 6_000 + 27_200 / 40 * 3)
        (window,) = keeper.ledger.uncacheable.declared
        for kept in (window._fading, window._faded, window._bulk):
            assert isinstance(kept, Grains)
            assert len(kept._runs) <= 502

    run(main())


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans()), max_size=200), st.floats(0.1, 5.0))
def test_moments_in_grains_are_never_earlier_and_hardly_later(steps: list[tuple[float, bool]], grain: float) -> None:
    kept, moments, moment = Grains(grain), list[float](), 0.0
    for step, is_removed in steps:
        moment += step
        kept.append(moment)
        moments.append(moment)
        if is_removed:
            assert moments.pop(0) <= kept.popleft() <= moment
        assert len(kept) == len(moments)
        assert list(kept) == [kept[n] for n in range(len(kept))] == list(reversed(list(reversed(kept))))
        assert all(one <= other for one, other in pairwise(kept))
        assert all(true <= one <= true + grain + 1e-9 for true, one in zip(moments, kept, strict=True))
    with pytest.raises(IndexError):
        kept[len(kept)]


@pytest.mark.parametrize(
    "windows",
    [
        (3, 1.0),
        ((0, 1.0),),
        ((3, 0.0),),
        ((3.5, 1.0),),
        ((3, 32 * 86_400.0),),
        ((2_000_000, 60.0),),
        {"a": (3, 1.0)},
        {1: ((3, 1.0),)},
        [(3, 1.0)],
        ((True, 1.0),),
    ],
)
def test_windows_that_make_no_sense_are_refused(windows: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Rates\.windows"):
        Rates(windows=windows)


def test_windows_do_not_go_with_modes() -> None:
    with pytest.raises(ConfigurationError, match="modes"):
        Rates(windows=((3, 1.0),), modes=COMMERCE_LAYER.rates.modes)


def test_equal_rates_share_a_budget_and_others_do_not() -> None:
    """Whatever they were made of: a table that a caller changes later changes nothing."""
    table: dict[str | EllipsisType, tuple[tuple[int, float], ...]] = {...: ((3, 1.0),)}
    dialect = reported()

    async def main() -> None:
        def budget(facts: Rates) -> LocalLimiter:
            return shared_limiter("https://k.test", None, clock=LoopClock(), facts=facts)

        first = budget(Rates(dialect, windows=table))
        assert budget(Rates(dialect, windows=dict(table))) is first
        assert budget(Rates(dialect)) is not first
        table["profile"] = ((9, 1.0),)
        assert len(leave(first, "profile")) == 3

    run(main())


def test_what_is_read_by_type_by_list_and_by_link_is_counted_under_the_type() -> None:
    counted: list[str] = []
    service = Service(path=plural, rates=Rates(windows={"profile": ((75, 1.0),), ...: ((3, 1.0),)}))

    class Spy(LocalLimiter):
        @override
        def try_acquire(self, type: str, *, priority: Priority = Priority.INTERACTIVE) -> LocalLease | None:
            counted.append(type)
            return super().try_acquire(type, priority=priority)

    async def main() -> None:
        api: Any = ScriptedApi(lambda path: (500, {}))
        spy = Spy(None, clock=LoopClock(random=lambda: 0.5), facts=service.rates)
        options: Any = {"http": api, "limiter": spy, "retry": None, "resources": [Profile]}
        async with Session(URL, AccessToken("opaque"), service=service, **options) as session:
            await asyncio.gather(
                session.get("profile", "1"),
                session.list("profile"),
                session.request("/profiles/1/lists"),
                session.request("/lists/1"),
                return_exceptions=True,
            )

    run(main())
    assert set(counted) == {"lists", "profile"}
