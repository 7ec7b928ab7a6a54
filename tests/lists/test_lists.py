"""Lists: what is asked, and what an awaited or iterated collection gives."""

import asyncio
import json
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

from commercelayer_async import (
    ConfigurationError,
    DecodeError,
    GenericResource,
    LinkRefused,
    Resource,
    ResourceCollection,
    Session,
    SessionError,
    ToMany,
)
from commercelayer_async.jsonapi import Registry
from commercelayer_async.resources import Customer, CustomerPaymentSource, EventStore, StripePayment
from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_ID, resource
from tests.support.list_pages import FIRST, SIXTY, UNSAID, ids_of, link, page, pages, reading, session_on, until
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

WALLETS = "/api/customer_payment_sources"


def asked(sandbox: Sandbox) -> list[dict[str, str]]:
    """The queries that the sandbox got."""
    return [dict(parse_qsl(urlsplit(one.raw_path).query)) for one in sandbox.requests]


async def test_making_a_list_asks_nothing(sandbox: Sandbox, session: Session) -> None:
    wallets = session.list(CustomerPaymentSource)

    assert isinstance(wallets, ResourceCollection)
    assert repr(wallets) == f"<ResourceCollection {WALLETS}>"
    assert not sandbox.requests


async def test_awaited_it_is_the_first_page_as_a_tuple(sandbox: Sandbox, session: Session) -> None:
    wallets = await session.list(CustomerPaymentSource)

    assert [wallet.id for wallet in wallets] == list(sandbox.world.wallet_ids()[:25])
    assert isinstance(wallets, tuple)
    assert all(type(wallet) is CustomerPaymentSource for wallet in wallets)
    assert asked(sandbox) == [{"sort": "id", "page[number]": "1", "page[size]": "25"}]


async def test_awaited_again_it_is_asked_for_anew(sandbox: Sandbox, session: Session) -> None:
    wallets = session.list(CustomerPaymentSource)

    first = await wallets
    sandbox.world.delete_wallets(first[0].id)
    assert (await wallets)[0] == first[1]


@pytest.mark.parametrize("read_ahead", [0, 1])
async def test_iterated_it_is_every_item_in_order(sandbox: Sandbox, session: Session, read_ahead: int) -> None:
    found = await ids_of(session.list(CustomerPaymentSource, read_ahead=read_ahead))

    assert found == list(sandbox.world.wallet_ids())
    assert len(sandbox.requests) == 12


async def test_pages_have_number_meta_links_and_cursor(sandbox: Sandbox, session: Session) -> None:
    read = [one async for one in session.list(CustomerPaymentSource).pages()]

    assert [one.number for one in read] == list(range(1, 13))
    assert {len(one.items) for one in read} == {25}
    assert {one.duplicates for one in read} == {0}
    assert read[0].meta == {"record_count": 300, "page_count": 12}
    assert read[0].links.next is not None
    assert read[-1].links.next is None
    assert all(one.cursor for one in read[:-1])
    assert read[-1].cursor is None


async def test_items_are_bound_to_the_session(session: Session) -> None:
    async for wallet in session.list(CustomerPaymentSource, include=["customer"]):
        assert wallet.customer.loaded
        assert isinstance(await wallet.payment_source, StripePayment)
        info = session.response_of(wallet)
        assert info is not None
        assert info.status == 200
        break


async def test_first_costs_one_request_for_one_resource(sandbox: Sandbox, session: Session) -> None:
    newest = await session.list(CustomerPaymentSource, sort="-id").first()

    assert newest is not None
    assert newest.id == sandbox.world.wallet_ids()[-1]
    assert asked(sandbox) == [{"sort": "-id", "page[number]": "1", "page[size]": "1"}]


async def test_the_first_of_none_is_none(session: Session) -> None:
    none = session.list(CustomerPaymentSource, filter={"created_at_lt": datetime(2000, 1, 1, tzinfo=UTC)})

    assert await none.first() is None
    assert await none == ()
    assert await none.count() == 0
    assert await ids_of(none) == []


async def test_count_costs_one_request_without_order_and_include(sandbox: Sandbox, session: Session) -> None:
    wallets = session.list(CustomerPaymentSource, filter={"name_null": False}, include="customer", sort="-created_at")

    assert 0 < await wallets.count() < 300
    assert asked(sandbox) == [{"filter[q][name_null]": "false", "page[number]": "1", "page[size]": "1"}]


