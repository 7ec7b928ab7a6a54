"""Drills of many calls: connections, tokens, rate limits, and what the machine has to give."""

import asyncio
import contextlib
import gc
import os
import random
import resource as rlimits
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest

from commercelayer_async import (
    AccessToken,
    ClientCredentials,
    CommerceLayerError,
    RateLimits,
    Retry,
    Session,
    SessionError,
    TimeoutError,
    TransportError,
)
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.limiter import LocalLimiter
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.service import COMMERCE_LAYER
from tests.faults.assertions import GRANTED, SECRET, TOKEN, Counting, growth, require_clean, require_silent
from tests.faults.breaking_server import Received, Reply, Server, close, later, pause, reset, stall
from tests.faults.row import GOOD, granted, linked
from tests.faults.runner import QUICK, options, quicken
from tests.support import virtual_loop
from tests.support.documents import document, resource
from tests.support.responses import errors_of, reply


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch)


def bearer(server: Server, **changed: Any) -> Session:
    """A session that has a token."""
    return Session(server.url, AccessToken(TOKEN), **options(**changed))


def client(server: Server, **changed: Any) -> Session:
    """A session that asks for one."""
    return Session(server.url, ClientCredentials("client", SECRET), **options(**changed))


@contextlib.asynccontextmanager
async def clean(server: Server) -> AsyncIterator[None]:
    """Nothing is left behind by what happens inside."""
    before = asyncio.all_tasks()
    yield
    await require_clean(server, before)


async def customer_of(request: Received) -> bytes:
    """The customer that is asked for."""
    return reply(document(resource(id=request.target.rpartition("/")[2])))


def most_within(times: Sequence[float], seconds: float) -> int:
    """The most requests in any window, wherever it lies."""
    return max(sum(1 for one in times if start <= one < start + seconds) for start in times)


# Connections


@pytest.mark.parametrize(("delay", "idle"), [(0.0, 0.0), (0.0, 0.01), (0.005, 0.015), (0.005, 0.0), (0.001, 0.0)])
async def test_a_stray_answer_is_nobodys(delay: float, idle: float) -> None:
    """Every third answer is followed by one to no question, at once or when the connection is idle again."""

    async def answers(request: Received) -> Reply:
        good = await customer_of(request)
        if len(server.requests) % 3:
            return good
        return (good, later(reply(document(resource(id="stray"))), after=delay)) if delay else (good + good,)

    wrong = failed = 0
    async with Server(answers=answers) as server, clean(server), bearer(server) as session:
        for n in range(48):
            try:
                wrong += (await session.get(Customer, f"c{n}")).id != f"c{n}"
            except CommerceLayerError:
                failed += 1
            await asyncio.sleep(idle)
            if idle > delay:
                await server.sent_all()
        server.answers = customer_of
        await server.sent_all()
        still = [await session.get(Customer, f"d{n}") for n in range(5)]
    assert wrong == 0
    assert [one.id for one in still] == [f"d{n}" for n in range(5)]
    assert failed == 0 or idle <= delay


@pytest.mark.parametrize("injected", [False, True])
async def test_one_stray_answer_spoils_one_call_at_most(*, injected: bool) -> None:
    """It comes while the next call is under way; that one fails, those after it do not."""

    async def answers(request: Received) -> Reply:
        good = await customer_of(request)
        assert isinstance(good, bytes)
        stray = reply(document(resource(id="stray")))
        return (stray, pause(0.01), good) if len(server.requests) == 3 else good

    failed: list[int] = []
    async with (
        Server(answers=answers) as server,
        aiohttp.ClientSession() as theirs,
        bearer(server, http=theirs if injected else None, retry=Retry.never()) as session,
    ):
        for n in range(12):
            try:
                assert (await session.get(Customer, f"c{n}")).id == f"c{n}"
            except CommerceLayerError:
                failed.append(n)
            await asyncio.sleep(0.02)
    assert failed == [2]


