"""Seeing what happens: answers, options, budgets, traces, and a session that was left open."""

import asyncio
import gc
import inspect
import json
import logging
import pickle
import resource as limits
import subprocess
import sys
import warnings
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from aiohttp import ClientTimeout
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from commercelayer_async import (
    AccessToken,
    Call,
    ClientCredentials,
    ConfigurationError,
    Hooks,
    NotFound,
    RateLimits,
    Retry,
    Session,
    otel,
    presets,
)
from commercelayer_async._calls.semaphore import FifoSemaphore
from commercelayer_async._clock import LoopClock
from commercelayer_async._http import transport
from commercelayer_async._http.options import cap_to_open_file_limit
from commercelayer_async._limits.limiter import LocalLimiter
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from commercelayer_async.service import COMMERCE_LAYER
from tests.support.documents import WALLET_ID
from tests.support.documents import resource as resource_object
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

QUICK = Retry(base=0.001)
RATES = {"X-Ratelimit-Limit": "100", "X-Ratelimit-Interval": "60", "X-Ratelimit-Remaining": "99"}


async def test_a_resource_remembers_its_answer() -> None:
    good = reply({"data": resource_object()}, headers={"X-Request-Id": "r-7", "X-Secret": "s"})
    async with (
        ScriptedServer(reply(status=503), good) as server,
        Session(server.url, AccessToken("t"), retry=QUICK) as session,
    ):
        customer = await session.get(Customer, "c1")

        said = session.response_of(customer)
        assert said is not None
        assert (said.status, said.tries, said.request_id) == (200, 2, "r-7")
        assert said.elapsed > 0
        assert "x-secret" not in said.headers
        assert "200" in repr(said)
        assert session.response_of(pickle.loads(pickle.dumps(customer))) is None


def test_a_resource_made_by_hand_has_no_answer() -> None:
    session = Session("yourdomain", AccessToken("t"))
    made = CustomerPaymentSource(id="w1", created_at=None, updated_at=None)  # type: ignore[arg-type] # made by hand, with what is at hand

    assert session.response_of(made) is None


async def test_a_copy_shares_connections_and_has_its_own_options() -> None:
    async with (
        ScriptedServer(reply({"data": resource_object()})) as server,
        Session(server.url, AccessToken("t"), timeout=9) as session,
    ):
        quick = session.with_options(timeout=2, retry=Retry.never(), priority="bulk")
        await session.get(Customer, "c1")
        await quick.get(Customer, "c1")
        assert server.connections == 1

        await quick.close()
        assert (await session.get(Customer, "c1")).id == "c1"
        patient = session.with_options(timeout=None)
        assert (await patient.get(Customer, "c1")).id == "c1"
        with pytest.raises(ConfigurationError):
            session.with_options(timeout=-1)


async def test_a_copy_ends_with_its_session(session: Session) -> None:
    copied = session.with_options(**presets.WEB)
    await session.close()

    with pytest.raises(Exception, match="closed"):
        await copied.get(Customer, "c1")
    assert repr(copied).endswith("closed>")


def test_the_copys_options_are_the_sessions() -> None:
    own = inspect.signature(Session.__init__).parameters
    for name, parameter in inspect.signature(Session.with_options).parameters.items():
        assert name in own
        assert parameter.kind is own[name].kind
    assert set(presets.WEB) == set(presets.WORKER) == {"timeout", "retry", "priority"}
    assert presets.WEB["timeout"] <= 10


async def test_the_budget_can_be_seen() -> None:
    async with (
        ScriptedServer(reply({"data": resource_object()}, headers=RATES)) as server,
        Session(server.url, AccessToken("t")) as session,
    ):
        assert session.rate_limits.limit is None
        await session.get(Customer, "c1")

        state = session.rate_limits
        assert (state.limit, state.seconds, state.remaining, state.waiting, state.closed_for) == (100, 60.0, 99, 0, 0.0)


