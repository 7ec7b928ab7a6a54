"""A token endpoint or a token function that fails, hangs or lies: callers learn why, in time, and nothing stays."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from commercelayer_async import (
    AuthError,
    ClientCredentials,
    CommerceLayerError,
    ConnectError,
    Password,
    Priority,
    RateLimits,
    RefreshToken,
    Session,
    SessionError,
    StoredToken,
    TimeoutError,
    TransportError,
)
from commercelayer_async._auth import manager as manager_module
from commercelayer_async._calls.token_requests import TokenRequests
from commercelayer_async._http.message import PhaseObserver, Request, Response
from commercelayer_async._limits.limiter import LocalLimiter
from commercelayer_async.resources import Customer
from commercelayer_async.service import COMMERCE_LAYER
from tests.auth.token_service import (
    URL,
    Endpoint,
    LoopWallClock,
    Memory,
    Patience,
    manager,
    now,
    others,
    refused,
    response,
    settle,
)
from tests.support.documents import resource
from tests.support.responses import errors_of, reply
from tests.support.scripted_server import ScriptedServer
from tests.support.virtual_loop import run

TOKEN = {"access_token": "AT", "expires_in": 7200}


class Transport:
    """Plays a script at the token endpoint: a response, an error, or seconds to take for what comes next."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.times: list[float] = []
        self.refresh_tokens: list[str | None] = []

    async def send(self, request: Request, observer: PhaseObserver) -> Response:
        self.times.append(now())
        self.refresh_tokens.append((request.form or {}).get("refresh_token"))
        observer.phase = "headers"
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, float):
            await asyncio.sleep(step)
            return response(TOKEN)
        if isinstance(step, Exception):
            raise step
        status, headers = step if isinstance(step, tuple) else (step, {})
        return (
            response(TOKEN if status == 200 else {}, status) if not headers else Response(status, headers, b"{}", URL)
        )

    def discard_connections(self) -> None: ...

    async def close(self) -> None: ...

    @property
    def is_open(self) -> bool:
        return False


def token_limiter() -> LocalLimiter:
    """The limiter of a token endpoint."""
    limits = RateLimits(average=COMMERCE_LAYER.rates.token, burst=None)
    return LocalLimiter(limits, clock=LoopWallClock(), facts=COMMERCE_LAYER.rates)


def asking(*script: Any, limiter: LocalLimiter | None = None, **options: Any) -> tuple[Transport, Any]:
    """A manager on the real endpoint, over a scripted transport."""
    transport = Transport(*script)
    clock = LoopWallClock()
    limiter = limiter or token_limiter()
    endpoint = TokenRequests(
        transport, URL, "", addresses=COMMERCE_LAYER.addresses, limiter=lambda: limiter, clock=clock
    )
    return transport, manager(endpoint, **options)  # type: ignore[arg-type] # only what it calls of a transport


def asks(seconds: str, status: int = 503) -> tuple[int, dict[str, str]]:
    return status, {"Retry-After": seconds}


async def failure_of(tokens: Any, seconds: float) -> CommerceLayerError:
    with pytest.raises(CommerceLayerError) as caught:
        await tokens.token(Patience(seconds))
    return caught.value


@pytest.mark.parametrize("status", [429, 503])
def test_an_absurd_wish_is_not_heeded(status: int) -> None:
    async def main() -> None:
        transport, tokens = asking(asks("1000000000", status), 200)
        assert await tokens.token(Patience(5.0)) == "AT"
        assert len(transport.times) == 2

    run(main())


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wish_is_told_at_once_and_the_endpoint_is_asked_again_a_minute_later(status: int) -> None:
    async def main() -> None:
        transport, tokens = asking(asks("3600", status), 200)
        error = await failure_of(tokens, 30.0)
        assert isinstance(error, AuthError)
        assert (error.status, error.retry_after) == (status, 3600.0)
        assert now() == 0.0
        await asyncio.sleep(10.0)
        error = await failure_of(tokens, 30.0)
        assert isinstance(error, AuthError)
        assert error.retry_after == 3590.0
        assert now() == 10.0
        await asyncio.sleep(25.0)
        assert await tokens.token(Patience(30.0)) == "AT"
        assert transport.times == [0.0, 60.0]

    run(main())