@pytest.mark.parametrize("count", [-1, "60", 1.5, 10**18, None, True, UNSAID])
async def test_a_count_that_is_none_is_an_error(count: object) -> None:
    async with ScriptedServer(page(["c1"], count=count)) as server, session_on(server.url) as session:
        with pytest.raises(DecodeError, match="expected a number of records") as caught:
            await session.list(Customer).count()
        assert caught.value.pointer == "/meta/record_count"


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
async def test_a_count_of_no_document_is_an_error(body: bytes) -> None:
    async with ScriptedServer(reply(body)) as server, session_on(server.url) as session:
        with pytest.raises(DecodeError):
            await session.list(Customer).count()


@pytest.mark.parametrize(
    ("sort", "sent"),
    [
        ((), "id"),
        ("", "id"),
        ("-created_at", "-created_at,id"),
        (["-created_at", "updated_at"], "-created_at,updated_at,id"),
        ("created_at,-id", "created_at,-id"),
        ("id", "id"),
    ],
)
async def test_the_order_is_total(sandbox: Sandbox, session: Session, sort: str, sent: str) -> None:
    await session.list(CustomerPaymentSource, sort=sort)

    assert asked(sandbox)[0]["sort"] == sent


async def test_next_is_followed_byte_for_byte() -> None:
    odd = f"{link(2)}&x=%2c%2C+~%7e&y"
    async with ScriptedServer(page(SIXTY[:25], odd), page(SIXTY[25:])) as server, session_on(server.url) as session:
        assert await ids_of(session.list(Customer)) == SIXTY
        assert server.paths == [FIRST, odd]


async def test_a_type_by_name_gives_generic_resources(session: Session) -> None:
    customers = await session.list("customers", page_size=3)

    assert [type(one) for one in customers] == [GenericResource] * 3
    assert all("email" in one.attributes for one in customers)


async def test_a_sparse_class_asks_for_its_fields(sandbox: Sandbox, session: Session) -> None:
    @attrs.frozen(kw_only=True)
    class Label(Resource):
        type: ClassVar[str] = "customer_payment_sources"
        sparse: ClassVar[bool] = True
        name: str | None = None

    labels = await session.list(Label, filter={"created_at_gt": datetime(2024, 1, 1, tzinfo=UTC)}, sort="-created_at")
    assert type(labels[0]) is Label
    assert asked(sandbox)[0]["fields[customer_payment_sources]"] == "name"
    assert not labels[0].extra


async def test_the_list_behind_a_relationship_is_filtered_and_sorted_like_any(
    sandbox: Sandbox, session: Session
) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID, include="customer")
    wallets = session.list((await source.customer).customer_payment_sources, sort="-id", filter={"name_null": False})

    found = [one async for one in wallets]
    assert source in found
    assert await wallets.count() == len(found)
    assert sandbox.requests[-1].raw_path.startswith(f"/api/customers/{(await source.customer).id}/customer_payment")
    with pytest.raises(ConfigurationError, match="customer_token"):
        session.list((await source.customer).customer_payment_sources, filter={"customer_token_eq": "x"})


async def wallet_with_events(session: Session) -> CustomerPaymentSource:
    async for wallet in session.list(CustomerPaymentSource, sort="-id", read_ahead=0):
        if len(await session.list(wallet.event_stores)) > 2:
            return wallet
    raise AssertionError


async def test_a_list_by_cursors_has_the_same_face(sandbox: Sandbox, session: Session) -> None:
    wallet = await wallet_with_events(session)
    events = session.list(wallet.event_stores, page_size=1)
    sandbox.requests.clear()

    read = [one async for one in events.pages()]
    assert len(read) > 2
    assert {len(one.items) for one in read} == {1}
    assert all(type(one.items[0]) is EventStore for one in read)
    assert {one.number for one in read} == {None}
    assert asked(sandbox)[0] == {"page[size]": "1"}
    assert all(set(query) == {"page[size]", "page[after]"} for query in asked(sandbox)[1:])
    assert await ids_of(events) == [one.items[0].id for one in read]
    assert await events.first() == read[0].items[0]

    resumed = session.list(wallet.event_stores, page_size=1, start_from=read[0].cursor)
    assert await ids_of(resumed) == [one.items[0].id for one in read[1:]]


async def test_a_list_by_cursors_is_not_counted(session: Session) -> None:
    wallet = await wallet_with_events(session)

    with pytest.raises(DecodeError, match="this list is not counted"):
        await session.list(wallet.event_stores).count()


async def test_a_relationship_that_the_document_leaves_out_is_asked_for_by_its_route(
    sandbox: Sandbox, session: Session
) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)

    assert isinstance(await session.list(source.event_stores), tuple)
    assert sandbox.requests[-1].raw_path == f"{WALLETS}/xYZkjABcde/event_stores?page%5Bsize%5D=25"