async def test_a_limiter_of_the_callers_is_used() -> None:
    theirs = LocalLimiter(RateLimits(average=(5, 60.0), burst=None), clock=LoopClock(), facts=COMMERCE_LAYER.rates)
    async with (
        ScriptedServer(reply({"data": resource_object()})) as server,
        Session(server.url, AccessToken("t"), limiter=theirs) as session,
    ):
        await session.get(Customer, "c1")
        assert session.rate_limits.remaining == 4


def jwt(**claims: object) -> str:
    """A token that looks like the API's."""
    parts = ({"alg": "none"}, claims)
    head = ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.c2ln"


def test_the_organization_is_read_from_the_token() -> None:
    token = jwt(organization={"slug": "Shop"}, iss="https://auth.commercelayer.co", test=True)

    assert repr(Session(None, AccessToken(token))) == "<Session https://shop.commercelayer.co/api>"
    assert "shop.commercelayer.io" in repr(Session(None, AccessToken(jwt(organization={"slug": "shop"}))))


@pytest.mark.parametrize(
    "token", ["opaque", jwt(), jwt(organization=5), jwt(organization={"slug": "a"}, iss=3), "a.!.c"]
)
def test_a_token_that_does_not_tell_is_named(token: str) -> None:
    if "!" in token:
        token = "a.b.c"
    with pytest.raises(ConfigurationError, match="organization must be given"):
        Session(None, AccessToken(token))


@pytest.mark.parametrize(("test", "limit"), [(True, 100), (False, 200), (None, None)])
async def test_the_mode_is_read_from_the_token(limit: int | None, *, test: bool | None) -> None:
    """Of the hosted API; a server on this machine says for itself."""
    session = Session("yourdomain", AccessToken(jwt(test=test)))
    assert session.rate_limits.limit == limit
    assert Session("http://127.0.0.1:1", AccessToken(jwt(test=test))).rate_limits.limit is None


async def test_a_call_is_one_span_with_its_tries_as_events() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    gone = reply({"errors": [{"code": "RECORD_NOT_FOUND"}]}, status=404)
    async with (
        ScriptedServer(
            reply(status=503), reply({"data": resource_object()}, headers={"X-Request-Id": "r"}), gone
        ) as server,
        Session(server.url, AccessToken("secret-token"), retry=QUICK, hooks=otel.hooks(provider)) as session,
    ):
        await session.get(Customer, "c1", include=["orders"])
        with pytest.raises(NotFound):
            await session.get(Customer, "c1")

    good, bad = exporter.get_finished_spans()
    assert good.name == "GET"
    assert good.attributes is not None
    assert good.attributes["url.full"] == f"{server.url}/api/customers/c1"
    assert good.attributes["http.request.resend_count"] == 1
    assert good.attributes["http.response.status_code"] == 200
    assert [event.name for event in good.events] == ["answered", "retrying", "answered"]
    assert bad.attributes is not None
    assert bad.attributes["error.type"] == "NotFound"
    assert not bad.status.is_ok
    assert "secret-token" not in good.to_json() + bad.to_json()


class Recorded:
    """Keeps the attributes with which spans begin."""

    def __init__(self) -> None:
        self.attributes: dict[str, Any] = {}

    def get_tracer(self, *_: object) -> "Recorded":
        return self

    def start_span(self, _: str, *, kind: object, attributes: dict[str, Any]) -> None:
        self.attributes = attributes


@pytest.mark.parametrize(
    ("url", "address", "port"),
    [
        ("https://yourdomain.commercelayer.io/api/x", "yourdomain.commercelayer.io", 443),
        ("http://localhost/api/x", "localhost", 80),
        ("http://127.0.0.1:8080/api/x", "127.0.0.1", 8080),
        ("https://[::1]:8443/api/x", "::1", 8443),
    ],
)
def test_a_span_names_the_server_and_its_port(url: str, address: str, port: int) -> None:
    """Each in its own attribute, as the semantic conventions ask; the port also where the URL leaves it out."""
    provider: Any = Recorded()
    started = otel.hooks(provider).started
    assert started is not None
    started(Call("GET", url))
    assert (provider.attributes["server.address"], provider.attributes["server.port"]) == (address, port)


