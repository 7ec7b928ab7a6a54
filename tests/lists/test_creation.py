"""Ranges of lists by the moment of creation: what is asked for one, and lists that cannot be cut so."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

from commercelayer_async import AccessToken, RateLimits, Session
from commercelayer_async._access import BulkAccess
from commercelayer_async._lists.creation import CreationRanges
from commercelayer_async._lists.moments import EPOCH
from commercelayer_async.errors import ConfigurationError
from commercelayer_async.jsonapi import Resource
from commercelayer_async.sandbox import Sandbox
from commercelayer_async.service import (
    COMMERCE_LAYER,
    ByAttribute,
    Calls,
    Created,
    Keyset,
    Links,
    Numbers,
    Service,
    Sort,
    Total,
)
from tests.lists.test_services import Task, session_on, tasks
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer


@attrs.frozen(kw_only=True)
class Wallet(Resource):
    """A wallet whose moment of creation has another name."""

    type: ClassVar[str] = "customer_payment_sources"
    made: datetime | None = attrs.field(default=None, alias="created_at")


CREATED = Created("created", since="ge", before="lt")
SERVICE = Service(name="Tasks", filters=ByAttribute(), keyset=Keyset("id", "gt"), created=CREATED, total="meta.total")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ranges_on(session: Session, filter: Mapping[str, Any] | None = None) -> CreationRanges:
    return BulkAccess(session).ranges(Task, filter=filter).creation


class Counting(ScriptedServer):
    """Counts tasks that were created at some moments, None for one without; its clock stands still."""

    def __init__(self, moments: Sequence[datetime | None], *, now: datetime, most: int = 10**6) -> None:
        super().__init__()
        self.moments = moments
        self.now = now
        self.most = most

    async def reply_to(self, target: str) -> bytes | None:
        query = dict(parse_qsl(urlsplit(target).query))
        since, before = query.get("filter[created][ge]"), query.get("filter[created][lt]")
        found = [
            moment
            for moment in self.moments
            if (since is None or (moment is not None and moment >= datetime.fromisoformat(since)))
            and (before is None or (moment is not None and moment < datetime.fromisoformat(before)))
        ]
        headers = {"Date": format_datetime(self.now, usegmt=True)}
        return reply({"data": tasks(1), "meta": {"total": min(len(found), self.most)}}, headers=headers)


@pytest.mark.parametrize(
    ("filters", "filter", "asked"),
    [
        (ByAttribute(), {"title": "x"}, {"title": "x", "created": {"ge": NOON, "lt": NOON + timedelta(hours=1)}}),
        (Calls(), None, {"created": {"ge": NOON, "lt": NOON + timedelta(hours=1)}}),
        (
            ByAttribute(),
            {"created": {"ge": "2026-01-01T12:30:00Z", "ne": "x"}},
            {"created": {"ge": NOON + timedelta(minutes=30), "ne": "x", "lt": NOON + timedelta(hours=1)}},
        ),
        (
            ByAttribute(),
            {"created": {"lt": NOON + timedelta(minutes=1)}},
            {"created": {"lt": NOON + timedelta(minutes=1), "ge": NOON}},
        ),
    ],
)
async def test_a_range_is_asked_for_in_the_grammar_of_the_service(
    filters: Any, filter: Mapping[str, Any] | None, asked: Mapping[str, Any]
) -> None:
    service = Service(filters=filters, created=CREATED, total="meta.total")
    async with ScriptedServer() as server, session_on(server, service) as session:
        assert ranges_on(session, filter).between(NOON, NOON + timedelta(hours=1)) == asked
        assert ranges_on(session, filter).between(None, None).items() >= (filter or {}).items()


async def test_ranges_end_some_seconds_before_now_by_the_clock_of_the_service() -> None:
    """Whatever this machine's clock says; what was created since may not be there for others yet."""
    now = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
    moments = [now - timedelta(seconds=n) for n in range(100)]
    async with Counting(moments, now=now) as server, session_on(server, SERVICE) as session:
        cut = await ranges_on(session).cut(20)

    assert sum(span.records or 0 for span in cut.spans) == cut.records == 89
    assert (EPOCH + timedelta(milliseconds=cut.spans[-1].before)) == now - timedelta(seconds=10)
    assert cut.requests == len(server.paths)


async def test_a_service_that_counts_no_further_than_some_number_is_cut_to_ranges_that_it_counts() -> None:
    moments = [NOON - timedelta(seconds=n) for n in range(300)]
    service = Service(filters=ByAttribute(), created=CREATED, total=Total("meta.total", most=100))
    async with Counting(moments, now=NOON, most=100) as server, session_on(server, service) as session:
        cut = await ranges_on(session).cut(150)

    assert cut.records is None
    assert sum(span.records or 0 for span in cut.spans) == 289
    assert all(span.records is not None and span.records <= 150 for span in cut.spans)


