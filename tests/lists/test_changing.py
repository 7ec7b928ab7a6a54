"""Worlds that change while they are read: a scan misses nothing, a list warns."""

import logging
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commercelayer_async import (
    AccessToken,
    ConfigurationError,
    DecodeError,
    RateLimits,
    Retry,
    Scan,
    ServerError,
    Session,
)
from commercelayer_async.resources import Customer, CustomerPaymentSource, EventStore
from commercelayer_async.sandbox import Answer, Sandbox
from tests.support.list_pages import SIXTY, UNSAID, broken, ids_of, page, pages, session_on
from tests.support.scripted_server import ScriptedServer

FIRST = "/api/customers?sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"


@attrs.frozen
class Change:
    """What happens to the world after a page."""

    created: int
    deleted: Sequence[float]
    """Where in the list, from 0 to 1."""

    def happen(self, sandbox: Sandbox) -> None:
        ids = sandbox.world.wallet_ids()
        sandbox.world.delete_wallets(*{ids[int(share * len(ids))] for share in self.deleted} if ids else ())
        sandbox.world.create_wallets(self.created)


changes = st.lists(
    st.builds(Change, st.integers(0, 12), st.lists(st.floats(0, 1, exclude_max=True), max_size=12)), max_size=8
)


@given(changes=changes, read_ahead=st.sampled_from([0, 1]), page_size=st.integers(3, 25))
@settings(max_examples=25, deadline=None)
async def test_a_scan_delivers_all_that_stays_exactly_once(
    changes: list[Change], read_ahead: int, page_size: int
) -> None:
    """D7, rule 70: whatever comes and goes meanwhile."""
    async with (
        Sandbox(wallets=60) as sandbox,
        Session(sandbox.url, AccessToken(sandbox.access_token), limits=RateLimits.none()) as session,
    ):
        stays = set(sandbox.world.wallet_ids())
        found: list[str] = []
        left = list(changes)
        async for one in session.scan(CustomerPaymentSource, page_size=page_size, read_ahead=read_ahead).pages():
            found += [item.id for item in one.items]
            if left:
                left.pop(0).happen(sandbox)
                stays &= set(sandbox.world.wallet_ids())
        assert len(found) == len(set(found))
        assert stays <= set(found)


@given(changes=changes, stops=st.lists(st.integers(1, 40), max_size=4))
@settings(max_examples=15, deadline=None)
async def test_a_scan_that_is_resumed_misses_nothing_and_repeats_nothing(
    changes: list[Change], stops: list[int]
) -> None:
    """Rule 76: the cursor is all that is kept of a run."""
    async with (
        Sandbox(wallets=60) as sandbox,
        Session(sandbox.url, AccessToken(sandbox.access_token), limits=RateLimits.none()) as session,
    ):
        stays = set(sandbox.world.wallet_ids())
        found: list[str] = []
        cursor = None
        for change, stop in zip(changes, stops, strict=False):
            scan = session.scan(CustomerPaymentSource, after=cursor)
            for _ in range(stop):
                one = await anext(scan, None)
                found += [one.id] if one is not None else []
            cursor = scan.cursor
            await scan.aclose()
            change.happen(sandbox)
            stays &= set(sandbox.world.wallet_ids())
        found += await ids_of(session.scan(CustomerPaymentSource, after=cursor))
        assert len(found) == len(set(found))
        assert stays <= set(found)


async def test_a_list_from_which_nothing_goes_misses_nothing(sandbox: Sandbox, session: Session) -> None:
    """What is created stands at the end of the default order."""
    before = sandbox.world.wallet_ids()
    found: list[str] = []
    async for one in session.list(CustomerPaymentSource).pages():
        found += [item.id for item in one.items]
        if len(found) < 100:
            sandbox.world.create_wallets(7)

    assert found[: len(before)] == list(before)
    assert len(found) == len(set(found))


