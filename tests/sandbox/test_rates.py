"""Rate limits: how they are counted, enforced and reported."""

import sys

import aiohttp
import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async.sandbox import Limit, Limits, Rates, Sandbox
from commercelayer_async.sandbox.limits.meter import Meter
from commercelayer_async.sandbox.limits.rate_classes import Budget, RateClass, rate_class_of

WALLET_PATH = "/api/customer_payment_sources/xYZkjABcde"
WALLETS = RateClass(Budget.UNCACHEABLE, "customer_payment_sources")
CUSTOMERS = RateClass(Budget.UNCACHEABLE, "customers")
TOKEN = RateClass(Budget.TOKEN, "/oauth/token")
HERE = "127.0.0.1"
NARROW = Rates(
    uncacheable=Limits(Limit(3, 60.0), Limit(2, 10.0)),
    cacheable=Limits(Limit(15, 60.0)),
    write=Limits(Limit(1, 60.0)),
    token=Limits(Limit(1, 60.0)),
)


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def refusals(meter, rate_class, moments):
    return [meter.admit(rate_class, moment, HERE).refused for moment in moments]


@pytest.mark.parametrize(
    ("method", "path", "budget", "endpoint"),
    [
        ("GET", WALLET_PATH, "uncacheable", "customer_payment_sources"),
        ("GET", "/api/2017-08/customers/", "uncacheable", "customers"),
        ("GET", "/api/customers/x/customer_payment_sources", "uncacheable", "customers"),
        ("HEAD", "/api/customers", "uncacheable", "customers"),
        ("GET", "/api/orders", "uncacheable", "others"),
        ("GET", "/api/", "uncacheable", "others"),
        ("GET", "/api/skus/x/prices", "cacheable", "skus"),
        ("GET", "/api/fixed_price_promotions", "cacheable", "fixed_price_promotions"),
        ("PATCH", WALLET_PATH, "write", "customer_payment_sources"),
        ("DELETE", "/api/skus/x", "write", "skus"),
        ("POST", "/oauth/token", "token", "/oauth/token"),
    ],
)
def test_a_request_counts_at_the_type_its_route_begins_with(method, path, budget, endpoint):
    assert rate_class_of(method, path) == RateClass(Budget(budget), endpoint)


@pytest.mark.parametrize("path", ["/", "/oauth/revoke", "/apis", "/x/api/customers"])
def test_nothing_else_counts(path):
    assert rate_class_of("GET", path) is None
    assert Meter(Rates.test()).admit(None, 0.0, HERE).headers == {}


@pytest.mark.parametrize(
    ("rates", "budget", "average", "burst"),
    [
        (Rates.live(), Budget.UNCACHEABLE, Limit(200, 60.0), Limit(50, 10.0)),
        (Rates.live(), Budget.CACHEABLE, Limit(1000, 60.0), Limit(250, 10.0)),
        (Rates.live(), Budget.WRITE, Limit(200, 60.0), Limit(50, 10.0)),
        (Rates.test(), Budget.UNCACHEABLE, Limit(100, 60.0), Limit(25, 10.0)),
        (Rates.test(), Budget.CACHEABLE, Limit(500, 60.0), Limit(125, 10.0)),
        (Rates.test(), Budget.WRITE, Limit(100, 60.0), Limit(25, 10.0)),
        (Rates.off(), Budget.UNCACHEABLE, Limit(100, 60.0), Limit(25, 10.0)),
        (Rates.live(), Budget.TOKEN, Limit(30, 60.0), None),
        (Rates.test(), Budget.TOKEN, Limit(30, 60.0), None),
        (Rates.test().scaled(100), Budget.UNCACHEABLE, Limit(100, 0.6), Limit(25, 0.1)),
        (Rates.test().scaled(100), Budget.CACHEABLE, Limit(500, 0.6), Limit(125, 0.1)),
        (Rates.live().scaled(10), Budget.WRITE, Limit(200, 6.0), Limit(50, 1.0)),
        (Rates.live().scaled(10), Budget.TOKEN, Limit(30, 6.0), None),
    ],
)
def test_the_published_numbers(rates, budget, average, burst):
    assert rates.of(budget) == Limits(average, burst)