async def test_connections_that_were_closed_meanwhile_are_not_noticed() -> None:
    async with Server([(GOOD, close)]) as server, bearer(server) as session:
        for _ in range(20):
            assert (await session.get(Customer, "c1")).id == "c1"
            await asyncio.sleep(0.001)


async def test_a_dead_connection_costs_one_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch, read=0.1)

    async def swallow(peer: Any) -> None:
        if peer.served:
            await stall(peer)
        await peer.send(GOOD)

    async with Server([(swallow,)]) as server, bearer(server) as session:
        for n in range(3):
            assert (await session.get(Customer, "c1")).id == "c1"
            assert server.connections == n + 1


async def test_cutting_all_connections_loses_no_call() -> None:
    async def answers(request: Received) -> Reply:
        await asyncio.sleep(0.005)
        return await customer_of(request)

    async with (
        Server(answers=answers) as server,
        clean(server),
        bearer(server, retry=Retry(attempts=8, base=0.001, cap=0.01, quota=5000), timeout=60.0) as session,
    ):
        calls = [asyncio.ensure_future(session.get(Customer, f"c{n}")) for n in range(300)]
        for _ in range(3):
            await asyncio.sleep(0.02)
            server.drop()
        found = await asyncio.gather(*calls)
    assert [one.id for one in found] == [f"c{n}" for n in range(300)]


@pytest.mark.parametrize("injected", [False, True])
async def test_every_request_is_counted_also_with_an_injected_session(*, injected: bool) -> None:
    """Aiohttp would send a GET again by itself."""
    counting = Counting(RateLimits.none())
    async with Server([(reset,), (close,), GOOD]) as server, aiohttp.ClientSession() as theirs:
        http = theirs if injected else None
        async with bearer(server, limiter=counting, http=http) as session:
            await session.get(Customer, "c1")
    assert counting.granted == len(server.asked) == 3


