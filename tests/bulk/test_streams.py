"""A stream's iteration: several consumers, turns that are cancelled, sources that fail, blocks that are left."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from commercelayer_async import (
    AccessToken,
    BulkError,
    ConfigurationError,
    DecodeError,
    Failed,
    Fetched,
    GenericResource,
    NotFound,
    RateLimits,
    Retry,
    Session,
    SessionError,
    Unauthorized,
)
from commercelayer_async.resources import Customer
from tests.support import virtual_loop
from tests.support.documents import resource
from tests.support.memory_transport import session_in_memory
from tests.support.responses import errors_of, reply
from tests.support.scripted_server import ThinkingServer, ids_in

TOKEN = AccessToken("secret-token")
IDS = [f"c{n}" for n in range(100)]
QUICK: dict[str, Any] = {"limits": RateLimits.none(), "retry": Retry.never()}


def listed(ids: list[str], **members: Any) -> bytes:
    return reply({"data": [resource(id=id_) for id_ in ids], "meta": {"record_count": len(ids)}} | members)


async def good(target: str) -> bytes:
    """A service that takes a tenth of a second."""
    await asyncio.sleep(0.1)
    ids = ids_in(target)
    return listed(ids) if ids else reply({"data": resource(id=target.rpartition("/")[2])})


async def taken(outcomes: AsyncIterator[Any]) -> list[str]:
    return [outcome.id async for outcome in outcomes]


async def take(outcomes: AsyncIterator[Any], got: list[str]) -> None:
    """What came before a failure counts."""
    async for outcome in outcomes:
        got.append(outcome.id)  # noqa: PERF401 - as they come


def test_a_turn_that_timed_out_loses_nothing() -> None:
    async def main() -> None:
        async with session_in_memory(good, **QUICK) as session, session.stream(Customer, IDS, concurrency=1) as out:
            got: list[str] = []
            while True:
                try:
                    got.append((await asyncio.wait_for(anext(out), 0.03)).id)
                except TimeoutError:
                    continue
                except StopAsyncIteration:
                    break
        assert got == IDS

    virtual_loop.run(main())


@pytest.mark.parametrize("ordered", [False, True])
def test_several_consumers_share_a_stream(ordered: bool) -> None:  # noqa: FBT001 - a parameter of the test
    async def consume(outcomes: AsyncIterator[Any]) -> list[str]:
        got: list[str] = []
        async for outcome in outcomes:
            got.append(outcome.id)
            await asyncio.sleep(0.001)
        return got

    async def main() -> None:
        async with session_in_memory(good, **QUICK) as session:
            stream = session.stream(Customer, IDS, concurrency=2, ordered=ordered)
            async with stream as out, asyncio.timeout(60):
                shares = await asyncio.gather(*(consume(out) for _ in range(3)))
        assert sorted(id_ for share in shares for id_ in share) == sorted(IDS)

    virtual_loop.run(main())


def test_leaving_a_loop_and_returning_goes_on() -> None:
    async def main() -> None:
        async with session_in_memory(good, **QUICK) as session, session.stream(Customer, IDS) as out:
            first: list[str] = []
            async for outcome in out:
                first.append(outcome.id)
                if len(first) == 30:
                    break
            assert sorted(first + await taken(out)) == sorted(IDS)
            assert (out.progress.done, out.progress.failed) == (100, 0)
            assert await taken(out) == []
        assert await taken(out) == []

    virtual_loop.run(main())


def test_a_block_that_was_left_early_cannot_be_iterated() -> None:
    """Nor does it hang; and a stream is entered once."""

    async def main() -> None:
        async with session_in_memory(good, **QUICK) as session:
            stream = session.stream(Customer, IDS)
            async with stream as out:
                await anext(out)
            with pytest.raises(ConfigurationError, match="has ended"):
                await anext(out)
            with pytest.raises(ConfigurationError, match="once"):
                await stream.__aenter__()

            async with session.stream(Customer, IDS) as out:
                with pytest.raises(ConfigurationError, match="once"):
                    await out.__aenter__()
                waiting = asyncio.ensure_future(taken(out))
                await asyncio.sleep(0)
                await out.aclose()
                assert await waiting == []
        assert len(asyncio.all_tasks()) == 1

    virtual_loop.run(main())


class Odd(BaseException):
    """What no handler of Exception catches."""


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("raised", [RuntimeError("source"), asyncio.CancelledError(), Odd("odd")])
@pytest.mark.parametrize("is_async", [True, False])
def test_a_source_that_fails_ends_the_stream_after_what_it_gave(
    workers: int,
    raised: BaseException,
    is_async: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    def source() -> Iterator[str]:
        yield from IDS[:40]
        raise raised

    async def async_source() -> AsyncIterator[str]:
        for id_ in source():
            yield id_

    async def main() -> None:
        async with session_in_memory(good, **QUICK) as session:
            ids: Any = async_source() if is_async else source()
            got: list[str] = []

            async def use() -> None:
                async with session.stream(Customer, ids, concurrency=workers) as out:
                    await take(out, got)

            with pytest.raises(type(raised)):
                await use()
        assert sorted(got) == sorted(IDS[:40])

    virtual_loop.run(main())


def test_a_failure_is_raised_by_the_block_if_nobody_iterates() -> None:
    async def refusing(target: str) -> bytes:
        return errors_of("INVALID_TOKEN", status=401)

    async def main() -> None:
        async with session_in_memory(refusing, **QUICK) as session:
            with pytest.raises(Unauthorized):
                async with session.stream(Customer, IDS):
                    await asyncio.sleep(1)
            with pytest.raises(RuntimeError, match="mine"):  # noqa: PT012 - raised inside
                async with session.stream(Customer, IDS):
                    await asyncio.sleep(1)
                    raise RuntimeError("mine")

    virtual_loop.run(main())


def test_the_source_is_closed_when_the_block_is_left() -> None:
    closed: list[str] = []

    async def source() -> AsyncIterator[str]:
        try:
            for id_ in IDS:
                yield id_
                await asyncio.sleep(0)
            await asyncio.Event().wait()
        finally:
            closed.append("closed")

    async def main() -> None:
        async with session_in_memory(good, **QUICK) as session:
            async with session.stream(Customer, source(), concurrency=1) as out:
                await anext(out)
            assert closed == ["closed"]

    virtual_loop.run(main())


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_what_stops_the_program_goes_up(raised: type[BaseException]) -> None:
    def source() -> Iterator[str]:
        yield "c1"
        raise raised

    async def main() -> None:
        async with session_in_memory(good, **QUICK) as session, session.stream(Customer, source()) as out:
            await taken(out)

    with pytest.raises(raised):
        virtual_loop.run(main())


@pytest.mark.parametrize("close", ["session", "copy"])
def test_closing_ends_a_stream_whose_source_waits(close: str) -> None:
    async def source() -> AsyncIterator[str]:
        for id_ in IDS[:25]:
            yield id_
        await asyncio.Event().wait()

    async def main() -> None:
        session = session_in_memory(good, **QUICK)
        copy = session.with_options(timeout=5.0)
        got: list[str] = []

        async def use() -> None:
            async with copy.stream(Customer, source(), concurrency=2) as out:
                await take(out, got)

        using = asyncio.ensure_future(use())
        await asyncio.sleep(1)
        await (session if close == "session" else copy).close()
        with pytest.raises(SessionError, match="closed"):
            await using
        assert sorted(got) == sorted(IDS[:25])
        await session.close()

    virtual_loop.run(main())


@pytest.mark.parametrize("how", ["stream", "get_many", "prefetch", "get"])
def test_closing_ends_what_copies_do_and_nothing_is_sent_after(how: str) -> None:
    targets: list[str] = []

    async def slow(target: str) -> bytes:
        targets.append(target)
        return await good(target)

    async def main() -> None:
        session = session_in_memory(slow, **QUICK | {"limits": RateLimits(average=(2, 5.0), burst=None)})
        copy = session.with_options(timeout=None)
        resources = await session.get_many(Customer, IDS[:2])
        calls: dict[str, Any] = {
            "stream": lambda: session.stream(Customer, IDS).__aenter__(),
            "get_many": lambda: copy.get_many(Customer, [f"d{n}" for n in range(400)]),
            "prefetch": lambda: copy.prefetch(resources, "customer_group"),
            "get": lambda: copy.get(Customer, "c1"),
        }

        async def run() -> Any:
            made = await calls[how]()
            return await taken(made) if how == "stream" else made

        running = [asyncio.ensure_future(run()) for _ in range(3)]
        await asyncio.sleep(0.05)
        closing = asyncio.ensure_future(session.close())
        await asyncio.sleep(0)
        sent = len(targets)
        late = await asyncio.gather(run(), return_exceptions=True)
        results = await asyncio.gather(*running, closing, return_exceptions=True)
        await asyncio.sleep(60)

        assert [type(result) for result in results[:-1]] == [SessionError] * 3
        assert isinstance(late[0], SessionError)
        assert len(targets) == sent
        assert len(asyncio.all_tasks()) == 1

    virtual_loop.run(main())


async def test_a_service_that_ignores_the_filter_is_read_by_id_from_then_on() -> None:
    """And the connections are discarded once, not for each response."""

    def think(target: str) -> bytes:
        if ids_in(target):
            return listed([f"other{n}" for n in range(25)])
        return reply({"data": resource(id=target.rpartition("/")[2])})

    async with ThinkingServer(think) as server, Session(server.url, TOKEN, **QUICK) as session:
        async with session.stream(Customer, [f"c{n}" for n in range(300)], concurrency=1) as out:
            assert all([isinstance(outcome, Fetched) async for outcome in out])
        assert len(server.requests) == 302
        assert out.progress.requests == 302
        assert [one.id for one in await session.get_many(Customer, IDS[:3])] == IDS[:3]
        assert len(server.requests) == 305
        assert server.connections <= 11


async def test_an_alias_does_not_discard_the_connections_again_and_again() -> None:
    async with ThinkingServer(lambda _: reply({"data": resource(id="canonical")})) as server:
        async with Session(server.url, TOKEN, **QUICK) as session:
            await asyncio.gather(*(session.get(Customer, "Alias") for _ in range(2)), return_exceptions=True)
            for _ in range(20):
                with pytest.raises(Exception, match="customers/Alias"):
                    await session.get(Customer, "Alias")
        assert server.connections <= 4


async def test_an_id_that_a_cut_response_leaves_out_is_asked_for_again() -> None:
    """By halves, and at last by itself, where the service says that it is not found."""

    def think(target: str) -> bytes:
        ids = ids_in(target)
        if ids:
            found = [id_ for id_ in ids if id_ != "gone"][:10]
            return listed(found, meta={"record_count": len(ids)}, links={"next": "/api/customers?page=2"})
        if target.endswith("/gone"):
            return errors_of("RECORD_NOT_FOUND", status=404)
        return reply({"data": resource(id=target.rpartition("/")[2])})

    async with ThinkingServer(think) as server, Session(server.url, TOKEN, **QUICK) as session:
        with pytest.raises(BulkError) as caught:
            await session.get_many(Customer, [*IDS[:24], "gone"])

        error = caught.value.failed["gone"]
        assert set(caught.value.failed) == {"gone"}
        assert set(caught.value.fetched) == set(IDS[:24])
        assert isinstance(error, NotFound)
        assert error.url == f"{server.url}/api/customers/gone"
        assert server.paths[-1] == "/api/customers/gone"


async def test_a_resource_of_another_type_with_the_right_id_is_refused() -> None:
    def think(target: str) -> bytes:
        return reply({"data": [resource("orders", id_) for id_ in ids_in(target)] or resource("orders", "c1")})

    async with ThinkingServer(think) as server, Session(server.url, TOKEN, **QUICK) as session:
        reader = session._parts.reader
        with pytest.raises(DecodeError, match="one of the customers"):
            await reader.many(GenericResource, "customers", IDS[:2], ())
        assert not session._context.memory._ignored


async def test_resources_of_several_types_are_prefetched_by_type() -> None:
    """They may share a class, and even an id."""

    def think(target: str) -> bytes:
        type_ = target.split("/")[2].partition("?")[0]
        related = {"owner": {"data": {"type": "people", "id": f"of-{type_}"}}}
        data = [
            resource(type_, id_, relationships=related if "include" in target else {"owner": {}})
            for id_ in ids_in(target)
        ]
        members = {"included": [resource("people", f"of-{type_}")]} if "include" in target else {}
        single = resource(type_, target.rpartition("/")[2].partition("?")[0], relationships=related)
        return reply({"data": data or single, "meta": {"record_count": len(data)}} | members)

    async with ThinkingServer(think) as server, Session(server.url, TOKEN, **QUICK) as session:
        chunks = [
            await session._parts.reader.many(GenericResource, type_, ["x", "y"], ()) for type_ in ("cats", "dogs")
        ]
        pets = [pet for chunk in chunks for pet in chunk.found.values()]
        await session.prefetch(pets, "owner")
        assert [(await pet.relationships["owner"]).id for pet in pets] == ["of-cats", "of-cats", "of-dogs", "of-dogs"]
        assert len(server.requests) == 4
        with pytest.raises(ConfigurationError, match="no relationship"):
            await session.prefetch(pets, "keeper")


@pytest.mark.parametrize("odd", [[], {}, {1}, 7, None, b"c1", float("nan"), object()])
async def test_odd_ids_fail_alone(odd: Any) -> None:
    def think(target: str) -> bytes:
        return listed(ids_in(target))

    async with ThinkingServer(think) as server, Session(server.url, TOKEN, **QUICK) as session:
        with pytest.raises(BulkError) as caught:
            await session.get_many(Customer, ["c1", odd, "c2", odd])
        async with session.stream(Customer, ["c1", odd, "c2"], ordered=True) as out:
            outcomes = [outcome async for outcome in out]

    assert set(caught.value.fetched) == {"c1", "c2"}
    assert {type(error) for error in caught.value.failed.values()} == {ConfigurationError}
    assert [type(outcome) for outcome in outcomes] == [Fetched, Failed, Fetched]
    assert outcomes[1].id is odd


@pytest.mark.parametrize("ids", [7, None, "c1"])
async def test_what_is_not_several_ids_is_refused(session: Session, ids: Any) -> None:
    with pytest.raises(ConfigurationError, match="iterable"):
        session.stream(Customer, ids)
    with pytest.raises(ConfigurationError, match="iterable"):
        await session.get_many(Customer, ids)
    with pytest.raises(ConfigurationError, match="async iterable"):
        await session.get_many(Customer, session.list(Customer))  # type: ignore[arg-type] # refused, which is the test


def test_progress_counts_the_tries_and_waits_of_single_reads() -> None:
    attempts: list[str] = []

    async def failing_once(target: str) -> bytes:
        attempts.append(target)
        return reply(b"", status=503) if attempts.count(target) == 1 else await good(target)

    async def main() -> None:
        options: Any = {"limits": RateLimits(average=(3, 10.0), burst=None), "priority": "bulk"}
        async with (
            session_in_memory(failing_once, **options) as session,
            session.stream(Customer, IDS[:3], per_id=True, concurrency=1) as out,
        ):
            assert len(await taken(out)) == 3
        assert out.progress.requests == 6
        assert out.progress.waited > 5

    virtual_loop.run(main())


def test_a_chunk_that_is_halved_has_the_time_of_one_call() -> None:
    async def refusing(target: str) -> bytes:
        await asyncio.sleep(0.8)
        return errors_of("NO", status=422)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with session_in_memory(refusing, timeout=2.0, **QUICK) as session:
            began = loop.time()
            with pytest.raises(BulkError) as caught:
                await session.get_many(Customer, IDS)
        assert len(caught.value.failed) == 100
        assert loop.time() - began == pytest.approx(2.0)

    virtual_loop.run(main())
