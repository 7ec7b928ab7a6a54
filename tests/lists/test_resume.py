"""Going on: after an error, after a crash, after a cancellation."""

import asyncio
import copy
import pickle
from typing import Any

import pytest

from commercelayer_async import (
    AccessToken,
    ConfigurationError,
    LinkRefused,
    RateLimits,
    Retry,
    ServerError,
    Session,
    SessionError,
)
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Answer, Delay, Gate, Sandbox
from tests.support.list_pages import SIXTY, broken, ids_of, link, page, pages, session_on, until
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

WHERE: dict[str, Any] = {"filter": {"name_null": False}, "sort": "-created_at", "include": "customer", "page_size": 20}


def number(n: int) -> Any:
    """A condition that the requests for a page meet."""
    return lambda request: f"number%5D={n}&" in f"{request.raw_path}&"


@pytest.fixture
async def hasty(sandbox: Sandbox) -> Any:
    """A session that does not try again."""
    auth = AccessToken(sandbox.access_token)
    async with Session(sandbox.url, auth, limits=RateLimits.none(), retry=Retry.never()) as session:
        yield session


@pytest.mark.parametrize("read_ahead", [0, 1])
@pytest.mark.parametrize("bad", [1, 2, 5])
async def test_an_error_leads_back_to_its_page(sandbox: Sandbox, hasty: Session, bad: int, read_ahead: int) -> None:
    everything = await ids_of(hasty.list(CustomerPaymentSource, **WHERE))
    sandbox.faults.add(Answer.html(500), where=number(bad))

    before, error = await broken(hasty.list(CustomerPaymentSource, **WHERE, read_ahead=read_ahead), ServerError)
    after = await ids_of(hasty.list(CustomerPaymentSource, **WHERE, start_from=error.start_from))
    assert len(before) == 20 * (bad - 1)
    assert before + after == everything
    assert f"on page {bad} of the list" in str(error)


async def test_start_from_survives_what_errors_survive(sandbox: Sandbox, hasty: Session) -> None:
    sandbox.faults.add(Answer.html(500), where=number(3))
    _, error = await broken(hasty.list(CustomerPaymentSource), ServerError)

    for copied in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert copied.start_from == error.start_from
        assert str(copied) == str(error)


async def test_the_cursor_of_a_page_leads_to_the_next(hasty: Session) -> None:
    wallets = hasty.list(CustomerPaymentSource, **WHERE)
    read = [one async for one in wallets.pages()]

    for n, one in enumerate(read[:-1]):
        rest = hasty.list(CustomerPaymentSource, **WHERE, start_from=one.cursor)
        assert await ids_of(rest) == [item.id for later in read[n + 1 :] for item in later.items]
        assert [item.id for item in await rest] == [item.id for item in read[n + 1].items]
        assert await rest.count() == await wallets.count()
        assert await rest.first() == await wallets.first()


async def test_pages_go_on_counting_after_resuming(hasty: Session) -> None:
    first = await anext(hasty.list(CustomerPaymentSource).pages())
    read = [one async for one in hasty.list(CustomerPaymentSource, start_from=first.cursor).pages()]

    assert [one.number for one in read] == list(range(2, 13))


async def test_what_is_missing_is_noticed_after_resuming_too() -> None:
    """A cursor holds how many records came before it."""
    answers = pages(25, 25, 10, count=61)
    async with ScriptedServer(*answers, *answers[1:]) as server, session_on(server.url) as session:
        first = await anext(session.list(Customer, read_ahead=0).pages())
        found, error = await broken(session.list(Customer, start_from=first.cursor), Exception)
        assert found == SIXTY[25:50] + SIXTY[50:]
        assert "60" in error.expected


@pytest.mark.parametrize(
    "other",
    [
        {"filter": {"name_null": True}},
        {"sort": "created_at"},
        {"include": ()},
        {"page_size": 21},
    ],
)
async def test_a_cursor_of_another_list_is_refused(sandbox: Sandbox, hasty: Session, other: dict[str, Any]) -> None:
    cursor = (await anext(hasty.list(CustomerPaymentSource, **WHERE).pages())).cursor
    sandbox.requests.clear()

    with pytest.raises(ConfigurationError, match="start_from belongs to another list"):
        hasty.list(CustomerPaymentSource, **{**WHERE, **other}, start_from=cursor)
    with pytest.raises(ConfigurationError, match="start_from belongs to another list"):
        hasty.list(Customer, start_from=cursor)
    with pytest.raises(ConfigurationError, match="start_from belongs to another list"):
        Session("other", AccessToken("t")).list(CustomerPaymentSource, **WHERE, start_from=cursor)


async def test_a_cursor_is_short_and_holds_no_filter_values(hasty: Session) -> None:
    wallets = hasty.list(CustomerPaymentSource, filter={"payment_source_token_not_eq": "pm_secret"})
    cursor = (await anext(wallets.pages())).cursor

    assert cursor is not None
    assert cursor.endswith("_2_25_page%5Bnumber%5D=2&page%5Bsize%5D=25")
    assert len(cursor) < 60


