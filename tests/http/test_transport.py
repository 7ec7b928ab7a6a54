"""What a session's transport does with connections: new and used ones, a caller's own, and when it is closed."""

import asyncio
import gc
import gzip
import json
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from commercelayer_async import (
    AccessToken,
    ClientCredentials,
    ConfigurationError,
    ConnectError,
    DecodeError,
    NotFound,
    RateLimits,
    Retry,
    ServerError,
    Session,
    SessionError,
    TransportError,
)
from commercelayer_async._http.compatibility import VARIABLE
from commercelayer_async._http.message import Request
from commercelayer_async._http.options import HttpOptions
from commercelayer_async._http.transport import AiohttpTransport
from commercelayer_async.resources import Customer
from tests.support.documents import resource
from tests.support.responses import errors_of, reply
from tests.support.scripted_server import ScriptedServer

GOOD = reply({"data": resource()})
ANOTHER = reply({"data": resource(id="another")})
BUSY = reply(status=503, headers={"Connection": "close"})
ONCE: dict[str, Any] = {"retry": Retry.never(), "limits": RateLimits.none()}


@pytest.fixture(params=["1", "0"], ids=["fast", "documented"])
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both, one after the other."""
    monkeypatch.setenv(VARIABLE, request.param)
    return str(request.param)


def bearer(server: ScriptedServer, **options: Any) -> Session:
    return Session(server.url, AccessToken("t"), **ONCE | options)


async def deserted(server: ScriptedServer, *, left: int = 0) -> None:
    """Wait until no more than so many connections are open."""
    while len(server._open) > left:  # noqa: ASYNC110 - each handler ends when it ends
        await asyncio.sleep(0)


def transport_of(session: Session) -> Any:
    return session._context.transport


class Greeting(ScriptedServer):
    """Says `greeting` before it is asked, and ends the connection."""

    def __init__(self, greeting: bytes) -> None:
        super().__init__(GOOD)
        self.greeting = greeting

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self.greeting)
        writer.close()


async def test_what_a_server_says_before_it_is_asked_is_its_answer(road: str) -> None:
    """An overloaded one refuses like that; another connection would bring the same, so none is opened."""
    async with Greeting(BUSY) as server, bearer(server) as session:
        with pytest.raises((ServerError, TransportError)):
            await session.get(Customer, "c1")
        assert server.connections == 1


@pytest.mark.parametrize("idle", [1, 5])
async def test_used_connections_with_unread_data_are_refused_however_many(idle: int) -> None:
    async with ScriptedServer(GOOD) as server, bearer(server, max_connections=5) as session:
        await asyncio.gather(*(session.get(Customer, f"c{n % 1 + 1}") for n in range(idle)))
        for writer in tuple(server._open):
            writer.write(ANOTHER)
        opened = server.connections
        ((_, pool),) = connector_of(session)._conns.items()
        while not all(one.should_close for one, _ in pool):  # noqa: ASYNC110 - until all has arrived
            await asyncio.sleep(0)
        assert (await session.get(Customer, "c1")).id == "c1"
        assert server.connections == opened + 1


def connector_of(session: Session) -> Any:
    return transport_of(session)._pool.http.connector


async def test_a_pool_of_nothing_but_spoilt_connections_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try asks for as many as the pool may hold, and no more."""
    async with ScriptedServer(GOOD) as server, bearer(server, max_connections=3) as session:
        await session.get(Customer, "c1")
        monkeypatch.setattr(type(connector_of(session)), "_is_usable", lambda *_: False)
        before = server.connections
        with pytest.raises(TransportError):
            await session.get(Customer, "c1")
        assert server.connections - before <= 4


# A session of the caller's


async def asked_with(http: aiohttp.ClientSession, *responses: bytes, **options: Any) -> ScriptedServer:
    """What a server saw of a call for c1."""
    async with (
        ScriptedServer(*responses) as server,
        Session(server.url, AccessToken("t"), http=http, **ONCE | options) as session,
    ):
        assert (await session.get(Customer, "c1")).id == "c1"
    return server


def headers_of(head: str) -> dict[str, str]:
    lines = (line.partition(": ") for line in head.split("\r\n")[1:] if line)
    return {name.lower(): value for name, _, value in lines}


async def nothing(response: aiohttp.ClientResponse) -> None:
    raise AssertionError


