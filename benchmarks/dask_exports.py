"""Exports that `benchmarks.dask` times, in a process of their own: `python -m benchmarks.dask_exports WORKERS`.

With 0 workers it is the plain `export`. Otherwise the process holds the scheduler and the client of a cluster, whose
workers are processes of their own, and counts their CPU time and its own apart.
"""

import asyncio
import itertools
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final, NamedTuple

from distributed import Client, LocalCluster

from commercelayer_async import dask as cl_dask
from commercelayer_async import export
from commercelayer_async.resources import CustomerPaymentSource

from . import dask_sessions
from .measuring import answer, questions

INCLUDE: Final = ("customer",)
TASKS_AT_ONCE: Final = 2
"""Of a worker."""
_OURS: Final = ("commercelayer_async.resources", "commercelayer_async.shared", "commercelayer_async._session")


class Export(NamedTuple):
    """What an export took; seconds are of all records together."""

    wall: float
    reading: float
    """CPU seconds of those that read and write."""
    scheduling: float
    """CPU seconds of the scheduler and of the client."""
    records: int
    partitions: int
    planning: int
    """Requests that planning took."""
    requests: int
    """Requests that the data took."""


Exporting = Callable[[Path, Mapping[str, Any]], Export]


def _alone(to: Path, question: Mapping[str, Any]) -> Export:
    """The plain export, in this process."""

    async def main() -> int:
        session = dask_sessions.alone()
        async with session:
            where = question.get("filter")
            done = await export(
                session, CustomerPaymentSource, to.with_suffix(".parquet"), include=INCLUDE, filter=where
            )
        return done.records

    began, cpu = perf_counter(), process_time()
    records = asyncio.run(main())
    pages = -(-records // 25)
    return Export(perf_counter() - began, process_time() - cpu, 0.0, records, 1, 0, pages)


def _over(client: Client) -> Exporting:
    def exporting(to: Path, question: Mapping[str, Any]) -> Export:
        before = sum(client.run(process_time).values())
        began, cpu = perf_counter(), process_time()
        report = cl_dask.export(client, CustomerPaymentSource, to, include=INCLUDE, **question)
        wall, scheduling = perf_counter() - began, process_time() - cpu
        reading = sum(client.run(process_time).values()) - before
        return Export(
            wall,
            reading,
            scheduling,
            report.records,
            len(report.partitions),
            report.planning_requests,
            report.requests,
        )

    return exporting


def _load() -> None:
    """Load what the first export would, which takes seconds."""
    for module in ("pandas", "pyarrow.parquet", "dask.dataframe", "commercelayer_async._dask.partition", *_OURS):
        import_module(module)


def _answer_with(exporting: Exporting) -> None:
    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()
        for question in questions():
            answer(exporting(Path(folder) / str(next(numbers)), question))


def main() -> None:
    """Export as often as asked, each time to another place."""
    workers = int(sys.argv[1])
    if not workers:
        _load()
        _answer_with(_alone)
        return
    options: Mapping[str, Any] = {
        "n_workers": workers,
        "threads_per_worker": TASKS_AT_ONCE,
        "dashboard_address": "127.0.0.1:0",
        "silence_logs": "CRITICAL",
    }
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        client.run(_load)
        _answer_with(_over(client))


if __name__ == "__main__":
    main()