async def test_a_link_with_a_query_keeps_it() -> None:
    parent = resource(relationships={"orders": {"links": {"related": "/api/customers/c1/orders?x=1"}}})
    orders = reply({"data": [resource("orders", "o1"), resource("returns", "o1")], "meta": {"record_count": 2}})
    async with ScriptedServer(reply({"data": parent}), orders) as server, session_on(server.url) as session:
        customer = await session.get(Customer, "c1")

        assert [one.type async for one in session.list(customer.orders)] == ["orders", "returns"]
        assert server.paths[1] == "/api/customers/c1/orders?x=1&sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"


async def test_a_link_that_leaves_the_api_is_refused() -> None:
    parent = resource(relationships={"orders": {"links": {"related": "http://127.0.0.2/api/orders"}}})
    async with ScriptedServer(reply({"data": parent})) as server, session_on(server.url) as session:
        customer = await session.get(Customer, "c1")

        with pytest.raises(LinkRefused):
            session.list(customer.orders)


async def test_the_related_list_holds_what_the_class_says() -> None:
    parent = resource(relationships={"customer_payment_sources": {"links": {"related": "/api/x"}}})
    async with (
        ScriptedServer(reply({"data": parent}), reply({"data": [resource("orders", "o1")]})) as server,
        session_on(server.url) as session,
    ):
        customer = await session.get(Customer, "c1")

        with pytest.raises(DecodeError, match="one of the customer_payment_sources asked for, got orders/o1"):
            await session.list(customer.customer_payment_sources)


async def test_a_relationship_is_iterated_over_page_by_page(sandbox: Sandbox, session: Session) -> None:
    wallet = await wallet_with_events(session)
    expected = await ids_of(session.list(wallet.event_stores))
    sandbox.requests.clear()

    assert [event.id async for event in wallet.event_stores] == expected
    assert [event.id async for page in wallet.event_stores.pages() for event in page.items] == expected
    first = await wallet.event_stores.first()
    assert first is not None
    assert first.id == expected[0]
    assert len(sandbox.requests) == 3


async def test_a_relationship_that_is_included_is_iterated_over_where_it_is(sandbox: Sandbox, session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID, include="customer")
    customer = await session.get(Customer, (await source.customer).id, include="customer_payment_sources")
    sandbox.requests.clear()

    wallets = customer.customer_payment_sources
    assert [wallet async for wallet in wallets] == list(await wallets)
    assert await wallets.first() is wallets.value[0]
    assert await wallets.count() == len(wallets.value) > 0
    assert not sandbox.requests


async def test_awaiting_a_relationship_does_not_end_it_at_the_first_page() -> None:
    related = {"links": {"related": "/api/customers/c1/customer_payment_sources"}}
    parent = resource(relationships={"customer_payment_sources": related})
    pages_of_two = [
        reply({"data": [resource("customer_payment_sources", one)], "meta": {"record_count": 2}, "links": links})
        for one, links in [("w1", {"next": "?page[number]=2"}), ("w2", {})]
    ]
    served = [reply({"data": parent}), pages_of_two[0], *pages_of_two, pages_of_two[0]]
    async with ScriptedServer(*served) as server, session_on(server.url) as session:
        customer = await session.get(Customer, "c1")

        assert [one.id for one in await customer.customer_payment_sources] == ["w1"]
        assert [one.id async for one in customer.customer_payment_sources] == ["w1", "w2"]
        assert [one.id for one in await customer.customer_payment_sources] == ["w1"]
        assert await customer.customer_payment_sources.count() == 2


async def test_linkage_gives_the_count_unless_it_is_paged() -> None:
    linkage = {"data": [{"type": "orders", "id": one} for one in ("o1", "o2")]}
    paged = {"links": {"related": "/api/customers/c1/orders", "next": "?page=2"}}
    parent = resource(relationships={"orders": linkage, "returns": {**linkage, **paged}, "none": {"data": []}})

    @attrs.frozen(kw_only=True)
    class Buyer(Resource):
        type: ClassVar[str] = "customers"
        orders = ToMany["GenericResource"]()
        returns = ToMany["GenericResource"]()
        none = ToMany["GenericResource"]()

    counted = reply({"data": [resource("orders", "o1")], "meta": {"record_count": 7}})
    async with ScriptedServer(reply({"data": parent}), counted) as server, session_on(server.url) as session:
        buyer = await session.get(Buyer, "c1")

        assert await buyer.orders.count() == 2
        assert await buyer.none.first() is None
        assert [one async for one in buyer.none] == []
        assert await buyer.returns.count() == 7
        assert len(server.paths) == 2