async def test_a_cursor_holds_none_even_where_the_server_writes_them_anew() -> None:
    odd = f"{link(2)}&filter%5Bq%5D%5Bemail_eq%5D=WHO%40x.example&token=7"
    async with (
        ScriptedServer(page(SIXTY[:25], odd), *pages(25, 25, 10)[1:]) as server,
        session_on(server.url) as session,
    ):
        customers = session.list(Customer, filter={"email_eq": "who@x.example"}, read_ahead=0)
        cursor = (await anext(customers.pages())).cursor
        assert cursor is not None
        assert cursor.endswith("_2_25_page%5Bnumber%5D=2&page%5Bsize%5D=25&token=7")
        await session.list(Customer, filter={"email_eq": "who@x.example"}, start_from=cursor)
        assert "who%40x.example" in server.paths[-1]
        assert server.paths[-1].endswith("page%5Bnumber%5D=2&page%5Bsize%5D=25&token=7")


async def test_where_the_way_is_wrong_the_page_before_it_is_where_to_go_on() -> None:
    """A later link may be right."""
    wrong = page(SIXTY[25:50], "https://evil.example/api/customers")
    async with (
        ScriptedServer(page(SIXTY[:25], link(2)), wrong, page(SIXTY[25:50], link(3)), page(SIXTY[50:])) as server,
        session_on(server.url) as session,
    ):
        found, error = await broken(session.list(Customer), LinkRefused)
        assert found == SIXTY[:50]
        assert await ids_of(session.list(Customer, start_from=error.start_from)) == SIXTY[25:]


async def test_a_page_from_which_the_way_is_wrong_leads_back_to_itself() -> None:
    answers = page(SIXTY[:25], link(2)), page(SIXTY[25:50], "https://evil.example/")
    async with ScriptedServer(*answers) as server, session_on(server.url) as session:
        each = session.list(Customer).pages()
        first, second = await anext(each), await anext(each)
        assert second.cursor == first.cursor


async def test_the_same_iterator_asks_for_the_failed_page_again(sandbox: Sandbox, hasty: Session) -> None:
    sandbox.faults.add(Answer.html(500), where=number(2))
    each = hasty.list(CustomerPaymentSource).pages()

    first = await anext(each)
    with pytest.raises(ServerError):
        await anext(each)
    assert [first, *[one async for one in each]] == [one async for one in hasty.list(CustomerPaymentSource).pages()]


@pytest.mark.parametrize("read_ahead", [0, 1])
async def test_who_stopped_waiting_for_a_page_may_go_on(sandbox: Sandbox, hasty: Session, read_ahead: int) -> None:
    gate = Gate()
    sandbox.faults.add(Delay(until=gate), where=number(2))
    each = aiter(hasty.list(CustomerPaymentSource, read_ahead=read_ahead))
    found = [(await anext(each)).id for _ in range(25)]

    waiting = asyncio.ensure_future(anext(each))
    await until(lambda: len(sandbox.requests) == 2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.open()
    assert found + await ids_of(each) == list(sandbox.world.wallet_ids())


async def test_a_page_that_comes_in_the_moment_of_cancellation_is_not_lost() -> None:
    async with ScriptedServer(*pages(25, 25, 10)) as server, session_on(server.url) as session:
        each = session.list(Customer).pages()
        await anext(each)
        ahead = each._ahead
        assert ahead is not None
        waiting = asyncio.ensure_future(anext(each))
        ahead.add_done_callback(lambda _: waiting.cancel())
        with pytest.raises(asyncio.CancelledError):
            await waiting

        assert ahead.result() is await anext(each)
        assert [one.number for one in [page async for page in each]] == [3]


async def test_a_session_that_closes_ends_the_iteration() -> None:
    async with ScriptedServer(page(SIXTY[:25], link(2)), None) as server:
        session = session_on(server.url)
        each = aiter(session.list(Customer))
        for _ in range(25):
            await anext(each)
        await until(lambda: len(server.requests) == 2)

        await session.close()
        with pytest.raises(SessionError, match=r"closed.*on page 2 of the list"):
            await anext(each)


async def test_a_page_is_asked_for_within_the_sessions_time() -> None:
    async with (
        ScriptedServer(page(SIXTY[:25], link(2)), None) as server,
        session_on(server.url, timeout=0.05) as session,
    ):
        found, error = await broken(session.list(Customer), TimeoutError)

    assert found == SIXTY[:25]
    assert "was not read within 0.05 s" in str(error)
    assert "on page 2 of the list" in str(error)
    assert error.start_from.endswith("page%5Bnumber%5D=2&page%5Bsize%5D=25")


async def test_a_callers_own_exception_leaves_the_list_as_it_was(hasty: Session) -> None:
    """P15: what was taken, and what the cursor gives, are all."""
    taken: list[str] = []
    cursor = None

    async def work() -> None:
        nonlocal cursor
        async for one in hasty.list(CustomerPaymentSource).pages():
            taken.extend(item.id for item in one.items)
            cursor = one.cursor
            if len(taken) == 75:
                raise KeyError("the caller's own")

    with pytest.raises(KeyError):
        await work()
    rest = await ids_of(hasty.list(CustomerPaymentSource, start_from=cursor))
    assert taken + rest == await ids_of(hasty.list(CustomerPaymentSource))


async def test_a_tampered_cursor_changes_the_query_alone() -> None:
    """It can only change the query."""
    async with ScriptedServer(reply({"data": []})) as server, session_on(server.url) as session:
        mark = (session.list(Customer)._start.cursor).partition("_")[0]
        await session.list(Customer, start_from=f"{mark}_2_25_//evil.example/%0d%0aX: y&page[number]=2&a b")
        await session.list(Customer, start_from=f"{mark}_2_25_")

    target, again = server.paths
    assert target.startswith("/api/customers?sort=id&page%5Bsize%5D=25&")
    assert target.isascii()
    assert again == "/api/customers?sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"
