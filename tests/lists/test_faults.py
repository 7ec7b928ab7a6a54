"""Lists that are wrong: never a part of them in silence, never twice, never without end."""

import logging
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import (
    AccessToken,
    ApiError,
    BodyTooLarge,
    CommerceLayerError,
    ConfigurationError,
    DecodeError,
    GenericResource,
    LinkRefused,
    RateLimits,
    Retry,
    ServerError,
    Session,
    TransportError,
)
from commercelayer_async._lists import paginators
from commercelayer_async._lists.list_reader import list_reader_for
from commercelayer_async._lists.pages import ReceivedPage
from commercelayer_async._lists.paginators import KeysetPaginator
from commercelayer_async._lists.seen_ids import SeenIds
from commercelayer_async.jsonapi import Links
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Answer, Reset, Sandbox, Truncate
from commercelayer_async.service import Total
from tests.support.documents import resource
from tests.support.list_pages import FIRST, PATH, SIXTY, UNSAID, broken, ids_of, link, page, pages, session_on
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer, ThinkingServer

SECOND = "number%5D=2"


def patient(sandbox: Sandbox, retry: Retry) -> Session:
    """A session that tries again."""
    return Session(sandbox.url, AccessToken(sandbox.access_token), limits=RateLimits.none(), retry=retry)


async def walked(*answers: bytes) -> list[str]:
    """The ids that a list with these answers gives."""
    async with ScriptedServer(*answers) as server, session_on(server.url) as session:
        return await ids_of(session.list(Customer))


async def failed(
    *answers: bytes, error_class: type[CommerceLayerError] = DecodeError, read_ahead: int = 1
) -> tuple[list[str], Any, int]:
    """What a list with these answers gives before it fails, its error, and how many requests that took."""
    async with ScriptedServer(*answers) as server, session_on(server.url) as session:
        found, error = await broken(session.list(Customer, read_ahead=read_ahead), error_class)
        assert isinstance(error.start_from, str)
        assert "of the list" in str(error)
        return found, error, len(server.requests)


async def test_sixty_are_sixty_and_none_are_none() -> None:
    """P1."""
    assert await walked(*pages(25, 25, 10)) == SIXTY
    assert await walked(page([], count=0)) == []


async def test_a_next_that_leads_elsewhere_is_refused() -> None:
    """P2: nobody elsewhere is asked, and what came before was delivered."""
    async with ScriptedServer(page(SIXTY)) as foreign:
        for elsewhere in (f"{foreign.url}{link(2)}", "//127.0.0.2/api/customers", "/oauth/token", "/api/../admin"):
            found, error, asked = await failed(page(SIXTY[:25], elsewhere), error_class=LinkRefused)
            assert (found, asked) == (SIXTY[:25], 1)
            assert "on page 1 of the list" in str(error)
        assert not foreign.requests


@pytest.mark.parametrize("after", [FIRST, link(2)])
async def test_a_next_that_leads_back_is_an_error(after: str) -> None:
    """P3."""
    found, error, asked = await failed(page(SIXTY[:25], link(2)), page(SIXTY[25:50], after))

    assert (found, asked) == (SIXTY[:50], 2)
    assert error.pointer == "/links/next"
    assert "on page 2 of the list" in str(error)


async def test_a_next_that_leads_back_to_the_first_page_at_once_is_an_error() -> None:
    """P3."""
    assert (await failed(page(SIXTY[:25], FIRST)))[::2] == (SIXTY[:25], 1)


async def test_a_relative_next_is_followed() -> None:
    """P3: against the document's own URL."""
    answers = (
        page(SIXTY[:25], "?page%5Bnumber%5D=2"),
        page(SIXTY[25:50], "customers?page%5Bnumber%5D=3"),
        page(SIXTY[50:]),
    )
    async with ScriptedServer(*answers) as server, session_on(server.url) as session:
        assert await ids_of(session.list(Customer)) == SIXTY
        assert server.paths[1:] == ["/api/customers?page%5Bnumber%5D=2", "/api/customers?page%5Bnumber%5D=3"]


@pytest.mark.parametrize("link_", [UNSAID, None])
async def test_a_next_that_is_missing_too_early_is_an_error(link_: object) -> None:
    """P3, P6: 25 of 60 are never all."""
    found, error, _ = await failed(page(SIXTY[:25], link_))

    assert found == SIXTY[:25]
    assert error.pointer == "/meta/record_count"
    assert (error.expected, error.got) == ("as many resources, over all pages (25)", "60")


