"""Each bad answer has its typed error, which says what and where, and holds no secret."""

import asyncio
import copy
import gzip
import json
import logging
import pickle
import socket
import traceback
from collections.abc import Callable

import pytest

from commercelayer_async import (
    AccessToken,
    ApiError,
    BadRequest,
    BodyTooLarge,
    ClientCredentials,
    CommerceLayerError,
    ConfigurationError,
    ConnectError,
    DecodeError,
    Forbidden,
    LinkRefused,
    Locked,
    NotAcceptable,
    NotFound,
    RateLimited,
    Retry,
    ServerError,
    Session,
    TimeoutError,
    TLSError,
    TransportError,
    Unauthorized,
    Unprocessable,
    UnsupportedMediaType,
    errors,
)
from commercelayer_async.resources import Customer
from tests.support.documents import resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

SECRET = "canary-token-0123456789"
TOKEN = AccessToken(SECRET)


async def failure_of(*answers: bytes | None, **options: object) -> CommerceLayerError:
    """What `get` raises when a server answers like this, once it is known that no secret is in it."""
    async with (
        ScriptedServer(*answers) as server,
        Session(server.url, TOKEN, retry=Retry.never(), **options) as session,  # type: ignore[arg-type] # options of any kind
    ):
        with pytest.raises(CommerceLayerError) as caught:
            await session.get(Customer, "c1")
    error = caught.value
    told = [
        str(error),
        repr(error),
        repr(vars(error)),
        repr(error.args),
        repr(error.__cause__),
        repr(error.__context__),
    ]
    told.append("".join(traceback.TracebackException.from_exception(error, capture_locals=False).format()))
    told.append(repr(pickle.dumps(error)))
    assert SECRET not in "".join(told)
    assert len(str(error)) < 4000
    assert str(error).isprintable()
    assert type(pickle.loads(pickle.dumps(error))) is type(error)
    assert str(copy.deepcopy(error)) == str(error)
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)
    return error


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (402, ApiError),
        (403, Forbidden),
        (404, NotFound),
        (405, ApiError),
        (406, NotAcceptable),
        (415, UnsupportedMediaType),
        (418, ApiError),
        (422, Unprocessable),
        (423, Locked),
        (429, RateLimited),
        (500, ServerError),
        (503, ServerError),
        (599, ServerError),
        (304, ApiError),
    ],
)
async def test_the_status_decides_the_class(status: int, cls: type[ApiError]) -> None:
    """Whatever the body says; every error object is kept, in order."""
    body = {"errors": [{"status": "503", "code": "FIRST", "detail": "one"}, {"code": "SECOND"}]}
    error = await failure_of(reply(b"" if status == 304 else body, status=status, headers={"X-Request-Id": "r-1"}))

    assert type(error) is cls
    assert isinstance(error, ApiError)
    assert error.status == status
    assert error.request_id == "r-1"
    assert error.url.endswith("/api/customers/c1")
    assert error.method == "GET"
    assert str(error).endswith("request id r-1")
    if status != 304:
        assert [one.code for one in error.errors] == ["FIRST", "SECOND"]
        assert error.code == "FIRST"


async def test_a_validation_error_names_the_member() -> None:
    body = {
        "errors": [
            {
                "title": "must be less than or equal to 10",
                "detail": "quantity - must be less than or equal to 10",
                "code": "VALIDATION_ERROR",
                "source": {"pointer": "/data/attributes/quantity"},
                "status": "422",
                "meta": {"error": "less_than_or_equal_to", "value": 100, "count": 10},
            }
        ]
    }
    error = await failure_of(reply(body, status=422))

    assert isinstance(error, Unprocessable)
    assert error.errors[0].source["pointer"] == "/data/attributes/quantity"
    assert error.errors[0].meta["count"] == 10
    assert "(/data/attributes/quantity)" in str(error)


