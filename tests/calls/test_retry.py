"""When to try again: properties of the policy, and the loop that follows it, in virtual time."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import (
    AccessToken,
    ApiError,
    BodyTooLarge,
    Call,
    CommerceLayerError,
    ConfigurationError,
    ConnectError,
    DecodeError,
    Hooks,
    NotFound,
    RateLimited,
    RateLimits,
    Retry,
    ServerError,
    SessionError,
    TimeoutError,
    TLSError,
    TransportError,
    Unauthorized,
)
from commercelayer_async._auth.manager import TokenManager
from commercelayer_async._calls.attempts import Remedy, is_sane_wait, judge
from commercelayer_async._calls.deadline import Deadlines
from commercelayer_async._calls.memory import ServiceMemory
from commercelayer_async._calls.options import CallOptions
from commercelayer_async._calls.pipeline import RequestPipeline
from commercelayer_async._calls.response_info import ResponseInfo
from commercelayer_async._calls.semaphore import FifoSemaphore
from commercelayer_async._clock import LoopClock
from commercelayer_async._http.message import PhaseObserver, Request, Response
from commercelayer_async._limits.limiter import LocalLimiter
from commercelayer_async._retry import RetryBudget, retry_after
from commercelayer_async.service import COMMERCE_LAYER
from tests.support.virtual_loop import run

JSON = {"Content-Type": "application/vnd.api+json"}


def api(status: int) -> ApiError:
    return ApiError(status=status, method="GET", url="u")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (ConnectError("m", url="u", phase="connect"), Remedy.RETRY),
        (TimeoutError("m", url="u", phase="body", seconds=1.0), Remedy.RETRY),
        (TransportError("m", url="u", phase="headers"), Remedy.RETRY),
        (TLSError("m", url="u", phase="connect"), Remedy.NONE),
        (BodyTooLarge("m", url="u", limit=1), Remedy.NONE),
        (RateLimited(status=429, method="GET", url="u"), Remedy.PAUSE),
        (DecodeError(expected="e", got="g", offset=3), Remedy.ONE_MORE),
        (DecodeError(expected="e", got="g", pointer="/data"), Remedy.NONE),
        (SessionError("m"), Remedy.NONE),
        *((api(status), Remedy.RETRY) for status in (408, 500, 502, 503, 504)),
        *((api(status), Remedy.NONE) for status in (400, 403, 404, 409, 422, 423, 501, 505, 511, 599)),
    ],
)
def test_what_a_failure_calls_for(error: CommerceLayerError, remedy: Remedy) -> None:
    assert judge(error, no_permission_code="UNAUTHORIZED").remedy is remedy


@given(st.floats(0, 10), st.floats(0, 100), st.integers(2, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_wait_never_exceeds_its_bound(base: float, cap: float, attempt: int, drawn: float) -> None:
    wait = Retry(base=base, cap=cap).wait_before(attempt, lambda: drawn)
    assert 0 <= wait <= cap
    assert wait <= base * 2.0 ** min(attempt - 2, 1000)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        ("1.5", 1.5),
        (" 3 ", 3.0),
        ("0", 0.05),
        ("-1", None),
        ("-0.5", None),
        ("nan", None),
        ("inf", None),
        ("Infinity", None),
        ("1e400", None),
        ("", None),
        ("soon", None),
        ("٣", None),
        ("9" * 5000, None),
        ("1000000000", 1e9),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 100.0),
        ("Thursday, 01-Jan-70 00:01:40 GMT", 100.0),
        ("Thu Jan  1 00:01:40 1970", 100.0),
        ("Thu, 01 Jan 1960 00:00:00 GMT", 0.05),
        ("Thu, 99 Jan 1970 00:00:00 GMT", None),
    ],
)
def test_retry_after_in_all_its_forms(text: str, seconds: float | None) -> None:
    """Seconds, whole or not, and the three forms of a date (RFC 9110, section 5.6.7); nonsense is no wish."""
    assert retry_after({"retry-after": text}, now=0.0) == seconds


@pytest.fixture(params=["UTC", "EST5", "JST-9"])
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """A time zone in which the program runs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_a_date_is_in_gmt_wherever_the_program_runs() -> None:
    """The oldest of the three forms names no zone."""
    assert retry_after({"retry-after": "Thu Jan  1 00:01:40 1970"}, now=40.0) == 60.0


