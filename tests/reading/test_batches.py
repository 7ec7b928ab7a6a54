"""Relationships that are awaited together: nobody who waits is left, whatever happens to the request."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from commercelayer_async import AccessToken, NotFound, Priority, RateLimits, Retry, Session, SessionError, errors
from commercelayer_async._calls.memory import ServiceMemory
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.limiter import LocalLimiter
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.service import COMMERCE_LAYER
from tests.support import virtual_loop
from tests.support.documents import resource
from tests.support.memory_transport import session_in_memory
from tests.support.responses import errors_of, reply
from tests.support.scripted_server import ThinkingServer, ids_in

TOKEN = AccessToken("secret-token")
ROUTE = ("customer_payment_sources", "customer")


def session_on(url: str, **options: Any) -> Session:
    return Session(url, options.pop("auth", TOKEN), **{"limits": RateLimits.none(), "retry": Retry.never(), **options})


def wallet(id_: str, linkage: Any = ..., **members: Any) -> dict[str, Any]:
    relationship = {"links": {"related": f"/api/customer_payment_sources/{id_}/customer"}}
    relationship |= {} if linkage is ... else {"data": linkage}
    return resource("customer_payment_sources", id_, relationships={"customer": relationship}, **members)


def with_customers(ids: list[str], *, of: int | None = None, **members: Any) -> bytes:
    """Wallets with their customers included, k + the wallet's id; `of` is how many there are in all."""
    found = [wallet(id_, {"type": "customers", "id": f"k{id_}"}) for id_ in ids]
    included = [resource(id=f"k{id_}") for id_ in ids]
    count = len(ids) if of is None else of
    return reply({"data": found, "included": included, "meta": {"record_count": count}} | members)


def service(batch: Callable[[list[str]], Any]) -> Callable[[str], Any]:
    """A service that gives wallets and, by their links, customers; what `batch` makes of the ids is for a batch."""

    def think(target: str) -> Any:
        ids = ids_in(target)
        if ids and "include" in target:
            return batch(ids)
        if ids:
            return reply({"data": [wallet(id_) for id_ in ids], "meta": {"record_count": len(ids)}})
        return reply({"data": resource(id=f"k{target.split('/')[-2]}")})

    return think


async def customers(session: Session, count: int = 3) -> tuple[list[Any], Callable[[], Any]]:
    """Wallets, and a function that awaits the customers of all of them together."""
    wallets = list(await session.get_many(CustomerPaymentSource, [f"w{n}" for n in range(count)]))

    async def resolve(source: CustomerPaymentSource) -> Customer:
        return await source.customer

    def resolve_all() -> Any:
        return asyncio.gather(*map(resolve, wallets), return_exceptions=True)

    return wallets, resolve_all


class Odd(BaseException):
    """What no handler of Exception catches."""


@pytest.mark.parametrize("raised", [RuntimeError("vault"), Odd("odd"), StopAsyncIteration(), asyncio.CancelledError()])
async def test_whatever_a_part_of_the_callers_raises_reaches_every_waiter(raised: BaseException) -> None:
    fails = False

    async def token() -> str:
        if fails:
            raise raised
        return "token-token"

    async with ThinkingServer(service(with_customers)) as server, session_on(server.url, auth=token) as session:
        _, resolve_all = await customers(session)
        fails = True
        async with asyncio.timeout(5):
            results = await resolve_all()

    # An exception of a token function is the cause of an AuthError; what is no Exception goes up as it is.
    expected = errors.AuthError if isinstance(raised, Exception | asyncio.CancelledError) else type(raised)
    assert [type(result) for result in results] == [expected] * 3


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_what_stops_the_program_leaves_the_loop_once_and_leaves_nobody_waiting(raised: type[BaseException]) -> None:
    class Limiter(LocalLimiter):
        fails = False

        def try_acquire(self, type: str, *, priority: Priority = Priority.INTERACTIVE) -> Any:
            if self.fails:
                raise raised
            return super().try_acquire(type, priority=priority)

    async def main(results: list[Any]) -> None:
        limiter = Limiter(RateLimits.none(), clock=LoopClock(), facts=COMMERCE_LAYER.rates)
        async with (
            ThinkingServer(service(with_customers)) as server,
            session_on(server.url, limiter=limiter) as session,
        ):
            _, resolve_all = await customers(session)
            limiter.fails = True
            try:
                results.extend(await resolve_all())
            except asyncio.CancelledError:
                results.append("cancelled")
                raise

    results: list[Any] = []
    with pytest.raises(raised):
        asyncio.run(main(results))
    assert results


async def test_a_relationship_that_is_malformed_concerns_its_own_waiter() -> None:
    def batch(ids: list[str]) -> bytes:
        found = [wallet(id_, {"type": "customers", "id": "k"} if id_ != "w1" else 7) for id_ in ids]
        return reply({"data": found, "included": [resource(id="k")], "meta": {"record_count": len(ids)}})

    async with ThinkingServer(service(batch)) as server, session_on(server.url) as session:
        _, resolve_all = await customers(session)
        results = await resolve_all()

    assert isinstance(results[1], errors.DecodeError)
    assert [results[0].id, results[2].id] == ["k", "k"]