async def test_an_html_error_is_a_status_error_without_markup() -> None:
    error = await failure_of(reply("<html><h1>Bad Gateway</h1></html>", status=502, content_type="text/html"))

    assert isinstance(error, ServerError)
    assert error.errors == ()
    assert error.content_type == "text/html"
    assert "<h1>" not in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        {"errors": None},
        {"errors": "x"},
        {"errors": ["x", None]},
        {"errors": [{}]},
        {"errors": {"status": 500, "code": 7}},
        {"errors": [{"status": None, "source": 3, "links": [], "meta": "m", "detail": ["x"]}]},
    ],
)
async def test_odd_error_bodies_are_status_errors_all_the_same(body: bytes | dict[str, object]) -> None:
    assert isinstance(await failure_of(reply(body, status=404)), NotFound)


async def test_an_echoed_token_is_masked() -> None:
    error = await failure_of(reply({"errors": [{"detail": f"token {SECRET} is bad"}]}, status=401))

    assert isinstance(error, Unauthorized)
    assert error.errors[0].detail == "token [masked] is bad"


async def test_foreign_text_stays_on_its_line() -> None:
    """Line breaks, escape codes and direction marks of a server are shown escaped (CWE-117)."""
    error = await failure_of(
        reply(
            {"errors": [{"detail": "a\r\nINFO forged \x1b[31m\u202e"}]}, status=400, headers={"X-Request-Id": "r\x1b1"}
        )
    )

    assert "\\u000a" in str(error)


async def test_a_hundred_thousand_errors_make_a_short_message() -> None:
    error = await failure_of(reply({"errors": [{"detail": "x" * 100}] * 10_000}, status=422))

    assert "and 9997 more errors" in str(error)


@pytest.mark.parametrize(
    ("body", "pointer", "expected", "got"),
    [
        (b"", "", "a JSON document", "an empty body"),
        (b"  ", "", "a JSON document", "an empty body"),
        ([1], "", "a JSON:API document (an object)", "an array"),
        (b"null", "", "a JSON:API document (an object)", "null"),
        (b'{"data": {"id": "c1"', "", "JSON", "a body that was cut short"),
        ({"meta": {}}, "", "primary data", "a document without data"),
        ({"errors": [{"code": "X"}]}, "/errors", "primary data", "errors"),
        ({"data": 7}, "/data", "a resource object", "a number"),
        ({"data": {"type": "customers"}}, "/data/id", "a string that is not empty", "nothing"),
        ({"data": {"type": "customers", "id": 12}}, "/data/id", "a string that is not empty", "a number (12)"),
        ({"data": {"type": "customers", "id": ""}}, "/data/id", "a string that is not empty", "an empty string"),
        ({"data": {"id": "c1"}}, "/data/type", "a string that is not empty", "nothing"),
        (
            {"data": resource(attributes={"created_at": "yesterday"})},
            "/data/attributes/created_at",
            "a date-time (RFC 3339)",
            "a string ('yesterday')",
        ),
        (
            {"data": resource(attributes={"status": 5})},
            "/data/attributes/status",
            "a string or null",
            "a number (5)",
        ),
        (
            {"data": {"type": "customers", "id": "c1", "attributes": {"updated_at": "2018-01-01T12:00:00Z"}}},
            "/data/attributes/created_at",
            "created_at, which customers always have",
            "nothing",
        ),
    ],
)
async def test_what_does_not_fit_is_named_with_its_place(body: bytes, pointer: str, expected: str, got: str) -> None:
    error = await failure_of(reply(body))

    assert isinstance(error, DecodeError)
    assert (error.pointer, error.expected, error.got) == (pointer, expected, got)
    assert error.url is not None
    assert error.url.endswith("/api/customers/c1")


async def test_the_value_of_a_secret_attribute_is_not_shown() -> None:
    error = await failure_of(reply({"data": resource(attributes={"shopper_reference": [SECRET]})}))
    scalar = await failure_of(reply({"data": resource(attributes={"shopper_reference": 4242424242})}))

    assert "4242424242" not in str(scalar)
    assert isinstance(error, DecodeError)
    assert error.resource == "customers/c1"


@pytest.mark.parametrize("content_type", ["text/html", "image/gif", "text/plain; charset=utf-8"])
async def test_a_success_that_is_no_json_is_named(content_type: str) -> None:
    error = await failure_of(reply({"data": resource()}, content_type=content_type))

    assert isinstance(error, DecodeError)
    assert error.got == content_type


