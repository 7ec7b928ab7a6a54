"""What we lean on in aiohttp and asyncio: an upgrade that changes one of these has to be looked at."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from commercelayer_async._http.fastpath import Connector
from commercelayer_async._http.middlewares import no_hidden_retry
from commercelayer_async._text import Secret
from tests.support.documents import resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

GOOD = reply({"data": resource()})
TIMES = aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=5.0)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


class Dropping(ScriptedServer):
    """Closes the connection in place of the first answers."""

    def __init__(self, times: int) -> None:
        super().__init__(GOOD)
        self.times = times

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.connections < self.times:
            self.connections += 1
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.close()
            return
        await super()._serve(reader, writer)


async def test_a_get_is_sent_again_unless_a_middleware_says_otherwise(http: aiohttp.ClientSession) -> None:
    """Once, at once; what keeps it from that is another class of exception."""
    async with Dropping(1) as server:
        async with http.get(server.url) as response:
            assert response.status == 200
        assert len(server.requests) == 2
    async with Dropping(1) as server:
        with pytest.raises(aiohttp.ClientError) as caught:
            await http.get(server.url, middlewares=(no_hidden_retry,))
        assert not isinstance(caught.value, aiohttp.ClientOSError | aiohttp.ServerDisconnectedError)
        assert len(server.requests) == 1


async def test_a_post_is_not_sent_again(http: aiohttp.ClientSession) -> None:
    async with Dropping(1) as server:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await http.post(server.url, data=b"")
        assert len(server.requests) == 1


async def test_the_middlewares_of_a_request_stand_in_place_of_the_sessions() -> None:
    """And are found in a private attribute, with which we put them behind ours."""
    seen: list[str] = []

    def named(name: str) -> aiohttp.ClientMiddlewareType:
        async def middleware(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> Any:
            seen.append(name)
            return await handler(request)

        return middleware

    theirs, ours = named("theirs"), named("ours")
    async with ScriptedServer(GOOD) as server, aiohttp.ClientSession(middlewares=(theirs,)) as session:
        assert session._middlewares == (theirs,)
        await (await session.get(server.url, middlewares=(ours,))).read()
        await (await session.get(server.url, middlewares=(ours, theirs))).read()
    assert seen == ["ours", "ours", "theirs"]


async def test_what_arrives_on_an_idle_connection_is_the_next_answer(http: aiohttp.ClientSession) -> None:
    """The protocol knows of it: that is what our connector asks."""
    assert list(inspect.signature(aiohttp.BaseConnector.connect).parameters) == ["self", "req", "traces", "timeout"]
    stray = reply({"data": resource(id="stray")})

    async def ids(session: aiohttp.ClientSession) -> tuple[str, int]:
        async with ScriptedServer(GOOD) as server:
            await (await session.get(server.url)).read()
            for writer in server._open:
                writer.write(stray)
            await asyncio.sleep(0.02)
            body = await (await session.get(server.url)).json(content_type=None)
            return body["data"]["id"], server.connections

    assert await ids(http) == ("stray", 1)
    async with aiohttp.ClientSession(connector=Connector(limit=10)) as wary:
        assert await ids(wary) == ("c1", 2)


async def test_a_response_knows_the_connection_that_brought_it(http: aiohttp.ClientSession) -> None:
    """In a private attribute, also when the connection is back in the pool: with it a spoilt one is closed."""
    async with ScriptedServer(GOOD) as server:
        response = await http.get(server.url)
        await response.read()
        response._protocol.close()  # type: ignore[union-attr] # there until the response is read
        await (await http.get(server.url)).read()
        assert server.connections == 2


async def test_redirects_stay_where_they_are_when_told_to(http: aiohttp.ClientSession) -> None:
    async with ScriptedServer(reply(status=302, headers={"Location": "/elsewhere"})) as server:
        async with http.get(server.url, allow_redirects=False) as response:
            assert response.status == 302
        assert len(server.requests) == 1


async def test_an_encoded_url_goes_out_byte_for_byte(http: aiohttp.ClientSession) -> None:
    async with ScriptedServer(GOOD) as server:
        await http.get(URL(f"{server.url}/a%2Cb?x=%7e,%5B", encoded=True))
        assert server.paths == ["/a%2Cb?x=%7e,%5B"]


async def test_a_header_of_a_request_stands_in_place_of_the_sessions() -> None:
    async with ScriptedServer(GOOD) as server, aiohttp.ClientSession(headers={"Authorization": "Basic x"}) as session:
        await session.get(server.url, headers={"Authorization": Secret("Bearer y")})
        assert server.requests[0].count("Authorization") == 1
        assert "Authorization: Bearer y\r\n" in server.requests[0]


async def test_a_masked_header_stays_masked_in_aiohttps_exceptions(http: aiohttp.ClientSession) -> None:
    """They hold the request's headers, and show them by `repr`."""
    async with ScriptedServer(b"no HTTP\r\n\r\n") as server:
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            await http.get(server.url, headers={"Authorization": Secret("Bearer canary")})
    assert "Authorization" in repr(caught.value)
    assert "canary" not in repr(caught.value) + repr(vars(caught.value))


