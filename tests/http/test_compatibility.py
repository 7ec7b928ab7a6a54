"""The guard of the fast path: who says no to it, and what requests do then."""

import asyncio
import subprocess
import sys
from typing import Any

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler

from commercelayer_async import AccessToken, RateLimits, Retry, Session, TransportError
from commercelayer_async._http import compatibility, fastpath
from commercelayer_async._http.compatibility import GUARD, VARIABLE, FastPathGuard, aiohttp_is_compatible, is_tested
from commercelayer_async._http.fastpath import Connector, DirectClient, exchange_in_memory
from commercelayer_async.resources import Customer
from tests.support.documents import resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

GOOD = reply({"data": resource()})


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> FastPathGuard:
    """That of a new process; without a wish of the environment's."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(GUARD, "is_off", False)
    monkeypatch.setattr(GUARD, "_exchanged", None)
    return GUARD


def bearer(server: ScriptedServer, **options: Any) -> Session:
    return Session(server.url, AccessToken("t"), limits=RateLimits.none(), **{"retry": Retry.never()} | options)


def connector_of(session: Session) -> Any:
    transport: Any = session._context.transport
    return transport._pool.http.connector


@pytest.mark.parametrize(
    ("version", "tested"),
    [("3.14.5", True), ("3.14.0rc1", True), ("3.13.4", True), ("3.12.15", False), ("3.15.0", False),
     ("4.0.0a2.dev0", False), ("x", False), ("3", False), ("", False)],
)  # fmt: skip
def test_releases_that_ci_has_run(version: str, *, tested: bool) -> None:
    assert is_tested(version) is tested


async def test_the_exchange_in_memory_waits_for_nothing_and_opens_nothing(guard: FastPathGuard) -> None:
    before = len(asyncio.all_tasks())
    await exchange_in_memory()
    assert aiohttp_is_compatible()
    assert len(asyncio.all_tasks()) == before


def test_the_exchange_may_be_made_outside_a_loop(guard: FastPathGuard) -> None:
    assert aiohttp_is_compatible()


async def test_the_exchange_is_made_once(guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch) -> None:
    assert guard.allows()
    monkeypatch.setattr(fastpath, "exchange_in_memory", None)
    assert guard.allows()


CHANGES = {
    "set_response_params": lambda self, *, limits, **_: None,
    "read": lambda self: _three(),
    "start_timeout": None,
    "_on_read_timeout": None,
    "data_received": lambda self, data: None,
    "should_close": False,
}
"""Parts of aiohttp's connection as another release might have them."""


async def _three() -> tuple[None, None, None]:
    return None, None, None


@pytest.mark.parametrize("name", CHANGES)
async def test_a_part_that_is_otherwise_speaks_against_it(
    name: str, guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ResponseHandler, name, CHANGES[name])
    assert not guard.allows()


