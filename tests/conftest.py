"""What the tests share: a running sandbox, and a session on it."""

import gc
from collections.abc import AsyncIterator

import pytest

from commercelayer_async import AccessToken, RateLimits, Session
from commercelayer_async.sandbox import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def session(sandbox: Sandbox) -> AsyncIterator[Session]:
    # The sandbox tells the API's limits in its headers; heeding them would make tests wait.
    async with Session(sandbox.url, AccessToken(sandbox.access_token), limits=RateLimits.none()) as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def nothing_old_to_collect() -> None:
    """What is loaded by now stays: a test that collects garbage need not look through it again."""
    gc.collect()
    gc.freeze()