@pytest.mark.parametrize("raises", [True, nothing])
async def test_a_session_that_raises_for_status_changes_no_error(raises: Any) -> None:
    async with (
        ScriptedServer(errors_of("RECORD_NOT_FOUND", status=404)) as server,
        aiohttp.ClientSession(raise_for_status=raises) as http,
        Session(server.url, AccessToken("t"), http=http, limits=RateLimits.none()) as session,
    ):
        with pytest.raises(NotFound) as caught:
            await session.get(Customer, "c1")
        assert caught.value.code == "RECORD_NOT_FOUND"
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 401])
async def test_a_session_that_raises_for_status_changes_no_remedy(status: int) -> None:
    """A 429 reaches the limiter, a 401 renews the token."""
    token = reply({"access_token": "a", "token_type": "bearer", "expires_in": 7200}, content_type="application/json")
    refused = reply(status=status, headers={"Retry-After": "0.01"})
    async with (
        ScriptedServer(refused, GOOD, paths={"/oauth/token": token}) as server,
        aiohttp.ClientSession(raise_for_status=True) as http,
        Session(server.url, ClientCredentials("c", "s" * 10), http=http, limits=RateLimits.none()) as session,
    ):
        assert (await session.get(Customer, "c1")).id == "c1"
        assert server.paths.count("/oauth/token") == (2 if status == 401 else 1)


async def test_a_session_that_unpacks_nothing_unpacks_for_us() -> None:
    packed = reply(gzip.compress(json.dumps({"data": resource()}).encode()), headers={"Content-Encoding": "gzip"})
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        await asked_with(http, packed)


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://127.0.0.1:1/x/"},
        {"read_bufsize": 1},
        {"cookies": {"a": "b"}},
        {"timeout": aiohttp.ClientTimeout(total=1e-9)},
        {"trace_configs": [aiohttp.TraceConfig()]},
        {"version": aiohttp.HttpVersion10},
    ],
)
async def test_what_a_session_says_of_its_own_requests_changes_none_of_ours(options: dict[str, Any]) -> None:
    async with aiohttp.ClientSession(**options) as http:
        server = await asked_with(http, GOOD)
        assert server.paths == ["/api/customers/c1"]


async def test_headers_of_a_session_stay_unless_they_make_another_request() -> None:
    theirs = {
        "X-A": "1",
        "Accept": "text/html",
        "Accept-Encoding": "br",
        "Authorization": "Basic x",
        "Content-Type": "text/plain",
        "Host": "shop.example",
        "If-None-Match": "x",
        "Range": "bytes=0-1",
    }
    async with aiohttp.ClientSession(headers=theirs) as http:
        server = await asked_with(http, GOOD)
    assert headers_of(server.requests[0]) | {"user-agent": ""} == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "application/vnd.api+json",
        "accept-encoding": "gzip",
        "authorization": "Bearer t",
        "user-agent": "",
        "x-a": "1",
    }


async def test_a_netrc_that_names_the_host_stands_not_in_place_of_the_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Nor does it go to the token endpoint, which would take it for the client's."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login user password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    token = reply({"access_token": "a" * 9, "token_type": "bearer", "expires_in": 7}, content_type="application/json")
    async with (
        ScriptedServer(GOOD, paths={"/oauth/token": token}) as server,
        aiohttp.ClientSession(trust_env=True) as http,
        Session(server.url, ClientCredentials("c", "s" * 10), http=http, **ONCE) as session,
    ):
        await session.get(Customer, "c1")
        seen = [headers_of(head).get("authorization") for head in server.requests]
    assert seen == [None, f"Bearer {'a' * 9}"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_session_with_credentials_is_refused_where_it_is_given() -> None:
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth("a", "b")) as http:
        with pytest.raises(ConfigurationError, match="credentials of its own"):
            Session("yourdomain", AccessToken("t"), http=http)


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "Expect"])
async def test_a_session_that_frames_bodies_is_refused_where_it_is_given(name: str) -> None:
    async with aiohttp.ClientSession(headers={name: "5"}) as http:
        with pytest.raises(ConfigurationError, match=name):
            Session("yourdomain", AccessToken("t"), http=http)


async def test_what_a_sessions_own_parts_raise_is_a_session_error() -> None:
    async def broken(*_: object) -> None:
        raise KeyError("theirs")

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(broken)
    async with (
        ScriptedServer(GOOD) as server,
        aiohttp.ClientSession(trace_configs=[trace]) as http,
        bearer(server, http=http, retry=Retry()) as session,
    ):
        with pytest.raises(SessionError, match="KeyError: 'theirs'"):
            await session.get(Customer, "c1")
        assert server.requests == []


