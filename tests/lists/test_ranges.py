"""Ranges of lists: where a walk is cut, and what is asked for one part of it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from commercelayer_async import Session
from commercelayer_async._access import BulkAccess
from commercelayer_async._dask.planning import boundaries_of
from commercelayer_async._lists.ranges import Ranges
from commercelayer_async.errors import ConfigurationError
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from commercelayer_async.service import ByAttribute, Cursor, Keyset, Links, Numbers, Offsets, Service, Sort
from tests.lists.test_services import Task, queries, session_on, tasks
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

KEYSET = Keyset("id", "gt", through="lte")


def ranges_on(session: Session, filter: Mapping[str, Any] | None = None) -> Ranges:
    return BulkAccess(session).ranges(Task, filter=filter)


@pytest.mark.parametrize("rows", [1, 7, 50, 60, 300])
async def test_boundaries_cut_the_scan_into_equal_parts(session: Session, sandbox: Sandbox, rows: int) -> None:
    """By the service's order, in which ids do not grow as texts."""
    ranges = BulkAccess(session).ranges(CustomerPaymentSource, filter=None)
    scanned = [wallet.id async for wallet in session.scan(CustomerPaymentSource)]

    boundaries = await boundaries_of(ranges, rows)

    assert list(boundaries) == scanned[rows - 1 :: rows]


async def test_records_that_are_deleted_while_it_is_cut_leave_no_two_parts_that_overlap(
    session: Session, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each boundary is asked for from the one before it, so it comes after that, whatever went."""
    order = list(sandbox.world.wallet_ids())
    ranges = BulkAccess(session).ranges(CustomerPaymentSource, filter=None)
    found: list[str] = []
    while (last := await ranges.last_of(40, after=found[-1] if found else None)) is not None:
        found.append(last)
        gone = order[order.index(last) - 35 : order.index(last) + 30]
        sandbox.world.delete_wallets(*gone)

    assert [order.index(id) for id in found] == sorted(order.index(id) for id in found)
    assert len(found) == len(set(found)) > 1


@pytest.mark.parametrize(
    ("paging", "place"),
    [
        (Numbers("page", size="size"), {"page": "4", "size": "1"}),
        (Numbers("page", first=0, size="size"), {"page": "3", "size": "1"}),
        (Offsets("offset", size="size"), {"offset": "3", "size": "1"}),
    ],
)
async def test_a_record_is_asked_for_by_its_place_after_another(paging: Any, place: dict[str, str]) -> None:
    service = Service(filters=ByAttribute(), keyset=KEYSET, sort=Sort(), paging=paging)
    async with ScriptedServer(reply({"data": tasks(9)})) as server, session_on(server, service) as session:
        assert await ranges_on(session, {"title": "x"}).last_of(4, after="5") == "9"

    (query,) = queries(server)
    assert query == {"filter[title]": "x", "filter[id][gt]": "5", "sort": "id", **place}


async def test_a_range_ends_with_a_record_in_the_grammar_of_the_service() -> None:
    service = Service(filters=ByAttribute(), keyset=KEYSET, sort=Sort(), paging=Numbers("page", size="size"))
    async with ScriptedServer() as server, session_on(server, service) as session:
        ranges = ranges_on(session, {"title": "x"})

        assert ranges.until("7") == {"title": "x", "id": {"lte": "7"}}
        assert ranges.until(None) == {"title": "x"}


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (lambda: Service(sort=Sort(), paging=Numbers("page", size="size")), "nothing walks them by their ids"),
        (lambda: Service(keyset=KEYSET, sort=None, paging=Numbers("page", size="size")), "they are not sorted"),
        (lambda: Service(keyset=KEYSET, sort=Sort(), paging=Links(size="size")), "their pages have no numbers"),
        (lambda: Service(keyset=KEYSET, sort=Sort(), paging=Numbers("page")), "their pages have no numbers"),
        (lambda: Service(keyset=KEYSET, sort=Sort(), paging=Cursor(size="size")), "their pages have no numbers"),
        (
            lambda: Service(keyset=Keyset("id", "gt"), sort=Sort(), paging=Numbers("page", size="size")),
            "cannot be asked for records up to one",
        ),
    ],
)
async def test_a_list_that_cannot_be_cut_is_refused_by_name_and_nothing_sent(
    service: Callable[[], Service], said: str
) -> None:
    async with ScriptedServer() as server, session_on(server, service()) as session:
        with pytest.raises(ConfigurationError, match=said):
            ranges_on(session).require_possible()

    assert server.paths == []


async def test_a_list_that_cannot_be_cut_by_ids_has_no_ranges_of_them() -> None:
    service = Service(name="Tasks", keyset=KEYSET, sort=Sort(), paging=Links(size="size"))
    async with ScriptedServer() as server, session_on(server, service) as session:
        ranges = ranges_on(session)

        with pytest.raises(
            ConfigurationError, match="task of Tasks cannot be cut into partitions by ids, as their page"
        ):
            ranges.until("7")
        with pytest.raises(ConfigurationError, match="as their pages have no numbers"):
            await ranges.last_of(7, after=None)

    assert server.paths == []
