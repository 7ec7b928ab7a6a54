# ruff: noqa: PLC0415 - imports are inside, because not every environment has everything
"""The contenders of `benchmarks.retrieve`, each in a process of its own: `python -m benchmarks.retrievers NAME URL`.

Asked for `{"at_once": 10, "seconds": 0.3}`, one retrieves the wallet as often as that takes, and answers with the
seconds of CPU (of the whole process: user and system) and of wall time for each, and the page faults. `times` in
place of `seconds` says how often.
"""

import asyncio
import contextlib
import gc
import itertools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter, process_time
from typing import Any

from .documents import ids
from .measuring import CLIENT_CORE, answer, page_faults, pin, questions, widen_malloc

# As long as the tokens of the API are.
TOKEN = f"eyJhbGciOiJSUzUxMiJ9.{'x' * 300}.{'y' * 86}"
HEADERS = {
    "Accept": "application/vnd.api+json",
    "Accept-Encoding": "gzip",
    "Authorization": f"Bearer {TOKEN}",
    "User-Agent": "benchmark",
}
WORLD = ids(20_000)
IDS = itertools.cycle(WORLD)

Retrieve = Callable[[str], Awaitable[object]]


@contextlib.asynccontextmanager
async def aiohttp_and_orjson(url: str) -> AsyncIterator[Retrieve]:
    """The floor: what one would write by hand, without a check, a type or a deadline of one's own."""
    import aiohttp
    import orjson

    widen_malloc()
    prefix = f"{url}/api/customer_payment_sources"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=HEADERS) as session:

        async def retrieve(id_: str) -> object:
            async with session.get(f"{prefix}/{id_}") as response:
                return orjson.loads(await response.read())

        yield retrieve


@contextlib.asynccontextmanager
async def aiohttp_at_its_best(url: str) -> AsyncIterator[Retrieve]:
    """The second floor: all that aiohttp's documented API can be spared.

    No cookies, no timeouts, no redirects, no decompression; a URL object for each id, made beforehand; and the body
    read without the context manager, which is right only as long as nothing fails.
    """
    import aiohttp
    import orjson
    from yarl import URL

    widen_malloc()
    prefix = f"{url}/api/customer_payment_sources"
    prepared = {id_: URL(f"{prefix}/{id_}", encoded=True) for id_ in WORLD}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
        auto_decompress=False,
        headers=HEADERS,
    ) as session:

        async def retrieve(id_: str) -> object:
            response = await session.get(prepared[id_], allow_redirects=False)
            return orjson.loads(await response.read())

        yield retrieve


@contextlib.asynccontextmanager
async def commercelayer_async(url: str) -> AsyncIterator[Retrieve]:
    """This package, as it comes: typed, checked, with deadline, rate limiter and retries."""
    async with _session(url) as retrieve:
        yield retrieve


@contextlib.asynccontextmanager
async def without_limits(url: str) -> AsyncIterator[Retrieve]:
    """The same for a server without rate limits."""
    from commercelayer_async import RateLimits

    async with _session(url, limits=RateLimits.none()) as retrieve:
        yield retrieve


@contextlib.asynccontextmanager
async def with_hooks(url: str) -> AsyncIterator[Retrieve]:
    """The same with a callable in every hook."""
    from commercelayer_async import Hooks

    def nothing(*_: object) -> None: ...

    hooks = Hooks(
        started=nothing,
        sending=nothing,
        answered=nothing,
        waiting=nothing,
        retrying=nothing,
        ended=nothing,
        token=nothing,
    )
    async with _session(url, hooks=hooks) as retrieve:
        yield retrieve


@contextlib.asynccontextmanager
async def _session(url: str, **options: Any) -> AsyncIterator[Retrieve]:
    from commercelayer_async import AccessToken, Session
    from commercelayer_async.resources import CustomerPaymentSource

    async with Session(url, AccessToken(TOKEN), **options) as session:

        async def retrieve(id_: str) -> object:
            return await session.get(CustomerPaymentSource, id_)

        yield retrieve


@contextlib.asynccontextmanager
async def httpx_and_pydantic(url: str) -> AsyncIterator[Retrieve]:
    """One httpx client for all, and pydantic models."""
    import httpx

    from .models import Document

    widen_malloc()
    prefix = f"{url}/api/customer_payment_sources"
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(headers=HEADERS, limits=limits, trust_env=False) as client:

        async def retrieve(id_: str) -> object:
            response = await client.get(f"{prefix}/{id_}")
            response.raise_for_status()
            return Document.model_validate_json(response.content).data

        yield retrieve


@contextlib.asynccontextmanager
async def commercelayer(url: str) -> AsyncIterator[Retrieve]:
    """Commercelayer 3.0.4, generated from the API's schema."""
    from commercelayer import AuthenticatedClient
    from commercelayer.api.customer_payment_sources import (
        ge_tcustomer_payment_sourcescustomer_payment_source_id as endpoint,
    )

    widen_malloc()
    client = AuthenticatedClient(base_url=f"{url}/api", token=TOKEN, timeout=60.0)

    async def retrieve(id_: str) -> object:
        return await endpoint.asyncio(id_, client=client)

    yield retrieve


HOOKED = "the same, every hook set"
CONTENDERS = {
    "aiohttp + orjson": aiohttp_and_orjson,
    "aiohttp + orjson, again": aiohttp_and_orjson,
    "aiohttp at its best + orjson": aiohttp_at_its_best,
    "commercelayer_async": commercelayer_async,
    "the same, no limits": without_limits,
    HOOKED: with_hooks,
    "httpx + pydantic": httpx_and_pydantic,
    "commercelayer 3.0.4": commercelayer,
}


async def _times(retrieve: Retrieve, at_once: int, times: int) -> tuple[float, float, float]:
    """CPU and wall seconds and page faults for each of so many retrievals, so many at once."""
    tickets = itertools.islice(IDS, times)

    async def work() -> None:
        for id_ in tickets:
            await retrieve(id_)

    gc.collect()
    faults, cpu, wall = page_faults(), process_time(), perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return (process_time() - cpu) / times, (perf_counter() - wall) / times, (page_faults() - faults) / times


async def _main(name: str, url: str) -> None:
    async with CONTENDERS[name](url) as retrieve:
        if await retrieve(next(IDS)) is None:
            raise SystemExit("nothing was retrieved")
        sizes: dict[int, int] = {}
        for question in questions():
            at_once = question["at_once"]
            if at_once not in sizes:
                # Twice: the first time opens connections.
                await _times(retrieve, at_once, at_once)
                _, wall, _ = await _times(retrieve, at_once, at_once)
                sizes[at_once] = question.get("times") or max(at_once, int(question["seconds"] / wall))
            cpu, wall, faults = await _times(retrieve, at_once, sizes[at_once])
            answer([cpu, wall, faults])


if __name__ == "__main__":
    pin(CLIENT_CORE)
    asyncio.run(_main(sys.argv[1], sys.argv[2]))
