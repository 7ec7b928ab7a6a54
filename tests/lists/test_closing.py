"""An iteration that ends early leaves nothing behind."""

import asyncio
import contextlib
import gc

import pytest

from commercelayer_async import Session
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.support.list_pages import SIXTY, ids_of, link, page, pages, reading, session_on, until
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer


async def test_closing_ends_the_request_under_way() -> None:
    """P14: the second page never comes."""
    async with ScriptedServer(page(SIXTY[:25], link(2)), None) as server, session_on(server.url) as session:
        async with contextlib.aclosing(aiter(session.list(Customer))) as each:
            async for _ in each:
                await until(lambda: len(server.requests) == 2)
                break
        assert not reading()
        await until(lambda: not server._open)
        assert await anext(each, None) is None
        await each.aclose()


@pytest.mark.parametrize("taken", [1, 30])
async def test_breaking_off_ends_the_request_under_way(taken: int) -> None:
    """P14: also without closing, a turn of the loop later."""
    async with ScriptedServer(*pages(25, 25, 10)[: 1 + taken // 25], None) as server, session_on(server.url) as session:
        found = []
        async for one in session.list(Customer):
            found.append(one.id)
            if len(found) == taken:
                await until(lambda: len(server.requests) == 2 + taken // 25)
                break
        await until(lambda: not reading())
        await until(lambda: not server._open)
        assert found == SIXTY[:taken]


async def test_a_dropped_iterator_is_ended_whatever_thread_drops_it() -> None:
    async with ScriptedServer(page(SIXTY[:25], link(2)), None) as server, session_on(server.url) as session:
        each = [session.list(Customer).pages()]
        await anext(each[0])
        await asyncio.get_running_loop().run_in_executor(None, each.clear)
        await until(lambda: not reading())


def test_an_iterator_may_be_dropped_after_its_loop() -> None:
    async def use() -> object:
        async with ScriptedServer(*pages(25, 25, 10)) as server, session_on(server.url) as session:
            each = session.list(Customer).pages()
            await anext(each)
            await until(lambda: not reading())
            return each

    each = asyncio.run(use())
    del each
    gc.collect()


async def test_a_failure_that_nobody_waits_for_is_not_complained_about(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        ScriptedServer(page(SIXTY[:25], link(2)), reply(status=500)) as server,
        session_on(server.url) as session,
    ):
        each = aiter(session.list(Customer))
        await anext(each)
        await until(lambda: len(server.requests) == 2 and not reading())
        del each
        gc.collect()
    assert not [one for one in caplog.records if one.name == "asyncio"]


async def test_a_session_that_closes_ends_the_reading_ahead() -> None:
    async with ScriptedServer(page(SIXTY[:25], link(2)), None) as server:
        async with session_on(server.url) as session:
            each = session.list(Customer).pages()
            await anext(each)
            await until(lambda: len(server.requests) == 2)
        await until(lambda: not reading())


async def test_closing_wakes_whoever_waits_for_a_page() -> None:
    async with ScriptedServer(page(SIXTY[:25], link(2)), None) as server, session_on(server.url) as session:
        each = session.list(Customer).pages()
        await anext(each)
        waiting = asyncio.ensure_future(anext(each, None))
        await until(lambda: len(server.requests) == 2)

        await each.aclose()
        assert await waiting is None
        assert not reading()


async def test_a_cancellation_is_not_taken_for_the_end() -> None:
    async with ScriptedServer(page(SIXTY[:25], link(2)), None) as server, session_on(server.url) as session:
        each = session.list(Customer).pages()
        await anext(each)
        waiting = asyncio.ensure_future(anext(each, None))
        await until(lambda: len(server.requests) == 2)

        closing = asyncio.ensure_future(each.aclose())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await closing


async def test_a_closed_iterator_that_never_began_asks_nothing(sandbox: Sandbox, session: Session) -> None:
    each = aiter(session.list(CustomerPaymentSource))
    await each.aclose()

    assert await ids_of(each) == []
    assert not sandbox.requests


async def test_several_tasks_share_one_iterator(sandbox: Sandbox, session: Session) -> None:
    """Each item goes to one of them."""
    each = aiter(session.list(CustomerPaymentSource))
    taken: list[list[str]] = []

    async def work() -> None:
        mine: list[str] = []
        taken.append(mine)
        async for one in each:
            mine.append(one.id)
            await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(8)))
    assert sorted(id_ for mine in taken for id_ in mine) == sorted(sandbox.world.wallet_ids())
    assert all(taken)
    assert len(sandbox.requests) == 12


@pytest.mark.parametrize("read_ahead", [0, 1])
async def test_several_tasks_share_the_pages(sandbox: Sandbox, session: Session, read_ahead: int) -> None:
    each = session.list(CustomerPaymentSource, read_ahead=read_ahead).pages()

    async def work() -> list[str]:
        return [item.id async for one in each for item in one.items]

    taken = await asyncio.gather(*(work() for _ in range(5)))
    assert sorted(id_ for mine in taken for id_ in mine) == sorted(sandbox.world.wallet_ids())
    assert len(sandbox.requests) == 12


async def test_a_hundred_abandoned_iterations_leave_nothing(sandbox: Sandbox, session: Session) -> None:
    before = len(asyncio.all_tasks())
    for _ in range(100):
        async for _one in session.list(CustomerPaymentSource):
            break
    await until(lambda: not reading())
    assert len(await session.list(CustomerPaymentSource)) == 25
    await session.close()
    await until(lambda: len(asyncio.all_tasks()) <= before)
