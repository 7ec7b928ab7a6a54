"""A session's life: where it is made, where it works, how it ends."""

import asyncio
import gc
import inspect
import pickle
import ssl
import subprocess
import sys
from typing import get_type_hints

import aiohttp
import pytest
from aiohttp import connector

from commercelayer_async import AccessToken, ClientCredentials, ConfigurationError, Session, SessionError
from commercelayer_async._options import SessionOptions
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_ID, resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

SECRET = "canary-token-0123456789"
TOKEN = AccessToken(SECRET)


def test_a_session_is_made_outside_a_loop() -> None:
    session = Session("yourdomain", TOKEN)

    assert repr(session) == "<Session https://yourdomain.commercelayer.io/api>"


def test_one_that_was_never_used_needs_no_closing() -> None:
    Session("yourdomain", TOKEN)
    gc.collect()


async def test_closing_twice_is_fine(sandbox: Sandbox) -> None:
    session = Session(sandbox.url, AccessToken(sandbox.access_token))
    await session.get(CustomerPaymentSource, WALLET_ID)

    await session.close()
    await session.close()
    assert repr(session).endswith("closed>")


async def test_use_after_close_names_the_mistake(session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)
    await session.close()

    with pytest.raises(SessionError, match="closed"):
        await session.get(CustomerPaymentSource, WALLET_ID)
    with pytest.raises(SessionError, match="closed"):
        await source.customer
    with pytest.raises(SessionError, match="closed"):
        async with session:
            pass


def test_use_in_a_second_loop_names_both_loops() -> None:
    session = Session("http://127.0.0.1:1", TOKEN)

    async def use() -> None:
        with pytest.raises(Exception, match=r".") as caught:
            await session.get(Customer, "c1")
        raise caught.value

    with pytest.raises(Exception, match="cannot connect"):
        asyncio.run(use())
    with pytest.raises(SessionError, match=r"closed.*another.*running"):
        asyncio.run(use())
    with pytest.raises(SessionError, match=r"closed.*another.*running"):
        asyncio.run(session.close())


FORKING = """
import asyncio, os
from commercelayer_async import AccessToken, Session, TransportError
session = Session("http://127.0.0.1:1", AccessToken("token"))
async def use():
    try:
        await session.get("customers", "c1")
    except Exception as error:
        print(type(error).__name__, error, flush=True)
asyncio.run(use())
if os.fork() == 0:
    asyncio.run(use())
    os._exit(0)
os.wait()
try:
    asyncio.run(session.close())
except Exception as error:
    print(type(error).__name__, error, flush=True)
"""


def test_use_after_a_fork_names_the_mistake() -> None:
    run = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True)

    parent, child, closing = run.stdout.splitlines()
    assert closing.startswith("SessionError the session belongs to the event loop")
    assert parent.startswith("ConnectError")
    assert child.startswith("SessionError the session was used in process")
    assert "forked" in child


async def test_closing_wakes_whoever_waits() -> None:
    async with ScriptedServer(None) as server:
        session = Session(server.url, TOKEN)
        calls = [asyncio.create_task(session.get(Customer, "c1")) for _ in range(5)]
        await server.arrived.wait()

        await session.close()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(result, SessionError) for result in results)


async def test_closing_wakes_whoever_awaits_a_relationship() -> None:
    link = {"customer": {"links": {"related": "/api/customers/c1"}}}
    wallet = reply({"data": resource("customer_payment_sources", "w1", relationships=link)})
    async with ScriptedServer(wallet, None) as server:
        session = Session(server.url, TOKEN)
        source = await session.get(CustomerPaymentSource, "w1")
        server.arrived.clear()

        async def resolve() -> Customer:
            return await source.customer

        waiting = asyncio.create_task(resolve())
        await server.arrived.wait()
        await session.close()
        with pytest.raises(SessionError, match="closed"):
            await waiting


async def test_an_injected_client_session_is_used_and_left_as_it_was(sandbox: Sandbox) -> None:
    headers = {"X-Theirs": "1", "Authorization": "Basic dXNlcg=="}
    async with aiohttp.ClientSession(headers=headers) as theirs:
        before = (dict(theirs.headers), theirs.timeout)
        async with Session(sandbox.url, AccessToken(sandbox.access_token), http=theirs) as session:
            await session.get(CustomerPaymentSource, WALLET_ID)

        assert not theirs.closed
        assert (dict(theirs.headers), theirs.timeout) == before
        sent = [value for name, value in sandbox.requests[-1].headers if name.lower() == "authorization"]
        assert sent == [f"Bearer {sandbox.access_token}"]


def test_aiohttp_keeps_one_tls_context_for_the_process() -> None:
    """Made when aiohttp is imported, so neither per session nor on the loop; we lean on that."""
    assert isinstance(connector._SSL_CONTEXT_VERIFIED, ssl.SSLContext)
    assert connector._SSL_CONTEXT_VERIFIED.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    "make", [lambda: TOKEN, lambda: ClientCredentials("id", SECRET), lambda: Session("org", TOKEN)]
)
def test_what_holds_a_secret_shows_none_and_does_not_pickle(make: object) -> None:
    holder = make()  # type: ignore[operator] # a function by its parameters

    assert SECRET not in repr(holder) + str(holder)
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(holder)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"timeout": "5"},
        {"max_connections": 0},
        {"max_connections": True},
        {"max_body": 0},
        {"api_version": "../x"},
        {"auth_url": "http://auth.example"},
        {"auth_url": "ftp://auth.example"},
        {"user_agent": "x\r\ny: z"},
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Session("yourdomain", TOKEN, **options)  # type: ignore[arg-type] # refused, which is the test


@pytest.mark.parametrize("auth", ["token", None, 5])
def test_what_cannot_authenticate_is_refused_at_once(auth: object) -> None:
    with pytest.raises(ConfigurationError, match="AccessToken"):
        Session("yourdomain", auth)  # type: ignore[arg-type] # refused, which is the test


@pytest.mark.parametrize("token", ["", "a b", "x\r\nX: y", "né", "x" * 20_000, None])
def test_a_token_that_no_header_can_carry_is_refused_at_once(token: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AccessToken(token)
    assert repr(token) not in str(caught.value)


def test_a_session_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "SCOPE", "ORGANIZATION"):
        monkeypatch.delenv(f"COMMERCELAYER_{name}", raising=False)
    with pytest.raises(ConfigurationError, match="COMMERCELAYER_ORGANIZATION"):
        Session.from_env()
    monkeypatch.setenv("COMMERCELAYER_ORGANIZATION", "yourdomain")
    with pytest.raises(ConfigurationError, match="COMMERCELAYER_ACCESS_TOKEN"):
        Session.from_env()
    monkeypatch.setenv("COMMERCELAYER_CLIENT_ID", "id")
    assert "yourdomain" in repr(Session.from_env(timeout=3))
    monkeypatch.setenv("COMMERCELAYER_ACCESS_TOKEN", SECRET)
    assert SECRET not in repr(Session.from_env())


def test_from_env_takes_the_options_of_the_constructor_and_no_others() -> None:
    taken = [one for one in inspect.signature(Session).parameters.values() if one.kind is one.KEYWORD_ONLY]

    assert {one.name: one.annotation for one in taken} == get_type_hints(SessionOptions)