@pytest.mark.parametrize("content_type", ["application/json", None, 'Application/VND.api+json; charset=utf-8; ext="a"'])
async def test_json_under_another_name_is_read(content_type: str | None) -> None:
    async with (
        ScriptedServer(reply({"data": resource()}, content_type=content_type)) as server,
        Session(server.url, TOKEN) as session,
    ):
        assert (await session.get(Customer, "c1")).id == "c1"


@pytest.mark.parametrize("status", [202, 204, 205, 206])
async def test_another_success_is_no_resource(status: int) -> None:
    error = await failure_of(reply(b"", status=status))

    assert isinstance(error, DecodeError)
    assert error.got == f"status {status}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_refused(status: int) -> None:
    async with ScriptedServer(reply({"data": resource()})) as foreign:
        location = f"{foreign.url}/api/customers/c1?token={SECRET}"
        error = await failure_of(reply(status=status, headers={"Location": location}))

        assert isinstance(error, LinkRefused)
        assert foreign.requests == []


async def test_nobody_there(unused_tcp_port: int) -> None:
    async with Session(f"http://127.0.0.1:{unused_tcp_port}", TOKEN) as session:
        with pytest.raises(ConnectError, match=f"127.0.0.1:{unused_tcp_port}") as caught:
            await session.get(Customer, "c1")

    assert caught.value.phase == "connect"


