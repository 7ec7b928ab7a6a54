"""A session whose worker ends when it reads a certain partition."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from commercelayer_async import Session
from commercelayer_async._dask import partition
from tests.dask.sessions import unlimited

real: Callable[..., Any] = partition.read_rows


async def end() -> None:
    # Later than its start, in which the death of a worker makes its nanny give it up, so that none would be left.
    await asyncio.sleep(1.0)
    os._exit(3)


def fatal() -> list[str]:
    path = Path(os.environ["FATAL_PARTITIONS"])
    return path.read_text().split() if path.exists() else []


def on_begin(number: str) -> None:
    pass


async def read_or_die(job: Any, access: Any, part: Any, **options: Any) -> Any:
    on_begin(str(part.number))
    if str(part.number) in fatal():
        await end()
    return await real(job, access, part, **options)


def session() -> Session:
    module: Any = partition
    module.read_rows = read_or_die
    return unlimited()