async def saved(store: Memory, tokens: Any, kept: StoredToken) -> None:
    """Save a token as another process does, while this one waits to send."""
    await asyncio.sleep(0.2)
    await store.save(tokens._store.key, kept)


FRESH = StoredToken(value="AT-other", received_at=1000.0, life=7200.0, refresh_token="RT-other")
SPENT = StoredToken(value="", received_at=1000.0, life=0.0, refresh_token="RT-other")


@pytest.mark.parametrize(("kept", "sent"), [(FRESH, ["RT0"]), (SPENT, ["RT0", "RT-other"])])
def test_before_another_attempt_the_store_is_read_again(kept: StoredToken, sent: list[str]) -> None:
    """A refresh token is good for one use, also while a process waits to send it once more."""

    async def main() -> None:
        store = Memory()
        transport, tokens = asking(asks("2"), 200, auth=RefreshToken("id", "RT0"), store=store)
        saving = asyncio.ensure_future(saved(store, tokens, kept))
        assert await tokens.token() == (kept.value or "AT")
        assert transport.refresh_tokens == sent
        await saving

    run(main())


def test_in_the_queue_of_the_endpoint_too_and_the_turn_is_given_back() -> None:
    async def main() -> None:
        store, limiter = Memory(), token_limiter()
        assert COMMERCE_LAYER.rates.token is not None
        most = COMMERCE_LAYER.rates.token[0]
        for _ in range(most):
            lease = limiter.try_acquire("token", priority=Priority.INTERACTIVE)
            assert lease is not None
            lease.settle(200, {})
        transport, tokens = asking(200, auth=RefreshToken("id", "RT0"), store=store, limiter=limiter)
        saving = asyncio.ensure_future(saved(store, tokens, FRESH))
        assert await tokens.token() == "AT-other"
        assert not transport.times
        assert sum(limiter.try_acquire("token", priority=Priority.INTERACTIVE) is not None for _ in range(most)) == most
        await saving

    run(main())


def test_whoever_has_less_time_than_the_endpoint_asks_for_learns_why_at_once() -> None:
    async def main() -> None:
        transport, tokens = asking(asks("5"), 200)
        patient = asyncio.ensure_future(tokens.token(Patience(20.0)))
        error = await failure_of(tokens, 4.0)
        assert isinstance(error, AuthError)
        assert (error.status, error.retry_after) == (503, 5.0)
        assert now() == 0.0
        await asyncio.sleep(2.0)
        late = await failure_of(tokens, 1.0)
        assert isinstance(late, AuthError)
        assert late.retry_after == 3.0
        assert now() == 2.0
        assert await patient == "AT"
        assert transport.times == [0.0, 5.0]

    run(main())


def test_whoever_runs_out_of_time_knows_what_failed_before() -> None:
    async def main() -> None:
        _, tokens = asking(ConnectError("nobody there", url="u", phase="connect"), 100.0)
        patience = Patience(2.0)
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(2.0):
                await tokens.token(patience)
        assert [type(failure) for failure in patience.failures] == [ConnectError]
        await tokens.close()

    run(main())


def test_an_endpoint_that_drips_is_given_up_and_asked_again() -> None:
    async def main() -> None:
        transport, tokens = asking(1000.0, 200)
        assert await tokens.token(Patience(30.0)) == "AT"
        assert transport.times[1] == pytest.approx(5.0, abs=0.5)

    run(main())


def test_an_endpoint_that_always_drips_is_an_error_of_the_phase() -> None:
    async def main() -> None:
        transport, tokens = asking(1000.0)
        error = await failure_of(tokens, 1000.0)
        assert isinstance(error, TimeoutError)
        assert (error.phase, error.seconds, error.tries) == ("token", 5.0, 4)
        assert len(error.failures) == 3
        assert len(transport.times) == 4
        assert not others()

    run(main())


def test_a_revocation_ends_in_time() -> None:
    async def main() -> None:
        _, tokens = asking(200, 1000.0)
        await tokens.token()
        with pytest.raises(TransportError) as caught:
            await tokens.revoke()
        assert caught.value.phase == "token"
        assert now() == 5.0

    run(main())