async def test_records_without_a_moment_are_in_no_range_so_the_list_is_not_cut() -> None:
    moments = [None, None, *(NOON - timedelta(hours=n) for n in range(50))]
    async with Counting(moments, now=NOON) as server, session_on(server, SERVICE) as session:
        with pytest.raises(ConfigurationError, match="2 of them have no created, and would be in none"):
            await ranges_on(session).cut(10)


@pytest.mark.parametrize("filter", [{"created": NOON}, {"created": [NOON]}])
async def test_one_moment_that_a_filter_asks_for_cannot_be_cut(filter: Mapping[str, Any]) -> None:
    async with ScriptedServer() as server, session_on(server, SERVICE) as session:
        with pytest.raises(ConfigurationError, match="'created' is what cuts the list into partitions"):
            BulkAccess(session).ranges(Task, filter=filter).require_possible()

    assert server.paths == []


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (Service(total="meta.total"), "as nothing walks them by their ids, nor by the moment of creation, as the serv"),
        (Service(created=CREATED), "as they are not counted; export them in one piece"),
        (Service(keyset=Keyset("id", "gt"), sort=Sort(), paging=Links(size="size")), "as their pages have no numbers"),
    ],
)
async def test_what_a_service_lacks_for_both_ways_is_said(service: Service, said: str) -> None:
    async with ScriptedServer() as server, session_on(server, service) as session:
        with pytest.raises(ConfigurationError, match=said):
            BulkAccess(session).ranges(Task, filter=None).require_possible()


async def test_lists_that_can_be_cut_by_ids_are() -> None:
    by_ids = Service(keyset=Keyset("id", "gt", through="lte"), paging=Numbers("page", size="size"), created=CREATED)
    async with ScriptedServer() as server, session_on(server, by_ids) as session:
        assert BulkAccess(session).ranges(Task, filter=None).are_by_ids

    assert COMMERCE_LAYER.created == Created("created_at", since="gteq", before="lt")


PREDICATED = attrs.evolve(COMMERCE_LAYER, keyset=Keyset("id", "gt"))
"""Commerce Layer, as if nothing asked for what comes up to an id."""


def wallets_of(sandbox: Sandbox, filter: Mapping[str, Any] | None) -> tuple[Session, CreationRanges]:
    token = AccessToken(sandbox.access_token)
    session = Session(sandbox.url, token, service=PREDICATED, limits=RateLimits.none())
    return session, BulkAccess(session).ranges(Wallet, filter=filter).creation


async def test_names_that_hold_their_predicate_are_narrowed_too(sandbox: Sandbox) -> None:
    session, ranges = wallets_of(sandbox, {"created_at_gteq": "2026-01-01T12:30:00Z", "name_eq": "x"})
    async with session:
        assert ranges.between(NOON, NOON + timedelta(hours=1)) == {
            "created_at_gteq": NOON + timedelta(minutes=30),
            "name_eq": "x",
            "created_at_lt": NOON + timedelta(hours=1),
        }


@pytest.mark.parametrize(
    ("filter", "said"),
    [
        ({"made_gteq": NOON}, "'created_at' is what cuts the list into partitions; name it so"),
        ({"created_at_lt": "yesterday"}, "has to be an aware datetime"),
        ({"created_at_lt": "2026-01-01T12:00:00"}, "has to be an aware datetime"),
        ({"created_at_lt": 5}, "has to be an aware datetime"),
    ],
)
async def test_what_cannot_be_narrowed_is_refused(sandbox: Sandbox, filter: Mapping[str, Any], said: str) -> None:
    session, ranges = wallets_of(sandbox, filter)
    async with session:
        with pytest.raises(ConfigurationError, match=said):
            ranges.require_possible()


async def test_without_a_moment_in_the_service_there_is_nothing_to_ask_by() -> None:
    async with ScriptedServer() as server, session_on(server, Service(name="Tasks", total="meta.total")) as session:
        with pytest.raises(ConfigurationError, match="Tasks declares no moment of creation"):
            ranges_on(session).between(NOON, None)


async def test_a_service_that_tells_no_time_is_cut_by_the_clock_of_this_machine() -> None:
    async with (
        ScriptedServer(reply({"data": [], "meta": {"total": 0}})) as server,
        session_on(server, SERVICE) as session,
    ):
        before = datetime.now(UTC)
        cut = await ranges_on(session).cut(10)

    until = EPOCH + timedelta(milliseconds=cut.spans[-1].before)
    assert timedelta(seconds=9) < before - until + timedelta(milliseconds=1) < timedelta(seconds=11)