@pytest.mark.parametrize(
    ("number", "end"),
    [
        (socket.EAI_NONAME, "unknown; check the network; is the slug right?"),
        (socket.EAI_AGAIN, "unknown; check the host and the network"),
    ],
)
async def test_a_host_that_does_not_exist_may_be_a_wrong_slug(
    monkeypatch: pytest.MonkeyPatch, number: int, end: str
) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(number, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with Session("acne.commercelayer.io", TOKEN, retry=Retry.never()) as session:
        with pytest.raises(ConnectError) as caught:
            await session.get(Customer, "c1")

    assert str(caught.value) == f"cannot connect to https://acne.commercelayer.io/api/customers/c1: {end}"


async def test_the_authorization_server_does_not_follow_from_the_slug(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with Session("acme", ClientCredentials("id", SECRET), retry=Retry.never()) as session:
        with pytest.raises(CommerceLayerError) as caught:
            await session.get(Customer, "c1")

    assert "https://auth.commercelayer.io/oauth/token" in str(caught.value)
    assert "slug" not in str(caught.value)


async def test_plain_http_where_tls_is_spoken() -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(status=400))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Session(f"https://127.0.0.1:{port}", TOKEN) as session:
            with pytest.raises(TLSError) as caught:
                await session.get(Customer, "c1")

    assert caught.value.phase == "connect"


@pytest.mark.parametrize(
    ("raw", "phase"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "headers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "headers"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "headers"),
        (reply(b"not gzip", headers={"Content-Encoding": "gzip"}), "body"),
    ],
)
async def test_garbage_is_a_transport_error(raw: bytes, phase: str) -> None:
    error = await failure_of(raw)

    assert type(error) is TransportError
    assert error.phase == phase


@pytest.mark.parametrize("raw", [None, b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"])
async def test_the_time_is_up(raw: bytes | None) -> None:
    error = await failure_of(raw, timeout=0.05)

    assert isinstance(error, TimeoutError)
    assert isinstance(error, builtin_timeout_error())
    assert error.seconds == 0.05
    assert error.phase == ("headers" if raw is None else "body")


def builtin_timeout_error() -> type[Exception]:
    """The builtin, whose name the package's own class takes."""
    return asyncio.TimeoutError


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_beyond_the_limit_is_not_read(*, announced: bool) -> None:
    """From the header where it is announced, else as soon as it passes."""
    body = json.dumps({"data": resource(attributes={"metadata": {"x": "y" * 5000}})}).encode()
    head = b"Content-Length: %d" % len(body) if announced else b"Transfer-Encoding: chunked"
    chunked = body if announced else b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    raw = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.api+json\r\n" + head + b"\r\n\r\n" + chunked
    error = await failure_of(raw, max_body=4096)

    assert isinstance(error, BodyTooLarge)
    assert error.limit == 4096


async def test_a_bomb_is_measured_unpacked() -> None:
    body = gzip.compress(json.dumps({"data": resource(attributes={"metadata": {"x": "y" * 10**6}})}).encode())
    error = await failure_of(reply(body, headers={"Content-Encoding": "gzip"}), max_body=100_000)

    assert len(body) < 10_000
    assert isinstance(error, BodyTooLarge)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip"])
@pytest.mark.parametrize("change", [lambda packed: packed[:-9], lambda packed: packed + packed, lambda packed: b"?"])
async def test_a_body_that_is_not_packed_as_it_says_is_an_error(change: Callable[[bytes], bytes], coding: str) -> None:
    """Nor is the first of two parts taken for the whole."""
    packed = change(gzip.compress(json.dumps({"data": resource()}).encode()))
    error = await failure_of(reply(packed, headers={"Content-Encoding": coding}))

    assert isinstance(error, TransportError)
    assert error.phase == "body"


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd", "gzip, gzip"])
async def test_an_encoding_that_was_not_asked_for_is_named(coding: str) -> None:
    """Also one that aiohttp could undo where the package for it is installed: what is read depends on no such thing."""
    error = await failure_of(reply(b"{}", headers={"Content-Encoding": coding}))

    assert isinstance(error, TransportError)
    assert error.is_final
    assert repr(coding) in str(error)


async def test_a_packed_body_is_read() -> None:
    body = gzip.compress(json.dumps({"data": resource()}).encode())
    async with (
        ScriptedServer(reply(body, headers={"Content-Encoding": "gzip"})) as server,
        Session(server.url, TOKEN) as session,
    ):
        assert (await session.get(Customer, "c1")).id == "c1"
        assert "accept-encoding: gzip" in server.requests[0].lower()


async def test_nothing_is_logged_that_is_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await failure_of(reply(status=500))

    assert SECRET not in caplog.text


EVERY_ERROR: list[Callable[[], CommerceLayerError]] = [
    lambda: errors.CommerceLayerError("m"),
    lambda: errors.ConfigurationError("m"),
    lambda: errors.SessionError("m"),
    lambda: errors.TransportError("m", url="u", phase="queue"),
    lambda: errors.ConnectError("m", url="u", phase="connect"),
    lambda: errors.TLSError("m", url="u", phase="connect"),
    lambda: errors.TimeoutError("m", url="u", phase="body", seconds=1.0),
    lambda: errors.BodyTooLarge("m", url="u", limit=1),
    lambda: errors.DecodeError(expected="e", got="g", pointer="/p", url="u", resource="t/i", offset=3),
    lambda: errors.LinkRefused(link="l", reason="r", url="u"),
    lambda: errors.AuthError("m", status=401, code="invalid_client"),
    lambda: errors.ExportError("m", path="p"),
    *(lambda cls=cls: cls("m", path="p") for cls in errors.ExportError.__subclasses__()),
    lambda: errors.SharedBudgetError("m", store="file"),
    lambda: errors.TokenStoreError("m", store="redis"),
    lambda: errors.BulkError.of({"c1": errors.SessionError("m")}, {}),
    lambda: errors.RateLimited(status=429, method="GET", url="u", headers={"retry-after": "3"}),
    *(lambda cls=cls: cls(status=cls.statuses[0], method="GET", url="u") for cls in ApiError.__subclasses__()),
]


@pytest.mark.parametrize("make", EVERY_ERROR)
def test_every_error_survives_pickle_and_copy(make: Callable[[], CommerceLayerError]) -> None:
    error = make()

    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert {**vars(again), "failed": None} == {**vars(error), "failed": None}


def test_every_error_is_covered_above() -> None:
    made = {type(make()) for make in EVERY_ERROR}

    def tree(cls: type[CommerceLayerError]) -> set[type[CommerceLayerError]]:
        return {cls}.union(*(tree(sub) for sub in cls.__subclasses__()))

    assert tree(CommerceLayerError) - made <= {ApiError}


def test_misuse_is_a_value_error() -> None:
    assert issubclass(ConfigurationError, ValueError)
