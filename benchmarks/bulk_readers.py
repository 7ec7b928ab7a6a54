# ruff: noqa: PLC0415 - imports are inside, because not every environment has everything
"""The contenders of `benchmarks.bulk`, each in a process of its own.

`python -m benchmarks.bulk_readers NAME URL WALLETS`, asked for `{"seconds": 1.0, "use": true}`, reads all the wallets,
or as many as fit into the time, each with its customer and its payment source. It answers with seconds of CPU
(user and system, of the whole process) and of wall time for each, and with the MiB that its memory grew by. To "use" a
wallet is to take its name, its customer's e-mail address and its payment source's id at Stripe.
"""

import asyncio
import contextlib
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from itertools import islice
from time import perf_counter, process_time
from typing import Any, Protocol

from .bulk_documents import TYPE, page_target, wallet_target
from .bulk_memory import Peak
from .documents import PAGE, ids
from .measuring import CLIENT_CORE, answer, pin, questions, widen_malloc
from .retrievers import HEADERS, TOKEN

INCLUDE = ("customer", "payment_source")
AT_ONCE = 8
"""Pages under way: what `Session.stream` has by default."""
FEW_AT_ONCE = 10
"""Single reads under way for contenders that only become slower with more."""
TRIAL = 2 * PAGE


class Read(Protocol):
    """How a contender reads."""

    def __call__(self, wanted: Sequence[str], *, use: bool) -> Awaitable[int]:
        """How many of these wallets there were; used where that is asked for."""
        ...


def _chunks(wanted: Sequence[str]) -> Iterable[Sequence[str]]:
    return (wanted[n : n + PAGE] for n in range(0, len(wanted), PAGE))


def _used(document: Any) -> int:
    """Use the wallets of a document made of dicts."""
    included = {(one["type"], one["id"]): one["attributes"] for one in document["included"]}
    data = document["data"]
    for wallet in data if isinstance(data, list) else [data]:
        relationships = wallet["relationships"]
        customer, payment = relationships["customer"]["data"], relationships["payment_source"]["data"]
        _ = (
            wallet["attributes"]["name"],
            included[customer["type"], customer["id"]]["email"],
            included[payment["type"], payment["id"]]["stripe_id"],
        )
    return len(data) if isinstance(data, list) else 1


@contextlib.asynccontextmanager
async def aiohttp_in_pages(url: str) -> AsyncIterator[Read]:
    """The floor: by hand, 25 ids a request, as many requests at once as this package has."""
    import aiohttp
    import orjson

    widen_malloc()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=HEADERS) as session:

        async def read(wanted: Sequence[str], *, use: bool) -> int:
            chunks = iter(_chunks(wanted))
            found = 0

            async def work() -> None:
                nonlocal found
                for chunk in chunks:
                    async with session.get(f"{url}{page_target(chunk)}") as response:
                        document = orjson.loads(await response.read())
                    found += _used(document) if use else len(document["data"])

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
            return found

        yield read


@contextlib.asynccontextmanager
async def aiohttp_and_gather(url: str) -> AsyncIterator[Read]:
    """By hand, as it is usually written: one request an id, all of them gathered."""
    import aiohttp
    import orjson

    widen_malloc()
    async with aiohttp.ClientSession(headers=HEADERS) as session:

        async def one(id_: str) -> Any:
            async with session.get(f"{url}{wallet_target(id_)}") as response:
                response.raise_for_status()
                return orjson.loads(await response.read())

        async def read(wanted: Sequence[str], *, use: bool) -> int:
            documents = await asyncio.gather(*map(one, wanted))
            return sum(map(_used, documents)) if use else len(documents)

        yield read


@contextlib.asynccontextmanager
async def httpx_and_semaphore(url: str) -> AsyncIterator[Read]:
    """The same on httpx, a few at a time."""
    import httpx

    widen_malloc()
    async with httpx.AsyncClient(headers=HEADERS, trust_env=False) as client:
        semaphore = asyncio.Semaphore(FEW_AT_ONCE)

        async def one(id_: str) -> Any:
            async with semaphore:
                response = await client.get(f"{url}{wallet_target(id_)}")
            response.raise_for_status()
            return response.json()

        async def read(wanted: Sequence[str], *, use: bool) -> int:
            documents = await asyncio.gather(*map(one, wanted))
            return sum(map(_used, documents)) if use else len(documents)

        yield read