def test_a_relationship_without_a_session_says_so() -> None:
    document = {"data": resource(relationships={"orders": {"links": {"related": "/api/customers/c1/orders"}}})}
    customer = Registry(Customer).read(json.dumps(document).encode())
    assert isinstance(customer, Customer)

    for ask in (aiter, lambda orders: orders.pages(), lambda orders: orders.first(), lambda orders: orders.count()):
        with pytest.raises(SessionError, match="not bound to a session"):
            ask(customer.orders)


async def test_a_to_one_relationship_is_no_list(session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)

    with pytest.raises(ConfigurationError, match="await it"):
        session.list(source.customer)  # type: ignore[call-overload] # refused, which is the test


async def test_classes_of_the_callers_own() -> None:
    @attrs.frozen(kw_only=True)
    class Shop(Resource):
        type: ClassVar[str] = "shops"
        city: str | None = None
        branches = ToMany["Shop"]()

    answers = reply({"data": [resource("shops", "s1", attributes={"city": "Prato"})], "meta": {"record_count": 1}})
    async with ScriptedServer(answers) as server, session_on(server.url, resources=[Shop]) as session:
        shops = session.list(Shop, filter={"city_eq": "Prato", "branches_city_cont": "o"}, sort="-city")
        assert [shop.city async for shop in shops] == ["Prato"]
        with pytest.raises(ConfigurationError, match="did you mean 'branches_city_eq'"):
            session.list(Shop, filter={"branches_cty_eq": "Prato"})
        with pytest.raises(ConfigurationError, match="no relationship 'branch'; did you mean 'branches'"):
            session.list(Shop, include="branch")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"page_size": 0}, "page_size must be a whole number from 1 to 25"),
        ({"page_size": 26}, "page_size"),
        ({"page_size": True}, "page_size"),
        ({"page_size": "25"}, "page_size"),
        ({"read_ahead": 2}, "read_ahead"),
        ({"sort": "craeted_at"}, "did you mean 'created_at'"),
        ({"sort": "metadata"}, "does not sort CustomerPaymentSource by 'metadata'"),
        ({"sort": "name"}, "does not sort"),
        ({"sort": ["id", "-id"]}, "more than once"),
        ({"sort": "id, created_at"}, "not an attribute's name"),
        ({"filter": {"created_at_gtt": 1}}, "did you mean 'created_at_gt'"),
        ({"filter": ["x"]}, "must be a mapping"),
        ({"filter": []}, "must be a mapping"),
        ({"include": "custmer"}, "did you mean 'customer'"),
        ({"start_from": "nonsense"}, "start_from is not a cursor"),
        ({"start_from": ""}, "start_from is not a cursor"),
        ({"start_from": 5}, "start_from is not a cursor"),
        ({"start_from": "00000000_0_0_x=y"}, "start_from is not a cursor"),
        ({"start_from": "00000000_2_25_page%5Bnumber%5D=2"}, "belongs to another list"),
        ({"filter": {"id_in": [f"id{n:08}" for n in range(200)]}}, "2697 characters"),
    ],
)
async def test_misuse_is_refused_before_any_request(
    sandbox: Sandbox, session: Session, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        session.list(CustomerPaymentSource, **arguments)  # type: ignore[call-overload] # refused, which is the test
    assert not sandbox.requests


async def test_what_is_no_resource_class_is_refused(session: Session) -> None:
    with pytest.raises(ConfigurationError, match="not a resource class"):
        session.list(str)  # type: ignore[type-var] # refused, which is the test
    with pytest.raises(ConfigurationError, match="type must be"):
        session.list("../orders")


async def test_several_lists_at_once_do_not_mix(session: Session) -> None:
    wallets, customers = session.list(CustomerPaymentSource), session.list(Customer)
    mixed = [(wallet.type, customer.type) async for wallet, customer in _zip(wallets, customers)]

    assert set(mixed) == {("customer_payment_sources", "customers")}


async def _zip(one, other):
    others = aiter(other)
    async for left in one:
        right = await anext(others, None)
        if right is None:
            return
        yield left, right


async def test_the_next_page_is_read_while_one_is_worked_on() -> None:
    async with ScriptedServer(*pages(25, 25, 10)) as server, session_on(server.url) as session:
        each = aiter(session.list(Customer))
        await anext(each)
        await until(lambda: len(server.requests) == 2)
        # And no page beyond it, as long as the consumer takes.
        await until(lambda: not reading())
        await asyncio.sleep(0)
        assert len(server.requests) == 2
        await each.aclose()


async def test_without_reading_ahead_each_page_is_asked_for_in_its_turn() -> None:
    async with ScriptedServer(*pages(25, 25, 10)) as server, session_on(server.url) as session:
        each = aiter(session.list(Customer, read_ahead=0))
        for n, id_ in enumerate(SIXTY):
            assert (await anext(each)).id == id_
            assert len(server.requests) == n // 25 + 1