async def test_the_middlewares_of_an_injected_session_still_run() -> None:
    seen: list[str] = []

    async def theirs(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        seen.append(request.method)
        return await handler(request)

    async with (
        Server([GOOD]) as server,
        aiohttp.ClientSession(middlewares=(theirs,)) as http,
        bearer(server, http=http) as session,
    ):
        await session.get(Customer, "c1")
    assert seen == ["GET"]


async def test_an_injected_session_that_was_closed_is_a_session_error() -> None:
    async with Server([GOOD]) as server:
        async with aiohttp.ClientSession() as http:
            session = bearer(server, http=http)
        with pytest.raises(SessionError, match="closed"):
            await session.get(Customer, "c1")
        await session.close()


@pytest.mark.parametrize("calls", [200, pytest.param(3000, marks=pytest.mark.slow)])
async def test_an_outage_is_braked_and_recovered_from(calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """While so many calls fail, retries cost no more than their quota; afterwards every call succeeds at once."""
    quicken(monkeypatch, read=60.0, connect=60.0)  # nothing here ends by time, however busy the machine is
    workers, retry = 50, Retry(base=0.01, cap=0.1)
    most_retries = retry.quota // 5
    failed = tried = late = 0

    async def work() -> None:
        nonlocal failed, tried, late
        while True:
            began_late = server.accept is None
            try:
                await session.get(Customer, "c1")
            except CommerceLayerError:
                failed += 1
                late += began_late
                if failed == calls:
                    tried, server.accept = server.connections, None
            else:
                return
            await asyncio.sleep(0)

    async with (
        Server([GOOD], accept=reset) as server,
        clean(server),
        bearer(server, retry=retry, timeout=None) as session,
    ):
        await asyncio.gather(*(work() for _ in range(workers)))
    assert calls <= tried <= calls + workers + most_retries
    assert not late


# Tokens


class Tokens:
    """A server whose API takes the newest token only."""

    def __init__(self, *, slow: float = 0.0) -> None:
        self.slow = slow
        self.number = 0
        self.good: str | None = None
        self.life: float = 7200
        self.broken = False
        self.until = float("inf")

    async def __call__(self, request: Received) -> Reply:
        if request.target == "/oauth/token":
            await asyncio.sleep(self.slow)
            if self.broken:
                return reply(status=500)
            self.number += 1
            self.good = f"{GRANTED}{self.number}"
            self.until = time.monotonic() + self.life
            return granted(access_token=self.good, expires_in=self.life)
        sent = request.headers("Authorization")
        if sent != [f"Bearer {self.good}"] or time.monotonic() > self.until:
            return errors_of("INVALID_TOKEN", status=401)
        return GOOD


async def hundred(session: Session) -> list[Any]:
    calls = (session.get(Customer, "c1") for _ in range(100))
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_a_hundred_cold_calls_ask_for_one_token() -> None:
    async with Server(answers=Tokens(slow=0.02)) as server, client(server) as session:
        assert all(isinstance(one, Customer) for one in await hundred(session))
        assert len(server.asked_for_token) == 1


@pytest.mark.parametrize("slow", [0.0, 0.1])
async def test_a_revoked_token_is_refreshed_once_under_a_hundred_calls(slow: float) -> None:
    tokens = Tokens(slow=slow)
    async with Server(answers=tokens) as server, client(server) as session:
        await session.get(Customer, "c1")
        tokens.good = None
        assert all(isinstance(one, Customer) for one in await hundred(session))
        assert len(server.asked_for_token) == 2


async def test_a_refresh_that_fails_releases_everybody() -> None:
    tokens = Tokens()
    async with Server(answers=tokens) as server, client(server) as session:
        await session.get(Customer, "c1")
        tokens.good, tokens.broken = None, True
        results = await hundred(session)
        assert all(isinstance(one, CommerceLayerError) for one in results)
        assert len(server.asked_for_token) <= 16
        tokens.broken = False
        assert (await session.get(Customer, "c1")).id == "c1"


async def test_cancelling_the_call_that_refreshes_stops_nobody_else() -> None:
    tokens = Tokens()
    cancelled = asyncio.Event()

    async def answers(request: Received) -> Reply:
        if request.target == "/oauth/token":
            # Held back until the call is cancelled, however busy the machine is: one that has its token goes on.
            await cancelled.wait()
        return await tokens(request)

    async with Server(answers=answers) as server, client(server, timeout=60.0) as session:
        calls = [asyncio.ensure_future(session.get(Customer, "c1")) for _ in range(100)]
        await server.received.wait()
        assert calls[0].cancel()
        cancelled.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert sum(isinstance(one, Customer) for one in results) == 99
        assert len(server.asked_for_token) <= 2


@pytest.mark.parametrize(("life", "seconds"), [(1.0, 2.2), pytest.param(3.0, 8.0, marks=pytest.mark.slow)])
async def test_a_token_is_renewed_ahead_of_its_end(life: float, seconds: float) -> None:
    tokens = Tokens()
    tokens.life = life
    async with Server(answers=tokens) as server, client(server, retry=Retry.never()) as session:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            await session.get(Customer, "c1")
            await asyncio.sleep(0.02)
        assert 2 <= len(server.asked_for_token) <= 9


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
async def test_a_wall_clock_that_jumps_asks_for_no_token(jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Server(answers=Tokens()) as server, client(server) as session:
        await session.get(Customer, "c1")
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        await session.get(Customer, "c1")
        assert len(server.asked_for_token) == 1


async def test_ten_sessions_share_the_token_endpoints_budget() -> None:
    async with Server(answers=Tokens()) as server:
        sessions = [client(server) for _ in range(10)]
        limiter, *others = [session._context.token_limiter() for session in sessions]
        assert all(other is limiter for other in others)
        assert (limiter.state().limit, limiter.state().seconds) == (30, 60.0)
        for session in sessions:
            await session._context.tokens.token()
            await session.close()
        assert limiter.state().remaining == 20


async def test_an_injected_session_sends_one_authorization() -> None:
    headers = {"Authorization": "Basic dXNlcjpwYXNz", "Host": "shop.example"}
    async with Server([GOOD]) as server, aiohttp.ClientSession(headers=headers) as http:
        async with bearer(server, http=http) as session:
            await session.get(Customer, "c1")
        assert server.asked[0].headers("Authorization") == [f"Bearer {TOKEN}"]


# Rate limits


class Windows:
    """Enforces sliding windows, and counts what it refused."""

    def __init__(self, *pairs: tuple[int, float]) -> None:
        self.pairs = pairs
        self.refused = 0
        self.order: list[int] = []

    async def __call__(self, request: Received) -> Reply:
        times = [one.at for one in server_of(self).asked]
        self.order.append(int(request.target.rpartition("/c")[2]))
        for limit, seconds in self.pairs:
            if sum(1 for one in times if request.at - seconds < one) > limit:
                self.refused += 1
                return reply(status=429)
        return await customer_of(request)


_servers: dict[int, Server] = {}


def server_of(windows: Windows) -> Server:
    return _servers[id(windows)]


@pytest.mark.parametrize(
    ("calls", "burst", "average", "allowed"),
    [
        (60, (8, 0.1), (30, 0.6), 15.0),  # takes 1.2 s; that no more is wasted is measured in virtual time
        pytest.param(200, (20, 1.0), (60, 6.0), 40.0, marks=pytest.mark.slow),
    ],
)
async def test_a_storm_keeps_to_the_windows_as_the_server_sees_them(
    calls: int, burst: tuple[int, float], average: tuple[int, float], allowed: float
) -> None:
    windows = Windows(burst, average)
    limits = RateLimits(average=average, burst=burst)
    async with Server(answers=windows) as server:
        _servers[id(windows)] = server
        async with bearer(server, limits=limits, timeout=60.0) as session:
            began = time.monotonic()
            found = await asyncio.gather(*(session.get(Customer, f"c{n}") for n in range(calls)))
            took = time.monotonic() - began
        times = [one.at for one in server.asked]
    assert len(found) == calls
    assert windows.refused == 0
    assert most_within(times, burst[1]) <= burst[0]
    assert most_within(times, average[1]) <= average[0]
    assert took < allowed
    assert all(abs(place - number) <= 60 for place, number in enumerate(windows.order))


async def test_retries_count_in_the_windows() -> None:
    limits = RateLimits(average=(10, 0.2), burst=None)
    number = 0

    async def answers(request: Received) -> Reply:
        nonlocal number
        number += 1
        return reply(status=429, headers={"Retry-After": "0"}) if number % 2 else await customer_of(request)

    async with Server(answers=answers) as server, bearer(server, limits=limits, timeout=30.0) as session:
        found = await asyncio.gather(*(session.get(Customer, f"c{n}") for n in range(20)))
    assert len(found) == 20
    assert len(server.asked) <= 100
    assert most_within([one.at for one in server.asked], 0.2) <= 10


async def test_a_limit_that_sinks_is_kept_to() -> None:
    async def answers(request: Received) -> Reply:
        limit = 10 if len(server.asked) < 4 else 3
        told = {"X-Ratelimit-Limit": str(limit), "X-Ratelimit-Interval": "0.3"}
        return reply(document(), headers=told)

    async with Server(answers=answers) as server, bearer(server, limits=None, timeout=10.0) as session:
        for _ in range(10):
            await session.get(Customer, "c1")
    times = [one.at for one in server.asked]
    assert most_within(times[4:], 0.3) <= 3


async def test_a_cancelled_waiter_leaves_its_place() -> None:
    limits = RateLimits(average=(2, 0.3), burst=None)
    async with Server(answers=customer_of) as server, bearer(server, limits=limits) as session:
        await asyncio.gather(session.get(Customer, "c1"), session.get(Customer, "c2"))
        waiting = [asyncio.ensure_future(session.get(Customer, f"c{n}")) for n in range(20)]
        await asyncio.sleep(0.01)
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
        await asyncio.gather(session.get(Customer, "c3"), session.get(Customer, "c4"))
        assert session.rate_limits.waiting == 0
    times = [one.at for one in server.asked]
    assert len(times) == 4
    assert times[2] - times[0] > 0.25


async def test_ten_thousand_calls_wait_in_little_memory() -> None:
    limits = RateLimits(average=(1, 3600.0), burst=None)
    async with Server(answers=customer_of) as server, clean(server):
        session = bearer(server, limits=limits, timeout=None)
        await session.get(Customer, "c1")
        with growth() as grown:
            calls = [asyncio.ensure_future(session.get(Customer, "c1")) for _ in range(10_000)]
            await asyncio.sleep(0)
            await asyncio.sleep(0.01)
            assert session.rate_limits.waiting == 10_000
            await session.close()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert grown() < 160
    assert all(isinstance(one, SessionError) for one in results)


async def test_two_sessions_share_one_budget() -> None:
    limits = RateLimits(average=(5, 0.3), burst=None)
    async with (
        Server(answers=customer_of) as server,
        bearer(server, limits=limits) as one,
        bearer(server, limits=limits) as other,
    ):
        await asyncio.gather(*(session.get(Customer, "c1") for session in (one, other) for _ in range(8)))
    assert most_within([request.at for request in server.asked], 0.3) <= 5


def test_after_a_sleep_the_windows_are_empty_and_hold() -> None:
    async def main() -> None:
        limiter = LocalLimiter(RateLimits(average=(5, 60.0), burst=None), clock=LoopClock(), facts=COMMERCE_LAYER.rates)
        for lease in [await limiter.acquire("customers") for _ in range(5)]:
            lease.settle(200, {})
        assert limiter.try_acquire("customers") is None
        await asyncio.sleep(3600.0)
        assert [limiter.try_acquire("customers") is not None for _ in range(7)] == [True] * 5 + [False] * 2

    virtual_loop.run(main())


# Relationships


async def test_five_hundred_resolvers_share_one_request() -> None:
    async with Server([linked("/api/customers/c1"), GOOD]) as server, bearer(server) as session:
        source = await session.get(CustomerPaymentSource, "w1")

        async def resolve() -> Customer:
            return await source.customer

        found = await asyncio.gather(*(resolve() for _ in range(500)))
        assert len(server.asked) == 2
        assert len({id(one) for one in found}) == 1


# What the machine has to give


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_ten_thousand_awaits(count: int) -> None:
    async with Server(answers=customer_of) as server, clean(server), bearer(server, timeout=120.0) as session:
        found = await asyncio.gather(*(session.get(Customer, "c1") for _ in range(count)))
        assert len(found) == count
        assert server.most_open <= 250


async def test_few_file_descriptors() -> None:
    """The pool is larger than what the system allows."""
    opened = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - pathlib blocks no less
    async with Server(answers=customer_of) as server, clean(server):
        soft, hard = rlimits.getrlimit(rlimits.RLIMIT_NOFILE)
        rlimits.setrlimit(rlimits.RLIMIT_NOFILE, (opened + 64, hard))
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        try:
            async with bearer(server, timeout=20.0) as session:
                calls = (session.get(Customer, "c1") for _ in range(500))
                results = await asyncio.gather(*calls, return_exceptions=True)
        finally:
            rlimits.setrlimit(rlimits.RLIMIT_NOFILE, (soft, hard))
            asyncio.get_running_loop().set_exception_handler(None)
    strange = [one for one in results if not isinstance(one, Customer | CommerceLayerError)]
    assert not strange
    assert sum(isinstance(one, Customer) for one in results) > 0


async def test_stalled_calls_end_and_do_not_starve_a_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the measure of the catalogue divided by fifty: reads of 0.2 s, calls of 0.6 s."""
    quicken(monkeypatch, read=0.2)

    async def answers(request: Received) -> Reply:
        return (stall,) if "stalled" in request.target else await customer_of(request)

    async with Server(answers=answers) as server, clean(server), bearer(server, timeout=0.6) as session:
        stalled = [asyncio.ensure_future(session.get(Customer, f"stalled{n}")) for n in range(200)]
        await asyncio.sleep(0.05)
        # It ends long before those that wait in front of it would all have had their reads.
        good = await session.with_options(timeout=5.0).get(Customer, "c1")
        results = await asyncio.gather(*stalled, return_exceptions=True)
    assert good.id == "c1"
    assert all(isinstance(one, TimeoutError) for one in results)


@pytest.mark.parametrize("count", [3000, pytest.param(100_000, marks=pytest.mark.slow)])
async def test_memory_stays_flat(count: int) -> None:
    async with Server(answers=customer_of) as server, bearer(server) as session:

        async def read(times: int) -> None:
            for _ in range(times):
                await session.get(Customer, "c1")
                del server.requests[:]

        await read(count // 5)
        gc.collect()
        with growth() as grown:
            await asyncio.gather(*(read(count // 10) for _ in range(8)))
            assert grown() < 40


async def test_two_credentials_never_mix() -> None:
    async def answers(request: Received) -> Reply:
        if request.target == "/oauth/token":
            return granted(access_token=f"{GRANTED}{'A' if b'one' in request.body else 'B'}")
        return await customer_of(request)

    seen: dict[str, set[str]] = {}
    async with Server(answers=answers) as server:
        async with (
            Session(server.url, ClientCredentials("one", SECRET), **options()) as one,
            Session(server.url, ClientCredentials("two", SECRET), **options()) as two,
        ):
            calls = [session.get(Customer, name) for session, name in [(one, "one"), (two, "two")] for _ in range(30)]
            await asyncio.gather(*calls)
        for request in server.asked:
            seen.setdefault(request.target.rpartition("/")[2], set()).update(request.headers("Authorization"))
    assert seen == {"one": {f"Bearer {GRANTED}A"}, "two": {f"Bearer {GRANTED}B"}}


async def test_cookies_are_not_sent_back() -> None:
    """Of a host with a name: aiohttp keeps none of bare addresses anyway."""
    cookies = [("Set-Cookie", f"session={SECRET}; Path=/"), ("Set-Cookie", f"other={SECRET}; Domain=localhost")]
    async with Server([reply(document(), headers=cookies)]) as server:
        async with Session(f"http://localhost:{server.port}", AccessToken(TOKEN), **options()) as session:
            for _ in range(3):
                found = await session.get(Customer, "c1")
        assert not any(request.headers("Cookie") for request in server.asked)
    require_silent(repr(found))


# Cancellation


async def test_a_thousand_cancellations_leave_nothing() -> None:
    chances = random.Random(11)

    async def answers(request: Received) -> Reply:
        await asyncio.sleep(chances.random() * 0.01)
        if request.target == "/oauth/token":
            return granted()
        whole = await customer_of(request)
        assert isinstance(whole, bytes)
        return (whole[:100], later(whole[100:], after=0.002)) if chances.random() < 0.3 else whole

    limits = RateLimits(average=(200, 0.05), burst=None)
    async with (
        Server(answers=answers) as server,
        clean(server),
        client(server, limits=limits, max_connections=20, retry=QUICK) as session,
    ):

        async def one(n: int) -> None:
            call = asyncio.ensure_future(session.get(Customer, f"c{n}"))
            await asyncio.sleep(chances.random() * 0.03)
            call.cancel()
            with contextlib.suppress(asyncio.CancelledError, CommerceLayerError):
                assert (await call).id == f"c{n}"

        for first in range(0, 1000, 100):
            await asyncio.gather(*(one(n) for n in range(first, first + 100)))
        found = await asyncio.gather(*(session.get(Customer, f"d{n}") for n in range(150)))
        assert [one.id for one in found] == [f"d{n}" for n in range(150)]
        assert session.rate_limits.waiting == 0


async def test_a_token_request_that_breaks_says_that_it_was_one() -> None:
    async with Server(token=[(reset,)]) as server, client(server) as session:
        with pytest.raises(TransportError) as caught:
            await session.get(Customer, "c1")
    assert caught.value.phase == "token"
