"""`get_many`, `stream` and `prefetch`: every id once, in few requests."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from commercelayer_async import (
    AccessToken,
    BadRequest,
    BulkError,
    ClientCredentials,
    ConfigurationError,
    DecodeError,
    Failed,
    Fetched,
    NotFound,
    Progress,
    RateLimits,
    Retry,
    ServerError,
    Session,
    SessionError,
    Unauthorized,
    errors,
    presets,
)
from commercelayer_async._auth import manager as _auth
from commercelayer_async._limits import limiter as _limiter
from commercelayer_async._reading.chunks import chunked
from commercelayer_async.resources import Customer, CustomerPaymentSource, StripePayment
from commercelayer_async.sandbox import Answer as Fault
from commercelayer_async.sandbox import ExpireTokens, Reset, Sandbox, Truncate
from tests.support.documents import resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer, ThinkingServer, ids_in

TOKEN = AccessToken("secret-token")
NEVER: Any = {"retry": Retry.never()}


def ids_of(world: Sandbox, count: int = 1000) -> list[str]:
    return list(world.world.wallet_ids())[:count]


async def collected(session: Session, ids: object, **options: object) -> list[Fetched[CustomerPaymentSource] | Failed]:
    async with session.stream(CustomerPaymentSource, ids, **options) as outcomes:  # type: ignore[arg-type] # options of any kind
        return [outcome async for outcome in outcomes]


async def test_get_many_keeps_the_order_and_asks_for_25_at_a_time(world: Sandbox, client: Session) -> None:
    wanted = ids_of(world, 110)[::-1]
    sources = await client.get_many(CustomerPaymentSource, wanted, include=["customer", "payment_source"])

    assert [source.id for source in sources] == wanted
    assert all(source.customer.loaded and source.payment_source.loaded for source in sources)
    assert len(world.requests) == 5
    assert all(len(request.raw_path) < 2048 for request in world.requests)


async def test_an_id_given_twice_is_read_once_and_delivered_twice(world: Sandbox, client: Session) -> None:
    first, second = ids_of(world, 2)
    sources = await client.get_many(CustomerPaymentSource, [first, second, first])

    assert sources[0] is sources[2]
    assert len(world.requests) == 1


async def test_what_is_missing_is_an_error_of_its_own(world: Sandbox, client: Session) -> None:
    good = ids_of(world, 30)
    with pytest.raises(BulkError) as caught:
        await client.get_many(CustomerPaymentSource, [*good[:10], "nobodyhere", *good[10:], "../x"])

    error = caught.value
    assert set(error.failed) == {"nobodyhere", "../x"}
    assert isinstance(error.failed["nobodyhere"], NotFound)
    assert isinstance(error.failed["../x"], ConfigurationError)
    assert set(error.fetched) == set(good)
    assert "2 of 32 failed" in str(error)
    assert "customer_payment_sources/nobodyhere" in str(error.failed["nobodyhere"])
    assert error.failed["nobodyhere"].url == f"{world.url}/api/customer_payment_sources"
    assert pickle.loads(pickle.dumps(error)).failed.keys() == error.failed.keys()


@pytest.mark.parametrize("wrong", [7, None, b"c1"])
async def test_an_id_that_is_no_string_fails_alone(world: Sandbox, client: Session, wrong: object) -> None:
    good = ids_of(world, 3)
    outcomes = await collected(client, [*good, wrong], ordered=True)

    assert [type(outcome) for outcome in outcomes] == [Fetched] * 3 + [Failed]
    assert isinstance(outcomes[3], Failed)
    assert isinstance(outcomes[3].error, ConfigurationError)
    assert len(world.requests) == 1


async def test_except_star_picks_the_failures_apart(client: Session) -> None:
    missing: list[BaseException] = []
    try:
        await client.get_many(CustomerPaymentSource, ["nobodyhere"])
    except* NotFound as group:
        missing.extend(group.exceptions)
    assert len(missing) == 1


async def test_many_more_than_a_few_may_wait_for_the_limits(world: Sandbox) -> None:
    limits = RateLimits(average=(8, 0.5), burst=(8, 0.1))
    async with Session(world.url, AccessToken(world.access_token), limits=limits, timeout=0.2) as session:
        wanted = ids_of(world, 400)
        sources = await session.get_many(CustomerPaymentSource, wanted)
        assert [source.id for source in sources] == wanted

        with pytest.raises(BulkError) as caught:
            await session.get_many(CustomerPaymentSource, wanted[:200])
    assert {type(error) for error in caught.value.exceptions} == {errors.TimeoutError}
    assert len(caught.value.failed) + len(caught.value.fetched) == 200


async def test_nothing_to_read_is_nothing(world: Sandbox, client: Session) -> None:
    assert await client.get_many(CustomerPaymentSource, []) == ()
    assert await collected(client, iter(())) == []
    assert not world.requests


@pytest.mark.parametrize("ordered", [False, True])
async def test_a_stream_gives_every_id_once(world: Sandbox, client: Session, *, ordered: bool) -> None:
    wanted = ids_of(world)
    outcomes = await collected(client, iter(wanted), ordered=ordered)

    assert sorted(outcome.id for outcome in outcomes) == sorted(wanted)
    assert all(isinstance(outcome, Fetched) and outcome.resource.id == outcome.id for outcome in outcomes)
    assert len(world.requests) == 40
    if ordered:
        assert [outcome.id for outcome in outcomes] == wanted


async def test_ids_may_come_from_anywhere(world: Sandbox, client: Session) -> None:
    wanted = ids_of(world, 60)

    async def slowly() -> AsyncIterator[str]:
        for id_ in wanted:
            await asyncio.sleep(0)
            yield id_

    for source in (wanted, tuple(wanted), set(wanted), dict.fromkeys(wanted), iter(wanted), slowly()):
        assert {outcome.id for outcome in await collected(client, source)} == set(wanted)


async def test_an_endless_source_is_read_only_as_far_as_it_is_needed(world: Sandbox, client: Session) -> None:
    """And the reader is never far ahead of the consumer."""
    wanted = ids_of(world)
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield wanted[taken % 1000]

    async with client.stream(CustomerPaymentSource, endless(), concurrency=2) as outcomes:
        seen = 0
        async for _ in outcomes:
            seen += 1
            if seen == 100:
                break
    assert taken <= 100 + 2 * 3 * 25 + 26
    requests = len(world.requests)
    await asyncio.sleep(0)
    assert len(world.requests) == requests


async def test_leaving_the_block_ends_everything() -> None:
    async with (
        ScriptedServer(None) as server,
        Session(server.url, TOKEN) as session,
    ):
        before = asyncio.all_tasks()
        with pytest.raises(RuntimeError, match="mine"):  # noqa: PT012 - it is raised inside the block
            async with session.stream(Customer, (f"c{n}" for n in range(1000)), concurrency=3):
                await server.arrived.wait()
                raise RuntimeError("mine")
        assert {task for task in asyncio.all_tasks() if "_work" in repr(task)} - before == set()


async def test_a_cancelled_consumer_leaves_nothing_behind() -> None:
    async with (
        ScriptedServer(None) as server,
        Session(server.url, TOKEN) as session,
    ):

        async def consume() -> None:
            async with session.stream(Customer, ["c1", "c2"]) as outcomes:
                async for _ in outcomes:
                    pass

        consumer = asyncio.create_task(consume())
        await server.arrived.wait()
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        assert not [task for task in asyncio.all_tasks() if "_work" in repr(task)]


async def test_a_refused_chunk_is_halved_until_the_bad_id_is_alone() -> None:
    """The server refuses every request that names c7."""
    refused = reply({"errors": [{"code": "INVALID_FILTER_VALUE"}]}, status=400)

    class Picky(ScriptedServer):
        async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode()
                    self.requests.append(head)
                    target = head.split(" ")[1]
                    ids = target.partition("id_in%5D=")[2].partition("&")[0].split(",") if "?" in target else []
                    one = target.rpartition("/")[2]
                    if "c7" in (ids or [one]):
                        writer.write(refused)
                    else:
                        writer.write(reply({"data": [resource(id=id_) for id_ in ids] if ids else resource(id=one)}))
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

    async with Picky() as server, Session(server.url, TOKEN, **NEVER) as session:
        with pytest.raises(BulkError) as caught:
            await session.get_many(Customer, [f"c{n}" for n in range(25)])

        assert set(caught.value.failed) == {"c7"}
        assert isinstance(caught.value.failed["c7"], BadRequest)
        assert len(caught.value.fetched) == 24
        assert len(server.requests) <= 12


async def test_a_failing_server_fails_the_ids_of_its_chunk_and_no_others(world: Sandbox, client: Session) -> None:
    world.faults.add(Fault.html(502), times=4)  # all tries of one request
    outcomes = await collected(client, ids_of(world, 75), concurrency=1)

    assert sum(isinstance(outcome, Failed) for outcome in outcomes) in (0, 25)


@pytest.mark.parametrize("status", [401])
async def test_refused_credentials_end_the_stream(status: int) -> None:
    async with (
        ScriptedServer(reply({"errors": [{"code": "INVALID_TOKEN"}]}, status=status)) as server,
        Session(server.url, TOKEN) as session,
    ):
        with pytest.raises(Unauthorized):
            await session.get_many(Customer, (f"c{n}" for n in range(1000)))
        assert len(server.requests) <= 8


async def test_per_id_sends_one_request_an_id(world: Sandbox, client: Session) -> None:
    wanted = ids_of(world, 10)
    sources = await client.get_many(CustomerPaymentSource, wanted, per_id=True)

    assert [source.id for source in sources] == wanted
    assert sorted(request.raw_path.rpartition("/")[2] for request in world.requests) == sorted(wanted)


async def test_a_response_with_another_resource_is_an_error() -> None:
    async with (
        ScriptedServer(reply({"data": [resource(id="c1"), resource(id="c9")]})) as server,
        Session(server.url, TOKEN, **NEVER) as session,
    ):
        with pytest.raises(BulkError) as caught:
            await session.get_many(Customer, ["c1", "c2"])
        assert caught.value.fetched == {}


async def test_progress_is_reported(world: Sandbox, client: Session, caplog: pytest.LogCaptureFixture) -> None:
    reported: list[tuple[int, int, int | None]] = []

    def report(progress: Progress) -> None:
        reported.append((progress.done, progress.failed, progress.total))
        raise RuntimeError("a bar that broke")

    wanted = [*ids_of(world, 60), "nobodyhere"]
    async with client.stream(CustomerPaymentSource, wanted, on_progress=report, ordered=True) as outcomes:
        assert outcomes.progress.total == 61
        async for _ in outcomes:
            pass
        progress = outcomes.progress

    assert reported == [(25, 0, 61), (50, 0, 61), (60, 1, 61)]
    assert progress.requests == 3
    assert progress.rate > 0
    assert progress.left == 0.0
    assert caplog.text.count("RuntimeError") == 3
    assert Progress().left is None
    assert Progress().rate == 0.0


async def test_faults_on_the_way_lose_nothing(world: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """429s, resets, HTML errors, truncated bodies and expired tokens."""
    monkeypatch.setattr(_auth, "_BETWEEN", 0.0)
    monkeypatch.setattr(_limiter, "_FIRST_PAUSE", 0.01)
    monkeypatch.setitem(presets.WORKER, "retry", Retry(attempts=20, base=0.001, cap=0.01, quota=10_000))
    for fault in (Fault.html(502), Reset(), Reset(after=0.5), Truncate(0.5), Fault.too_many(), Fault.errors(503)):
        world.faults.add(fault, times=4, where="/api/")
    world.faults.add(ExpireTokens(), times=1, where="/api/")
    auth = ClientCredentials(world.client_id, world.client_secret)
    async with Session(world.url, auth, limits=RateLimits.none()) as session:
        wanted = ids_of(world)
        outcomes = await collected(session, wanted)

    assert [outcome.id for outcome in outcomes if isinstance(outcome, Failed)] == []
    assert sorted(outcome.id for outcome in outcomes) == sorted(wanted)


async def collected_with(
    session: Session, ids: list[str], retry: Retry
) -> list[Fetched[CustomerPaymentSource] | Failed]:
    preset = dict(presets.WORKER)
    try:
        presets.WORKER["retry"] = retry
        return await collected(session, ids)
    finally:
        presets.WORKER.update(preset)  # type: ignore[typeddict-item] # a preset is not for changing


@pytest.mark.parametrize(
    "misuse",
    [
        lambda session: session.stream(Customer, "abc"),
        lambda session: session.stream(dict, ["c1"]),
        lambda session: session.stream(Customer, ["c1"], concurrency=0),
        lambda session: session.stream(Customer, ["c1"], include=["ordrs"]),
    ],
)
async def test_misuse_is_found_before_any_request(misuse: object, client: Session) -> None:
    with pytest.raises(ConfigurationError):
        misuse(client)  # type: ignore[operator] # a function by its parameters


async def test_a_stream_is_iterated_inside_its_block(client: Session) -> None:
    with pytest.raises(ConfigurationError, match="async with"):
        async for _ in client.stream(Customer, ["c1"]):
            pass


async def test_a_closed_session_streams_nothing(client: Session) -> None:
    await client.close()
    with pytest.raises(SessionError):
        client.stream(Customer, ["c1"])


def test_chunks_respect_count_and_length() -> None:
    assert [len(chunk) for chunk in chunked([f"c{n}" for n in range(60)], size=25)] == [25, 25, 10]
    long = [f"{n:064}" for n in range(50)]
    assert all(sum(map(len, chunk)) <= 1500 for chunk in chunked(long, size=25))
    assert [len(chunk) for chunk in chunked(long, size=25)] == [23, 23, 4]
    assert [id for chunk in chunked(long, size=25) for id in chunk] == long
    assert list(chunked(["x" * 2000, "c1"], size=25)) == [("x" * 2000,), ("c1",)]
    assert list(chunked(iter(()), size=25)) == []


async def test_prefetch_fills_in_one_request_for_25(world: Sandbox, client: Session) -> None:
    sources = await client.get_many(CustomerPaymentSource, ids_of(world, 26)[1:])
    world.requests.clear()

    await client.prefetch(sources, "customer", "payment_source", "payment_method.payment_gateway")
    assert len(world.requests) == 1
    assert all(source.customer.loaded and source.payment_source.loaded for source in sources)
    methods = [await source.payment_method for source in sources]
    assert any(method is not None and method.payment_gateway.loaded for method in methods)
    assert len(world.requests) == 1

    await client.prefetch(sources, "customer")
    assert len(world.requests) == 1


async def test_prefetch_names_what_could_not_be_filled(world: Sandbox, client: Session) -> None:
    sources = await client.get_many(CustomerPaymentSource, ids_of(world, 5))
    world.world.delete_wallets(sources[2].id)

    with pytest.raises(BulkError) as caught:
        await client.prefetch(sources, "customer")
    assert set(caught.value.failed) == {sources[2].id}
    assert [source.customer.loaded for source in sources] == [True, True, False, True, True]
    with pytest.raises(ConfigurationError, match="did you mean 'customer'"):
        await client.prefetch(sources, "custommer")


def deaf(*, links: bool = True) -> ThinkingServer:
    """A service that ignores `include`; with `links` it has a route for each related resource."""

    def wallet(id: str) -> dict[str, Any]:
        path = f"/api/customer_payment_sources/{id}"
        linked = {name: {"links": {"related": f"{path}/{name}"}} for name in ("customer", "event_stores")}
        return resource("customer_payment_sources", id, relationships=linked if links else {})

    def think(target: str) -> bytes:
        path = target.partition("?")[0]
        if path.endswith("/customer"):
            group = {"customer_group": {"links": {"related": f"{path}/customer_group"}}}
            return reply({"data": resource(relationships=group)})
        if path.endswith("/customer_group"):
            return reply({"data": resource("customer_groups", "g1")})
        ids = ids_in(target)
        if ids:
            return reply({"data": [wallet(id) for id in ids], "meta": {"record_count": len(ids)}})
        return reply({"data": wallet(path.rpartition("/")[2])})

    return ThinkingServer(think)


async def test_prefetch_follows_what_a_response_leaves_out() -> None:
    """A service may ignore `include`, at the first step of a path or at a later one."""
    async with deaf() as server, Session(server.url, TOKEN, **NEVER) as session:
        sources = await session.get_many(CustomerPaymentSource, [f"w{n}" for n in range(20)])

        await session.prefetch(sources, "customer.customer_group")
        count = len(server.requests)

        for source in sources:
            assert source.customer.value.relationships["customer_group"].value.id == "g1"
        assert len(server.requests) == count


async def test_prefetch_names_a_to_many_relationship_that_a_response_leaves_out() -> None:
    """Of a to-many relationship awaiting would give a first page, which is not to be taken for all."""
    async with deaf() as server, Session(server.url, TOKEN, **NEVER) as session:
        sources = await session.get_many(CustomerPaymentSource, ["w1", "w2"])

        with pytest.raises(BulkError) as caught:
            await session.prefetch(sources, "event_stores", "customer")

        assert set(caught.value.failed) == {"w1", "w2"}
        assert all(isinstance(error, DecodeError) for error in caught.value.failed.values())
        assert [(one.event_stores.loaded, one.customer.loaded) for one in sources] == [(False, True)] * 2


async def test_prefetch_leaves_what_a_document_does_not_have() -> None:
    async with deaf(links=False) as server, Session(server.url, TOKEN, **NEVER) as session:
        sources = await session.get_many(CustomerPaymentSource, ["w1", "w2"])
        count = len(server.requests)

        await session.prefetch(sources, "customer", "event_stores")

        assert not any(source.customer.loaded or source.event_stores.loaded for source in sources)
        assert len(server.requests) == count + 1


async def test_a_thousand_awaits_make_forty_requests(world: Sandbox, client: Session) -> None:
    sources = await client.get_many(CustomerPaymentSource, ids_of(world))
    world.requests.clear()

    async def resolve(source: CustomerPaymentSource) -> Customer:
        return await source.customer

    customers = await asyncio.gather(*map(resolve, sources))
    assert all(isinstance(customer, Customer) for customer in customers)
    assert len(world.requests) == 40
    again = await asyncio.gather(*map(resolve, sources))
    assert len(world.requests) == 40
    assert [customer.id for customer in again] == [customer.id for customer in customers]


async def test_each_resolver_gets_what_concerns_it(world: Sandbox, client: Session) -> None:
    """Null is None, a parent that is gone is not found, and the others have their customers."""
    sources = await client.get_many(CustomerPaymentSource, ids_of(world, 40))
    world.world.delete_wallets(sources[3].id)

    async def resolve(source: CustomerPaymentSource) -> object:
        return await source.payment_source

    results = await asyncio.gather(*map(resolve, sources), return_exceptions=True)
    assert isinstance(results[3], NotFound)
    assert None in results
    assert any(isinstance(result, StripePayment) for result in results)
    assert sum(isinstance(result, Exception) for result in results) == 1


async def test_one_alone_follows_its_own_link(world: Sandbox, client: Session) -> None:
    source = await client.get(CustomerPaymentSource, ids_of(world, 1)[0])
    await source.customer

    assert world.requests[-1].raw_path.endswith("/customer")


async def test_batching_can_be_turned_off(world: Sandbox) -> None:
    async with Session(world.url, AccessToken(world.access_token), batching=False) as session:
        sources = await session.get_many(CustomerPaymentSource, ids_of(world, 5))

        async def resolve(source: CustomerPaymentSource) -> Customer:
            return await source.customer

        await asyncio.gather(*map(resolve, sources))
    assert len(world.requests) == 6


async def test_a_failed_batch_reaches_its_own_and_is_not_remembered(world: Sandbox) -> None:
    async with Session(world.url, AccessToken(world.access_token), **NEVER) as session:
        sources = await session.get_many(CustomerPaymentSource, ids_of(world, 30))
        world.faults.add(Fault.html(502), times=1)

        async def resolve(source: CustomerPaymentSource) -> Customer:
            return await source.customer

        results = await asyncio.gather(*map(resolve, sources), return_exceptions=True)
        failed = [result for result in results if isinstance(result, ServerError)]
        assert len(failed) in (5, 25)
        assert all(isinstance(result, Customer | ServerError) for result in results)
        assert all(isinstance(result, Customer) for result in await asyncio.gather(*map(resolve, sources)))


async def test_a_server_without_filters_is_asked_one_by_one() -> None:
    links = {"customer": {"links": {"related": "/api/customers/c1"}}}
    wallets = [resource("customer_payment_sources", f"w{n}", relationships=links) for n in range(3)]
    refused = reply({"errors": [{"code": "FILTER_NOT_ALLOWED"}]}, status=400)
    async with (
        ScriptedServer(
            reply({"data": wallets}), refused, paths={"/api/customers/c1": reply({"data": resource()})}
        ) as server,
        Session(server.url, TOKEN) as session,
    ):
        sources = await session.get_many(CustomerPaymentSource, ["w0", "w1", "w2"])

        async def resolve(source: CustomerPaymentSource) -> Customer:
            return await source.customer

        for _ in range(2):
            customers = await asyncio.gather(*map(resolve, sources))
            assert [customer.id for customer in customers] == ["c1"] * 3
        assert len(server.requests) == 5


async def test_a_cancelled_waiter_leaves_the_others(world: Sandbox, client: Session) -> None:
    sources = await client.get_many(CustomerPaymentSource, ids_of(world, 10))

    async def resolve(source: CustomerPaymentSource) -> Customer:
        return await source.customer

    tasks = [asyncio.create_task(resolve(source)) for source in sources]
    await asyncio.sleep(0)
    tasks[4].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[4], asyncio.CancelledError)
    assert sum(isinstance(result, Customer) for result in results) == 9
