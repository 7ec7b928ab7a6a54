"""Tokens: asked for once, shared, renewed, and never shown."""

import asyncio
import json
import pickle
from collections.abc import Callable

import pytest

from commercelayer_async import (
    AuthError,
    AuthorizationCode,
    ClientCredentials,
    ConfigurationError,
    JwtBearer,
    Password,
    RateLimits,
    RefreshToken,
    Retry,
    ServerError,
    Session,
    SessionError,
    StoredToken,
    TransportError,
    Unauthorized,
)
from commercelayer_async._auth.credentials import Credentials, form_of
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_ID, resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

SECRET = "canary-secret-0123456789"
CUSTOMER = reply({"data": resource()})


def token(**members: object) -> bytes:
    """The token endpoint's answer."""
    return reply({"access_token": "granted", "token_type": "bearer", "expires_in": 7200} | members)


async def ask(*token_answers: bytes | None, customer: bytes = CUSTOMER) -> tuple[list[str], BaseException | None]:
    """What a server sees when a session with credentials asks it for a customer, and what the caller gets."""
    async with (
        ScriptedServer(*token_answers, paths={"/api/customers/c1": customer}) as server,
        Session(server.url, ClientCredentials("id", SECRET, scope="market:all"), retry=Retry.never()) as session,
    ):
        try:
            await session.get(Customer, "c1")
        except Exception as error:  # noqa: BLE001 - it is what the test is about
            failure: Exception | None = error
        else:
            failure = None
    if failure is not None:
        assert SECRET not in f"{failure}{failure!r}{vars(failure)}{failure.__cause__!r}{failure.__context__!r}"
        assert len(str(failure)) < 2500
    return server.paths, failure


async def test_credentials_become_a_token(sandbox: Sandbox) -> None:
    async with Session(sandbox.url, ClientCredentials(sandbox.client_id, sandbox.client_secret)) as session:
        await session.get(CustomerPaymentSource, WALLET_ID)
        await session.get(CustomerPaymentSource, WALLET_ID)

    assert sandbox.requests[0].raw_path == "/oauth/token"
    assert len(sandbox.requests) == 3


async def test_a_hundred_cold_calls_ask_for_one_token(sandbox: Sandbox) -> None:
    auth = ClientCredentials(sandbox.client_id, sandbox.client_secret)
    async with Session(sandbox.url, auth, limits=RateLimits.none()) as session:
        await asyncio.gather(*(session.get(CustomerPaymentSource, WALLET_ID) for _ in range(100)))

    assert sum(request.raw_path == "/oauth/token" for request in sandbox.requests) == 1


async def test_the_token_request_is_the_documented_one() -> None:
    async with (
        ScriptedServer(token(), paths={"/api/customers/c1": CUSTOMER}) as server,
        Session(server.url, ClientCredentials("id", SECRET, scope="market:all")) as session,
    ):
        await session.get(Customer, "c1")

        head = server.requests[0].lower()
        assert head.startswith("post /oauth/token ")
        assert "content-type: application/json" in head
        assert "accept: application/json" in head
        assert "authorization" not in head
        assert "authorization: bearer granted" in server.requests[1].lower()


async def test_cancelling_the_one_who_asked_cancels_nobody_else() -> None:
    async with (
        ScriptedServer(None, paths={"/api/customers/c1": CUSTOMER}) as server,
        Session(server.url, ClientCredentials("id", SECRET)) as session,
    ):
        calls = [asyncio.create_task(session.get(Customer, "c1")) for _ in range(5)]
        await server.arrived.wait()
        calls[0].cancel()
        await asyncio.wait([calls[0]])

        assert calls[0].cancelled()
        assert not any(call.done() for call in calls[1:])
        assert len(server.requests) == 1
        await session.close()
        results = await asyncio.gather(*calls[1:], return_exceptions=True)
        assert all(isinstance(result, SessionError) for result in results)


async def test_refused_credentials_are_named_and_not_tried_again() -> None:
    body = {"errors": [{"title": "invalid_client", "code": "UNAUTHORIZED", "status": 401, "detail": f"no {SECRET}"}]}
    paths, error = await ask(reply(json.dumps(body), status=401))

    assert isinstance(error, AuthError)
    assert (error.status, error.code) == (401, "invalid_client")
    assert paths == ["/oauth/token"]


async def test_the_plain_oauth_shape_is_understood() -> None:
    _, error = await ask(reply({"error": "invalid_scope", "error_description": "no such market"}, status=400))

    assert isinstance(error, AuthError)
    assert error.code == "invalid_scope"
    assert "no such market" in str(error)


@pytest.mark.parametrize(
    "members",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 5},
        {"access_token": ["x"]},
        {"access_token": "a b"},
        {"access_token": "x\r\nX: y"},
        {"access_token": "x" * 20_000},
        {"token_type": "mac"},
        {"token_type": 3},
    ],
)
async def test_an_unusable_token_is_not_used(members: dict[str, object]) -> None:
    paths, error = await ask(token(**members))

    assert isinstance(error, AuthError)
    assert paths == ["/oauth/token"]