def test_scaling_keeps_the_options():
    assert Rates.live(count_refused=True, retry_after=True).scaled(2).count_refused
    assert not Rates.off().scaled(2).enforced


@pytest.mark.parametrize("factor", [0, -1, float("nan")])
def test_windows_cannot_be_divided_by(factor):
    with pytest.raises(ValueError, match="above 0"):
        Rates.test().scaled(factor)


def test_the_burst_window_is_of_one_endpoint():
    meter = Meter(NARROW)

    assert refusals(meter, WALLETS, [0, 0, 0]) == [False, False, True]
    assert refusals(meter, CUSTOMERS, [0]) == [False]


def test_the_average_window_is_of_all_endpoints_of_the_class():
    meter = Meter(NARROW)

    assert refusals(meter, WALLETS, [0, 0, 10]) == [False, False, False]
    assert refusals(meter, CUSTOMERS, [10]) == [True]
    assert refusals(meter, RateClass(Budget.CACHEABLE, "skus"), [10]) == [False]
    assert refusals(meter, TOKEN, [10, 10]) == [False, True]


def test_there_is_room_again_when_a_request_is_as_old_as_the_window():
    meter = Meter(NARROW)

    assert refusals(meter, WALLETS, [0, 5, 9.999, 10, 14.999]) == [False, False, True, False, True]
    assert refusals(meter, WALLETS, [59.999, 60]) == [True, False]


def test_refused_requests_do_not_count_unless_they_are_to():
    moments = [0, 0, 6, 12, 18]

    assert refusals(Meter(NARROW), WALLETS, moments) == [False, False, True, False, True]
    assert refusals(Meter(attrs.evolve(NARROW, count_refused=True)), WALLETS, moments) == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_a_client_that_stops_is_let_in_again_though_refusals_count():
    meter = Meter(attrs.evolve(NARROW, count_refused=True))

    assert refusals(meter, WALLETS, [0] * 9 + [60]) == [False, False, *[True] * 7, False]


def test_headers_report_the_average_window_alone():
    meter = Meter(NARROW)
    first, _, refused = (meter.admit(WALLETS, 0, HERE).headers for _ in range(3))

    assert first == {"X-Ratelimit-Limit": "3", "X-Ratelimit-Interval": "60", "X-Ratelimit-Remaining": "2"}
    assert refused["X-Ratelimit-Remaining"] == "1"


def test_the_interval_of_scaled_windows_is_a_fraction():
    assert Meter(NARROW.scaled(100)).admit(WALLETS, 0, HERE).headers["X-Ratelimit-Interval"] == "0.6"


@pytest.mark.parametrize(
    ("moments", "now", "seconds"), [([0, 5], 5.0, "5"), ([0, 5], 9.9, "1"), ([0, 5, 11], 12, "48"), ([0, 0], 0.5, "10")]
)
def test_retry_after_is_the_time_until_every_window_has_room_rounded_up(moments, now, seconds):
    meter = Meter(attrs.evolve(NARROW, retry_after=True))
    refusals(meter, WALLETS, moments)

    verdict = meter.admit(WALLETS, now, HERE)

    assert verdict.refused
    assert verdict.headers["Retry-After"] == seconds


def test_a_refusal_that_counts_puts_off_the_time_to_come_back():
    meter = Meter(attrs.evolve(NARROW, retry_after=True, count_refused=True))
    refusals(meter, TOKEN, [0, 20])

    assert meter.admit(TOKEN, 30, HERE).headers["Retry-After"] == "60"


def test_there_is_no_retry_after_unless_it_is_asked_for():
    meter = Meter(NARROW)

    assert not any("Retry-After" in meter.admit(WALLETS, 0, HERE).headers for _ in range(3))


