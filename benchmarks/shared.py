"""Measure what a rate budget costs that processes share: `python -m benchmarks.shared`.

Two parts. `step` acquires and settles without limits, beside the limiter in memory and one Redis round trip: what is
added by the store alone. `windows` lets processes read as fast as the live limits allow, from a sandbox that counts
for itself: how much of the windows is used, what is refused, and how equally the processes are served.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

from commercelayer_async import AccessToken, CommerceLayerError, Limiter, Priority, RateLimits, Session
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.limiter import LocalLimiter
from commercelayer_async.redis import RedisLimiter
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Rates, Sandbox
from commercelayer_async.service import COMMERCE_LAYER
from commercelayer_async.shared import FileLimiter
from tests.shared.redis_server import RedisServer
from tests.support.documents import WALLET_ID

KINDS: Final = ("file", "redis")
_STEPS: Final = 300
_PAUSE: Final = 0.02
"""Seconds between two acquires of a process: budgets are not hammered."""


def limiter_of(kind: str, where: str, limits: RateLimits | None) -> Any:
    """A limiter in memory, in a file or in Redis."""
    if kind == "local":
        return LocalLimiter(limits, clock=LoopClock(), facts=COMMERCE_LAYER.rates)
    return FileLimiter(where, limits=limits) if kind == "file" else RedisLimiter(where, limits=limits)


async def _once(limiter: Limiter) -> None:
    lease = await limiter.acquire("orders", priority=Priority.INTERACTIVE)
    lease.settle(200, {})


async def _ping_of(where: str) -> Callable[[], Awaitable[object]]:
    import redis.asyncio  # noqa: PLC0415 - an extra

    client = redis.asyncio.Redis.from_url(where)
    await client.ping()
    return client.ping


def timed(kind: str, where: str) -> tuple[float, float]:
    """CPU and median wall seconds of an acquire and its settling, or of a PING; the process is new."""

    async def main() -> tuple[float, float]:
        if kind == "ping":
            act = await _ping_of(where)
        else:
            limiter = limiter_of(kind, where, RateLimits.none())

            async def act() -> None:
                await _once(limiter)

        await act()
        walls, cpu = [], 0.0
        for _ in range(_STEPS):
            await asyncio.sleep(_PAUSE)
            began, cpu_began = time.perf_counter(), time.process_time()
            await act()
            walls.append(time.perf_counter() - began)
            cpu += time.process_time() - cpu_began
        return cpu / _STEPS, sorted(walls)[_STEPS // 2]

    return asyncio.run(main())


def read(kind: str, where: str, url: str, token: str, until: float) -> int:
    """Read one wallet over and over until a moment of the monotonic clock; gives how often that succeeded."""

    async def main() -> int:
        served = 0
        limiter = limiter_of(kind, where, RateLimits.live())
        async with Session(url, AccessToken(token), limiter=limiter, timeout=60, priority="bulk") as session:

            async def reader() -> None:
                nonlocal served
                while time.monotonic() < until:
                    await session.get(CustomerPaymentSource, WALLET_ID)
                    served += 1

            readers = [asyncio.create_task(reader()) for _ in range(8)]
            await asyncio.wait(readers, timeout=max(0.0, until - time.monotonic()))
            for one in readers:
                one.cancel()
            for ended in await asyncio.gather(*readers, return_exceptions=True):
                if isinstance(ended, CommerceLayerError):
                    raise ended
        return served

    return asyncio.run(main())


def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))


def _steps(processes: int, kind: str, where: str) -> None:
    with _pool(processes) as pool:
        found = list(pool.map(timed, [kind] * processes, [where] * processes))
    cpu, wall = (sorted(one)[len(one) // 2] * 1e6 for one in zip(*found, strict=True))
    print(f"{kind:6} {processes:3} processes: {cpu:6.0f} us CPU, {wall:6.0f} us median wall", flush=True)


async def _windows(processes: int, kind: str, where: str, seconds: float) -> None:
    async with Sandbox(rates=Rates.live()) as sandbox:
        loop = asyncio.get_running_loop()
        with _pool(processes) as pool:
            await asyncio.gather(
                *(loop.run_in_executor(pool, timed, "local", "") for _ in range(processes))
            )  # all have begun
            until = time.monotonic() + seconds
            arguments = (kind, where, sandbox.url, sandbox.access_token, until)
            served = await asyncio.gather(*(loop.run_in_executor(pool, read, *arguments) for _ in range(processes)))
        # The burst lets so many go at once and each ten seconds; the average, so many in a minute.
        possible = min(50 * (1 + int(seconds // 10)), 200 * (1 + int(seconds // 60)))
        refused = sum(window.refused for window in sandbox.windows())
    print(
        f"{kind:6} {processes:3} processes, {seconds:g} s: used {sum(served) / possible:.2f}, refused {refused},"
        f" least served {min(served)}, most {max(served)}, violations {len(sandbox.violations)}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shared", description=__doc__)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=59.0, help="of reading under the live limits")
    parser.add_argument("parts", nargs="*", default=["step", "windows"], help="step, windows; both unless given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, RedisServer() as server:
        for processes in options.processes:
            if "step" in options.parts:
                for kind in ("local", *KINDS, "ping"):
                    _steps(processes, kind, str(Path(folder) / f"{processes}.db") if kind == "file" else server.url)
            if "windows" in options.parts:
                for kind in KINDS:
                    where = str(Path(folder) / f"{processes}w.db") if kind == "file" else server.url
                    asyncio.run(_windows(processes, kind, where, options.seconds))


if __name__ == "__main__":
    main()