async def test_a_next_after_the_end_is_harmless() -> None:
    """P3."""
    assert await walked(*pages(25, 25)[:1], page(SIXTY[25:], link(4)), page([])) == SIXTY


async def test_links_that_are_null_hide_no_pages() -> None:
    """P4: the count tells."""
    whole: dict[str, Any] = {"data": [resource(id=id_) for id_ in SIXTY[:25]], "links": None}

    assert (await failed(reply(whole | {"meta": {"record_count": 60}})))[0] == SIXTY[:25]
    assert (await failed(reply(whole | {"meta": None})))[1].pointer == "/links"
    assert await walked(reply({"data": whole["data"][:7]})) == SIXTY[:7]


async def test_without_meta_the_links_lead() -> None:
    """P4."""
    assert await walked(*(page(ids, *on, meta=None) for ids, *on in ((SIXTY[:25], link(2)), (SIXTY[25:],)))) == SIXTY


@pytest.mark.parametrize("members", [{"meta": []}, {"meta": "x"}, {"links": []}, {"links": {"next": 5}}])
async def test_meta_and_links_that_are_none_are_errors(members: dict[str, Any]) -> None:
    """P4."""
    assert next(iter(members)) in (await failed(page(SIXTY[:25], link(2), **members)))[1].pointer


@pytest.mark.parametrize("count", [-1, "60", 60.0, None, True, UNSAID])
async def test_a_count_that_cannot_be_is_ignored(count: object) -> None:
    """P5."""
    assert await walked(*pages(25, 25, 10, count=count)) == SIXTY


@pytest.mark.parametrize("count", [61, 10**12])
async def test_a_count_that_is_too_high_is_reported_at_the_end(count: int) -> None:
    """P6: all that there are come first."""
    found, error, asked = await failed(*pages(25, 25, 10, count=count))

    assert (found, asked) == (SIXTY, 3)
    assert error.got == str(count)
    assert "on page 3 of the list" in str(error)


async def test_a_count_beyond_all_sense_is_ignored() -> None:
    """P5."""
    assert await walked(*pages(25, 25, 10, count=10**18)) == SIXTY


@pytest.mark.parametrize("count", [0, 10, 59])
async def test_a_count_that_is_too_low_hides_nothing(count: int) -> None:
    """P6."""
    assert await walked(*pages(25, 25, 10, count=count)) == SIXTY


async def test_a_count_that_changes_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """P6: what is deleted on the way may hide others."""
    first, second, _ = pages(25, 25, 10)
    with caplog.at_level(logging.WARNING, "commercelayer_async"):
        assert await walked(first, second, page(SIXTY[55:], count=55)) == SIXTY[:50] + SIXTY[55:]
    assert ["records may be missing. session.scan() misses none" in one.getMessage() for one in caplog.records] == [
        True
    ]
    assert "?" not in caplog.text


async def test_a_count_that_grew_while_the_last_page_was_read_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """P6: the server counts before or after it reads."""
    first, second, _ = pages(25, 25, 10)
    with caplog.at_level(logging.WARNING, "commercelayer_async"):
        assert await walked(first, second, page(SIXTY[50:], count=61)) == SIXTY
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (None, "/data"),
        ({}, "/data"),
        (resource(id="c26"), "/data"),
        ([resource(id="c26"), None], "/data/1"),
        ([resource(id="c26"), 5], "/data/1"),
        ([resource(id="c26"), resource("orders", "o1")], "/data/1"),
        ([resource(id="c26"), resource("customer_payment_sources", "o1")], "/data/1"),
        ([{"type": "customers", "lid": "x", "attributes": resource()["attributes"]}], "/data/0"),
        ([{"type": "customers"}], "/data/0"),
    ],
)
async def test_what_is_no_page_is_named_with_page_and_index(data: object, pointer: str) -> None:
    """P7: and is none of the first page's fault."""
    found, error, asked = await failed(page(SIXTY[:25], link(2)), reply({"data": data}))

    assert (found, asked) == (SIXTY[:25], 2)
    assert error.pointer.startswith(pointer)
    assert "on page 2 of the list" in str(error)


