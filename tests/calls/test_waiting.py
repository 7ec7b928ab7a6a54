"""Waiting for a turn: nobody is left, and what is given in the moment of a cancellation is given back."""

import asyncio
import gc
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import (
    AccessToken,
    CommerceLayerError,
    Hooks,
    Priority,
    RateLimits,
    Retry,
    ServerError,
    Session,
    SessionError,
    errors,
)
from commercelayer_async._calls.deadline import CallScope, Deadline, Deadlines
from commercelayer_async._calls.semaphore import FifoSemaphore
from commercelayer_async._calls.singleflight import SingleFlight
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.limiter import LocalLimiter
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.service import COMMERCE_LAYER
from tests.support import virtual_loop
from tests.support.documents import resource
from tests.support.memory_transport import session_in_memory
from tests.support.responses import errors_of, reply
from tests.support.scripted_server import ThinkingServer


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_turn_that_came_with_a_cancellation_goes_to_the_next() -> None:
    semaphore = FifoSemaphore(1)
    assert semaphore.try_acquire()
    first, second = (asyncio.ensure_future(semaphore.acquire()) for _ in range(2))
    await turns()
    semaphore.release()
    first.cancel()
    await turns()

    assert first.cancelled()
    assert second.done()
    assert not second.cancelled()
    semaphore.release()
    assert semaphore.try_acquire()


async def test_a_waiter_that_was_dropped_gets_no_turn() -> None:
    semaphore = FifoSemaphore(1)
    assert semaphore.try_acquire()
    dropped = semaphore.acquire()
    dropped.send(None)
    dropped.close()
    semaphore.release()

    assert semaphore.try_acquire()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.none() | st.integers(0, 6)), max_size=12))
