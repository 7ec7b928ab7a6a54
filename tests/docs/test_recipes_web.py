"""The web recipes, run on real sockets: whoever asks, the service, the sandbox."""

import importlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from commercelayer_async import errors
from commercelayer_async.sandbox import Answer, Sandbox
from tests.support.docs_servers import served
from tests.support.documents import WALLET_ID

WALLET = "/wallets/xYZkjABcde"
Serve = Callable[[str], AbstractAsyncContextManager[str]]


@asynccontextmanager
async def served_by_aiohttp(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def serve(recipes: Path, environment: Sandbox) -> Serve:
    """A recipe on a socket, by its name."""

    def start(name: str) -> AbstractAsyncContextManager[str]:
        module = importlib.import_module(name)
        return served_by_aiohttp(module.make_app()) if name == "aiohttp_app" else served(module.app)

    return start


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


async def asked(browser: aiohttp.ClientSession, url: str) -> tuple[int, Any, str]:
    async with browser.get(url) as response:
        return response.status, await response.json(), response.headers.get("Retry-After", "")


@pytest.mark.parametrize("name", ["fastapi_app", "aiohttp_app"])
async def test_a_wallet_is_served_with_its_customer(name, serve, browser) -> None:
    async with serve(name) as url:
        status, body, _ = await asked(browser, url + WALLET)

    assert status == 200
    assert (body["id"], body["name"], body["customer_status"]) == (WALLET_ID, "XXXX-XXXX-XXXX-1111", "acquired")
    assert not any("token" in name for name in body)


async def test_starlette_serves_a_customers_wallets_newest_first(serve, browser, environment) -> None:
    record = environment.world.get("customer_payment_sources", WALLET_ID)
    assert record is not None
    (reference,) = environment.world.related(record, "customer")
    customer = environment.world.id_of(reference)

    async with serve("starlette_app") as url:
        status, body, _ = await asked(browser, f"{url}/customers/{customer}/wallets")
        absent, said, _ = await asked(browser, f"{url}/customers/nobodyhere/wallets")

    assert status == 200
    assert WALLET_ID in [each["id"] for each in body]
    assert (absent, said) == (404, {"error": "there is no such wallet"})


@pytest.mark.parametrize("name", ["fastapi_app", "aiohttp_app"])
async def test_one_session_serves_all_requests_of_a_process(name, serve, browser, environment) -> None:
    async with serve(name) as url:
        for _ in range(5):
            assert (await asked(browser, url + WALLET))[0] == 200

    assert environment.token_requests["client_credentials"] == 1


@pytest.mark.parametrize("name", ["fastapi_app", "aiohttp_app"])
async def test_nothing_of_the_api_leaks_into_an_error(name, serve, browser, environment, caplog) -> None:
    """The log has the reason; whoever asked has a sentence."""
    environment.faults.add(Answer.html(502), times=None, where=f"/api/customer_payment_sources{WALLET[8:]}")
    with caplog.at_level(logging.INFO, logger="wallets"):
        async with serve(name) as url:
            failed, body, _ = await asked(browser, url + WALLET)
            absent, said, _ = await asked(browser, f"{url}/wallets/nobodyhere")

    assert (failed, body) == (502, {"error": "the commerce API has trouble"})
    assert (absent, said) == (404, {"error": "there is no such wallet"})
    assert f"{environment.url}/api/customer_payment_sources/xYZkjABcde" in caplog.text
    assert environment.client_secret not in caplog.text


async def test_fastapi_refuses_a_malformed_id_before_the_api_is_asked(serve, browser, environment) -> None:
    async with serve("fastapi_app") as url:
        status, _, _ = await asked(browser, f"{url}/wallets/a%20b")

    assert status == 422
    assert not environment.requests


@pytest.mark.parametrize(("name", "path"), [("starlette_app", "/customers/{}/wallets"), ("aiohttp_app", "/wallets/{}")])
@pytest.mark.parametrize("id", ["a%20b", "a.b", "%C3%A9", "x" * 65])
async def test_a_malformed_id_is_not_found_without_asking_the_api(
    serve, browser, environment, *, name, path, id
) -> None:
    async with serve(name) as url, browser.get(url + path.format(id)) as response:
        assert response.status == 404
    assert not environment.requests


def api_error(cls: type[errors.ApiError], status: int) -> errors.ApiError:
    return cls(status=status, method="GET", url="https://yourdomain.commercelayer.io/api/customers/c1")


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (api_error(errors.NotFound, 404), 404, None),
        (api_error(errors.RateLimited, 429), 503, "1"),
        (errors.TimeoutError("the time was up", url="https://x.example", phase="headers", seconds=8.0), 504, None),
        (errors.ConnectError("nobody there", url="https://x.example", phase="connect"), 502, None),
        (api_error(errors.ServerError, 500), 502, None),
        (errors.AuthError("refused"), 502, None),
        (api_error(errors.Unauthorized, 401), 502, None),
        (api_error(errors.Forbidden, 403), 502, None),
        (errors.DecodeError(expected="a resource", got="null"), 502, None),
        (errors.LinkRefused(link="https://elsewhere.example/", reason="it leaves the origin"), 502, None),
        (errors.SessionError("closed"), 503, "1"),
        (errors.ConfigurationError("no such relationship"), 500, None),
        (api_error(errors.Locked, 423), 502, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_error_has_an_answer_that_says_nothing_of_it(recipes, error, status, retry_after) -> None:
    answer = importlib.import_module("error_answers").answer_to(error)

    assert answer.status == status
    assert answer.headers.get("Retry-After") == retry_after
    assert "example" not in str(answer.body)


def test_the_time_to_come_back_is_rounded_up(recipes) -> None:
    error = api_error(errors.RateLimited, 429)
    error.retry_after = 2.1

    assert importlib.import_module("error_answers").answer_to(error).headers == {"Retry-After": "3"}
