"""Tests of a service against the sandbox: `pytest docs/recipes/test_greetings.py`.

The fixture `commercelayer_sandbox` comes with the package. It is a server on a real socket, so nothing is patched.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from greetings import Greetings

from commercelayer_async import ClientCredentials, Retry, ServerError, Session
from commercelayer_async.sandbox import Answer, Reset, Sandbox, Truncate

WALLET = "xYZkjABcde"
"""The documented wallet, which every sandbox has."""


@pytest_asyncio.fixture
async def session(commercelayer_sandbox: Sandbox) -> AsyncIterator[Session]:
    """A session on the sandbox that does not wait between tries."""
    credentials = ClientCredentials(commercelayer_sandbox.client_id, commercelayer_sandbox.client_secret)
    async with Session(commercelayer_sandbox.url, credentials, retry=Retry(base=0.0)) as opened:
        yield opened


@pytest.fixture
def greetings(session: Session) -> Greetings:
    """The service to test."""
    return Greetings(session)


@pytest.mark.asyncio
async def test_a_customer_is_greeted_in_one_request(greetings: Greetings, commercelayer_sandbox: Sandbox) -> None:
    assert await greetings.greet(WALLET) == "Hello again! Pay with XXXX-XXXX-XXXX-1111?"

    asked = [request.raw_path for request in commercelayer_sandbox.requests if request.method == "GET"]
    assert asked == [f"/api/customer_payment_sources/{WALLET}?include=customer"]


@pytest.mark.asyncio
async def test_a_wallet_that_was_deleted_is_not_an_error(greetings: Greetings, commercelayer_sandbox: Sandbox) -> None:
    (made,) = commercelayer_sandbox.world.create_wallets(1)
    assert await greetings.greet(made) != "Hello!"

    commercelayer_sandbox.world.delete_wallets(made)

    assert await greetings.greet(made) == "Hello!"


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", [Answer.html(502), Reset(), Truncate()], ids=lambda fault: fault.name)
async def test_a_fault_that_passes_is_not_seen(
    greetings: Greetings, commercelayer_sandbox: Sandbox, fault: Answer | Reset | Truncate
) -> None:
    commercelayer_sandbox.faults.add(fault, times=1, where="/api/")

    assert (await greetings.greet(WALLET)).startswith("Hello again!")


@pytest.mark.asyncio
async def test_an_outage_is_an_error_of_the_package(greetings: Greetings, commercelayer_sandbox: Sandbox) -> None:
    commercelayer_sandbox.faults.add(Answer.html(503), times=None, where="/api/")

    with pytest.raises(ServerError) as caught:
        await greetings.greet(WALLET)

    assert caught.value.tries > 1
