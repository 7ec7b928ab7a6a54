"""How a session is authenticated at services that are not Commerce Layer: a key, a pair, a token, nothing."""

import logging
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from commercelayer_async import (
    AccessToken,
    AuthError,
    ClientCredentials,
    ConfigurationError,
    DecodeError,
    RateLimits,
    Retry,
    Session,
    Unauthorized,
)
from commercelayer_async.service import COMMERCE_LAYER, Basic, Header, OAuth2, Service
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

GOOD = reply({"data": {"type": "tasks", "id": "1"}})
ONCE: dict[str, Any] = {"limits": RateLimits.none()}
KEY = "pk:live!{}0123456789#"


def giving(text: Any) -> Callable[[], Awaitable[str]]:
    async def give() -> str:
        return text  # type: ignore[no-any-return] # a caller's function may give anything

    return give


def encoded(pair: str) -> str:
    return "Basic " + b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("scheme", "auth", "line"),
    [
        (Header("Authorization", "Klaviyo-API-Key {}"), KEY, f"Authorization: Klaviyo-API-Key {KEY}"),
        (Header("Authorization", "Token token={}"), AccessToken("abc"), "Authorization: Token token=abc"),
        (Header("X-Api-Key"), giving(KEY), f"X-Api-Key: {KEY}"),
        (Header("Authorization", "Bearer {}"), KEY, f"Authorization: Bearer {KEY}"),
        (Basic(), ("ada", "pässwörd: x"), f"Authorization: {encoded('ada:pässwörd: x')}"),
        (Basic(), ("the-key-alone", ""), f"Authorization: {encoded('the-key-alone:')}"),
        (Basic(), giving("ada:secret:word"), f"Authorization: {encoded('ada:secret:word')}"),
        (OAuth2(), AccessToken("abc"), "Authorization: Bearer abc"),
        (OAuth2(), giving("abc"), "Authorization: Bearer abc"),
    ],
)
async def test_a_secret_is_sent_by_the_scheme_of_the_service(scheme: Any, auth: Any, line: str) -> None:
    async with ScriptedServer(GOOD) as server:
        async with Session(server.url, auth, service=Service(auth=scheme), **ONCE) as session:
            await session.get("tasks", "1")
        assert line in server.requests[0].split("\r\n")


@pytest.mark.parametrize("scheme", [Header("X-Api-Key"), Basic(), OAuth2()])
async def test_a_session_without_a_secret_sends_none(scheme: Any) -> None:
    async with ScriptedServer(GOOD) as server:
        async with Session(server.url, None, service=Service(auth=scheme), **ONCE) as session:
            await session.get("tasks", "1")
        assert "authorization" not in server.requests[0].lower()
        assert "x-api-key" not in server.requests[0].lower()


@pytest.mark.parametrize("auth", [None, KEY, AccessToken("fixed-token-123")])
async def test_a_401_for_nobody_or_for_a_key_is_its_error_at_once(auth: Any) -> None:
    """There is no other token to be had, so the request is not repeated."""
    refused = reply({"errors": [{"code": "WHO", "detail": "who?"}]}, status=401)
    async with ScriptedServer(refused) as server, Session(server.url, auth, service=Service(), **ONCE) as session:
        with pytest.raises(Unauthorized, match="who"):
            await session.get("tasks", "1")
        assert len(server.requests) == 1


SECRETS: list[tuple[Any, Any, list[str]]] = [
    (Header("X-Api-Key", "Key {}"), KEY, [KEY, f"Key {KEY}"]),
    (
        Basic(),
        ("ada-the-user", "pass!word#1"),
        ["pass!word#1", "ada-the-user:pass!word#1", encoded("ada-the-user:pass!word#1")],
    ),
]


@pytest.mark.parametrize(("scheme", "auth", "echoes"), SECRETS)
async def test_a_secret_that_a_server_echoes_is_in_no_error(
    scheme: Any, auth: Any, echoes: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for echo in echoes:
        secret = echo.rpartition(" ")[2]
        bodies = (
            reply({"errors": [{"title": echo, "detail": f"bad: {echo}.", "meta": {echo: echo}}]}, status=403),
            reply(b"", status=302, headers={"Location": f"https://elsewhere.example/{secret}"}),
            reply(b"x", content_type=f"text/{secret}"),
            reply({"data": {"type": "tasks", "id": secret}}),
            reply(b"", status=500, headers={"Server": echo}),
        )
        for body in bodies:
            async with ScriptedServer(body) as server:
                options = ONCE | {"retry": Retry.never()}
                async with Session(server.url, auth, service=Service(auth=scheme), **options) as session:
                    with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever
                        await session.get("tasks", "1")
            shown = f"{caught.value} {caught.value!r} {vars(caught.value)}"
            assert secret not in shown
            assert secret not in caplog.text


async def test_without_a_secret_nothing_is_masked() -> None:
    another = reply({"data": {"type": "tasks", "id": "another one"}})
    async with (
        ScriptedServer(another) as server,
        Session(server.url, None, service=Service(), **ONCE | {"retry": Retry.never()}) as session,
    ):
        with pytest.raises(DecodeError) as caught:
            await session.get("tasks", "1")
    assert "masked" not in str(caught.value)


@pytest.mark.parametrize(
    ("service", "auth", "match"),
    [
        (
            Service(auth=Header("X-Api-Key"), needs_auth=True, name="Tasks"),
            None,
            "Tasks answers nobody without a secret",
        ),
        (Service(auth=Basic(), needs_auth=True, name="Tasks"), None, "Tasks answers nobody"),
        (COMMERCE_LAYER, None, "auth must be AccessToken.*, not NoneType"),
        (COMMERCE_LAYER, "key", "auth must be AccessToken.*, not a string"),
        (Service(auth=OAuth2()), ("a", "b"), "auth must be AccessToken.*, not tuple"),
        (Service(auth=Basic()), "a:b", "must be a pair of texts.*not a string"),
        (Service(auth=Basic()), ("a", "b", "c"), "must be a pair of texts"),
        (Service(auth=Basic()), ("a", 3), "must be a pair of texts"),
        (Service(auth=Basic()), ("a:b", "c"), "without a colon"),
        (Service(auth=Basic()), ("a\r\n", "c"), "control"),
        (Service(auth=Basic()), ("", ""), "must be texts"),
        (Service(auth=Basic()), AccessToken("abc"), "must be a pair"),
        (Service(), ClientCredentials("id", "secret"), "must be the secret as a str"),
        (Service(), ("a", "b"), "must be the secret as a str"),
        (Service(), "", "is empty"),
        (Service(), "a\r\nHost: x", "cannot hold"),
        (Service(), " secret-secret", "cannot hold"),
        (Service(), "sécret-secret", "cannot hold"),
        (Service(), "Bearer secret-secret", "give the secret alone; 'Bearer' is put before it"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once_and_not_shown(service: Service, auth: Any, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match) as caught:
        Session("https://tasks.example" if service is not COMMERCE_LAYER else "acme", auth, service=service)
    assert "secret-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("scheme", "given", "match"),
    [
        (Header("X-Api-Key"), "a\nb", "returned a text that is not a token that a header can hold"),
        (Header("X-Api-Key"), 3, "returned int"),
        (Basic(), "no colon", "returned a text that is not 'user:password'"),
        (OAuth2(), "a b", "returned a text that is not a bearer token"),
    ],
)
async def test_what_a_function_gives_is_checked_too(scheme: Any, given: Any, match: str) -> None:
    async with Session("https://tasks.example", giving(given), service=Service(auth=scheme), **ONCE) as session:
        with pytest.raises(AuthError, match=match):
            await session.get("tasks", "1")
