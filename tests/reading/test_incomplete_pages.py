"""A record is missing only where a response shows that it is whole; a page that reaches less far is asked for again."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from commercelayer_async import AccessToken, BulkError, CommerceLayerError, NotFound, RateLimits, Retry, Session
from commercelayer_async.resources import Customer, CustomerPaymentSource
from tests.support.documents import resource
from tests.support.responses import errors_of, reply
from tests.support.scripted_server import ThinkingServer, ids_in

IDS = [f"w{n:02}" for n in range(25)]
NOWHERE = ["w03", "w24"]
"""Ids of no record."""
CLAMP = 10
"""Records of a page at most, whatever is asked for."""
NEXT = {"next": "/api/customer_payment_sources?page%5Bnumber%5D=2"}

Members = dict[str, Any]
Cut = Callable[[list[str]], tuple[list[str], Members]]
"""Makes of the ids that there are those of a page, and what the document says beside."""


def with_next(ids: list[str]) -> tuple[list[str], Members]:
    return ids[:CLAMP], {"links": NEXT if len(ids) > CLAMP else {"first": "x"}}


def with_count(ids: list[str]) -> tuple[list[str], Members]:
    return ids[:CLAMP], {"meta": {"record_count": len(ids)}}


def with_both(ids: list[str]) -> tuple[list[str], Members]:
    return ids[:CLAMP], with_next(ids)[1] | with_count(ids)[1]


def with_neither(ids: list[str]) -> tuple[list[str], Members]:
    return ids[:CLAMP], {}


def with_odd_members(ids: list[str]) -> tuple[list[str], Members]:
    return ids[:CLAMP], {"links": None, "meta": {"record_count": str(len(ids))}}


def twice_the_same(ids: list[str]) -> tuple[list[str], Members]:
    """The count and the number of records are equal, and one of these came twice in place of another."""
    if len(ids) < 2:
        return ids, {"meta": {"record_count": len(ids)}, "links": {"first": "x"}}
    return [*ids[1:], ids[1]], {"meta": {"record_count": len(ids)}, "links": {"first": "x"}}


def others(ids: list[str]) -> tuple[list[str], Members]:
    return ["other", *ids[: CLAMP - 1]], {"meta": {"record_count": len(ids) + 1}, "links": {"first": "x"}}


CUTS: list[Cut] = [with_next, with_count, with_both, with_neither, with_odd_members, twice_the_same, others]


def served(cut: Cut) -> Callable[[str], bytes]:
    def wallet(id: str) -> Members:
        return resource(
            "customer_payment_sources",
            id,
            relationships={"customer": {"data": {"type": "customers", "id": f"c{id}"}}},
        )

    def think(target: str) -> bytes:
        path, last = urlsplit(target).path, urlsplit(target).path.rpartition("/")[2]
        if path.endswith("/customer"):
            return reply({"data": resource(id=f"c{path.split('/')[-2]}")})
        if not path.endswith("/customer_payment_sources"):
            if last in NOWHERE:
                return errors_of("NOT_FOUND", status=404)
            return reply(_one(wallet(last)) if "include=" in target else {"data": _linked(last)})
        ids, members = cut([id for id in ids_in(target) if id not in NOWHERE])
        return reply({"data": [wallet(id) for id in ids], "included": [resource(id=f"c{id}") for id in ids]} | members)

    return think


def _linked(id: str) -> Members:
    links = {"related": f"/api/customer_payment_sources/{id}/customer"}
    return resource("customer_payment_sources", id, relationships={"customer": {"links": links}})


def _one(wallet: Members) -> Members:
    return {"data": wallet, "included": [resource(id=f"c{wallet['id']}")]}


def session_on(server: ThinkingServer) -> Session:
    return Session(server.url, AccessToken("secret"), limits=RateLimits.none(), retry=Retry.never())


def require_sent(error: CommerceLayerError, server: ThinkingServer) -> None:
    """An error names a request, and that request was sent."""
    assert isinstance(error, NotFound)
    assert error.url in {server.url + path.partition("?")[0] for path in server.paths}


@pytest.mark.parametrize("cut", CUTS)
async def test_get_many_finds_all_that_there_are(cut: Cut) -> None:
    async with ThinkingServer(served(cut)) as server, session_on(server) as session:
        with pytest.raises(BulkError) as caught:
            await session.get_many(CustomerPaymentSource, IDS, include=["customer"])
        assert sorted(caught.value.failed) == NOWHERE
        assert sorted(caught.value.fetched) == [id for id in IDS if id not in NOWHERE]
        for error in caught.value.failed.values():
            require_sent(error, server)
        found = await session.get_many(CustomerPaymentSource, [id for id in IDS if id not in NOWHERE])
        assert [one.id for one in found] == [id for id in IDS if id not in NOWHERE]


@pytest.mark.parametrize("cut", CUTS)
async def test_a_stream_gives_one_outcome_for_each_id(cut: Cut) -> None:
    async with ThinkingServer(served(cut)) as server, session_on(server) as session:
        async with session.stream(CustomerPaymentSource, IDS) as outcomes:
            found = {one.id: one async for one in outcomes}
        assert sorted(found) == IDS
        assert sorted(id for id, one in found.items() if hasattr(one, "error")) == NOWHERE


@pytest.mark.parametrize("cut", CUTS)
async def test_prefetch_fills_what_can_be_filled(cut: Cut) -> None:
    async with ThinkingServer(served(cut)) as server, session_on(server) as session:
        moment = datetime(2024, 1, 1, tzinfo=UTC)
        wallets = [CustomerPaymentSource(id=id, created_at=moment, updated_at=moment) for id in IDS]
        with pytest.raises(BulkError) as caught:
            await session.prefetch(wallets, "customer")
        assert sorted(caught.value.failed) == NOWHERE
        for error in caught.value.failed.values():
            require_sent(error, server)
        assert [one.id for one in wallets if not one.customer.loaded] == NOWHERE


@pytest.mark.parametrize("cut", CUTS)
async def test_relationships_awaited_together_find_all_that_there_are(cut: Cut) -> None:
    async with ThinkingServer(served(cut)) as server, session_on(server) as session:
        known = [id for id in IDS if id not in NOWHERE]
        wallets = [await session.get(CustomerPaymentSource, id) for id in known]
        found = await asyncio.gather(*(wallet.customer for wallet in wallets))
        assert [one.id for one in found] == [f"c{id}" for id in known]


@pytest.mark.parametrize("clamp", [1, 10, 24])
async def test_a_list_whose_pages_are_smaller_than_asked_for_is_whole(clamp: int) -> None:
    def think(target: str) -> bytes:
        number = int(target.partition("page%5Bnumber%5D=")[2].partition("&")[0])
        ids = IDS[clamp * (number - 1) : clamp * number]
        more = {"next": f"/api/customers?page%5Bnumber%5D={number + 1}"} if clamp * number < len(IDS) else {}
        return reply({"data": [resource(id=id) for id in ids], "meta": {"record_count": len(IDS)}, "links": more})

    async with ThinkingServer(think) as server, session_on(server) as session:
        assert [one.id async for one in session.list(Customer)] == IDS