async def test_duplicates_are_delivered_once(caplog: pytest.LogCaptureFixture) -> None:
    """P8: in a page and across pages; counted, and logged."""
    answers = page([*SIXTY[:24], "c03"], link(2), count=62), page([*SIXTY[20:50], "c49"], link(3), count=62)
    last = page(SIXTY[45:], count=62)
    with caplog.at_level(logging.WARNING, "commercelayer_async"):
        async with ScriptedServer(*answers, last) as server, session_on(server.url) as session:
            read = [one async for one in session.list(Customer).pages()]
    assert [item.id for one in read for item in one.items] == SIXTY
    assert [one.duplicates for one in read] == [1, 5, 5]
    assert len(caplog.records) == 1


async def test_the_same_id_in_two_types_is_two_resources() -> None:
    parent = resource(relationships={"orders": {"links": {"related": "/api/x"}}})
    both = reply({"data": [resource("orders", "1"), resource("returns", "1")]})
    async with ScriptedServer(reply({"data": parent}), both) as server, session_on(server.url) as session:
        assert len([one async for one in session.list((await session.get(Customer, "c1")).orders)]) == 2


async def test_an_empty_page_in_the_middle_is_no_end() -> None:
    """P9."""
    assert await walked(*pages(25, 0, 25, 10)) == SIXTY
    assert await walked(*pages(0, 60)) == SIXTY


async def test_an_empty_page_instead_of_a_full_one_is_an_error() -> None:
    """P9."""
    found, error, _ = await failed(pages(25, 25)[0], page([], link(3)), page(SIXTY[50:]))

    assert found == SIXTY[:25] + SIXTY[50:]
    assert error.pointer == "/meta/record_count"


async def test_more_than_asked_for_are_taken() -> None:
    """P10: as far as max_body goes."""
    many = [f"m{n}" for n in range(1000)]

    assert await walked(page(many, count=1000)) == many
    async with ScriptedServer(page(many)) as server, session_on(server.url, max_body=50_000) as session:
        with pytest.raises(BodyTooLarge, match="on page 1 of the list"):
            await session.list(Customer)


async def test_a_list_that_repeats_itself_ends() -> None:
    """P11."""
    same = [page(SIXTY[:25], link(n), count=UNSAID) for n in range(2, 70)]
    found, error, asked = await failed(*same)

    assert found == SIXTY[:25]
    assert error.pointer == "/data"
    assert asked == 51


async def test_a_list_of_empty_pages_ends() -> None:
    """P11: with an error where it says that there is more."""
    assert (await failed(*(page([], link(n), count=60) for n in range(2, 70))))[2] == 50


@pytest.mark.parametrize("read_ahead", [0, 1])
@pytest.mark.parametrize(("count", "empty"), [(UNSAID, 3), (60, 1)])
async def test_a_list_with_a_next_page_for_ever_ends_where_its_records_do(
    count: Any, empty: int, read_ahead: int, caplog: pytest.LogCaptureFixture
) -> None:
    """P11: some servers give a link whatever comes, and what is beyond the last number is empty."""

    def think(target: str) -> bytes:
        number = int(target.partition("page%5Bnumber%5D=")[2].partition("&")[0])
        return page(SIXTY[25 * (number - 1) : 25 * number], link(number + 1), count=count)

    with caplog.at_level(logging.WARNING, "commercelayer_async"):
        async with ThinkingServer(think) as server, session_on(server.url) as session:
            read = [one async for one in session.list(Customer, read_ahead=read_ahead).pages()]
    assert [item.id for one in read for item in one.items] == SIXTY
    assert len(server.paths) == len(read) == 3 + empty
    assert read[-1].cursor is None
    assert len(caplog.records) == (count is UNSAID)


async def test_a_count_of_each_page_alone_ends_nothing() -> None:
    """What a server calls the count may be that of the page; records that come after an empty one are not lost."""
    sizes = [25, 0, 25, 0, 0, 10]
    answers, start = list[bytes](), 0
    for number, size in enumerate(sizes, start=2):
        more = [link(number)] if number <= len(sizes) else []
        answers.append(page(SIXTY[start : start + size], *more, count=size))
        start += size

    assert await walked(*answers) == SIXTY


async def test_a_list_by_cursors_goes_on_after_empty_pages() -> None:
    """A server that filters what it has read gives pages of nothing, and their number means nothing."""
    sizes = [25, 0, 0, 0, 0, 0, 35]
    answers, start = list[bytes](), 0
    for number, size in enumerate(sizes):
        more = [f"{PATH}?page%5Bcursor%5D=k{number}"] if number + 1 < len(sizes) else []
        answers.append(page(SIXTY[start : start + size], *more, count=UNSAID))
        start += size

    assert await walked(*answers) == SIXTY