@pytest.mark.parametrize(
    "raw",
    [
        reply("<html>", content_type="text/html"),
        reply(""),
        reply("[]"),
        reply("[" * 100_000),
        reply('"granted"'),
        reply(b"\xff"),
        reply("{}", status=500),
        reply(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    ],
)
async def test_a_token_endpoint_that_talks_nonsense_is_an_auth_error(raw: bytes) -> None:
    paths, error = await ask(raw)

    assert isinstance(error, AuthError)
    assert "/api/customers/c1" not in paths


async def test_a_token_endpoint_that_says_nothing_is_a_transport_error() -> None:
    async with (
        ScriptedServer(None) as server,
        Session(server.url, ClientCredentials("id", SECRET), timeout=0.05) as session,
    ):
        with pytest.raises(TransportError) as caught:
            await session.get(Customer, "c1")
        assert caught.value.phase == "token"


@pytest.mark.parametrize("expires_in", [None, 0, -5, "soon", 1e308, True, [], 3600.5])
async def test_a_life_that_makes_no_sense_is_taken_for_the_shortest_documented_one(expires_in: object) -> None:
    async with (
        ScriptedServer(
            token(expires_in=expires_in, token_type="Bearer"), paths={"/api/customers/c1": CUSTOMER}
        ) as server,
        Session(server.url, ClientCredentials("id", SECRET)) as session,
    ):
        await session.get(Customer, "c1")
        await session.get(Customer, "c1")

        assert server.paths.count("/oauth/token") == 1


async def test_any_async_callable_gives_a_token(sandbox: Sandbox) -> None:
    async def vault() -> str:
        return sandbox.access_token

    async with Session(sandbox.url, vault) as session:
        assert (await session.get(CustomerPaymentSource, WALLET_ID)).id == WALLET_ID


async def test_a_callable_that_gives_no_token_is_an_auth_error(sandbox: Sandbox) -> None:
    async def vault() -> str:
        return "not a token\n"

    async with Session(sandbox.url, vault) as session:
        with pytest.raises(AuthError):
            await session.get(CustomerPaymentSource, WALLET_ID)
    assert not sandbox.requests


def test_credentials_without_an_id_are_refused_at_once() -> None:
    with pytest.raises(ConfigurationError):
        ClientCredentials("")


async def test_an_api_that_fails_is_not_the_tokens_fault() -> None:
    paths, error = await ask(token(), customer=reply(status=500))

    assert isinstance(error, ServerError)
    assert paths[0] == "/oauth/token"


async def test_an_expired_token_is_renewed_once_for_all_calls(sandbox: Sandbox) -> None:
    """200 calls at once with a token that the API has forgotten: one token request, no failure."""
    auth = ClientCredentials(sandbox.client_id, sandbox.client_secret)
    async with Session(sandbox.url, auth, limits=RateLimits.none()) as session:
        await session.get(CustomerPaymentSource, WALLET_ID)
        sandbox.expire_tokens()
        sandbox.requests.clear()

        sources = await asyncio.gather(*(session.get(CustomerPaymentSource, WALLET_ID) for _ in range(200)))
        assert len(sources) == 200
        assert sum(request.raw_path == "/oauth/token" for request in sandbox.requests) == 1


async def test_a_refused_token_is_renewed_once_and_tried_once_more() -> None:
    refused = reply({"errors": [{"code": "INVALID_TOKEN", "status": "401"}]}, status=401)
    paths, error = await ask(token(), token(access_token="another"), token(), customer=refused)

    assert isinstance(error, Unauthorized)
    assert paths == ["/oauth/token", "/api/customers/c1", "/oauth/token", "/api/customers/c1"]
    assert error.tries == 2


async def test_a_missing_permission_is_no_reason_for_a_new_token() -> None:
    refused = reply({"errors": [{"code": "UNAUTHORIZED", "status": "401"}]}, status=401)
    paths, error = await ask(token(), customer=refused)

    assert isinstance(error, Unauthorized)
    assert paths == ["/oauth/token", "/api/customers/c1"]


async def test_a_token_endpoint_that_recovers_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Retry, "wait_before", lambda self, attempt, chance: 0.0)
    paths, error = await ask(reply(status=503), reply(status=429, headers={"Retry-After": "0"}), token())

    assert error is None
    assert paths == ["/oauth/token"] * 3 + ["/api/customers/c1"]


async def test_a_token_endpoint_that_stays_down_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Retry, "wait_before", lambda self, attempt, chance: 0.0)
    paths, error = await ask(reply(status=503))

    assert isinstance(error, AuthError)
    assert error.status == 503
    assert paths == ["/oauth/token"] * 4


