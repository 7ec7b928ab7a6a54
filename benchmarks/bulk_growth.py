"""What an id costs of the package's own work, however many there are: `python -m benchmarks.bulk_growth WAY`.

Asked for `{"ids": 1000, "seconds": 0.3}`, it reads so many wallets from an API that answers at once, as often as fits
into the time, and answers with seconds of CPU and of wall time for each and with the MiB that its memory grew by.
Nothing that was read is kept.
"""

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Iterator
from time import perf_counter, process_time
from typing import Any

from commercelayer_async import AccessToken, Fetched, RateLimits, Session
from commercelayer_async.resources import CustomerPaymentSource

from .bulk_api import ORGANIZATION, InstantApi
from .bulk_memory import Peak
from .measuring import CLIENT_CORE, answer, pin, questions

WARM_UP = 1000

Read = Callable[[Session, int], Awaitable[int]]


def _ids(count: int) -> Iterator[str]:
    return (f"w{n:09}" for n in range(count))


async def _streamed(session: Session, count: int, **options: Any) -> int:
    found = 0
    async with session.stream(CustomerPaymentSource, _ids(count), **options) as outcomes:
        async for outcome in outcomes:
            found += isinstance(outcome, Fetched)
    return found


async def stream(session: Session, count: int) -> int:
    """As they arrive."""
    return await _streamed(session, count)


async def ordered(session: Session, count: int) -> int:
    """In the order of the ids."""
    return await _streamed(session, count, ordered=True)


async def per_id(session: Session, count: int) -> int:
    """One request an id."""
    return await _streamed(session, count, per_id=True, concurrency=100)


async def gather(session: Session, count: int) -> int:
    """A task for each id, as many write it."""
    return len(await asyncio.gather(*(session.get(CustomerPaymentSource, id_) for id_ in _ids(count))))


WAYS: dict[str, Read] = {
    "stream": stream,
    "stream, ordered": ordered,
    "stream, per id": per_id,
    "gather of get": gather,
}


async def _main(way: Read) -> None:
    http: Any = InstantApi()
    token = AccessToken("token")
    async with Session(ORGANIZATION, token, http=http, limits=RateLimits.none(), timeout=600.0) as session:
        await way(session, WARM_UP)
        for question in questions():
            count, seconds = question["ids"], question["seconds"]
            peak = Peak()
            gc.collect()
            found = 0
            began, wall = process_time(), perf_counter()
            while not found or process_time() - began < seconds:
                found += await way(session, count)
            cpu, wall = process_time() - began, perf_counter() - wall
            if found % count:
                raise SystemExit(f"{found} wallets, {count} at a time")
            answer([cpu / found, wall / found, peak.growth()])


if __name__ == "__main__":
    pin(CLIENT_CORE)
    asyncio.run(_main(WAYS[sys.argv[1]]))