@contextlib.asynccontextmanager
async def commercelayer(url: str) -> AsyncIterator[Read]:
    """Commercelayer 3.0.4, which includes nothing: the wallets alone."""
    from commercelayer import AuthenticatedClient
    from commercelayer.api.customer_payment_sources import (
        ge_tcustomer_payment_sourcescustomer_payment_source_id as endpoint,
    )

    widen_malloc()
    client = AuthenticatedClient(base_url=f"{url}/api", token=TOKEN, timeout=60.0)
    semaphore = asyncio.Semaphore(FEW_AT_ONCE)

    async def one(id_: str) -> Any:
        async with semaphore:
            return await endpoint.asyncio(id_, client=client)

    async def read(wanted: Sequence[str], *, use: bool) -> int:
        found = await asyncio.gather(*map(one, wanted))
        if use:
            _ = [one.data.attributes.name for one in found]
        return len(found)

    yield read


@contextlib.asynccontextmanager
async def _session(url: str) -> AsyncIterator[Any]:
    from commercelayer_async import AccessToken, Session

    async with Session(url, AccessToken(TOKEN)) as session:
        yield session


async def _use(wallet: Any) -> None:
    _ = (wallet.name, (await wallet.customer).email, (await wallet.payment_source).stripe_id)


@contextlib.asynccontextmanager
async def stream(url: str) -> AsyncIterator[Read]:
    """This package: outcomes as they arrive, dropped once they were used."""
    from commercelayer_async import Fetched
    from commercelayer_async.resources import CustomerPaymentSource

    async with _session(url) as session:

        async def read(wanted: Sequence[str], *, use: bool) -> int:
            found = 0
            async with session.stream(CustomerPaymentSource, wanted, include=INCLUDE) as outcomes:
                async for outcome in outcomes:
                    if isinstance(outcome, Fetched):
                        found += 1
                        if use:
                            await _use(outcome.resource)
            return found

        yield read


@contextlib.asynccontextmanager
async def get_many(url: str) -> AsyncIterator[Read]:
    """This package: all at once, and all kept."""
    from commercelayer_async.resources import CustomerPaymentSource

    async with _session(url) as session:

        async def read(wanted: Sequence[str], *, use: bool) -> int:
            wallets = await session.get_many(CustomerPaymentSource, wanted, include=INCLUDE)
            if use:
                for wallet in wallets:
                    await _use(wallet)
            return len(wallets)

        yield read


@contextlib.asynccontextmanager
async def scan(url: str) -> AsyncIterator[Read]:
    """This package: the walk by ids, whose pages cannot be asked for side by side."""
    from commercelayer_async.resources import CustomerPaymentSource

    async with _session(url) as session:

        async def read(wanted: Sequence[str], *, use: bool) -> int:
            found = 0
            async with contextlib.aclosing(aiter(session.scan(CustomerPaymentSource, include=INCLUDE))) as wallets:
                async for wallet in wallets:
                    found += 1
                    if use:
                        await _use(wallet)
                    if found == len(wanted):
                        break
            return found

        yield read


CONTENDERS = {
    "aiohttp + orjson, 25 a request": aiohttp_in_pages,
    "commercelayer_async, stream": stream,
    "commercelayer_async, get_many": get_many,
    "commercelayer_async, scan": scan,
    "aiohttp + orjson, gather": aiohttp_and_gather,
    "httpx, semaphore": httpx_and_semaphore,
    "commercelayer 3.0.4": commercelayer,
}


async def _measured(read: Read, wanted: Sequence[str], *, use: bool) -> list[float | None]:
    peak = Peak()
    gc.collect()
    cpu, wall = process_time(), perf_counter()
    found = await read(wanted, use=use)
    cpu, wall = process_time() - cpu, perf_counter() - wall
    if found != len(wanted):
        raise SystemExit(f"{found} wallets of {len(wanted)} {TYPE}")
    return [cpu / found, wall / found, peak.growth()]


async def _main(name: str, url: str, count: int) -> None:
    world = ids(count)
    async with CONTENDERS[name](url) as read:
        # The first time opens connections.
        await read(world[:TRIAL], use=True)
        _, each, _ = await _measured(read, world[:TRIAL], use=True)
        answer("ready")
        for question in questions():
            most = int(question["seconds"] / (each or 1e-6))
            wanted = list(islice(world, min(count, max(TRIAL, most))))
            answer(await _measured(read, wanted, use=question["use"]))


if __name__ == "__main__":
    pin(CLIENT_CORE)
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