async def test_a_list_with_ever_more_than_it_says_ends() -> None:
    """P11: after twice as many and a thousand."""
    fresh = [page([f"f{25 * n + i}" for i in range(25)], link(n), count=60) for n in range(2, 70)]
    found, error, asked = await failed(*fresh)

    assert (len(found), asked) == (1125, 45)
    assert "a list that ends" in str(error)


async def test_a_list_without_end_and_count_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """P11: a hundred thousand pages; fewer here."""
    monkeypatch.setattr(paginators, "MAX_PAGES", 7)
    fresh = [page([f"f{25 * n + i}" for i in range(25)], link(n), count=UNSAID) for n in range(2, 70)]

    assert (await failed(*fresh))[2] == 7


@pytest.mark.parametrize(
    ("fault", "error_class"),
    [
        (Answer.html(500), ServerError),
        (Truncate(), TransportError),
        (Reset(), TransportError),
        (Answer.errors(403), ApiError),
    ],
)
async def test_a_page_that_fails_for_ever_is_named(
    sandbox: Sandbox, fault: Any, error_class: type[CommerceLayerError]
) -> None:
    """P12: page 1 was delivered, and the tries are on the error."""
    sandbox.faults.add(fault, times=None, where=lambda request: SECOND in request.raw_path)
    async with patient(sandbox, Retry(base=0)) as session:
        found, error = await broken(session.list(CustomerPaymentSource), error_class)

    assert found == list(sandbox.world.wallet_ids()[:25])
    assert "on page 2 of the list" in str(error)
    assert "?" not in error.url
    assert error.tries == (1 if error_class is ApiError else 4)
    assert len(error.failures) == error.tries - 1


@pytest.mark.parametrize("fault", [Reset(), Truncate(), Answer.html(502), Reset(after=0.3)])
async def test_a_page_that_fails_once_is_hidden(sandbox: Sandbox, fault: Any) -> None:
    """P13."""
    sandbox.faults.add(fault, where=lambda request: SECOND in request.raw_path)
    async with patient(sandbox, Retry(base=0)) as session:
        assert await ids_of(session.list(CustomerPaymentSource)) == list(sandbox.world.wallet_ids())


async def test_a_world_of_faults_is_hidden_too(sandbox: Sandbox) -> None:
    sandbox.faults.randomly(rate=0.3, seed=5, kinds=[Answer.html(503), Reset(), Truncate()])
    async with patient(sandbox, Retry(base=0, attempts=20)) as session:
        assert await ids_of(session.list(CustomerPaymentSource, page_size=10)) == list(sandbox.world.wallet_ids())
        assert await ids_of(session.scan(CustomerPaymentSource, page_size=10)) == list(sandbox.world.wallet_ids())


async def test_errors_hold_no_filter_values(sandbox: Sandbox) -> None:
    """Not the message, not the variables, not the cursor."""
    sandbox.faults.add(Answer.html(500), times=None, where=lambda request: SECOND in request.raw_path)
    async with patient(sandbox, Retry.never()) as session:
        wallets = session.list(CustomerPaymentSource, filter={"payment_source_token_not_eq": "pm_secret"})
        _, error = await broken(wallets, ServerError)

    assert "pm_secret" not in repr(error) + repr(vars(error)) + str(error)
    assert sandbox.access_token not in error.start_from


@pytest.mark.parametrize("body", ["{", {"data": [5]}, {"data": [], "links": {"next": 5}}, {"data": [], "meta": []}])
async def test_errors_of_decoding_hold_no_filter_values(body: Any) -> None:
    async with ScriptedServer(reply(body)) as server, session_on(server.url) as session:
        _, error = await broken(session.list(Customer, filter={"email_eq": "who@x.example"}), DecodeError)

    assert "who" not in repr(vars(error)) + str(error)
    assert error.url == f"{server.url}/api/customers"


async def test_a_connection_that_gave_another_type_is_used_no_more() -> None:
    """It may be one answer behind."""
    answers = page(SIXTY[:25]), page(["o1"], type="orders"), page(SIXTY[:25])
    async with ScriptedServer(*answers) as server, session_on(server.url) as session:
        await session.list(Customer)
        with pytest.raises(DecodeError, match="one of the customers asked for, got orders/o1"):
            await session.list(Customer)
        await session.list(Customer)
        assert server.connections == 2