async def test_a_batch_that_nobody_awaits_any_more_is_cancelled() -> None:
    """As when a caller's client has gone: no connection, lease or task is held until the time of the call is up."""
    async with ThinkingServer(service(lambda _: None)) as server, session_on(server.url) as session:
        wallets, _ = await customers(session)

        async def resolve(one: CustomerPaymentSource) -> Customer:
            return await one.customer

        server.arrived.clear()
        sent = len(server.requests)
        tasks = [asyncio.create_task(resolve(one)) for one in wallets]
        await server.arrived.wait()
        for task in tasks[:-1]:
            task.cancel()
        await asyncio.wait(tasks[:-1])
        assert not tasks[-1].done()
        assert len(session._parts._batcher._tasks) == 1

        tasks[-1].cancel()
        await asyncio.wait(tasks)
        await asyncio.sleep(0)
        assert not session._parts._batcher._tasks
        assert len(server.requests) == sent + 1


async def test_a_batch_that_was_to_begin_when_the_session_was_closed_sends_nothing() -> None:
    async with ThinkingServer(service(with_customers)) as server:
        session = session_on(server.url)
        wallets, _ = await customers(session)
        sent = len(server.requests)
        waiting = [asyncio.ensure_future(session._parts.resolve(one.customer, scope_of(session))) for one in wallets]
        await asyncio.sleep(0)
        # The batch begins at the end of this turn of the loop.
        session._parts.end()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        await session.close()

    assert [type(result) for result in results] == [SessionError] * 3
    assert len(server.requests) == sent


def scope_of(session: Session) -> Any:
    from commercelayer_async._calls.deadline import CallScope  # noqa: PLC0415 - needed by one function

    return CallScope(session._parts.deadlines.due())


@pytest.mark.parametrize(
    "cut",
    [
        lambda ids: with_customers(ids[:10], of=len(ids)),
        lambda ids: with_customers(ids[:10], meta={}, links={"next": "/api/customer_payment_sources?page=2"}),
        lambda ids: reply({"data": []}),
        lambda ids: with_customers(ids[:10], meta={"record_count": "10"}),
    ],
)
async def test_a_response_that_does_not_show_that_it_is_whole_proves_no_absence(cut: Any) -> None:
    serving = ThinkingServer(service(lambda ids: cut(ids) if len(ids) > 12 else with_customers(ids)))
    async with serving as server, session_on(server.url) as session:
        _, resolve_all = await customers(session, 25)
        results = await resolve_all()

    assert [result.id for result in results] == [f"kw{n}" for n in range(25)]
    assert len(server.requests) <= 6


async def test_an_absent_parent_is_not_found_where_the_response_is_whole() -> None:
    def batch(ids: list[str]) -> bytes:
        return with_customers([id_ for id_ in ids if id_ != "w1"])

    async with ThinkingServer(service(batch)) as server, session_on(server.url) as session:
        _, resolve_all = await customers(session)
        results = await resolve_all()

    assert isinstance(results[1], NotFound)
    assert "customer_payment_sources/w1" in str(results[1])
    assert results[1].url == f"{server.url}/api/customer_payment_sources"
    assert len(server.requests) == 2


async def test_one_refusal_does_not_switch_batching_off() -> None:
    refusals = [errors_of("GLITCH", status=422)]

    serving = ThinkingServer(service(lambda ids: refusals.pop() if refusals else with_customers(ids)))
    async with serving as server, session_on(server.url) as session:
        sent: list[int] = []
        for _ in range(2):
            _, resolve_all = await customers(session)
            before = len(server.requests)
            assert [result.id for result in await resolve_all()] == ["kw0", "kw1", "kw2"]
            sent.append(len(server.requests) - before)

    assert sent == [4, 1]


async def test_a_service_that_refuses_again_and_again_is_asked_one_by_one() -> None:
    serving = ThinkingServer(service(lambda ids: errors_of("FILTER_NOT_ALLOWED", status=400)))
    async with serving as server, session_on(server.url) as session:
        sent: list[int] = []
        for _ in range(3):
            _, resolve_all = await customers(session)
            before = len(server.requests)
            assert [result.id for result in await resolve_all()] == ["kw0", "kw1", "kw2"]
            sent.append(len(server.requests) - before)

    assert sent == [4, 4, 3]


