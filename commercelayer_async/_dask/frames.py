"""`read`: a frame whose partitions are read when they are computed.

The graph has one task that cuts the list, and one for each partition, which takes its range from that. So nothing is
asked before the first computation, and each computation sees the list as it is then. These tasks are plain functions
and run in a worker's threads, as dask's own do; the reading goes on in the worker's event loop, where its session is.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Final, TypeVar

from distributed import get_worker

from .._checks import require_whole_number
from .._export.columns import class_for, layout_for
from .._export.plan import targets_of
from ..errors import ConfigurationError
from ..jsonapi import Registry, Resource
from ..jsonapi.query import include_paths, names_in
from ..jsonapi.registry import type_of
from ..resources import RESOURCES
from ..service import COMMERCE_LAYER
from .dtypes import empty_frame, frame_of_parquet
from .extra import load
from .job import Job
from .partition import read_rows
from .plan import Partition
from .planning import cut_into
from .run import require_client
from .worker import factory_name, session_access

T = TypeVar("T")

_MOST: Final = 100_000


def read(
    cls: type[Resource],
    *,
    include: str | Iterable[str],
    filter: Mapping[str, Any] | None,
    partitions: int,
    session: str | None,
    client: Any,
) -> Any:
    """See `commercelayer_async.dask.read`."""
    parts = require_whole_number("partitions", partitions, 1, _MOST)
    given: Any = cls
    if not isinstance(given, type) or not issubclass(given, Resource) or class_for(given) is None:
        raise ConfigurationError("cls must be a resource class, which says what columns there are")
    job = Job(cls, tuple(names_in(include, "include")), filter, "parquet", factory_name(session), folder="a frame")
    require_client(client if client is not None else _current_client(), job.session)
    delayed = load("dask").delayed
    cut = delayed(_cut, pure=False)(job, parts)
    rows = [delayed(_frame, pure=False)(job, cut, number) for number in range(parts)]
    return load("dask.dataframe").from_delayed(rows, meta=_empty(job), prefix=type_of(cls), verify_meta=True)


def _current_client() -> Any:
    try:
        return load("distributed").default_client()
    except ValueError:
        pass
    raise ConfigurationError(
        "there is no Dask cluster: make a distributed.Client() first, or name one as client=; other schedulers of dask"
        " have no loop for a session"
    )


def _empty(job: Job) -> Any:
    """The frame without rows, by the class alone: nothing is asked."""
    cls: Any = job.cls_or_type
    registry = Registry(*RESOURCES).preferring(cls)
    paths = include_paths(job.include, cls, registry)
    targets = targets_of(type_of(cls), paths, registry, COMMERCE_LAYER)
    return empty_frame(layout_for(cls, compound=bool(paths), targets=targets).columns)


def _cut(job: Job, parts: int) -> tuple[Partition, ...]:
    """Cut the list into so many partitions; the last may be empty."""
    return _in_loop(_cut_now(job, parts))


async def _cut_now(job: Job, parts: int) -> tuple[Partition, ...]:
    async with session_access(job.session) as access:
        ranges = access.ranges(job.plan(access).scanned, filter=job.filter)
        return await cut_into(ranges, parts)


def _frame(job: Job, cut: tuple[Partition, ...], number: int) -> Any:
    """One partition of the frame; one without rows if the list has fewer."""
    if number >= len(cut):
        return _empty(job)
    return frame_of_parquet(_in_loop(_read_now(job, cut[number])))


async def _read_now(job: Job, partition: Partition) -> bytes:
    async with session_access(job.session) as access:
        rows = await read_rows(job, access, partition)
    return await asyncio.to_thread(rows.data)


def _in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in the event loop of the worker that this thread belongs to, and give its result."""
    try:
        loop = _loop_of(get_worker())
    except ValueError:
        work.close()
        raise ConfigurationError(
            "this frame needs the workers of a Dask cluster: compute it while a distributed.Client() is there"
        ) from None
    return asyncio.run_coroutine_threadsafe(work, loop).result()


def _loop_of(worker: Any) -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop = worker.loop.asyncio_loop
    return loop