def test_a_report_has_the_worst_of_each_window_refused_requests_included():
    meter = Meter(NARROW)
    refusals(meter, WALLETS, [0, 0, 0, 30])
    refusals(meter, CUSTOMERS, [31])
    refusals(meter, TOKEN, [40])
    refusals(meter, WALLETS, [100])

    reports = [attrs.astuple(report)[:-1] for report in meter.report()]

    assert reports == [
        ("token", None, 1, 60.0, 1, 1, 0),
        ("uncacheable", None, 3, 60.0, 6, 5, 1),
        ("uncacheable", "customer_payment_sources", 2, 10.0, 5, 3, 1),
        ("uncacheable", "customers", 2, 10.0, 1, 1, 0),
    ]
    assert [report.exceeded for report in meter.report()] == [False, True, True, False]


@given(st.lists(st.floats(0, 30), max_size=60))
def test_the_worst_window_is_the_worst_in_any_position(gaps):
    moments = [sum(gaps[:end]) for end in range(1, len(gaps) + 1)]
    meter = Meter(Rates.off())
    for moment in moments:
        meter.admit(WALLETS, moment, HERE)

    for report in meter.report():
        windows = [[other for other in moments if end - report.seconds < other <= end] for end in moments]
        assert report.worst == max(map(len, windows))
        assert report.requests == len(moments)


@given(st.lists(st.floats(0, 3), max_size=300), st.booleans())
def test_no_window_ever_admits_more_than_its_limit(gaps, count_refused):
    meter = Meter(attrs.evolve(NARROW, count_refused=count_refused))
    admitted = list[float]()
    now = 0.0
    for gap in gaps:
        now += gap
        if not meter.admit(WALLETS, now, HERE).refused:
            admitted.append(now)

    for limit in (NARROW.uncacheable.average, NARROW.uncacheable.burst):
        assert limit is not None
        pairs = zip(admitted, admitted[limit.requests :], strict=False)
        assert all(earlier <= later - limit.seconds for earlier, later in pairs)


def test_a_hundred_thousand_requests_are_counted_in_no_more_memory_than_a_window():
    meter = Meter(Rates.off())

    for number in range(100_000):
        meter.admit(WALLETS, number / 128, HERE)

    average, burst = meter.report()
    assert (average.requests, average.worst, burst.worst) == (100_000, 7680, 1280)
    assert len(meter._averages[HERE, Budget.UNCACHEABLE].arrived._timestamps) == 7680


async def test_a_request_too_many_is_429_before_its_token_is_looked_at(calling, clock):
    async with Sandbox(wallets=1, rates=NARROW, clock=clock) as sandbox:
        api = calling(sandbox)
        await api.get(WALLET_PATH)
        await api.get(WALLET_PATH)
        error = await api.refused(WALLET_PATH, status=429, headers={"Authorization": "Bearer x"})
        clock.now += 10
        await api.get(WALLET_PATH)

    assert error["code"] == "TOO_MANY_REQUESTS"
    assert [request.status for request in sandbox.requests] == [200, 200, 429, 200]
    assert [request.arrived_at - clock.now for request in sandbox.requests] == [-10, -10, -10, 0]


async def test_a_token_too_many_is_429_in_the_shape_of_the_auth_api(calling, clock):
    async with Sandbox(wallets=1, rates=attrs.evolve(NARROW, retry_after=True), clock=clock) as sandbox:
        api = calling(sandbox)
        await api.post("/oauth/token", {}, status=400)
        (error,) = (await api.post("/oauth/token", {}, status=429))["errors"]
        response = await api.send("POST", "/oauth/token", json={})
        await api.post("/oauth/revoke", {}, status=403)

    assert (error["status"], error["code"]) == (429, "TOO_MANY_REQUESTS")
    assert response.headers["Retry-After"] == "60"
    assert sandbox.token_requests == {"other": 3}


