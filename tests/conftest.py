"""What the tests share: a running sandbox, and a session on it."""

import gc
import signal
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from commercelayer_async import AccessToken, RateLimits, Session
from commercelayer_async.sandbox import Sandbox

# No test is to fail because the machine is busy: how long an example takes says nothing of it.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# Whoever runs the tests in the background, or under nohup, ignores signals for all that they start: programs that tests
# start and send signals to would wait for ever.
for _number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None), getattr(signal, "SIGUSR1", None)):
    if _number is not None and signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL)


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