@pytest.mark.parametrize("owner", [aiohttp.ClientRequest, aiohttp.TCPConnector])
async def test_an_argument_more_speaks_against_it(
    owner: type, guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(self: object, *args: object, another: object, **_: object) -> None: ...

    monkeypatch.setattr(owner, "__init__", init)
    monkeypatch.setattr(owner, "__del__", lambda self: None, raising=False)
    assert not guard.allows()


async def test_a_pool_that_takes_its_connections_from_elsewhere_speaks_against_it(
    guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(self: Any, *, limit: int) -> None:
        aiohttp.TCPConnector.__init__(self, limit=limit)
        self._generation = 1

    monkeypatch.setattr(Connector, "__init__", init)
    with pytest.raises(TypeError, match="from elsewhere"):
        await exchange_in_memory()
    assert not guard.allows()


async def test_an_exchange_that_has_to_wait_speaks_against_it(
    guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastpath, "exchange_in_memory", lambda: asyncio.sleep(0))
    assert not guard.allows()


async def test_a_module_that_aiohttp_moved_speaks_against_it(
    guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, fastpath.__name__)
    monkeypatch.setitem(sys.modules, "aiohttp.client_proto", None)
    assert not guard.allows()


def test_the_package_can_be_imported_where_aiohttp_moved_its_modules() -> None:
    script = (
        "import sys\n"
        "import aiohttp\n"
        "for name in ('client_proto', 'client_reqrep', 'connector', 'http_parser', 'tracing'):\n"
        "    sys.modules[f'aiohttp.{name}'] = None\n"
        "from commercelayer_async import Session\n"
        "from commercelayer_async._http.compatibility import aiohttp_is_compatible\n"
        "print(aiohttp_is_compatible())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize("wish", ["0", "no", "OFF", " false "])
async def test_the_environment_chooses_the_documented_way(
    wish: str, guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, wish)
    async with ScriptedServer(GOOD) as server, bearer(server) as session:
        assert (await session.get(Customer, "c1")).id == "c1"
        assert type(connector_of(session)) is aiohttp.TCPConnector


async def test_a_release_that_ci_has_not_run_takes_the_documented_way(
    guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no class of ours; unless the environment asks for the fast path, and the exchange stands."""
    monkeypatch.setattr(compatibility, "TESTED", ((3, 1), (3, 2)))
    async with ScriptedServer(GOOD) as server, bearer(server) as session:
        assert (await session.get(Customer, "c1")).id == "c1"
        assert type(connector_of(session)) is aiohttp.TCPConnector
    monkeypatch.setenv(VARIABLE, "1")
    assert guard.allows()


class Broken(DirectClient):
    """Fails where a release of aiohttp that passed the guard may still fail."""

    async def receive(self, connection: Any) -> Any:
        raise AttributeError("_read_timeout")


async def test_what_fails_before_anything_is_sent_is_sent_the_documented_way(
    guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same attempt, by every session of the process, and only once."""
    async with ScriptedServer(GOOD) as server, bearer(server) as session, bearer(server) as other:
        await other.get(Customer, "c1")

        def broken(*_: object) -> None:
            raise TypeError("one argument more")

        monkeypatch.setattr(DirectClient, "send", broken)
        assert (await session.get(Customer, "c1")).id == "c1"
        assert (await other.get(Customer, "c1")).id == "c1"
        assert len(server.requests) == 3
        assert guard.is_off
        assert type(connector_of(session)) is type(connector_of(other)) is aiohttp.TCPConnector


async def test_what_fails_after_it_was_sent_is_another_attempt(
    guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which the rate limits know of: no request leaves unseen."""
    assert guard.allows()
    monkeypatch.setattr(DirectClient, "receive", Broken.receive)
    async with ScriptedServer(GOOD) as server, bearer(server, retry=Retry(attempts=2, base=0.0)) as session:
        customer = await session.get(Customer, "c1")
        info = session.response_of(customer)
        assert info is not None
        assert (info.tries, len(server.requests)) == (2, 2)
    guard.is_off = False
    async with ScriptedServer(GOOD) as server, bearer(server) as session:
        with pytest.raises(TransportError, match="AttributeError"):
            await session.get(Customer, "c1")
        assert (await session.get(Customer, "c1")).id == "c1"
        assert len(server.requests) == 2


async def test_a_pool_that_cannot_be_made_is_the_documented_one(
    guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert guard.allows()

    def broken(*_: object, **__: object) -> None:
        raise TypeError

    monkeypatch.setattr(DirectClient, "__init__", broken)
    async with ScriptedServer(GOOD) as server, bearer(server) as session:
        assert (await session.get(Customer, "c1")).id == "c1"
        assert type(connector_of(session)) is aiohttp.TCPConnector


async def test_it_is_said_once_that_the_fast_path_is_left(
    guard: FastPathGuard, caplog: pytest.LogCaptureFixture
) -> None:
    guard.turn_off("TypeError")
    guard.turn_off("TypeError")
    assert not guard.allows()
    assert [record.getMessage() for record in caplog.records if "(TypeError)" in record.getMessage()] == [
        f"aiohttp {aiohttp.__version__} is not as expected (TypeError); requests take its session layer"
    ]


async def test_a_proxy_keeps_the_pool_that_refuses_stray_responses(
    guard: FastPathGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedServer(GOOD) as proxy:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy.url)
        async with Session("http://127.0.0.1:1", AccessToken("t"), trust_env=True) as session:
            assert (await session.get(Customer, "c1")).id == "c1"
            assert type(connector_of(session)) is Connector
