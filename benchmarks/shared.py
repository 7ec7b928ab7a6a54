"""Measure what a rate budget costs that processes share: `python -m benchmarks.shared`.

Three parts. `transaction` times one step of the file, in a loop that is never idle. `step` acquires and settles without
limits, beside the limiter in memory and one Redis round trip: what is added by the store alone. `windows` lets
processes read as fast as the live limits allow, from a sandbox that counts for itself: how much of the windows is used,
what is refused, how equally the processes are served that begin at one moment, and how long the interactive calls wait
that they make in turn beside these bulk ones.
"""

import argparse
import asyncio
import math
import multiprocessing
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
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

from .results import Cell, Results, Table, Verdict
from .run import add_options, facts
from .shared_transactions import transactions

KINDS: Final = ("file", "redis")
_STEPS: Final = 300
_PAUSE: Final = 0.02
"""Seconds between two acquires of a process: budgets are not hammered."""
_BETWEEN: Final = 2.0
"""Seconds between two interactive calls beside bulk ones, of all processes."""
_READY: Final = 1.0
"""Seconds in which all processes are there: who begins before the others finds all of the burst free."""


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


def read(
    kind: str, where: str, api: tuple[str, str], between: tuple[float, float], *, asks: Sequence[float]
) -> tuple[int, list[float]]:
    """Read one wallet over and over from a moment of the monotonic clock to another; gives how often that succeeded.

    At the moments `asks` it makes an interactive call beside; the seconds of each are given too.
    """
    (url, token), (begin, until) = api, between

    async def main() -> tuple[int, list[float]]:
        served = 0
        seconds: list[float] = []
        limiter = limiter_of(kind, where, RateLimits.live())
        async with Session(url, AccessToken(token), limiter=limiter, timeout=60, priority="bulk") as session:

            async def reader() -> None:
                nonlocal served
                while time.monotonic() < until:
                    await session.get(CustomerPaymentSource, WALLET_ID)
                    served += 1

            async def asker() -> None:
                interactive = session.with_options(priority="interactive")
                for moment in asks:
                    await asyncio.sleep(moment - time.monotonic())
                    began = time.monotonic()
                    await interactive.get(CustomerPaymentSource, WALLET_ID)
                    seconds.append(time.monotonic() - began)

            await asyncio.sleep(begin - time.monotonic())
            readers = [asyncio.create_task(act()) for act in (*[reader] * 8, asker)]
            await asyncio.wait(readers, timeout=max(0.0, until - time.monotonic()))
            for one in readers:
                one.cancel()
            for ended in await asyncio.gather(*readers, return_exceptions=True):
                if isinstance(ended, CommerceLayerError):
                    raise ended
        return served + len(seconds), seconds

    return asyncio.run(main())


def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))


Steps = Mapping[tuple[str, int], tuple[float, float]]
"""Microseconds of CPU and of the clock, medians over the processes, by kind and number of processes."""


