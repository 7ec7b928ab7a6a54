"""Time one transaction of a budget in a file, in a process that is never idle; a part of `benchmarks.shared`."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from commercelayer_async._shared.file_store import FileStore
from commercelayer_async._shared.state import SECOND, Answer, Request, Settled, lease_id

from .results import Cell, Table, Verdict

KEY: Final = "shared-transaction"
COLUMNS: Final = ("acquire", "acquire, p99", "release", "SQLite alone")
ROWS: Final = {"little kept": 2, "195 requests kept": 195}
"""How many requests have ended in the last window: live limits let 200 through in it."""
GOAL: Final = 100.0
"""Microseconds: an acquire takes tens of them."""
_TIMES: Final = 2_000
_ROOMY: Final = [100_000, 60 * SECOND, 100_000, 10 * SECOND]


def transactions(folder: Path) -> tuple[Table, list[Verdict]]:
    """The table, and its verdicts."""
    rows = {name: asyncio.run(_row(folder / f"{kept}.db", kept)) for name, kept in ROWS.items()}
    title = "One transaction of a budget in a file, in a loop that is never idle"
    table = Table(KEY, title, "microseconds of the clock, medians", COLUMNS, rows, list(rows))
    return table, [Verdict(KEY, row, "acquire", GOAL) for row in rows]


async def _row(path: Path, kept: int) -> Sequence[Cell]:
    store, number = FileStore(path), 0

    async def step(**wanted: Any) -> Answer:
        nonlocal number
        number += 1
        return await store.step("budget", Request("member", number, documented=_ROOMY, type="orders", **wanted))

    async def acquire() -> None:
        if (await step(interactive=1)).interactive != 1:
            raise RuntimeError("a budget with room gave no place")

    for _ in range(kept):
        await acquire()
        await step(settled=[Settled(lease_id("member", number, 1), "orders", 0, status=200)])
    acquired: list[float] = []
    released: list[float] = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        await acquire()
        acquired.append(time.perf_counter() - began)
        place = lease_id("member", number, 1)
        began = time.perf_counter()
        await step(released=[place])
        released.append(time.perf_counter() - began)
    await store.close()
    of_acquire, of_release, of_sqlite = (quantiles(one, n=100) for one in (acquired, released, _alone(path)))
    return tuple(1e6 * one for one in (of_acquire[49], of_acquire[98], of_release[49], of_sqlite[49]))


def _alone(path: Path) -> list[float]:
    """Seconds of reading and writing the same row, without anything being decided."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.execute("PRAGMA synchronous = OFF")
    (state,) = connection.execute("SELECT state FROM budgets").fetchone()
    states = [state, state[:-1]]

    def act(number: int) -> None:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("SELECT state FROM budgets WHERE key = 'budget'").fetchone()
        connection.execute("UPDATE budgets SET state = ? WHERE key = 'budget'", (states[number % 2],))
        connection.execute("COMMIT")

    try:
        return [_seconds(act, number) for number in range(_TIMES)]
    finally:
        connection.close()


def _seconds(act: Callable[[int], None], number: int) -> float:
    began = time.perf_counter()
    act(number)
    return time.perf_counter() - began
