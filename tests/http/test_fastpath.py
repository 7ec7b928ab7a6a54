"""The two roads to a server: aiohttp's session layer, and its connections alone; nobody can tell them apart."""

import asyncio
import builtins
import gzip
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp.connector import Connection
from yarl import URL

from commercelayer_async import (
    AccessToken,
    BodyTooLarge,
    CommerceLayerError,
    ConnectError,
    RateLimits,
    Retry,
    Session,
    TimeoutError,
    TransportError,
)
from commercelayer_async._http import transport as _transport
from commercelayer_async._http.compatibility import aiohttp_is_compatible
from commercelayer_async._http.fastpath import Connector, DirectClient, Handler, RawResponse
from commercelayer_async._http.user_agent import default_user_agent
from commercelayer_async._text import Secret
from commercelayer_async.resources import Customer
from tests.support.documents import resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer
from tests.support.virtual_loop import run

GOOD = reply({"data": resource()})
TIMES = aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=5.0)
ONCE: dict[str, Any] = {"retry": Retry.never(), "limits": RateLimits.none()}


@pytest.fixture(params=["direct", "session layer"])
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both, one after the other."""
    if request.param != "direct":
        monkeypatch.setattr(_transport, "aiohttp_is_compatible", lambda: False)
    return str(request.param)


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    connector = Connector(limit=10)
    async with connector:
        yield connector


def client_to(server: ScriptedServer, connector: Connector) -> DirectClient:
    return DirectClient(connector, URL(server.url), {"Accept": "a/b"}, ssl=True)


async def ask(
    client: DirectClient, connection: Connection, target: str, authorization: str | None, times: aiohttp.ClientTimeout
) -> RawResponse:
    client.send(connection, target, authorization, times)
    return await client.receive(connection)


async def outcome(api: bytes, **options: Any) -> str:
    """What a call makes of an answer: the name, or the error's kind and text."""
    async with ScriptedServer(api) as server, Session(server.url, AccessToken("t"), **ONCE | options) as session:
        try:
            return (await session.get(Customer, "c1")).id
        except CommerceLayerError as error:
            return f"{type(error).__name__}: {error}".replace(server.url, "")


def test_the_parts_of_aiohttp_are_as_they_are_used() -> None:
    """Where this fails, requests take the session layer, and are half as fast."""
    assert aiohttp_is_compatible()


async def test_the_road_is_the_one_that_fits(road: str) -> None:
    async with ScriptedServer(GOOD) as server, Session(server.url, AccessToken("t")) as session:
        await session.get(Customer, "c1")
        transport: Any = session._context.transport
        pool = transport._pool
        assert pool is not None
        assert (pool.direct is not None) == (road == "direct")


async def test_the_head_of_a_request(road: str) -> None:
    """Byte for byte the same, and with the token of the moment."""
    tokens = iter(("one", "two"))

    async def token() -> str:
        return next(tokens)

    async with ScriptedServer(GOOD) as server, Session(server.url, token, user_agent="shop/1") as session:
        await session.get(Customer, "c1", include=["orders"])
        await session.get(Customer, "c1")
        agent = default_user_agent("shop/1")
        rest = (
            f"Host: 127.0.0.1:{server.port}\r\nAccept: application/vnd.api+json\r\nAccept-Encoding: gzip\r\n"
            f"User-Agent: {agent}\r\nAuthorization: Bearer "
        )
        assert server.requests == [
            f"GET /api/customers/c1?include=orders HTTP/1.1\r\n{rest}one\r\n\r\n",
            f"GET /api/customers/c1 HTTP/1.1\r\n{rest}two\r\n\r\n",
        ]
        assert server.connections == 1


BODY = GOOD.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    "api",
    [
        GOOD,
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + GOOD,
        reply(gzip.compress(BODY), headers={"Content-Encoding": "gzip"}),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    ],
)
async def test_whole_answers_are_read(api: bytes, road: str) -> None:
    assert await outcome(api) == "c1"


