"""Processes that read from one sandbox, with a limiter that they share."""

import asyncio
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final

from commercelayer_async import AccessToken, RateLimits, Session
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.shared import FileLimiter
from tests.support.documents import WALLET_ID

LIMITS = RateLimits(average=(100, 3.0), burst=(25, 0.5))
"""The documented limits of the test mode, in seconds divided by twenty."""


LONGEST: Final = 300
"""Seconds after which a process fails, whatever it waits for."""


def new_context() -> Any:
    """How processes begin: forked by a server that has imported all there is, as importing would take most of the time.

    That server is a process of its own, which does nothing else; so nothing of the test's is in them.
    """
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.shared.processes", "tests.shared.token_processes", "redis.asyncio"])
    return context


def limiter(kind: str, where: str) -> Any:
    """A limiter of the kind, `file` or `redis`."""
    if kind == "file":
        return FileLimiter(where, limits=LIMITS)
    from commercelayer_async._shared import redis_client  # noqa: PLC0415 - needs an extra
    from commercelayer_async.redis import RedisLimiter  # noqa: PLC0415 - an extra

    # A process that never reached its store fails, and on a busy machine half a second may pass before it does.
    redis_client._PATIENCE = redis_client._LONGEST = LONGEST  # type: ignore[misc]  # for the life of this process
    return RedisLimiter(where, limits=LIMITS)


def read(kind: str, where: str, url: str, token: str, calls: int) -> int:
    """Make so many calls as fast as the budget allows; gives how many succeeded."""

    async def main() -> int:
        async with (
            asyncio.timeout(LONGEST),
            Session(url, AccessToken(token), limiter=limiter(kind, where), timeout=LONGEST, priority="bulk") as session,
        ):
            found = await asyncio.gather(*(session.get(CustomerPaymentSource, WALLET_ID) for _ in range(calls)))
        return len(found)

    return asyncio.run(main())


async def together(kind: str, where: str, url: str, token: str, *, processes: int, calls: int) -> list[int]:
    """Let so many processes read at once."""
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(processes, mp_context=new_context()) as pool:
        return await asyncio.gather(
            *(loop.run_in_executor(pool, read, kind, where, url, token, calls) for _ in range(processes))
        )