async def test_a_silent_server_ends_with_a_read_time_out(http: aiohttp.ClientSession) -> None:
    async with ScriptedServer(None) as server:
        with pytest.raises(aiohttp.SocketTimeoutError):
            await http.get(server.url, timeout=aiohttp.ClientTimeout(total=None, sock_read=0.05))
        assert len(server.requests) == 1


async def test_the_read_time_out_is_between_reads(http: aiohttp.ClientSession) -> None:
    """Not over all of them; and it holds for the body too."""
    async with ScriptedServer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx") as server:
        response = await http.get(server.url, timeout=aiohttp.ClientTimeout(total=None, sock_read=0.05))
        with pytest.raises(aiohttp.SocketTimeoutError):
            await response.read()


@pytest.mark.parametrize("coding", ["gzip", "br"])
async def test_a_body_comes_as_it_was_sent_when_that_is_asked_for(coding: str, http: aiohttp.ClientSession) -> None:
    """Whatever its headers call it: it is unpacked here, within a limit."""
    async with ScriptedServer(reply(b"??", headers={"Content-Encoding": coding})) as server:
        assert await (await http.get(server.url, auto_decompress=False)).read() == b"??"


@pytest.mark.parametrize("lines", [b"X: " + b"x" * 9000 + b"\r\n", b"X: x\r\n" * 1000])
async def test_headers_are_bounded(lines: bytes, http: aiohttp.ClientSession) -> None:
    async with ScriptedServer(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 0\r\n\r\n") as server:
        with pytest.raises(aiohttp.ClientResponseError):
            await http.get(server.url)


async def test_bytes_do_not_go_through_a_charset(http: aiohttp.ClientSession) -> None:
    async with ScriptedServer(reply(b"x", content_type="application/json; charset=zip")) as server:
        assert await (await http.get(server.url)).read() == b"x"


async def test_the_length_that_was_announced_is_known(http: aiohttp.ClientSession) -> None:
    async with ScriptedServer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n") as server:
        response = await http.get(server.url)
        assert response.content_length == 10**12
        response.close()


async def test_a_call_that_is_cancelled_takes_its_connection_along(http: aiohttp.ClientSession) -> None:
    """The answer that comes late is nobody's."""
    async with ScriptedServer(None, GOOD) as server:
        call = asyncio.ensure_future(http.get(f"{server.url}/first"))
        await server.arrived.wait()
        call.cancel()
        await asyncio.wait([call])
        await (await http.get(f"{server.url}/second")).read()
        assert server.connections == 2


async def test_closing_a_response_closes_its_connection(http: aiohttp.ClientSession) -> None:
    async with ScriptedServer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", GOOD) as server:
        (await http.get(server.url)).close()
        await (await http.get(server.url)).read()
        assert server.connections == 2


async def test_a_dummy_jar_keeps_nothing(http: aiohttp.ClientSession) -> None:
    async with ScriptedServer(reply(b"x", headers={"Set-Cookie": "a=b"})) as server:
        for _ in range(2):
            await (await http.get(server.url.replace("127.0.0.1", "localhost"))).read()
        assert "cookie" not in server.requests[1].lower()


def test_a_session_needs_a_loop() -> None:
    """So ours is made at the first request."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        aiohttp.ClientSession()


async def test_a_closed_session_is_a_runtime_error(http: aiohttp.ClientSession) -> None:
    await http.close()
    with pytest.raises(RuntimeError, match="closed"):
        await http.get("http://127.0.0.1:1/")


def test_the_errors_that_we_tell_apart_are_related_as_we_think() -> None:
    assert issubclass(aiohttp.ClientConnectorError, aiohttp.ClientOSError)
    assert issubclass(aiohttp.ClientConnectorSSLError, aiohttp.ClientSSLError)
    assert issubclass(aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError)
    assert issubclass(aiohttp.ConnectionTimeoutError, aiohttp.ServerTimeoutError)
    assert issubclass(aiohttp.SocketTimeoutError, aiohttp.ServerTimeoutError)
    assert not issubclass(aiohttp.ServerTimeoutError, aiohttp.ClientOSError | aiohttp.ServerDisconnectedError)
    assert not issubclass(aiohttp.ClientPayloadError, aiohttp.ClientOSError)


async def test_what_came_while_the_loop_was_blocked_counts_before_a_timer_that_is_overdue() -> None:
    """Asyncio looks at sockets before timers, so a blocked loop is not taken for a silent server."""
    async with ScriptedServer(GOOD) as server, aiohttp.ClientSession() as session:
        await (await session.get(server.url)).read()
        call = asyncio.ensure_future(session.get(server.url, timeout=aiohttp.ClientTimeout(sock_read=0.1)))
        while len(server.requests) < 2:  # noqa: ASYNC110 - not one turn of the loop too many
            await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 - that is the point
        assert (await call).status == 200