@pytest.mark.parametrize(
    ("auth", "form"),
    [
        (
            ClientCredentials("id", SECRET, scope="market:id:x"),
            {"grant_type": "client_credentials", "client_id": "id", "client_secret": SECRET, "scope": "market:id:x"},
        ),
        (
            Password("id", "ada@example.com", SECRET, scope="market:all"),
            {
                "grant_type": "password",
                "client_id": "id",
                "username": "ada@example.com",
                "password": SECRET,
                "scope": "market:all",
            },
        ),
        (
            RefreshToken("id", SECRET, "cs"),
            {"grant_type": "refresh_token", "client_id": "id", "refresh_token": SECRET, "client_secret": "cs"},
        ),
        (
            AuthorizationCode("id", "cs", SECRET, "https://app.example/back"),
            {
                "grant_type": "authorization_code",
                "client_id": "id",
                "client_secret": "cs",
                "code": SECRET,
                "redirect_uri": "https://app.example/back",
            },
        ),
        (
            JwtBearer("id", "cs", SECRET),
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "client_id": "id",
                "client_secret": "cs",
                "assertion": SECRET,
            },
        ),
    ],
)
def test_each_grant_sends_its_documented_members(auth: Credentials, form: dict[str, str]) -> None:
    assert form_of(auth) == form
    assert SECRET not in repr(auth)
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(auth)


def test_a_refresh_token_of_an_answer_asks_for_the_next_one() -> None:
    assert form_of(Password("id", "ada@example.com", SECRET), "next") == {
        "grant_type": "refresh_token",
        "client_id": "id",
        "refresh_token": "next",
    }


@pytest.mark.parametrize(
    "make", [lambda: Password("id", "", "p"), lambda: RefreshToken("", "r"), lambda: JwtBearer("i", "s", "")]
)
def test_incomplete_credentials_are_refused_at_once(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError):
        make()


async def test_a_customers_session_lives_on_its_refresh_token() -> None:
    async with (
        ScriptedServer(
            token(refresh_token="r-1", access_token="t-1"),
            token(refresh_token="r-2", access_token="t-2"),
            paths={"/api/customers/c1": CUSTOMER},
        ) as server,
        Session(server.url, Password("id", "ada@example.com", SECRET)) as session,
    ):
        await session.get(Customer, "c1")
        session._context.tokens.invalidate("t-1")
        session._context.tokens._requested_at -= 10
        await session.get(Customer, "c1")

        assert "bearer t-2" in server.requests[-1].lower()


async def test_revoking_makes_the_token_useless(sandbox: Sandbox) -> None:
    auth = ClientCredentials(sandbox.client_id, sandbox.client_secret)
    async with Session(sandbox.url, auth) as session:
        await session.get(CustomerPaymentSource, WALLET_ID)
        await session.revoke()
        await session.revoke()

        paths = [request.raw_path for request in sandbox.requests]
        assert paths.count("/oauth/revoke") == 1


async def test_only_credentials_can_revoke(session: Session) -> None:
    with pytest.raises(AuthError, match="credentials"):
        await session.revoke()


async def test_a_refused_revocation_is_an_error() -> None:
    refusal = {"errors": [{"title": "unauthorized_client", "code": "FORBIDDEN", "status": 403}]}
    async with (
        ScriptedServer(
            token(),
            paths={"/api/customers/c1": CUSTOMER, "/oauth/revoke": reply(refusal, status=403)},
        ) as server,
        Session(server.url, ClientCredentials("id", SECRET)) as session,
    ):
        await session.get(Customer, "c1")
        with pytest.raises(AuthError, match="unauthorized_client"):
            await session.revoke()


class Memory:
    """A token store that two sessions share."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredToken] = {}
        self.broken = False

    async def load(self, key: str) -> StoredToken | None:
        if self.broken:
            raise OSError(SECRET)
        return self.kept.get(key)

    async def save(self, key: str, token: StoredToken) -> None:
        if self.broken:
            raise OSError(SECRET)
        self.kept[key] = token

    async def delete(self, key: str) -> None:
        self.kept.pop(key, None)


async def test_sessions_share_a_token_through_a_store(sandbox: Sandbox) -> None:
    store = Memory()
    auth = ClientCredentials(sandbox.client_id, sandbox.client_secret)
    for _ in range(3):
        async with Session(sandbox.url, auth, token_store=store) as session:
            await session.get(CustomerPaymentSource, WALLET_ID)

    assert sum(request.raw_path == "/oauth/token" for request in sandbox.requests) == 1
    assert len(store.kept) == 1
    assert sandbox.client_id not in next(iter(store.kept))


async def test_a_store_that_fails_is_done_without(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    store = Memory()
    store.broken = True
    async with Session(
        sandbox.url, ClientCredentials(sandbox.client_id, sandbox.client_secret), token_store=store
    ) as session:
        await session.get(CustomerPaymentSource, WALLET_ID)

    assert "OSError" in caplog.text
    assert SECRET not in caplog.text