async def test_live_limits_refuse_the_51st_within_ten_seconds_at_one_endpoint(calling, clock):
    async with Sandbox(rates=Rates.live(), clock=clock) as sandbox:
        api = calling(sandbox)
        statuses = [(await api.send("GET", WALLET_PATH)).status for _ in range(51)]
        await api.get("/api/customers", {"page[size]": 1})

    assert statuses == [200] * 50 + [429]
    (burst,) = sandbox.violations
    assert (burst.endpoint, burst.worst, burst.limit, burst.refused) == ("customer_payment_sources", 51, 50, 1)


async def test_violations_are_reported_where_nothing_is_refused(calling, clock):
    async with Sandbox(wallets=1, rates=attrs.evolve(NARROW, enforced=False), clock=clock) as sandbox:
        api = calling(sandbox)
        for _ in range(4):
            await api.get(WALLET_PATH)

    assert [(report.worst, report.limit, report.refused) for report in sandbox.violations] == [(4, 3, 0), (4, 2, 0)]
    assert len(sandbox.windows()) == 2


async def test_a_client_within_the_limits_causes_no_violations(calling, clock):
    async with Sandbox(wallets=1, rates=NARROW, clock=clock) as sandbox:
        api = calling(sandbox)
        for _ in range(10):
            await api.get(WALLET_PATH)
            clock.now += 20

    assert sandbox.violations == ()


async def test_equal_headers_are_remembered_once(sandbox, api):
    await api.get(WALLET_PATH)
    await api.get(WALLET_PATH)

    first, second = sandbox.requests
    assert first.headers is second.headers


async def test_windows_go_by_a_clock_that_never_jumps_unless_one_is_given(sandbox, api, monkeypatch):
    await api.get(WALLET_PATH)
    monkeypatch.setattr("commercelayer_async.sandbox.server.time.time", lambda: 0.0)
    await api.get(WALLET_PATH)

    first, second = (request.arrived_at for request in sandbox.requests)
    assert 0 <= second - first < 30


def test_each_address_has_windows_of_its_own():
    meter = Meter(NARROW)
    refused = [meter.admit(WALLETS, 0.0, address).refused for address in ("a", "a", "a", "b", "b", "b")]

    assert refused == [False, False, True] * 2
    assert [(report.address, report.endpoint, report.worst) for report in meter.report()] == [
        ("a", None, 3),
        ("b", None, 3),
        ("a", "customer_payment_sources", 3),
        ("b", "customer_payment_sources", 3),
    ]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3)), max_size=100))
def test_no_address_feels_another(steps):
    """Each is admitted, and told what is left, as if it were alone."""
    together, alone, now = Meter(NARROW), {address: Meter(NARROW) for address in "abc"}, 0.0
    for address, gap in steps:
        now += gap
        assert together.admit(WALLETS, now, address) == alone[address].admit(WALLETS, now, address)

    assert set(together.report()) == {report for meter in alone.values() for report in meter.report()}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 without being asked")
async def test_requests_count_by_the_address_that_they_come_from(calling, clock):
    async with (
        Sandbox(wallets=1, rates=NARROW, clock=clock) as sandbox,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))) as there,
    ):
        here = calling(sandbox)
        away = attrs.evolve(here, http=there)
        core = [(await caller.send("GET", WALLET_PATH)).status for caller in (here, away) for _ in range(3)]
        token = [(await caller.send("POST", "/oauth/token", json={})).status for caller in (here, away, here)]
        left = [(await caller.send("GET", WALLET_PATH)).headers["X-Ratelimit-Remaining"] for caller in (here, away)]

    assert core == [200, 200, 429] * 2
    assert token == [400, 400, 429]
    assert left == ["1", "1"]
    assert {request.address for request in sandbox.requests} == {"127.0.0.1", "127.0.0.2"}
    assert {report.address for report in sandbox.violations} == {"127.0.0.1", "127.0.0.2"}
