"""What a service asks for with each request: on every way through aiohttp, to its own origin alone, and unseen."""

import traceback
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from commercelayer_async import (
    ApiError,
    ClientCredentials,
    ConfigurationError,
    GenericResource,
    RateLimits,
    Retry,
    Session,
)
from commercelayer_async._http.compatibility import VARIABLE
from commercelayer_async.service import Header, OAuth2, Service
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

GOOD = reply({"data": {"type": "tasks", "id": "1"}})
SECOND_KEY = "second-key-of-the-application"
ONCE: dict[str, Any] = {"retry": Retry.never(), "limits": RateLimits.none()}
SERVICE = Service(
    accept="application/json",
    headers={"revision": "2026-07-15", "DD-Application-Key": SECOND_KEY},
    auth=Header("x-api-key"),
)


@pytest.fixture(params=["fast", "documented", "their own"])
async def options(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, Any]]:
    """Every way through aiohttp, one after the other."""
    if request.param == "their own":
        theirs = {"revision": "1999-01-01", "X-Api-Key": "theirs", "Authorization": "theirs", "X-Theirs": "kept"}
        async with aiohttp.ClientSession(headers=theirs) as http:
            yield ONCE | {"http": http}
    else:
        monkeypatch.setenv(VARIABLE, "1" if request.param == "fast" else "0")
        yield ONCE


def sent(server: ScriptedServer, index: int = -1) -> dict[str, list[str]]:
    """The headers of a request, by lower-case name."""
    found: dict[str, list[str]] = {}
    for line in server.requests[index].split("\r\n")[1:-2]:
        name, _, value = line.partition(": ")
        found.setdefault(name.lower(), []).append(value)
    return found


async def test_constants_and_what_is_accepted_go_with_each_request(options: dict[str, Any]) -> None:
    async with ScriptedServer(GOOD) as server, Session(server.url, "k:y!", service=SERVICE, **options) as session:
        for _ in range(2):
            assert isinstance(await session.get("tasks", "1"), GenericResource)
        for index in range(2):
            headers = sent(server, index)
            assert headers["accept"] == ["application/json"]
            assert headers["revision"] == ["2026-07-15"]
            assert headers["dd-application-key"] == [SECOND_KEY]
            assert headers["x-api-key"] == ["k:y!"]
            assert "authorization" not in headers
            assert headers["user-agent"][0].startswith("commercelayer-async/")


async def test_an_anonymous_session_sends_no_secret_also_not_one_of_their_own(options: dict[str, Any]) -> None:
    async with ScriptedServer(GOOD) as server, Session(server.url, None, service=SERVICE, **options) as session:
        await session.get("tasks", "1")
        assert not {"authorization", "x-api-key"} & set(sent(server))
        assert sent(server)["revision"] == ["2026-07-15"]


async def test_constants_do_not_go_to_the_token_endpoint(options: dict[str, Any]) -> None:
    service = Service(headers={"X-Second": SECOND_KEY}, accept="application/json", auth=OAuth2())
    token = reply({"access_token": "AT", "token_type": "bearer"}, content_type="application/json")
    credentials = ClientCredentials("me & you", "s3cret+/=")
    async with (
        ScriptedServer(GOOD, paths={"/oauth/token": token}) as server,
        Session(server.url, credentials, service=service, **options) as session,
    ):
        await session.get("tasks", "1")
        asked, got = sent(server, 0), sent(server, 1)
    assert "x-second" not in asked
    assert asked["content-type"] == ["application/x-www-form-urlencoded"]
    assert got["x-second"] == [SECOND_KEY]
    assert got["authorization"] == ["Bearer AT"]


class TokenServer(ScriptedServer):
    """Keeps the bodies of requests."""

    body = b""

    async def _serve(self, reader: Any, writer: Any) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-le")
        )
        self.body = await reader.readexactly(length)
        writer.write(reply({"access_token": "AT"}, content_type="application/json", headers={"Connection": "close"}))
        writer.close()


@pytest.mark.parametrize(
    ("sends_json", "body"),
    [
        (False, b"grant_type=client_credentials&client_id=me+%26+you&client_secret=s3cret%2B%2F%3D"),
        (True, b'{"grant_type":"client_credentials","client_id":"me & you","client_secret":"s3cret+/="}'),
    ],
)
async def test_a_token_is_asked_for_by_a_form_or_by_json(sends_json: Any, body: bytes) -> None:
    service = Service(auth=OAuth2(sends_json=sends_json))
    async with (
        ScriptedServer(GOOD) as server,
        TokenServer() as tokens,
        Session(
            server.url, ClientCredentials("me & you", "s3cret+/="), auth_url=tokens.url, service=service, **ONCE
        ) as session,
    ):
        await session.get("tasks", "1")
        assert tokens.body == body


@pytest.mark.parametrize(
    "name", ["Accept", "authorization", "Host", "User-Agent", "Cookie", "X Y", "Range", "x-api-key"]
)
def test_what_the_transport_says_itself_cannot_be_chosen(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Service(headers={name: SECOND_KEY}, auth=Header("X-API-Key"))
    assert SECOND_KEY not in str(caught.value)


@pytest.mark.parametrize("value", ["", " x", "a\r\nHost: evil", "é", 3, None, "a\tb"])
def test_a_constant_is_one_line_that_a_header_can_hold(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="X-Second"):
        Service(headers={"X-Second": value})


async def test_a_second_key_is_in_no_error_and_no_repr() -> None:
    echo = {"errors": [{"detail": f"bad key {SECOND_KEY} at revision 2026-07-15"}]}
    async with ScriptedServer(reply(echo, status=403)) as server:
        async with Session(server.url, None, service=SERVICE, **ONCE) as session:
            with pytest.raises(ApiError) as caught:
                await session.get("tasks", "1")
            shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
            assert SECOND_KEY not in f"{shown.partition('_session.py')[2]} {session!r} {SERVICE!r}"
        assert SECOND_KEY not in str(caught.value)
        assert "2026-07-15" in str(caught.value)
        assert repr(SERVICE.headers["DD-Application-Key"]) == "'[masked]'"
