"""How long it takes to read many wallets, with customers and payment sources, under the API's live limits.

The sessions are real, with limiter, deadlines and retries; the API is `LimitedApi`, and time is virtual.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from time import process_time
from typing import Any, Final, NamedTuple

from commercelayer_async import AccessToken, CommerceLayerError, Fetched, RateLimits, Session, presets
from commercelayer_async.resources import CustomerPaymentSource
from tests.support import virtual_loop

from .bulk_api import ORGANIZATION, LimitedApi
from .bulk_documents import page_target, wallet_target
from .documents import PAGE, ids

INCLUDE: Final = ("customer", "payment_source")
AT_ONCE: Final = 8
_LONGEST: Final = 60.0

Way = Callable[[LimitedApi, Sequence[str]], Awaitable[int]]
"""Of ids: reads them, and gives how many wallets it had with customer and payment source."""


class Run(NamedTuple):
    """What a way of reading took."""

    seconds: float
    requests: int
    refused: int
    cpu: float


class Beside(NamedTuple):
    """What became of interactive calls beside a bulk read."""

    calls: int
    failed: int
    """Calls that were not done in the time that `presets.WEB` gives them."""
    longest: float
    """Seconds that a call took at most."""
    refused: int


def _session(api: LimitedApi, **options: Any) -> Session:
    http: Any = api
    # Without the deadline of a single call, which is no match for a minute's window.
    return Session(ORGANIZATION, AccessToken("token"), http=http, limits=RateLimits.live(), timeout=None, **options)


async def _working(tickets: Iterator[Any], one: Callable[[Any], Awaitable[None]]) -> None:
    async def work() -> None:
        for ticket in tickets:
            await one(ticket)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def one_by_one(api: LimitedApi, wanted: Sequence[str]) -> int:
    """A request for the wallet, one for its customer, one for its payment source."""
    found: list[object] = []
    async with _session(api, batching=False) as session:

        async def one(id_: str) -> None:
            wallet = await session.get(CustomerPaymentSource, id_)
            found.append((await wallet.customer, await wallet.payment_source))

        await _working(iter(wanted), one)
    return len(found)


async def with_include(api: LimitedApi, wanted: Sequence[str]) -> int:
    """A request for each wallet, which brings the others along."""
    found: list[CustomerPaymentSource] = []
    async with _session(api) as session:

        async def one(id_: str) -> None:
            found.append(await session.get(CustomerPaymentSource, id_, include=INCLUDE))

        await _working(iter(wanted), one)
    return sum(map(_complete, found))


async def awaited_together(api: LimitedApi, wanted: Sequence[str]) -> int:
    """`get_many`, then all customers, then all payment sources, each awaited by itself."""

    async def follow(relationship: Any) -> object:
        return await relationship

    async with _session(api) as session:
        wallets = await session.get_many(CustomerPaymentSource, wanted)
        await asyncio.gather(*(follow(wallet.customer) for wallet in wallets))
        await asyncio.gather(*(follow(wallet.payment_source) for wallet in wallets))
        return sum(map(_complete, wallets))


async def get_many(api: LimitedApi, wanted: Sequence[str]) -> int:
    """`get_many` with include."""
    async with _session(api) as session:
        return sum(map(_complete, await session.get_many(CustomerPaymentSource, wanted, include=INCLUDE)))


async def stream(api: LimitedApi, wanted: Sequence[str]) -> int:
    """`stream` with include, which goes behind interactive calls."""
    found = 0
    async with (
        _session(api) as session,
        session.stream(CustomerPaymentSource, wanted, include=INCLUDE) as outcomes,
    ):
        async for outcome in outcomes:
            found += isinstance(outcome, Fetched) and _complete(outcome.resource)
    return found


async def scan(api: LimitedApi, wanted: Sequence[str]) -> int:
    """`scan` with include, one page after the other."""
    del wanted
    found = 0
    async with (
        _session(api) as session,
        contextlib.aclosing(aiter(session.scan(CustomerPaymentSource, include=INCLUDE))) as wallets,
    ):
        async for wallet in wallets:
            found += _complete(wallet)
    return found


def _complete(wallet: CustomerPaymentSource) -> bool:
    return wallet.customer.loaded and wallet.payment_source.loaded


async def _backing_off(api: LimitedApi, target: str) -> None:
    """By hand: refused, wait for 1 s, 2 s, 4 s … and ask again."""
    wait = 1.0
    while (await api.request("GET", f"{ORGANIZATION}{target}")).status != 200:
        await asyncio.sleep(wait)
        wait = min(_LONGEST, 2.0 * wait)


async def by_hand(api: LimitedApi, wanted: Sequence[str]) -> int:
    """By hand, with include, and without a limiter."""
    await _working((wallet_target(id_) for id_ in wanted), lambda target: _backing_off(api, target))
    return len(wanted)


async def by_hand_in_pages(api: LimitedApi, wanted: Sequence[str]) -> int:
    """The same with 25 ids a request."""
    chunks = (page_target(wanted[n : n + PAGE]) for n in range(0, len(wanted), PAGE))
    await _working(chunks, lambda target: _backing_off(api, target))
    return len(wanted)


ONE_BY_ONE: Final = "one by one: 3 GETs a wallet"
WAYS: Final[dict[str, Way]] = {
    ONE_BY_ONE: one_by_one,
    "with include: 1 GET a wallet": with_include,
    "the same by hand, backing off at 429": by_hand,
    "get_many, then await each relationship": awaited_together,
    "get_many with include": get_many,
    "stream with include": stream,
    "scan with include": scan,
    "25 a request by hand, backing off at 429": by_hand_in_pages,
}


def beside_bulk(limits: Sequence[tuple[int, float]], *, every: float = 2.0, minutes: int = 10) -> Beside:
    """Interactive calls, one each `every` seconds, beside a stream that takes all it gets, for so many minutes."""
    world = ids(100)
    api = LimitedApi(world, limits)
    took: list[float] = []
    failed = 0

    async def main() -> None:
        http: Any = api
        average, burst = limits
        own = RateLimits(average=average, burst=burst)
        async with Session(ORGANIZATION, AccessToken("token"), http=http, limits=own, **presets.WEB) as session:
            worker = asyncio.ensure_future(_endless(session, world))
            await asyncio.sleep(average[1])
            calls = []
            for _ in range(int(60 * minutes / every)):
                calls.append(asyncio.ensure_future(call(session)))
                await asyncio.sleep(every)
            await asyncio.gather(*calls)
            worker.cancel()
            await asyncio.wait([worker])

    async def call(session: Session) -> None:
        nonlocal failed
        began = asyncio.get_running_loop().time()
        try:
            await session.get(CustomerPaymentSource, world[0])
        except CommerceLayerError:
            failed += 1
        took.append(asyncio.get_running_loop().time() - began)

    virtual_loop.run(main())
    return Beside(len(took), failed, max(took), api.refused)


async def _endless(session: Session, world: Sequence[str]) -> None:
    async with session.stream(CustomerPaymentSource, itertools.cycle(world)) as outcomes:
        async for _ in outcomes:
            pass


def measured(way: Way, count: int) -> Run:
    """One run of a way over so many wallets."""
    world = ids(count)
    api = LimitedApi(world)

    async def main() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await way(api, world)
        assert found == count, f"{found} of {count} wallets"
        return loop.time() - began

    cpu = process_time()
    seconds = virtual_loop.run(main())
    return Run(seconds, api.requests, api.refused, process_time() - cpu)
