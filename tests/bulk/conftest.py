"""What the bulk tests share."""

from collections.abc import AsyncIterator

import pytest

from commercelayer_async import AccessToken, RateLimits, Retry, Session
from commercelayer_async.sandbox import Sandbox


@pytest.fixture
async def world() -> AsyncIterator[Sandbox]:
    """A sandbox with 1,000 wallets."""
    async with Sandbox(wallets=1000) as running:
        yield running


@pytest.fixture
async def client(world: Sandbox) -> AsyncIterator[Session]:
    options = {"limits": RateLimits.none(), "retry": Retry(base=0.001)}
    async with Session(world.url, AccessToken(world.access_token), **options) as opened:  # type: ignore[arg-type] # options of any kind
        yield opened