async def test_a_list_that_grows_at_its_head_repeats_nothing(
    sandbox: Sandbox, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    before = set(sandbox.world.wallet_ids())
    found: list[str] = []
    repeated = 0
    with caplog.at_level(logging.WARNING, "commercelayer_async"):
        async for one in session.list(CustomerPaymentSource, sort="-created_at", read_ahead=0).pages():
            found += [item.id for item in one.items]
            repeated += one.duplicates
            if one.number is not None and one.number < 5:
                sandbox.world.create_wallets(3)
    assert set(found) == before
    assert len(found) == len(set(found))
    assert repeated == 12
    assert len(caplog.records) == 1


async def test_a_list_that_shrinks_warns_that_it_may_have_missed_some(
    sandbox: Sandbox, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """Page numbers shift: five that stay are not delivered, and the log says so."""
    before = sandbox.world.wallet_ids()
    with caplog.at_level(logging.WARNING, "commercelayer_async"):
        found: list[str] = []
        async for one in session.list(CustomerPaymentSource, read_ahead=0).pages():
            found += [item.id for item in one.items]
            if one.number == 1:
                sandbox.world.delete_wallets(*found[:5])
    assert set(before) - set(found) == set(before[25:30])
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{sandbox.url}/api/customer_payment_sources changed while it was read page by page: records may be missing."
        " session.scan() misses none"
    )


async def test_a_scan_asks_by_key(sandbox: Sandbox, session: Session) -> None:
    ids = sandbox.world.wallet_ids()
    scan = session.scan(CustomerPaymentSource, filter={"name_null": False}, include="customer", read_ahead=0)

    assert isinstance(scan, Scan)
    assert scan.cursor is None
    first = await anext(scan)
    assert first.customer.loaded
    assert scan.cursor == first.id == ids[0]
    assert repr(scan) == f"<Scan /api/customer_payment_sources, after {ids[0]!r}>"
    await ids_of(scan)
    first_target, second_target, *_ = [request.raw_path for request in sandbox.requests]
    wanted = (
        "/api/customer_payment_sources?include=customer&filter%5Bq%5D%5Bname_null%5D=false&sort=id{}"
        "&page%5Bnumber%5D=1&page%5Bsize%5D=25"
    )
    assert first_target == wanted.format("")
    assert second_target.startswith(wanted.partition("{}")[0] + "&filter%5Bq%5D%5Bid_gt%5D=")


async def test_a_scan_ends_on_an_empty_page(sandbox: Sandbox, session: Session) -> None:
    read = [one async for one in session.scan(CustomerPaymentSource).pages()]

    assert [len(one.items) for one in read] == [25] * 12 + [0]
    assert {one.number for one in read} == {None}
    assert [one.cursor for one in read] == [*(one.items[-1].id for one in read[:-1]), read[-2].cursor]
    assert len(sandbox.requests) == 13


async def test_a_scan_that_has_ended_goes_on_with_what_is_new(sandbox: Sandbox, session: Session) -> None:
    scan = session.scan(CustomerPaymentSource)
    await ids_of(scan)
    created = sandbox.world.create_wallets(3)

    assert await ids_of(session.scan(CustomerPaymentSource, after=scan.cursor)) == list(created)
    assert await anext(scan, None) is None


async def test_parts_of_a_scan_fit_together(sandbox: Sandbox, session: Session) -> None:
    """Machines that share a scan need not talk."""
    ids = sandbox.world.wallet_ids()
    parts = [
        session.scan(CustomerPaymentSource, filter={"id_lteq": ids[99]}),
        session.scan(CustomerPaymentSource, after=ids[99], filter={"id_lteq": ids[199]}),
        session.scan(CustomerPaymentSource, after=ids[199]),
    ]
    assert [id_ for part in parts for id_ in await ids_of(part)] == list(ids)


async def test_the_record_of_a_cursor_may_be_gone(sandbox: Sandbox, session: Session) -> None:
    ids = sandbox.world.wallet_ids()
    sandbox.world.delete_wallets(ids[99])

    assert await ids_of(session.scan(CustomerPaymentSource, after=ids[99])) == list(ids[100:])


async def test_an_error_of_a_scan_leads_back_to_its_page(sandbox: Sandbox) -> None:
    auth = AccessToken(sandbox.access_token)
    async with Session(sandbox.url, auth, limits=RateLimits.none(), retry=Retry.never()) as session:
        ids = sandbox.world.wallet_ids()
        sandbox.faults.add(Answer.html(500), where=lambda request: f"id_gt%5D={ids[74]}" in request.raw_path)
        scan = session.scan(CustomerPaymentSource)
        found, error = await broken(scan, ServerError)
        assert found == list(ids[:75])
        assert "on page 4 of the list" in str(error)
        assert error.start_from == scan.cursor == ids[74]
        assert found + await ids_of(scan) == list(ids)


@pytest.mark.parametrize("read_ahead", [0, 1])
async def test_a_server_that_ignores_the_key_is_an_error(read_ahead: int) -> None:
    """And no loop."""
    async with ScriptedServer(page(SIXTY[:25])) as server, session_on(server.url) as session:
        found, error = await broken(session.scan(Customer, read_ahead=read_ahead), DecodeError)
        assert found == SIXTY[:25]
        assert error.pointer == "/data/0/id"
        assert error.start_from == "c24"
        assert "on page 2 of the list" in str(error)
        assert len(server.requests) == 2


@pytest.mark.parametrize("second", [[*SIXTY[25:30], "c03"], ["c25", "c25"], ["c24"]])
async def test_a_record_that_comes_again_is_an_error(second: list[str]) -> None:
    async with ScriptedServer(page(SIXTY[:25]), page(second)) as server, session_on(server.url) as session:
        assert (await broken(session.scan(Customer), DecodeError))[0] == SIXTY[:25]
        with pytest.raises(DecodeError, match="one that came before"):
            await anext(session.scan(Customer, after=second[-1]))


async def test_a_scan_needs_neither_count_nor_links() -> None:
    answers = [page(SIXTY[:40], count=UNSAID), page(SIXTY[40:], "https://evil.example", count=3), page([], count=99)]
    async with ScriptedServer(*answers) as server, session_on(server.url) as session:
        assert await ids_of(session.scan(Customer)) == SIXTY
        assert server.paths[0] == FIRST


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"after": ""}, "after must be"),
        ({"after": "../x"}, "after must be"),
        ({"after": 5}, "after must be"),
        ({"filter": {"id_gt": "c1"}}, "by after="),
        ({"filter": {"name_equals": "x"}}, "does not end in a predicate"),
        ({"include": "ordrs"}, "did you mean 'orders'"),
        ({"page_size": 50}, "page_size"),
        ({"read_ahead": -1}, "read_ahead"),
    ],
)
async def test_misuse_is_refused_before_any_request(arguments: dict[str, Any], message: str) -> None:
    async with ScriptedServer(*pages(25)) as server, session_on(server.url) as session:
        with pytest.raises(ConfigurationError, match=message):
            session.scan(Customer, **arguments)
        with pytest.raises(ConfigurationError, match="cannot be scanned"):
            session.scan(EventStore)
        assert not server.requests