def test_a_semaphore_loses_no_turn(holders: list[tuple[int, int, int | None]]) -> None:
    """Each comes at some moment, holds it for some time, and may be cancelled at another moment, often the same."""

    async def hold(semaphore: FifoSemaphore, begin: int, lasts: int) -> None:
        await asyncio.sleep(begin)
        if not semaphore.try_acquire():
            await semaphore.acquire()
        try:
            await asyncio.sleep(lasts)
        finally:
            semaphore.release()

    async def main() -> None:
        semaphore = FifoSemaphore(2)
        tasks: list[asyncio.Task[None]] = []
        for begin, lasts, cancelled_at in holders:
            tasks.append(asyncio.ensure_future(hold(semaphore, begin, lasts)))
            if cancelled_at is not None:
                asyncio.get_running_loop().call_later(cancelled_at, tasks[-1].cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [semaphore.try_acquire() for _ in range(3)] == [True, True, False]

    virtual_loop.run(main())


def test_a_lease_that_came_with_a_cancellation_is_given_back() -> None:
    async def main() -> None:
        limiter = LocalLimiter(RateLimits(average=(1, 10.0), burst=None), clock=LoopClock(), facts=COMMERCE_LAYER.rates)
        lease = limiter.try_acquire("customers", priority=Priority.INTERACTIVE)
        assert lease is not None
        waiting = asyncio.ensure_future(limiter.acquire("customers"))
        await turns()
        lease.release()
        # Its turn has come, and it does not know yet.
        waiting.cancel()
        await turns()

        assert waiting.cancelled()
        assert limiter.try_acquire("customers", priority=Priority.INTERACTIVE) is not None

    virtual_loop.run(main())


def test_a_hook_that_stops_the_program_gives_the_lease_back() -> None:
    class Stop(BaseException):
        pass

    def stop(*_: Any) -> None:
        raise Stop

    async def respond(_: str) -> bytes:
        return reply({"data": resource()})

    async def main() -> None:
        limiter = LocalLimiter(RateLimits(average=(1, 10.0), burst=None), clock=LoopClock(), facts=COMMERCE_LAYER.rates)
        async with session_in_memory(respond, limiter=limiter, hooks=Hooks(waiting=stop)) as session:
            await session.get(Customer, "c1")
            with pytest.raises(Stop):
                await session.get(Customer, "c1")
            assert (await session.with_options(hooks=Hooks()).get(Customer, "c1")).id == "c1"

    virtual_loop.run(main())


def test_a_limiter_that_catches_the_cancellation_sends_nothing_after_close() -> None:
    sent: list[str] = []

    async def respond(target: str) -> bytes:
        sent.append(target)
        return reply({"data": resource()})

    class Stubborn(LocalLimiter):
        def try_acquire(self, type: str, *, priority: Priority = Priority.INTERACTIVE) -> Any:
            return None

        async def acquire(self, type: str, *, priority: Priority = Priority.INTERACTIVE, **_: Any) -> Any:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                await asyncio.sleep(1)
            return super().try_acquire(type, priority=priority)

    async def main() -> None:
        limiter = Stubborn(RateLimits.none(), clock=LoopClock(), facts=COMMERCE_LAYER.rates)
        session = session_in_memory(respond, limiter=limiter)
        call = asyncio.ensure_future(session.get(Customer, "c1"))
        await asyncio.sleep(0.5)
        await session.close()
        with pytest.raises(SessionError):
            await call
        assert not sent

    virtual_loop.run(main())


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 4), st.none() | st.floats(0, 3)), max_size=12))
def test_every_block_ends_by_its_own_deadline_and_by_its_scopes(
    blocks: list[tuple[float, float, float | None]],
) -> None:
    """Each begins at some moment and would last some time; some are in a scope that ends so much later."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(2.0, clock=LoopClock())

        async def run(begin: float, lasts: float, left: float | None) -> None:
            await asyncio.sleep(begin)
            began = loop.time()
            allowed = min(2.0, math.inf if left is None else left)
            scope = None if left is None else CallScope(began + left)
            try:
                with Deadline(deadlines, "https://x", scope):
                    await asyncio.sleep(lasts)
            except errors.TimeoutError:
                assert loop.time() - began == pytest.approx(allowed)
                assert lasts >= allowed - 1e-6
            else:
                assert loop.time() - began == pytest.approx(lasts)
                assert lasts <= allowed + 1e-6

        await asyncio.gather(*(run(*block) for block in blocks))
        assert not deadlines._pending
        assert not deadlines._earlier

    virtual_loop.run(main())


async def test_what_is_over_before_it_begins_does_not_begin() -> None:
    clock = LoopClock()
    deadlines = Deadlines(2.0, clock=clock)
    with pytest.raises(errors.TimeoutError), Deadline(deadlines, "https://x", CallScope(clock.now())):
        raise AssertionError("it ran")
    assert not deadlines._pending


@pytest.mark.parametrize("raised", [RuntimeError("odd"), asyncio.CancelledError(), BaseException("odd")])
async def test_whatever_ends_a_flight_reaches_all_who_wait(raised: BaseException) -> None:
    flights = SingleFlight()

    async def fail() -> None:
        await turns()
        raise raised

    waiting = [asyncio.ensure_future(flights.do("key", fail)) for _ in range(3)]
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(result) for result in results] == [type(raised)] * 3


async def test_a_flight_that_nobody_awaits_any_more_is_waited_for_by_close() -> None:
    flights = SingleFlight()
    ended = False

    async def slow_to_end() -> None:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            try:
                await turns(5)
            finally:
                ended = True

    waiting = asyncio.ensure_future(flights.do("key", slow_to_end))
    await turns()
    waiting.cancel()
    await turns(2)
    await flights.close()
    assert ended
    with pytest.raises(SessionError):
        await flights.do("key", slow_to_end)


@pytest.mark.parametrize("timeout", [30.0, None])
def test_an_absurd_retry_after_of_a_503_is_not_waited_for(timeout: float | None) -> None:
    async def respond(_: str) -> bytes:
        return reply(b"", status=503, headers={"Retry-After": "1000000000"})

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with session_in_memory(respond, timeout=timeout) as session:
            began = loop.time()
            with pytest.raises(ServerError) as caught:
                await session.get(Customer, "c1")
            assert caught.value.retry_after == 1e9
            assert caught.value.tries == 1
            assert loop.time() == began

    virtual_loop.run(main())


def _respond(target: str) -> bytes:
    if "wallet" in target or "payment_source" in target:
        link = {"customer": {"links": {"related": "/api/customers/gone"}}}
        return reply({"data": resource("customer_payment_sources", "wallet", relationships=link)})
    return reply(b"{") if target.endswith("/torn") else errors_of("RECORD_NOT_FOUND", status=404)


@pytest.mark.parametrize(
    "call",
    [
        lambda session, _: session.get(Customer, "gone"),
        lambda session, _: session.get(Customer, "torn"),
        lambda session, _: session.list(Customer),
        lambda session, _: session.get_many(Customer, ["gone", "torn"]),
        lambda session, _: anext(aiter(session.list(Customer))),
        lambda _, source: source.customer,
    ],
)
async def test_a_failed_call_leaves_no_cycle(call: Callable[[Session, Any], Any]) -> None:
    """So that memory is let go at once, without the collector."""
    options: Any = {"retry": Retry(attempts=2, base=0.001), "limits": RateLimits.none()}
    async with ThinkingServer(_respond) as server, Session(server.url, AccessToken("token-1"), **options) as session:
        source = await session.get(CustomerPaymentSource, "wallet")

        async def fail() -> None:
            with pytest.raises((CommerceLayerError, ExceptionGroup)):
                await call(session, source)

        await fail()
        gc.collect()
        gc.disable()
        try:
            gc.set_debug(gc.DEBUG_SAVEALL)
            await fail()
            await turns()
            gc.collect()
            left = [one for one in gc.garbage if isinstance(one, CommerceLayerError)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert not left