def test_a_session_that_comes_while_the_endpoint_refuses_learns_it() -> None:
    """The budget is that of all sessions; so is its pause."""

    async def main() -> None:
        _, tokens = asking(asks("20", 429), 200)
        first = asyncio.ensure_future(tokens.token())
        await asyncio.sleep(1.0)
        other = manager(tokens._endpoint)
        error = await failure_of(other, 5.0)
        assert isinstance(error, AuthError)
        assert (error.status, error.retry_after) == (429, 19.0)
        assert await first == "AT"
        assert await other.token() == "AT"

    run(main())


# Renewals that fail


def test_a_failed_renewal_in_the_background_is_not_tried_again_for_ten_seconds() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint)
        await tokens.token()
        await asyncio.sleep(0.86 * 7200)
        endpoint.script = [refused("invalid_client")] * 3
        begin = now()
        for _ in range(25):
            assert await tokens.token() == "AT1"
            await asyncio.sleep(1.0)
        assert [round(time - begin, 1) for time in endpoint.times[1:]] == [0.0, 11.0, 22.0]

    run(main())


def test_a_failure_that_a_call_waited_for_is_not_remembered() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint)
        endpoint.script = [refused("invalid_client")]
        with pytest.raises(AuthError):
            await tokens.token()
        assert await tokens.token() == "AT1"
        assert endpoint.times == [0.0, 1.0]

    run(main())


def test_whoever_cannot_wait_for_the_second_between_two_requests_gets_the_last_failure() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint)
        endpoint.script = [refused("invalid_client")] * 2
        for _ in range(2):
            with pytest.raises(AuthError, match="invalid_client"):
                await tokens.token(Patience(0.5))
        assert len(endpoint.sent) == 1
        await tokens.close()

    run(main())


def test_a_token_of_a_moment_is_asked_for_once_a_second() -> None:
    async def main() -> None:
        endpoint = Endpoint(life=1.0, took=0.0)
        tokens = manager(endpoint)
        until = now() + 10.0
        while now() < until:
            await tokens.token()
            await asyncio.sleep(0.05)
        assert all(later - earlier > 0.999 for earlier, later in zip(endpoint.times, endpoint.times[1:], strict=False))
        await tokens.close()

    run(main())


def test_each_who_waits_has_an_error_of_his_own() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        endpoint.script = [refused("invalid_client")]
        tokens = manager(endpoint)
        errors = await asyncio.gather(*(tokens.token() for _ in range(5)), return_exceptions=True)
        assert len({id(error) for error in errors}) == 5
        assert {str(error) for error in errors} == {str(errors[0])}

    run(main())


# Cancellation and the end


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("store", [None, Memory()])
def test_cancelled_or_closed_at_any_moment_nothing_is_left(turns: int, store: Any) -> None:
    async def main() -> None:
        endpoint = Endpoint(took=0.0)
        if store is not None:
            store.kept.clear()
        tokens = manager(endpoint, Password("id", "ada", "password"), store=store)
        calls = [asyncio.ensure_future(tokens.token()) for _ in range(3)]
        for _ in range(turns):
            await asyncio.sleep(0)
        calls[0].cancel()
        await asyncio.wait([calls[0]])
        assert calls[0].cancelled() or calls[0].result() == "AT1"
        assert await calls[1] == "AT1"
        tokens.invalidate("AT1")
        again = asyncio.ensure_future(tokens.token())
        for _ in range(turns):
            await asyncio.sleep(0)
        began = now()
        await tokens.close()
        assert now() == began
        with pytest.raises(SessionError):
            await again
        await asyncio.wait(calls)
        assert not others()
        with pytest.raises(SessionError):
            await tokens.token()
        assert len(endpoint.sent) <= 2

    run(main())