def test_a_date_counts_from_the_servers_own() -> None:
    date = "Thu, 01 Jan 2026 00:00:10 GMT"
    assert retry_after({"retry-after": date, "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, now=0.0) == 10.0


def test_a_date_in_the_year_9999_is_not_sane() -> None:
    far = retry_after({"retry-after": format_datetime(datetime(9999, 1, 1, tzinfo=UTC), usegmt=True)}, now=0.0)
    assert far is not None
    assert not is_sane_wait(far)
    assert is_sane_wait(timedelta(days=1).total_seconds())


@given(st.text(max_size=200))
def test_no_header_breaks_anything(text: str) -> None:
    wait = retry_after({"retry-after": text, "date": text}, now=1e9)
    assert wait is None or wait >= 0.05


@given(st.lists(st.sampled_from([5, 10, -1]), max_size=300))
def test_a_quota_never_gives_more_than_it_has(steps: list[int]) -> None:
    quota, left = RetryBudget(50), 50
    for step in steps:
        if step < 0:
            quota.give_back()
            left = min(50, left + 1)
        elif quota.take(step):
            left -= step
        assert 0 <= left <= 50


def test_a_time_out_costs_twice() -> None:
    late = TimeoutError("m", url="u", phase="body", seconds=1.0)

    assert judge(late, no_permission_code="").cost == 10
    assert judge(api(500), no_permission_code="").cost == 5


@pytest.mark.parametrize(
    "options", [{"attempts": 0}, {"attempts": 1.5}, {"quota": -1}, {"base": -1.0}, {"cap": float("nan")}]
)
def test_a_policy_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"Retry\."):
        Retry(**options)


def test_presets_fit_their_callers() -> None:
    assert Retry.web().cap < Retry().cap < Retry.worker().cap
    assert Retry.never().attempts == 1


class Scripted:
    """A transport that plays a script: exceptions are raised, everything else is given; each step takes 10 ms."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.sent: list[float] = []

    async def send(self, request: Request, watch: PhaseObserver) -> Response:
        loop = asyncio.get_running_loop()
        self.sent.append(loop.time() - 1000.0)
        watch.phase = "headers"
        await asyncio.sleep(0.01)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        if isinstance(step, tuple):
            return Response(step[0], JSON | step[1], b"{}", "https://host/api/x")
        return Response(step, JSON, b"{}", "https://host/api/x")

    def discard_connections(self) -> None: ...

    async def close(self) -> None: ...


class Endpoint:
    async def request(self, next_form: object, on_failure: object) -> Response:
        raise AssertionError("nothing asks for a token here")

    async def revoke(self, form: dict[str, str]) -> Response:
        raise AssertionError("nothing revokes a token here")


class Context:
    """What a pipeline needs of a session's context."""

    def __init__(self, transport: Scripted, limits: RateLimits | None) -> None:
        self.transport = transport
        self.clock = LoopClock(random=lambda: 0.5)
        self.local = LocalLimiter(limits or RateLimits.none(), clock=self.clock, facts=COMMERCE_LAYER.rates)
        self.connections = FifoSemaphore(100)
        self.memory = ServiceMemory(self.clock)
        self.service = COMMERCE_LAYER
        self.origin = SimpleNamespace(url="https://host")
        self.tokens = TokenManager(
            AccessToken("token"),
            Endpoint(),
            auth_url="https://auth",
            store=None,
            clock=self.clock,
            on_token=lambda token, received: None,
        )

    def limiter(self) -> LocalLimiter:
        return self.local


def make(
    transport: Scripted,
    *,
    timeout: float | None = 60.0,
    retry: Retry | None = None,
    hooks: Hooks | None = None,
    limits: RateLimits | None = None,
) -> tuple[RequestPipeline, LocalLimiter, Deadlines]:
    context: Any = Context(transport, limits)
    options = CallOptions(timeout=timeout, retry=retry or Retry(base=1.0), hooks=hooks or Hooks())
    pipeline = RequestPipeline(context, options)
    return pipeline, context.local, pipeline.deadlines


async def send(
    sender: RequestPipeline, read: Callable[[Response, ResponseInfo], Any] = lambda response, _: response.status
) -> Any:
    return await sender.send("/api/customers/c1?x=1", "customers", read)


def reset() -> TransportError:
    return TransportError("reset", url="u", phase="headers")


def test_transient_failures_are_tried_again_with_growing_waits() -> None:
    transport = Scripted(500, reset(), 503, 200)

    async def main() -> None:
        assert await send(make(transport)[0]) == 200

    run(main())
    assert transport.sent == pytest.approx([0.0, 0.51, 1.52, 3.53])


def test_the_last_failure_tells_of_the_earlier_ones() -> None:
    async def main() -> ServerError:
        with pytest.raises(ServerError) as caught:
            await send(make(Scripted(500, reset(), 503))[0])
        return caught.value

    error = run(main())
    assert error.status == 503
    assert [type(failure) for failure in error.failures] == [ServerError, TransportError, ServerError]
    assert error.tries == 4
    assert error.elapsed == pytest.approx(3.54)


@pytest.mark.parametrize("final", [400, 403, 404, 422, 501, TLSError("m", url="u", phase="connect")])
def test_what_another_try_cannot_help_fails_at_once(final: Any) -> None:
    transport = Scripted(final)

    async def main() -> None:
        with pytest.raises(CommerceLayerError) as caught:
            await send(make(transport)[0])
        assert caught.value.tries == 1

    run(main())
    assert len(transport.sent) == 1


def test_no_wait_begins_that_outlasts_the_deadline() -> None:
    """The last failure is raised now, not when the time is up."""
    transport = Scripted((503, {"Retry-After": "9"}))

    async def main() -> None:
        with pytest.raises(ServerError) as caught:
            await send(make(transport, timeout=5.0)[0])
        assert caught.value.elapsed < 0.1

    run(main())
    assert len(transport.sent) == 1


def test_a_server_that_asks_for_time_gets_it() -> None:
    transport = Scripted((503, {"Retry-After": "7"}), 200)
    run(send_once(transport))
    assert transport.sent == pytest.approx([0.0, 7.01])


async def send_once(transport: Scripted) -> Any:
    return await send(make(transport)[0])


def test_refusals_spend_the_deadline_and_not_the_tries() -> None:
    transport = Scripted(*[(429, {"Retry-After": "2"})] * 10, 200)
    assert run(send_once(transport)) == 200
    assert len(transport.sent) == 11
    assert transport.sent[1] - transport.sent[0] == pytest.approx(2.01)


def test_refusals_without_end_are_an_error_that_tells_when_to_come_back() -> None:
    transport = Scripted(429)

    async def main() -> RateLimited:
        with pytest.raises(RateLimited) as caught:
            await send(make(transport)[0])
        return caught.value

    error = run(main())
    assert error.retry_after is not None
    assert error.retry_after > 0
    assert 2 <= len(transport.sent) <= 8
    gaps = [later - earlier for earlier, later in zip(transport.sent, transport.sent[1:], strict=False)]
    assert gaps == sorted(gaps)


@pytest.mark.parametrize("wish", ["1000000000", "3600", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wish_beyond_the_deadline_fails_at_once_with_the_value(wish: str) -> None:
    transport = Scripted((429, {"Retry-After": wish}))

    async def main() -> RateLimited:
        with pytest.raises(RateLimited) as caught:
            await send(make(transport)[0])
        return caught.value

    error = run(main())
    assert error.retry_after is not None
    assert error.retry_after >= 3600
    assert len(transport.sent) == 1


def test_two_hundred_calls_share_one_gate() -> None:
    """One that was refused holds back the rest; none fails, and few are refused."""
    transport = Scripted(*[(429, {"Retry-After": "5"})] * 3, 200)

    async def main() -> None:
        sender = make(transport, limits=RateLimits(average=(50, 10.0), burst=None))[0]
        assert await asyncio.gather(*(send(sender) for _ in range(200))) == [200] * 200

    run(main())
    assert len(transport.sent) == 203


def test_the_quota_brakes_an_outage() -> None:
    transport = Scripted(500)

    async def main() -> None:
        sender = make(transport, retry=Retry(quota=50, base=0.1))[0]
        for _ in range(50):
            with pytest.raises(ServerError):
                await send(sender)

    run(main())
    assert len(transport.sent) == 60


def test_what_breaks_while_reading_is_tried_again_once() -> None:
    bodies = iter([DecodeError(expected="JSON", got="a body that was cut short", offset=9)] * 5)

    def read(_: Response, __: ResponseInfo) -> None:
        raise next(bodies)

    transport = Scripted(200)

    async def main() -> None:
        with pytest.raises(DecodeError):
            await send(make(transport)[0], read)

    run(main())
    assert len(transport.sent) == 2


def test_a_token_from_elsewhere_that_is_refused_is_not_tried_again() -> None:
    transport = Scripted(401)

    async def main() -> None:
        with pytest.raises(Unauthorized):
            await send(make(transport)[0])

    run(main())
    assert len(transport.sent) == 1


@pytest.mark.parametrize(
    ("script", "limits", "phase"),
    [
        ((200,), RateLimits(average=(1, 100.0), burst=None), "queue"),
        ((500,), None, "retry"),
    ],
)
def test_a_time_out_names_its_phase(script: tuple[Any, ...], limits: RateLimits | None, phase: str) -> None:
    async def main() -> None:
        sender = make(Scripted(*script), timeout=3.0, limits=limits, retry=Retry(base=2.0, attempts=9))[0]
        with pytest.raises((TimeoutError, ServerError)) as caught:  # noqa: PT012 - the first may pass
            for _ in range(2):
                await send(sender)
        if phase == "queue":
            assert isinstance(caught.value, TimeoutError)
            assert caught.value.phase == "queue"
            assert caught.value.elapsed == pytest.approx(3.0)

    run(main())


def test_hooks_are_told_of_everything_in_order() -> None:
    told: list[Any] = []
    hooks = Hooks(
        started=lambda call: told.append(("started", call.tries)),
        sending=lambda call: told.append(("sending", call.tries)),
        answered=lambda call, answer: told.append(("answered", answer.status, round(answer.seconds, 3))),
        waiting=lambda call, seconds: told.append(("waiting", round(seconds, 2))),
        retrying=lambda call, error, wait: told.append(("retrying", type(error).__name__, round(wait, 2))),
        ended=lambda call, error: told.append(("ended", call.tries, error)),
    )

    async def main() -> None:
        sender = make(Scripted(500, 200), hooks=hooks, limits=RateLimits(average=(1, 5.0), burst=None))[0]
        await send(sender)

    run(main())
    assert told == [
        ("started", 0),
        ("sending", 1),
        ("answered", 500, 0.01),
        ("retrying", "ServerError", 0.5),
        ("waiting", 4.5),
        ("sending", 2),
        ("answered", 200, 0.01),
        ("ended", 2, None),
    ]


def test_a_hook_that_raises_is_logged_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    def angry(call: Call) -> None:
        raise RuntimeError("secret inside")

    async def main() -> None:
        assert await send(make(Scripted(200), hooks=Hooks(started=angry, sending=angry))[0]) == 200

    run(main())
    assert caplog.text.count("RuntimeError") == 2
    assert "secret inside" not in caplog.text


def test_an_error_of_the_call_reaches_the_hooks() -> None:
    ended: list[BaseException | None] = []

    async def main() -> None:
        with pytest.raises(NotFound):
            await send(make(Scripted(404), hooks=Hooks(ended=lambda call, error: ended.append(error)))[0])

    run(main())
    assert isinstance(ended[0], NotFound)


@given(st.integers(1, 12), st.integers(0, 2**32).map(random.Random))
def test_cancelled_anywhere_nothing_is_left_behind(steps: int, chance: random.Random) -> None:
    """Cancelled at its n-th suspension, for every n: no task, no place in a window, no timer; the next call works."""
    script = chance.choices([200, 500, 429, reset(), (503, {"Retry-After": "1"})], k=6)

    async def main() -> None:
        transport = Scripted(*script, 200)
        sender, limiter, deadlines = make(transport, limits=RateLimits(average=(2, 5.0), burst=(1, 2.0)))
        task = asyncio.ensure_future(send(sender))
        other = asyncio.ensure_future(send(sender))
        for _ in range(steps):
            await asyncio.sleep(0)
            if chance.random() < 0.5:
                await asyncio.sleep(chance.random() * 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        result = (await asyncio.gather(other, return_exceptions=True))[0]
        assert not isinstance(result, asyncio.CancelledError)
        transport.script = [200]
        await asyncio.sleep(200)
        assert await send(sender) == 200
        await asyncio.sleep(10)
        assert limiter.state().waiting == 0
        assert limiter.state().remaining == 2
        assert not deadlines._pending
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_closing_ends_every_call() -> None:
    async def main() -> None:
        sender, _, deadlines = make(Scripted(500), timeout=None, retry=Retry(base=100.0, cap=100.0))
        calls = [asyncio.ensure_future(send(sender)) for _ in range(3)]
        await asyncio.sleep(1)
        deadlines.close()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(result, SessionError) for result in results)

    run(main())


def test_a_cancellation_from_outside_is_not_taken_for_the_deadline() -> None:
    async def main() -> None:
        sender = make(Scripted(500), timeout=1.0, retry=Retry(base=0.9, attempts=99))[0]
        call = asyncio.ensure_future(send(sender))
        await asyncio.sleep(0.2)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    run(main())
