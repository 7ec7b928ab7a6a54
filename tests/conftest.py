"""What the tests share: a running sandbox, and a session on it."""

from collections.abc import AsyncIterator

import pytest

from commercelayer_async import AccessToken, Session
from commercelayer_async.sandbox import Sandbox

DOCUMENTED = "xYZkjABcde"
"""The id of the wallet in the API's published example."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def session(sandbox: Sandbox) -> AsyncIterator[Session]:
    async with Session(sandbox.url, AccessToken(sandbox.access_token)) as opened:
        yield opened