def test_a_refused_batch_is_tried_again_after_a_while_and_each_time_later() -> None:
    async def main() -> None:
        clock = LoopClock()
        memory = ServiceMemory(clock)
        memory.batch_refused(ROUTE)
        assert memory.may_batch(ROUTE)
        waits: list[float] = []
        for _ in range(9):
            memory.batch_refused(ROUTE)
            # What left at the same time is no further experience.
            memory.batch_refused(ROUTE)
            began = clock.now()
            while not memory.may_batch(ROUTE):
                await clock.sleep(10)
            waits.append(clock.now() - began)
        assert waits == [60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0, 3600.0]
        memory.batch_succeeded(ROUTE)
        memory.batch_refused(ROUTE)
        assert memory.may_batch(ROUTE)

    virtual_loop.run(main())


async def test_a_response_with_other_parents_is_not_trusted() -> None:
    """A service that ignores the filter gives others; each relationship follows its own link."""
    serving = ThinkingServer(service(lambda ids: with_customers([*ids[1:], "other"])))
    async with serving as server, session_on(server.url) as session:
        _, resolve_all = await customers(session)
        results = await resolve_all()

    assert [result.id for result in results] == ["kw0", "kw1", "kw2"]
    assert len(server.requests) == 5


async def test_a_link_of_a_record_that_is_gone_does_not_mark_the_route() -> None:
    def think(target: str) -> bytes:
        if target.endswith("/w0/customer"):
            return errors_of("RECORD_NOT_FOUND", status=404)
        if "include" in target:
            return reply({"data": wallet("w0", None)})
        return service(with_customers)(target)  # type: ignore[no-any-return] # the response of a function of any kind

    async with ThinkingServer(think) as server, session_on(server.url, batching=False) as session:
        gone, other = await session.get_many(CustomerPaymentSource, ["w0", "w5"])
        assert await gone.customer is None
        assert (await other.customer).id == "kw5"
    assert server.paths[-1].endswith("/w5/customer")


async def test_a_route_that_is_served_after_all_is_found_again() -> None:
    """A record was replaced while it was followed, which looks like a route that is missing."""

    def think(target: str) -> bytes:
        if target.endswith("/w0/customer"):
            return errors_of("RECORD_NOT_FOUND", status=404)
        if "include" in target and "/w0?" in target:
            return reply({"data": wallet("w0", {"type": "customers", "id": "k"}), "included": [resource(id="k")]})
        if "include" in target:
            return reply({"data": wallet("w5")})
        return service(with_customers)(target)  # type: ignore[no-any-return] # the response of a function of any kind

    async with ThinkingServer(think) as server, session_on(server.url, batching=False) as session:
        moved, *others = await session.get_many(CustomerPaymentSource, ["w0", "w5", "w6"])
        assert (await moved.customer).id == "k"
        assert [(await one.customer).id for one in others] == ["kw5", "kw6"]
    assert [path.rpartition("/")[2] for path in server.paths[-3:]] == ["w5?include=customer", "customer", "customer"]


@pytest.mark.parametrize("late", [errors_of("NO", status=422), reply({"data": []}), reply(b"{")])
def test_a_batch_that_fails_late_leaves_no_more_than_the_callers_time(late: bytes) -> None:
    """Whatever follows: single requests, halves. In virtual time, without a network."""

    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def think(target: str) -> bytes:
            if "include" in target:
                await asyncio.sleep(1.5)
                return late
            if target.endswith("/customer"):
                await asyncio.sleep(1.5)
            made = service(with_customers)(target)
            assert isinstance(made, bytes)
            return made

        async with session_in_memory(think, timeout=2.0, retry=Retry.never(), limits=RateLimits.none()) as session:
            _, resolve_all = await customers(session)
            began = loop.time()
            results = await resolve_all()

        assert {type(result) for result in results} == {errors.TimeoutError}
        assert loop.time() - began == pytest.approx(2.0)

    virtual_loop.run(main())


@pytest.mark.parametrize("filters", [True, False])
def test_more_than_the_windows_let_through_in_one_calls_time_are_all_resolved(*, filters: bool) -> None:
    """As `get_many` reads as many: some requests at a time, each with its own time. Without the filter, one by one."""
    count = 2000 if filters else 300
    requests = 0

    async def think(target: str) -> bytes:
        nonlocal requests
        requests += 1
        await asyncio.sleep(0.1)
        if (ids := ids_in(target)) and "include" in target:
            return with_customers(ids) if filters else errors_of("FILTER_NOT_ALLOWED", status=400)
        if ids:
            return reply({"data": [wallet(id_) for id_ in ids], "meta": {"record_count": len(ids)}})
        return reply({"data": resource(id=f"k{target.split('/')[-2]}")})

    async def main() -> None:
        limits = RateLimits(average=(20, 60.0), burst=(10, 10.0))
        async with session_in_memory(think, limits=limits, timeout=30.0) as session:
            wallets, resolve_all = await customers(session, count)
            found = await resolve_all()
            assert [one.id for one in found] == [f"k{one.id}" for one in wallets]

    virtual_loop.run(main())
    assert requests <= 2 * count // 25 if filters else requests <= count + 2 * count // 25