@pytest.mark.parametrize(
    ("api", "error", "words"),
    [
        (b"no HTTP\r\n\r\n", TransportError, "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", BodyTooLarge, "more than 1000 bytes"),
        (reply(gzip.compress(b"x" * 5000), headers={"Content-Encoding": "gzip"}), BodyTooLarge, "more than 1000"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", CommerceLayerError, "101"),
        (reply(b"??", headers={"Content-Encoding": "gzip"}), TransportError, "is not HTTP|broke off"),
    ],
)
async def test_broken_answers_are_errors(api: bytes, error: type[CommerceLayerError], words: str, road: str) -> None:
    async with ScriptedServer(api) as server, Session(server.url, AccessToken("t"), max_body=1000, **ONCE) as session:
        with pytest.raises(error, match=words):
            await session.get(Customer, "c1")


async def test_nobody_listens(road: str) -> None:
    async with Session("http://127.0.0.1:1", AccessToken("t"), **ONCE) as session:
        with pytest.raises(ConnectError, match="cannot connect"):
            await session.get(Customer, "c1")


async def test_a_server_that_falls_silent(road: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the head or within the body; the connection is not used again."""
    monkeypatch.setattr(_transport, "_TIMEOUT", aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=0.05))
    begun = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"
    async with ScriptedServer(None, begun, GOOD) as server, Session(server.url, AccessToken("t"), **ONCE) as session:
        for phase in ("headers", "body"):
            with pytest.raises(TimeoutError) as caught:
                await session.get(Customer, "c1")
            assert caught.value.phase == phase
        assert (await session.get(Customer, "c1")).id == "c1"
        assert server.connections == 3


async def test_a_call_that_is_cancelled_takes_its_connection_along(road: str) -> None:
    async with ScriptedServer(None, GOOD) as server, Session(server.url, AccessToken("t")) as session:
        call = asyncio.ensure_future(session.get(Customer, "c1"))
        await server.arrived.wait()
        call.cancel()
        await asyncio.wait([call])
        assert (await session.get(Customer, "c1")).id == "c1"
        assert server.connections == 2


async def test_a_connection_that_cannot_be_had_in_time(connector: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> Any:
        raise builtins.TimeoutError

    monkeypatch.setattr(connector, "_create_connection", never)
    async with ScriptedServer(GOOD) as server:
        with pytest.raises(aiohttp.ConnectionTimeoutError):
            await client_to(server, connector).connect(TIMES)


@pytest.mark.parametrize(("blocked", "attempts"), [(0.0, 1), (3.0, 5)])
async def test_time_in_which_the_loop_was_blocked_is_no_time_out(
    blocked: float, attempts: int, connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timer that fires late says that nobody looked, not that the server is not there."""
    now = 0.0
    asked = 0

    async def never(*_: Any, **__: Any) -> Any:
        nonlocal now, asked
        asked += 1
        now += (TIMES.sock_connect or 0.0) + blocked
        raise builtins.TimeoutError

    async with ScriptedServer(GOOD) as server:
        client = client_to(server, connector)
        monkeypatch.setattr(client, "_time", lambda: now)
        monkeypatch.setattr(connector, "_create_connection", never)
        with pytest.raises(aiohttp.ConnectionTimeoutError):
            await client.connect(TIMES)
    assert asked == attempts


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: y", "/ü", "", "a", "/\x7f"])
async def test_a_target_stays_on_its_line(target: str, connector: Connector) -> None:
    async with ScriptedServer(GOOD) as server:
        client = client_to(server, connector)
        connection = await client.connect(TIMES)
        with pytest.raises(ValueError, match="target"):
            await ask(client, connection, target, None, TIMES)
        connection.close()
        assert not server.requests


async def test_a_token_stays_on_its_line_and_out_of_sight(connector: Connector) -> None:
    async with ScriptedServer(GOOD) as server:
        client = client_to(server, connector)
        connection = await client.connect(TIMES)
        with pytest.raises(ValueError, match="a header must be") as caught:
            await ask(client, connection, "/a", Secret("canary\r\nX: y"), TIMES)
        assert "canary" not in str(caught.value)
        await ask(client, connection, "/a", Secret("Bearer canary"), TIMES)
        assert "canary" not in repr(vars(client))
        connection.close()


async def test_a_connection_that_is_gone_is_an_error(connector: Connector) -> None:
    """Also when it went unseen: nobody waits for an answer that cannot come."""
    async with ScriptedServer(GOOD) as server:
        client = client_to(server, connector)
        connection = await client.connect(TIMES)
        connection.close()
        with pytest.raises(aiohttp.ClientConnectionResetError):
            await ask(client, connection, "/a", None, TIMES)
        with pytest.raises(aiohttp.ClientConnectionResetError):
            await client.receive(connection)
        connection = await client.connect(TIMES)
        protocol = connection.protocol
        assert protocol is not None
        protocol.feed_eof()
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await ask(client, connection, "/a", None, TIMES)
        connection.close()


class Silent(Handler):
    """Keeps when it was told that nothing came."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(loop)
        self.read_timeout = 10.0
        self.began = loop.time()
        self.told: list[float] = []

    def _on_read_timeout(self) -> None:
        self.told.append(self._loop.time() - self.began)


def timers() -> int:
    return sum(not timer.cancelled() for timer in asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined] # private to asyncio's loop


def test_silence_counts_from_the_last_piece_with_one_timer() -> None:
    async def main() -> None:
        handler = Silent()
        for _ in range(5):
            handler._reschedule_timeout()
            assert timers() == 1
            await asyncio.sleep(9.0)
        await asyncio.sleep(100.0)
        assert handler.told == [46.0]
        assert timers() == 0

    run(main())


def test_silence_between_answers_is_no_silence() -> None:
    async def main() -> None:
        handler = Silent()
        for _ in range(3):
            handler._reschedule_timeout()
            handler._drop_timeout()
            await asyncio.sleep(100.0)
        assert handler.told == []
        assert timers() == 0

    run(main())


def test_a_shorter_patience_rings_earlier_and_none_never() -> None:
    async def main() -> None:
        handler = Silent()
        handler._reschedule_timeout()
        handler.read_timeout = 3.0
        handler._reschedule_timeout()
        assert timers() == 1
        await asyncio.sleep(100.0)
        assert handler.told == [3.0]
        handler.read_timeout = None
        handler._reschedule_timeout()
        assert timers() == 0

    run(main())


async def test_a_lost_connection_leaves_no_timer(connector: Connector) -> None:
    async with ScriptedServer(None) as server:
        client = client_to(server, connector)
        connection = await client.connect(TIMES)
        call = asyncio.ensure_future(ask(client, connection, "/a", None, TIMES))
        await server.arrived.wait()
        before = timers()
        call.cancel()
        await asyncio.wait([call])
        connection.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert timers() < before