def test_a_closing_that_is_cancelled_can_be_repeated() -> None:
    async def main() -> None:
        endpoint = Endpoint(took=100.0)
        tokens = manager(endpoint, store=Memory())
        call = asyncio.ensure_future(tokens.token())
        await asyncio.sleep(1.0)
        closing = asyncio.ensure_future(tokens.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        await tokens.close()
        with pytest.raises(SessionError):
            await call
        assert not others()

    run(main())


def test_after_the_end_nothing_is_renewed() -> None:
    async def main() -> None:
        for store in (None, Memory()):
            endpoint = Endpoint()
            tokens = manager(endpoint, store=store)
            await tokens.token()
            await asyncio.sleep(0.8 * 7200)
            tokens.cached()
            await tokens.close()
            sent = len(endpoint.sent)
            tokens.cached()
            tokens.invalidate("AT1")
            loop: Any = asyncio.get_running_loop()
            assert all(timer.cancelled() for timer in loop._scheduled)
            await asyncio.sleep(100.0)
            assert len(endpoint.sent) == sent
            assert not others()

    run(main())


def test_a_renewal_that_is_cancelled_from_outside_is_an_error() -> None:
    async def main() -> None:
        tokens = manager(Endpoint(took=5.0))
        call = asyncio.ensure_future(tokens.token())
        await settle()
        assert tokens._renewal is not None
        tokens._renewal.cancel()
        with pytest.raises(AuthError, match="cancelled"):
            await call
        assert await tokens.token() == "AT1"

    run(main())


# Functions of the caller's


class VaultError(Exception):
    """What a caller's function raises."""


@pytest.mark.parametrize("error", [VaultError("secret path"), KeyError("x"), OSError("x"), StopAsyncIteration()])
async def test_what_a_token_function_raises_is_the_cause_of_an_auth_error(error: Exception) -> None:
    async def vault() -> str:
        raise error

    async with Session("http://127.0.0.1:1", vault) as session:
        with pytest.raises(AuthError, match=type(error).__name__) as caught:
            await session.get(Customer, "c1")
    assert caught.value.__cause__ is error
    assert "secret path" not in str(caught.value)


async def test_an_error_of_this_package_passes_through_a_token_function() -> None:
    wanted = AuthError("the vault is sealed")
    wanted.retry_after = 7.0

    async def vault() -> str:
        raise wanted

    async with Session("http://127.0.0.1:1", vault) as session:
        with pytest.raises(AuthError) as caught:
            await session.get(Customer, "c1")
    assert caught.value is wanted


async def test_a_token_function_that_is_cancelled_from_within_cancels_nobody() -> None:
    async def vault() -> str:
        raise asyncio.CancelledError

    async with Session("http://127.0.0.1:1", vault) as session:
        with pytest.raises(AuthError, match="cancelled from within"):
            await session.get(Customer, "c1")


async def test_a_call_that_is_cancelled_in_a_token_function_is_cancelled() -> None:
    entered = asyncio.Event()

    async def vault() -> str:
        entered.set()
        await asyncio.Event().wait()
        return "never"

    async with Session("http://127.0.0.1:1", vault) as session:
        call = asyncio.ensure_future(session.get(Customer, "c1"))
        await entered.wait()
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()


async def test_a_token_function_that_hangs_has_the_time_of_the_call() -> None:
    async def vault() -> str:
        await asyncio.Event().wait()
        return "never"

    async with Session("http://127.0.0.1:1", vault, timeout=0.01) as session:
        with pytest.raises(TimeoutError) as caught:
            await session.get(Customer, "c1")
    assert caught.value.phase == "token"


@pytest.mark.parametrize(
    ("given", "says"), [(None, "NoneType"), (5, "int"), (b"t", "bytes"), ("a b", "not a bearer token"), ("", "not a")]
)
async def test_a_token_function_that_gives_junk_is_named(given: Any, says: str) -> None:
    async def vault() -> Any:
        return given

    async with Session("http://127.0.0.1:1", vault) as session:
        with pytest.raises(AuthError, match=says):
            await session.get(Customer, "c1")


async def test_a_token_function_that_is_not_async_is_named() -> None:
    def vault() -> str:
        return "token"

    not_async: Callable[[], Any] = vault
    async with Session("http://127.0.0.1:1", not_async) as session:
        with pytest.raises(AuthError, match="must be async"):
            await session.get(Customer, "c1")


async def test_whoever_waited_with_a_refused_token_does_not_send_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would only be refused again, and count in the rate windows."""
    monkeypatch.setattr(manager_module, "_BETWEEN", 0.0)
    async with (
        ScriptedServer(
            reply({"access_token": "AT1", "expires_in": 7200}),
            errors_of("INVALID_TOKEN", status=401),
            reply({"access_token": "AT2", "expires_in": 7200}),
            reply({"data": resource()}),
        ) as server,
        Session(server.url, ClientCredentials("id", "secret"), limits=RateLimits.none(), max_connections=1) as session,
    ):
        found = await asyncio.gather(*(session.get(Customer, "c1") for _ in range(10)))
    assert len(found) == 10
    assert sum("Bearer AT1" in head for head in server.requests) == 1