def test_tracing_without_opentelemetry_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError, match=r"commercelayer-async\[otel\]"):
        otel.hooks()


async def test_a_new_token_is_told(sandbox: Sandbox) -> None:
    told: list[str] = []
    auth = ClientCredentials(sandbox.client_id, sandbox.client_secret)
    async with Session(sandbox.url, auth, hooks=Hooks(token=lambda: told.append("token"))) as session:
        await session.get(CustomerPaymentSource, WALLET_ID)

    assert told == ["token"]


async def test_retries_are_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        ScriptedServer(reply(status=503), reply({"data": resource_object()})) as server,
        Session(server.url, AccessToken("secret-token"), retry=QUICK) as session,
    ):
        await session.get(Customer, "c1", include=["orders"])

    assert "ServerError, next try in" in caplog.text
    assert "secret-token" not in caplog.text
    assert "include" not in caplog.text


async def test_a_session_left_open_warns_and_says_where_it_was_made() -> None:
    async with ScriptedServer(reply({"data": resource_object()})) as server:
        session = Session(server.url, AccessToken("t"))
        await session.get(Customer, "c1")
        transport = session._context.transport
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del session
            gc.collect()
        ours = [str(warning.message) for warning in caught if "Session made at" in str(warning.message)]
        assert len(ours) == 1
        assert "test_hooks_and_tracing.py" in ours[0]
        await transport.close()


LEFT_OPEN = """
import asyncio
from commercelayer_async import AccessToken, Session
async def main():
    asyncio.get_running_loop().slow_callback_duration = 60.0  # a busy machine is no news
    session = Session("http://127.0.0.1:1", AccessToken("token"))
    try:
        await session.get("customers", "c1")
    except Exception as error:
        print(type(error).__name__)
    await session.close()
asyncio.run(main())
"""


def test_nothing_is_said_at_interpreter_exit() -> None:
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", LEFT_OPEN], capture_output=True, text=True, check=True
    )
    assert run.stdout == "ConnectError\n"
    assert run.stderr == ""


async def test_ten_thousand_calls_at_once_use_few_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    # Server and client share a loop whose turns are long: no connection is given up for that.
    monkeypatch.setattr(transport, "_TIMEOUT", ClientTimeout(total=None, sock_connect=120.0, sock_read=120.0))
    async with (
        ScriptedServer(reply({"data": resource_object()})) as server,
        Session(server.url, AccessToken("t"), max_connections=8, limits=RateLimits.none(), timeout=None) as session,
    ):
        customers = await asyncio.gather(*(session.get(Customer, "c1") for _ in range(10_000)))
        assert len(customers) == 10_000
        assert server.connections <= 8


def test_connections_are_at_most_half_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "getrlimit", lambda which: (64, 64))
    assert cap_to_open_file_limit(100) == 32
    assert cap_to_open_file_limit(8) == 8
    monkeypatch.setattr(limits, "getrlimit", lambda which: (limits.RLIM_INFINITY, 0))
    assert cap_to_open_file_limit(100) == 100


async def test_places_are_given_in_order_and_none_is_lost() -> None:
    places = FifoSemaphore(1)
    assert places.try_acquire()
    assert not places.try_acquire()
    order: list[int] = []

    async def call(number: int) -> None:
        await places.acquire()
        order.append(number)
        places.release()

    calls: list[Any] = [asyncio.create_task(call(number)) for number in range(4)]
    await asyncio.sleep(0)
    calls[0].cancel()
    calls[2].cancel()
    await asyncio.sleep(0)
    places.release()
    calls[1].cancel()  # in the same turn in which it was given the place
    await asyncio.wait(calls)
    assert order == [3]
    assert places.try_acquire()
