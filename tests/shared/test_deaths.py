"""Processes that are killed at random moments cost their places for a while, and never a window; the others go on."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from commercelayer_async.sandbox import Rates, Sandbox

from .processes import new_context, read
from .redis_server import RedisServer

pytestmark = pytest.mark.slow

PROCESSES = 8
CALLS = 60


@pytest.fixture(params=["file", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Where a store is: its kind, and a path or URL."""
    if request.param == "file":
        yield "file", str(tmp_path / "limits.db")
    else:
        with RedisServer() as running:
            yield "redis", running.url


@pytest.mark.parametrize("killed", [4, 7])
async def test_processes_that_are_killed_break_no_window(place: tuple[str, str], killed: int) -> None:
    chance = random.Random(killed)
    async with Sandbox(rates=Rates.test().scaled(20)) as sandbox:
        arguments = (*place, sandbox.url, sandbox.access_token, CALLS)
        context = new_context()
        processes = [context.Process(target=read, args=arguments) for _ in range(PROCESSES)]
        for process in processes:
            process.start()
        victims = chance.sample(processes, killed)
        for number, process in enumerate(victims, 1):
            # In the midst of their requests, as the windows let through a fifth of all by then.
            while len(sandbox.requests) < number * PROCESSES * CALLS / 5 / killed:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(chance.random() / 100)
            process.kill()
        await asyncio.gather(*(asyncio.to_thread(process.join) for process in processes))

        assert [process.exitcode for process in processes if process not in victims] == [0] * (PROCESSES - killed)
        assert [process.exitcode for process in victims] == [-9] * killed
        assert sandbox.violations == ()