async def test_what_a_session_refuses_to_send_is_a_configuration_error() -> None:
    async def refusing(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        raise ValueError("not like that")

    async with (
        ScriptedServer(GOOD) as server,
        aiohttp.ClientSession(middlewares=[refusing]) as http,
        bearer(server, http=http, retry=Retry()) as session,
    ):
        with pytest.raises(ConfigurationError, match="http= cannot be used: not like that"):
            await session.get(Customer, "c1")
        assert server.requests == []


# Reasons


@pytest.mark.parametrize("error", [TypeError, KeyError])
async def test_what_nobody_expects_of_aiohttp_is_final(
    error: type[Exception], road: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no other way to go."""
    monkeypatch.setenv(VARIABLE, "0")

    async def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(aiohttp.ClientSession, "_request", broken)
    async with ScriptedServer(GOOD) as server, bearer(server, retry=Retry()) as session:
        with pytest.raises(TransportError, match=error.__name__) as caught:
            await session.get(Customer, "c1")
        assert caught.value.is_final
        assert caught.value.tries == 1


async def test_a_loop_that_refuses_a_connection_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As uvloop does where a connection was lost in the same moment."""
    monkeypatch.setenv(VARIABLE, "0")

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the handler is closed")

    monkeypatch.setattr(aiohttp.ClientSession, "_request", broken)
    async with ScriptedServer(GOOD) as server, bearer(server, retry=Retry(attempts=2, base=0.0)) as session:
        with pytest.raises(TransportError, match="RuntimeError") as caught:
            await session.get(Customer, "c1")
        assert caught.value.tries == 2


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Sets a proxy in an environment that has no other."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch.setenv


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
async def test_a_proxy_without_a_scheme_is_an_http_proxy(name: str, proxied: Callable[[str, str], None]) -> None:
    """As curl, wget and pip take it."""
    async with ScriptedServer(GOOD) as proxy:
        proxied(name, f"127.0.0.1:{proxy.port}")
        async with Session("http://127.0.0.1:1", AccessToken("t"), trust_env=True, **ONCE) as session:
            assert (await session.get(Customer, "c1")).id == "c1"
        assert proxy.paths == ["http://127.0.0.1:1/api/customers/c1"]


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("socks5://127.0.0.1:1080", "SOCKS proxy.*; set https_proxy=http://"),
        ("socks5h://u:canary@proxy", "SOCKS"),
        ("ftp://proxy:1", "not an http or https URL with a host; set https_proxy=http://"),
        ("http://", "not an http or https URL"),
        ("http://[", "is not a URL; set https_proxy=http://"),
        ("proxy:port", "is not a URL"),
    ],
)
@pytest.mark.parametrize("name", ["https_proxy", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_used_is_refused_where_the_session_is_made(
    name: str, proxy: str, words: str, proxied: Callable[[str, str], None]
) -> None:
    proxied(name, proxy)
    with pytest.raises(ConfigurationError, match=f"proxy.*{words}") as caught:
        Session("yourdomain", AccessToken("t"), trust_env=True)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("status", "tries"), [(407, 1), (503, 2)])
async def test_a_proxy_that_refuses_says_so(status: int, tries: int, proxied: Callable[[str, str], None]) -> None:
    async with ScriptedServer(reply(status=status)) as proxy:
        proxied("https_proxy", proxy.url)
        retry = Retry(attempts=2, base=0.0)
        async with Session("https://yourdomain.example", AccessToken("t"), trust_env=True, retry=retry) as session:
            with pytest.raises(ConnectError, match=rf"the proxy refused to connect to .* \({status}\)") as caught:
                await session.get(Customer, "c1")
        assert caught.value.tries == tries


async def test_a_proxy_that_is_down_says_so(proxied: Callable[[str, str], None], unused_tcp_port: int) -> None:
    proxied("http_proxy", f"http://127.0.0.1:{unused_tcp_port}")
    async with Session("http://127.0.0.1:1", AccessToken("t"), trust_env=True, **ONCE) as session:
        with pytest.raises(ConnectError, match="through the proxy"):
            await session.get(Customer, "c1")


# Connections that nobody trusts


async def test_distrusted_connections_are_bounded_in_number(road: str) -> None:
    """However often they are discarded, and while a call is under way on one of them."""
    async with (
        ScriptedServer(ANOTHER, paths={"/api/customers/slow": b""}) as server,
        bearer(server, timeout=None) as session,
    ):
        slow = asyncio.ensure_future(session.get(Customer, "slow"))
        await server.arrived.wait()
        for _ in range(50):
            with pytest.raises(DecodeError):
                await session.get(Customer, "c1")
            # A reader that finds one odd response after another does not discard connections for each.
            transport_of(session).discard_connections()
        await deserted(server, left=3)
        assert server.connections > 50
        assert not slow.done()
        slow.cancel()
        await asyncio.wait([slow])
    assert not transport_of(session)._retired


async def test_a_call_on_a_distrusted_pool_ends_well(road: str) -> None:
    async with ScriptedServer(None, ANOTHER) as server, bearer(server) as session:
        slow = asyncio.ensure_future(session.get(Customer, "c1"))
        await server.arrived.wait()
        (writer,) = server._open
        with pytest.raises(DecodeError):
            await session.get(Customer, "c1")
        writer.write(GOOD)
        assert (await slow).id == "c1"


# Closing


class Anyone:
    """Observes nothing."""

    phase = ""


def transport_to(server: ScriptedServer) -> AiohttpTransport:
    return AiohttpTransport(server.url, HttpOptions())


async def test_nothing_is_sent_after_the_close(road: str) -> None:
    async with ScriptedServer(GOOD) as server:
        unused, used = transport_to(server), transport_to(server)
        await used.send(Request("/a"), Anyone())
        for transport in (unused, used):
            await transport.close()
            with pytest.raises(SessionError, match="closed"):
                await transport.send(Request("/b"), Anyone())
            assert not transport.is_open
            transport.discard_connections()
            await transport.close()
        assert server.paths == ["/a"]


async def test_a_request_that_is_under_way_ends_with_the_close(road: str) -> None:
    async with ScriptedServer(None) as server:
        transport = transport_to(server)
        sending = asyncio.ensure_future(transport.send(Request("/a"), Anyone()))
        await server.arrived.wait()
        await transport.close()
        with pytest.raises(SessionError, match="closed while"):
            await sending


@pytest.mark.parametrize("turns", range(6))
async def test_a_close_that_is_cancelled_can_be_called_again(turns: int, road: str) -> None:
    async with ScriptedServer(GOOD) as server:
        transport = transport_to(server)
        await transport.send(Request("/a"), Anyone())
        closing = asyncio.ensure_future(transport.close())
        for _ in range(turns):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        await transport.close()
        await deserted(server)
        assert not transport._retired


async def test_a_close_while_it_connects_leaves_no_socket(road: str) -> None:
    """Here within the TLS handshake, to which the server says nothing."""
    async with ScriptedServer(None) as server:
        session = Session(server.url.replace("http", "https"), AccessToken("t"), ssl=ssl.create_default_context())
        call = asyncio.ensure_future(session.get(Customer, "c1"))
        while not server.connections:  # noqa: ASYNC110 - that of the server
            await asyncio.sleep(0)
        await session.close()
        with pytest.raises(SessionError):
            await call
        await deserted(server)
        gc.collect()


@pytest.mark.parametrize("again", [False, True], ids=["new", "reused"])
async def test_a_call_that_is_cancelled_anywhere_leaves_nothing(road: str, *, again: bool) -> None:
    """At every turn of the loop between the first and the last: no connection taken, none open, the next call works."""
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = GOOD.partition(b"\r\n\r\n")[2]
    whole = body + b"%x\r\n%b\r\n0\r\n\r\n" % (len(pieces), pieces)
    ended_well = False
    turns = 0
    while not ended_well:
        async with ScriptedServer(whole) as server, bearer(server) as session:
            if again:
                await session.get(Customer, "c1")
            call = asyncio.ensure_future(session.get(Customer, "c1"))
            for _ in range(turns):
                await asyncio.sleep(0)
            ended_well = call.done()
            call.cancel()
            await asyncio.wait([call])
            if transport_of(session)._pool is not None:
                assert not connector_of(session)._acquired
                assert transport_of(session)._pool.busy == 0
            assert (await session.get(Customer, "c1")).id == "c1"
            await session.close()
            gc.collect()
            await deserted(server)
        turns += 1
    assert turns > 3