async def test_an_error_that_is_raised_again_is_located_once() -> None:
    async with ScriptedServer(page(SIXTY[:25], FIRST)) as server, session_on(server.url) as session:
        each = session.list(Customer).pages()
        await anext(each)
        for _ in range(3):
            with pytest.raises(DecodeError) as caught:
                await anext(each)
            assert str(caught.value).count("of the list") == 1
        assert len(server.requests) == 1


def test_the_last_ids_are_remembered_and_a_sample_of_those_before() -> None:
    """A hundred thousand each; fewer here."""
    seen = SeenIds(3)

    assert [seen.add(id_) for id_ in "abcab"] == [True, True, True, False, False]
    assert all(seen.add(f"c{n}") for n in range(1000))
    assert all(f"c{n}" in seen for n in (997, 998, 999))
    assert 3 <= sum(f"c{n}" in seen for n in range(1000)) <= 6


@given(st.integers(1, 400), st.integers(1, 20), st.integers(0, 399))
def test_a_list_that_begins_again_is_noticed_within_one_round(length: int, remembered: int, start: int) -> None:
    """From whatever record on, and however few ids are remembered."""
    seen = SeenIds(remembered)
    start %= length
    for n in range(length):
        seen.add(f"c{n}")

    assert not all([seen.add(f"c{n}") for n in range(start, length)] + [seen.add(f"c{n}") for n in range(length)])


class Endless(KeysetPaginator[Any]):
    """A paginator that is given pages without a server."""

    def feed(self, ids: Sequence[str], count: int | None) -> None:
        meta = {} if count is None else {"record_count": count}
        items = tuple(GenericResource(type="customers", id=id_) for id_ in ids)
        self.advance(ReceivedPage(items, meta, Links(), {}, "https://x/api/customers", Total("meta.record_count")))


@pytest.mark.parametrize(("count", "ends"), [(None, True), (0, True), (10**9, False)])
def test_a_scan_of_ever_new_records_ends(monkeypatch: pytest.MonkeyPatch, count: int | None, *, ends: bool) -> None:
    """Unless the service has counted that many."""
    monkeypatch.setattr(paginators, "MAX_PAGES", 50)
    query: Any = None
    scan = Endless(query, None, str)

    def feed_all() -> None:
        for page_number in range(200):
            scan.feed([f"c{page_number}x{n}" for n in range(25)], count)

    if not ends:
        return feed_all()
    with pytest.raises(DecodeError, match="a list that ends"):
        feed_all()
    return None


def test_a_scan_that_begins_again_after_many_records_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after more than are remembered one by one."""
    monkeypatch.setattr(SeenIds.__init__, "__defaults__", (100,))
    scan = Endless(None, None, str)  # type: ignore[arg-type] # the query is for requests, and none is made

    def feed_twice() -> None:
        for page_number in [*range(40), *range(40)]:
            scan.feed([f"c{page_number}x{n}" for n in range(25)], None)

    with pytest.raises(DecodeError, match="ids that come after"):
        feed_twice()


@pytest.mark.parametrize("length", [1800, 2000])
async def test_a_scan_whose_filter_is_too_long_is_refused_before_any_request(session: Session, length: int) -> None:
    """With the id that each page is asked for by."""
    with pytest.raises(ConfigurationError, match="characters"):
        session.scan(Customer, filter={"email_eq": "x" * length})
    session.scan(Customer, filter={"email_eq": "x" * 1500})


async def test_a_cursor_that_makes_too_long_a_target_is_refused(session: Session) -> None:
    cursor = session.list(Customer)._start.cursor.rstrip("_") + "_" + f"page[cursor]={'x' * 1900}"

    with pytest.raises(ConfigurationError, match="start_from makes a URL"):
        session.list(Customer, start_from=cursor)


@pytest.mark.parametrize(
    ("cls", "path", "numbered"),
    [
        ("event_stores", "/api/customers/c1/jobs", False),
        ("event_stores", "/api/event_stores/", False),
        (None, "/api/customers/c1/event_stores/", False),
        ("customers", "/api/x/event_stores", True),
    ],
)
async def test_cursor_paging_is_known_by_the_type(
    session: Session, cls: str | None, path: str, *, numbered: bool
) -> None:
    reader = list_reader_for(Customer, context=session._context, send=session._parts.send, follower=session)

    assert attrs.evolve(reader, resource_type=cls, path=path).paging.is_numbered is numbered
