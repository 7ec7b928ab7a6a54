"""The rate windows over real sockets, as the server sees them: the sandbox counts for itself and independently.

The API's test limits, with the seconds divided, so that the real algorithm runs in little time.
"""

import asyncio
import time

import pytest

from commercelayer_async import AccessToken, ClientCredentials, Priority, RateLimits, Retry, Session
from commercelayer_async.resources import Customer, CustomerPaymentSource, PaymentMethod
from commercelayer_async.sandbox import Rates, Sandbox
from tests.support.documents import WALLET_ID


def scaled(factor: float) -> RateLimits:
    """The documented limits of the test mode in seconds divided by `factor`."""
    return RateLimits(average=(100, 60.0 / factor), burst=(25, 10.0 / factor))


async def test_two_hundred_calls_are_kept_within_the_windows_and_none_is_refused() -> None:
    async with Sandbox(rates=Rates.test().scaled(50)) as sandbox:
        async with Session(sandbox.url, AccessToken(sandbox.access_token), limits=scaled(50)) as session:
            await asyncio.gather(*(session.get(CustomerPaymentSource, WALLET_ID) for _ in range(200)))

        assert sandbox.violations == ()
        assert all(window.refused == 0 for window in sandbox.windows())
        assert len(sandbox.requests) == 200


async def test_two_sessions_of_one_organization_share_the_windows() -> None:
    async with Sandbox(rates=Rates.test().scaled(50)) as sandbox:
        auth = AccessToken(sandbox.access_token)
        async with (
            Session(sandbox.url, auth, limits=scaled(50)) as one,
            Session(sandbox.url, auth, limits=scaled(50), priority=Priority.BULK) as other,
        ):
            await asyncio.gather(
                *(one.get(CustomerPaymentSource, WALLET_ID) for _ in range(60)),
                *(other.get(CustomerPaymentSource, WALLET_ID) for _ in range(60)),
            )

        assert sandbox.violations == ()


async def test_a_cold_client_that_knows_nothing_fails_none() -> None:
    """It learns the limits from the first headers; until then few requests are under way."""
    async with Sandbox(rates=Rates.test().scaled(50)) as sandbox:
        auth = ClientCredentials(sandbox.client_id, sandbox.client_secret)
        async with Session(sandbox.url, auth) as session:
            sources = await asyncio.gather(*(session.get(CustomerPaymentSource, WALLET_ID) for _ in range(200)))
            assert session.rate_limits.limit == 100

        assert len(sources) == 200
        assert sandbox.violations == ()


async def test_the_average_is_over_all_endpoints_of_the_class() -> None:
    async with Sandbox(rates=Rates.test().scaled(50)) as sandbox:
        async with Session(sandbox.url, AccessToken(sandbox.access_token), limits=scaled(50)) as session:
            source = await session.get(CustomerPaymentSource, WALLET_ID, include=["customer"])
            customer = await source.customer
            method = (await session.request("/payment_methods")).data
            assert isinstance(method, tuple)
            await asyncio.gather(
                *(session.get(CustomerPaymentSource, WALLET_ID) for _ in range(60)),
                *(session.get(Customer, customer.id) for _ in range(60)),
                *(session.get(PaymentMethod, method[0].id or "") for _ in range(60)),
            )

        assert sandbox.violations == ()
        assert {window.endpoint for window in sandbox.windows()} >= {None, "customers", "payment_methods"}


@pytest.mark.parametrize("count_refused", [False, True])
async def test_a_stranger_on_the_same_address_makes_nobody_fail(*, count_refused: bool) -> None:
    """Another process uses the same budget: what it takes is refused to us, and tried again behind one gate."""
    async with Sandbox(rates=Rates.test(count_refused=count_refused).scaled(100)) as sandbox:
        auth = AccessToken(sandbox.access_token)
        async with (
            Session(sandbox.url, auth, limits=scaled(100), retry=Retry.worker()) as ours,
            Session(sandbox.url.replace("127.0.0.1", "localhost"), auth, limits=scaled(100)) as stranger,
        ):
            results = await asyncio.gather(
                *(ours.get(CustomerPaymentSource, WALLET_ID) for _ in range(50)),
                *(stranger.get(CustomerPaymentSource, WALLET_ID) for _ in range(50)),
            )
        assert len(results) == 100


@pytest.mark.slow
async def test_a_saturating_worker_uses_97_percent_of_the_windows() -> None:
    """At test limits, one minute in three seconds: 100 requests each three seconds, and none refused."""
    factor, minutes = 20.0, 4
    async with Sandbox(rates=Rates.test().scaled(factor)) as sandbox:
        async with Session(
            sandbox.url, AccessToken(sandbox.access_token), limits=scaled(factor), priority="bulk"
        ) as session:
            await session.get(CustomerPaymentSource, WALLET_ID)
            await asyncio.sleep(60 / factor)
            sandbox.requests.clear()
            end = time.monotonic() + minutes * 60 / factor

            async def work() -> None:
                while time.monotonic() < end:
                    await session.get(CustomerPaymentSource, WALLET_ID)

            await asyncio.gather(*(work() for _ in range(30)))
            used = sum(request.arrived_at < end for request in sandbox.requests)

        print(f"{used} requests of {100 * minutes} ideal: {used / minutes:.1f} %")  # noqa: T201 - with -s
        assert sandbox.violations == ()
        assert all(window.refused == 0 for window in sandbox.windows())
        assert used >= 0.97 * 100 * minutes
