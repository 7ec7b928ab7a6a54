"""What the type checkers know of a session's construction, options and single calls; never run."""

import ssl
from typing import Any, assert_type

import aiohttp

from commercelayer_async import (
    AccessToken,
    AuthorizationCode,
    ClientCredentials,
    GenericResource,
    Hooks,
    JwtBearer,
    Limiter,
    Password,
    Priority,
    RateLimits,
    RateState,
    RefreshToken,
    Retry,
    Session,
    Signed,
    StoredToken,
    TokenStore,
    presets,
)
from commercelayer_async.jsonapi import Document, Link
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.service import Basic, Header, Service


class Store:
    """A token store needs no base class."""

    async def load(self, key: str) -> StoredToken | None:
        """Find nothing."""

    async def save(self, key: str, token: StoredToken) -> None:
        """Keep nothing."""

    async def delete(self, key: str) -> None:
        """Have nothing."""


async def token() -> str:
    """Give a token: a function of the caller's may authenticate too."""
    return "token"


async def construction(http: aiohttp.ClientSession, tls: ssl.SSLContext, limiter: Limiter) -> None:
    """Every option is keyword-only and has a type."""
    store: TokenStore = Store()
    session = Session(
        "yourdomain",
        AccessToken("t"),
        timeout=None,
        retry=Retry.web(),
        limits=RateLimits.none(),
        priority="bulk",
        hooks=Hooks(),
        limiter=limiter,
        token_store=store,
        batching=False,
        max_connections=10,
        max_body=2**20,
        auth_url="https://auth.example",
        api_version="2017-08",
        http=http,
        ssl=tls,
        trust_env=True,
        user_agent="shop/1.0",
        resources=[Customer],
    )
    assert_type(session, Session)
    Session(None, AccessToken("t"), priority=Priority.BULK, timeout=3.0)
    Session("yourdomain", AccessToken("t"), **presets.WEB)
    Session("yourdomain", token)
    Session("https://tasks.example", "key", service=Service(auth=Header("X-Api-Key")))
    Session("https://tasks.example", ("user", "password"), service=Service(auth=Basic()))
    Session("https://tasks.example", None, service=Service())
    Session("https://tasks.example", Signed(lambda: "token", lasts=600), service=Service())
    Session("https://tasks.example", Signed(token), service=Service())
    for auth in (
        ClientCredentials("id", "secret", scope="market:all"),
        Password("id", username="u", password="p", scope="market:all"),
        RefreshToken("id", refresh_token="r"),
        JwtBearer("id", "secret", assertion="a", scope="market:all"),
        AuthorizationCode("id", "secret", code="c", redirect_uri="https://shop.example"),
    ):
        Session("yourdomain", auth)
    assert_type(Session.from_env(timeout=3.0), Session)
    assert_type(Session.from_env(**presets.WORKER, resources=[Customer], http=http, ssl=None), Session)


async def options(session: Session) -> None:
    """A copy is a session too."""
    assert_type(session.with_options(timeout=None), Session)
    assert_type(session.with_options(retry=Retry.never(), priority="bulk", hooks=Hooks()), Session)
    assert_type(session.with_options(**presets.WORKER), Session)
    assert_type(session.rate_limits, RateState)
    assert_type(session.rate_limits.limit, int | None)
    assert_type(session.rate_limits.closed_for, float)


async def one(session: Session, link: Link) -> None:
    """A class goes in, its instance comes out; a name gives a generic resource."""
    wallet = await session.get(CustomerPaymentSource, "xYZkjABcde", include=["customer"])
    assert_type(wallet, CustomerPaymentSource)
    assert_type(await session.get("orders", "o1", include="customer"), GenericResource)
    assert_type(await session.request("/orders", params={"sort": "id"}), Document)
    assert_type(await session.request(link.href), Document)


async def responses(session: Session, wallet: CustomerPaymentSource) -> None:
    """There is none for a resource that no call gave."""
    response = session.response_of(wallet)
    response.status  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    assert response is not None
    assert_type(response.status, int)
    assert_type(response.headers, dict[str, str])
    assert_type(response.request_id, str | None)
    assert_type(response.tries, int)
    assert_type(response.elapsed, float)


async def ending(session: Session) -> None:
    """A session is an asynchronous context manager, and is closed by hand elsewhere."""
    async with session as entered:
        assert_type(entered, Session)
    await session.revoke()
    await session.close()


async def mistakes(session: Session, values: dict[str, Any]) -> None:
    """Lines that must not pass."""
    Session("yourdomain")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Session("yourdomain", AccessToken("t"), 3.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Session("https://tasks.example", ("a", "b", "c"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Signed(lambda: 5)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    Signed(token, 600)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Session("yourdomain", AccessToken("t"), hooks=print)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Session("yourdomain", AccessToken("t"), resources=[str])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Session.from_env(time_out=3.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Session.from_env(timeout="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await session.get(dict, "c1")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await session.get(Customer, 5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await session.get(Customer)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await session.get(Customer, "c1", ["orders"])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await session.get(Customer, "c1", includes=["orders"])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    session.with_options(max_connections=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    session.rate_limits = None  # type: ignore[assignment, misc]  # pyright: ignore[reportAttributeAccessIssue]
    with session:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