def _steps(processes: int, kind: str, where: str) -> tuple[float, float]:
    with _pool(processes) as pool:
        found = list(pool.map(timed, [kind] * processes, [where] * processes))
    cpu, wall = (sorted(one)[len(one) // 2] * 1e6 for one in zip(*found, strict=True))
    return cpu, wall


async def _windows(processes: int, kind: str, where: str, seconds: float) -> Sequence[Cell]:
    """What is unused of the windows, what was refused, how often the processes were served, and interactive waits."""
    async with Sandbox(rates=Rates.live()) as sandbox:
        loop = asyncio.get_running_loop()
        with _pool(processes) as pool:
            await asyncio.gather(
                *(loop.run_in_executor(pool, timed, "local", "") for _ in range(processes))
            )  # all have begun
            begin = time.monotonic() + _READY
            moments = [begin + _BETWEEN * n for n in range(1, int(seconds / _BETWEEN) + 1)]
            arguments = (kind, where, (sandbox.url, sandbox.access_token), (begin, begin + seconds))
            reads = [partial(read, *arguments, asks=moments[number::processes]) for number in range(processes)]
            found = await asyncio.gather(*(loop.run_in_executor(pool, one) for one in reads))
        # The burst lets so many go at once and each ten seconds; the average, so many in a minute.
        possible = min(50 * (1 + int(seconds // 10)), 200 * (1 + int(seconds // 60)))
        refused = sum(window.refused for window in sandbox.windows()) + len(sandbox.violations)
    served = [count for count, _ in found]
    most_of_least = max(served) / min(served) if min(served) else "one had none"
    asked = sorted(one for _, waits in found for one in waits)
    return (
        max(0.0, 1 - sum(served) / possible),
        refused,
        min(served),
        max(served),
        most_of_least,
        *((asked[len(asked) // 2] * 1e3, asked[-1] * 1e3) if asked else ("none ended", "none ended")),
    )


def _of_runs(runs: Sequence[Sequence[Cell]]) -> Sequence[Cell]:
    """The run with the median of most to least served; but what is unused as in the worst, and refused in all.

    One run says little of that ratio: a process that begins a few milliseconds before the others finds all of the burst
    free, and can have its callers served twice before anybody else has come.
    """
    equal = _WINDOW_COLUMNS.index("most / least")
    ordered = sorted(runs, key=lambda row: row[equal] if isinstance(row[equal], float) else math.inf)
    unused, refused = max(row[0] for row in runs), sum(row[1] for row in runs)
    return (unused, refused, *ordered[len(runs) // 2][2:])


def _step_table(steps: Steps) -> Table:
    rows: dict[str, Sequence[Cell]] = {}
    for (kind, processes), (cpu, wall) in steps.items():
        local, ping = steps["local", processes], steps["ping", processes]
        rows[_row(kind, processes)] = (cpu, wall, cpu - local[0], wall - local[1], cpu / ping[0], wall / ping[1])
    ours = [_row(kind, processes) for kind, processes in steps if kind in KINDS]
    return Table(
        "shared-step", "An acquire and its settling, without limits", _STEP_UNIT, _STEP_COLUMNS, rows, ours, _DRAWN
    )


_STEP_COLUMNS: Final = ("CPU, us", "wall, us", "CPU added, us", "wall added, us", "CPU", "wall")
_DRAWN: Final = ("CPU", "wall")
_STEP_UNIT: Final = f"{1 / _PAUSE:.0f} a second in each process; added to memory's; the last two x one PING of Redis"
_WINDOW_COLUMNS: Final = (
    "unused",
    "refused",
    "least served",
    "most served",
    "most / least",
    "interactive, median ms",
    "interactive, longest ms",
)
_NAMES: Final = {"local": "memory", "file": "file", "redis": "Redis", "ping": "PING"}


def _row(kind: str, processes: int) -> str:
    return f"{_NAMES[kind]}, {processes}"


def main() -> None:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shared", description=__doc__)
    add_options(parser, rounds=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=59.0, help="of reading under the live limits")
    options = parser.parse_args()
    results = Results("shared", facts(options))
    load = os.getloadavg()[0]
    if load > 1.0:
        results.disturbed(f"the load was {load:.1f} before anything began")
    steps: dict[tuple[str, int], tuple[float, float]] = {}
    windows: dict[str, Sequence[Cell]] = {}
    with tempfile.TemporaryDirectory() as folder, RedisServer() as server:

        def where(kind: str, name: str) -> str:
            return str(Path(folder) / name) if kind == "file" else server.url

        table, verdicts = transactions(Path(folder))
        results.table(table)
        results.verdicts(verdicts)
        for processes in options.processes:
            for kind in ("local", *KINDS, "ping"):
                steps[kind, processes] = _steps(processes, kind, where(kind, f"{processes}.db"))
        for processes in options.processes:
            for kind in KINDS:
                runs = [
                    asyncio.run(_windows(processes, kind, where(kind, f"{processes}w{run}.db"), options.seconds))
                    for run in range(options.rounds)
                ]
                windows[_row(kind, processes)] = _of_runs(runs)
    results.table(_step_table(steps))
    title = f"Processes that read as fast as the live limits let them for {options.seconds:g} s, eight callers each"
    unit = (
        f"the share of what the windows let through; requests; an interactive call each {_BETWEEN:g} s, of each process"
        f" in turn, with its wait; of {options.rounds} runs the one with the median of most to least served, but unused"
        " of the worst, and refused of all"
    )
    results.table(Table("shared-windows", title, unit, _WINDOW_COLUMNS, windows, list(windows)))
    for row in windows:
        results.verdicts(
            Verdict("shared-windows", row, column, bound)
            for column, bound in (("unused", 0.05), ("refused", 0), ("most / least", 2.0))
        )
    results.write(options.json)


if __name__ == "__main__":
    main()
