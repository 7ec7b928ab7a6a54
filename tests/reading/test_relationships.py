"""Relationships through a session: what costs a request, what does not, and what is kept."""

import asyncio
import copy
import pickle

import pytest

from commercelayer_async import (
    AccessToken,
    DecodeError,
    GenericResource,
    LinkRefused,
    NotFound,
    Retry,
    ServerError,
    Session,
    SessionError,
)
from commercelayer_async.jsonapi import RelationshipState, ResourceIdentifier
from commercelayer_async.resources import (
    RESOURCES,
    Customer,
    CustomerPaymentSource,
    PaymentMethod,
    PaymentSourceType,
    StripePayment,
)
from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_ID, resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

TOKEN = AccessToken("secret-token")
PAYMENT_SOURCES = {cls.type: cls for cls in RESOURCES if cls.type in set(PaymentSourceType)}


def wallet(**relationships: object) -> bytes:
    """An answer with the wallet w1 and these relationships."""
    return reply({"data": resource("customer_payment_sources", "w1", relationships=relationships)})


def related(href: object) -> dict[str, object]:
    """A relationship object with only a related link."""
    return {"links": {"related": href}}


async def test_a_related_link_is_followed_when_awaited_and_not_before(sandbox: Sandbox, session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)

    assert source.customer.state is RelationshipState.LINKS_ONLY
    assert not source.customer.loaded
    assert len(sandbox.requests) == 1

    customer = await source.customer
    assert isinstance(customer, Customer)
    assert customer.email
    assert sandbox.requests[-1].raw_path == f"/api/customer_payment_sources/{WALLET_ID}/customer"
    assert isinstance(await source.payment_source, StripePayment)


async def test_a_success_is_kept_on_the_resource(sandbox: Sandbox, session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)

    first = await source.customer
    assert source.customer.loaded
    assert await source.customer is first
    assert len(sandbox.requests) == 2


async def test_concurrent_awaits_share_one_request(sandbox: Sandbox, session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)

    async def resolve() -> Customer:
        return await source.customer

    customers = await asyncio.gather(*(resolve() for _ in range(50)))
    assert len(sandbox.requests) == 2
    assert all(customer is customers[0] for customer in customers)


async def test_a_failure_is_not_kept() -> None:
    customer = reply({"data": resource()})
    async with (
        ScriptedServer(wallet(customer=related("/api/customers/c1")), reply(status=500), customer) as server,
        Session(server.url, TOKEN, retry=Retry.never()) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")
        with pytest.raises(ServerError):
            await source.customer

        assert (await source.customer).id == "c1"


async def test_one_who_stops_waiting_stops_nobody_else() -> None:
    async with (
        ScriptedServer(wallet(customer=related("/api/customers/c1")), None) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")
        server.arrived.clear()

        async def resolve() -> Customer:
            return await source.customer

        tasks = [asyncio.create_task(resolve()) for _ in range(3)]
        await server.arrived.wait()
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert not tasks[1].done()
        assert len(server.requests) == 2

        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_when_all_stop_waiting_the_request_is_cancelled() -> None:
    """The next one to ask starts anew."""
    async with (
        ScriptedServer(wallet(customer=related("/api/customers/c1")), None, reply({"data": resource()})) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")
        server.arrived.clear()

        async def resolve() -> Customer:
            return await source.customer

        task = asyncio.create_task(resolve())
        await server.arrived.wait()
        task.cancel()
        await asyncio.wait([task])

        assert (await source.customer).id == "c1"
        assert task.cancelled()


async def test_what_is_included_costs_no_request(sandbox: Sandbox, session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID, include=["customer", "payment_source"])

    assert source.customer.state is RelationshipState.INCLUDED
    assert source.customer.loaded
    customer = await source.customer
    assert isinstance(customer, Customer)
    assert source.customer.identifier == ResourceIdentifier("customers", customer.id)
    assert isinstance(await source.payment_source, StripePayment)
    assert len(sandbox.requests) == 1


async def test_null_linkage_is_none_without_a_request() -> None:
    relationship = {"data": None, **related("/api/x")}
    async with (
        ScriptedServer(wallet(payment_source=relationship)) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")

        assert source.payment_source.state is RelationshipState.EMPTY
        assert await source.payment_source is None
        assert len(server.requests) == 1


async def test_an_empty_to_one_behind_a_link_is_none() -> None:
    async with (
        ScriptedServer(wallet(payment_source=related("/api/x/y")), reply({"data": None})) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")

        assert await source.payment_source is None
        assert source.payment_source.loaded


async def test_each_payment_source_type_has_its_class(sandbox: Sandbox, session: Session) -> None:
    """All ten, by the link and by include."""
    document = await session.request("/customer_payment_sources", params={"page[size]": "25"})
    assert isinstance(document.data, tuple)
    seen: dict[str, type] = {}
    pages = [document]
    while len(seen) < len(PAYMENT_SOURCES):
        document = pages[-1]
        assert isinstance(document.data, tuple)
        for found in document.data:
            source = await session.get(CustomerPaymentSource, found.id or "", include=["payment_source"])
            identifier = source.payment_source.identifier
            if identifier is not None and identifier.type not in seen:
                plain = await session.get(CustomerPaymentSource, found.id or "")
                followed = await plain.payment_source
                assert followed == await source.payment_source
                seen[identifier.type] = type(followed)
        following = document.links.next
        assert following is not None
        pages.append(await session.request(following.url))

    assert seen == PAYMENT_SOURCES
    assert len(seen) == 10


async def test_an_unknown_type_is_a_generic_resource() -> None:
    martian = reply({"data": {"type": "martian_payments", "id": "m1", "attributes": {"tentacles": 3}}})
    async with (
        ScriptedServer(wallet(payment_source=related("/api/martian_payments/m1")), martian) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")

        payment = await source.payment_source
        assert isinstance(payment, GenericResource)
        assert (payment.type, payment.id, payment.attributes) == ("martian_payments", "m1", {"tentacles": 3})


async def test_a_printed_link_without_a_route_is_answered_through_the_parent() -> None:
    """No published schema has a route for payment sources, though each document prints a link to one."""
    async with Sandbox(payment_source_route=False) as sandbox:  # noqa: SIM117 - the token is made at the start
        async with Session(sandbox.url, AccessToken(sandbox.access_token)) as session:
            source = await session.get(CustomerPaymentSource, WALLET_ID)
            assert isinstance(await source.payment_source, StripePayment)
            paths = [request.raw_path.removeprefix("/api/customer_payment_sources/") for request in sandbox.requests]
            assert paths == [WALLET_ID, f"{WALLET_ID}/payment_source", f"{WALLET_ID}?include=payment_source"]

            again = await session.get(CustomerPaymentSource, WALLET_ID)
            assert isinstance(await again.payment_source, StripePayment)
            assert len(sandbox.requests) == 5  # the session remembers: the link is not tried again


async def test_not_found_stays_not_found_where_the_parent_is_gone_too() -> None:
    gone = reply({"errors": [{"status": "404", "code": "RECORD_NOT_FOUND"}]}, status=404)
    async with (
        ScriptedServer(wallet(customer=related("/api/customers/c1")), gone) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")

        with pytest.raises(NotFound, match="/api/customers/c1"):
            await source.customer


async def test_linkage_without_a_link_is_followed_by_its_identity() -> None:
    relationship = {"data": {"type": "customers", "id": "c1"}}
    async with (
        ScriptedServer(wallet(customer=relationship), reply({"data": resource()})) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")

        assert source.customer.state is RelationshipState.IDENTIFIED
        assert (await source.customer).id == "c1"
        assert server.paths[-1] == "/api/customers/c1"


async def test_where_the_document_says_nothing_the_parent_is_asked() -> None:
    included = {
        "data": resource(
            "customer_payment_sources", "w1", relationships={"customer": {"data": {"type": "customers", "id": "c1"}}}
        ),
        "included": [resource()],
    }
    async with (
        ScriptedServer(wallet(), reply(included), wallet()) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")

        assert source.customer.state is RelationshipState.ABSENT
        assert (await source.customer).id == "c1"
        assert server.paths[-1] == "/api/customer_payment_sources/w1?include=customer"
        with pytest.raises(DecodeError, match="/data/relationships/payment_method"):
            await source.payment_method


async def test_a_collection_where_one_is_meant_is_an_error() -> None:
    async with (
        ScriptedServer(wallet(customer=related("/api/x/y")), reply({"data": []})) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")

        with pytest.raises(DecodeError, match="expected one resource or null, got an array of resources"):
            await source.customer


async def test_a_to_many_gives_a_tuple(session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)
    customer = await source.customer

    wallets = await customer.customer_payment_sources
    assert isinstance(wallets, tuple)
    assert WALLET_ID in {found.id for found in wallets}
    assert all(isinstance(found, CustomerPaymentSource) for found in wallets)


async def test_fetch_asks_anew(sandbox: Sandbox, session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)
    kept = await source.customer

    fresh = await source.customer.fetch(include=["customer_payment_sources"])
    assert fresh == kept
    assert fresh is not kept
    assert await source.customer is kept
    assert sandbox.requests[-1].raw_path.endswith("/customer?include=customer_payment_sources")
    assert fresh.customer_payment_sources.loaded


async def test_two_sources_of_one_customer_share_the_object(session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)
    customer_id = (await source.customer).id
    document = await session.get(
        Customer, customer_id, include=["customer_payment_sources", "customer_payment_sources.customer"]
    )

    wallets = await document.customer_payment_sources
    assert len(wallets) >= 1
    assert all([await found.customer is document for found in wallets])


async def test_cycles_end(session: Session) -> None:
    """`repr`, equality, hash, copy and pickle of a resource whose relationships lead back to it."""
    source = await session.get(CustomerPaymentSource, WALLET_ID, include=["customer.customer_payment_sources"])
    customer = await source.customer
    assert source in await customer.customer_payment_sources

    revived = pickle.loads(pickle.dumps(source))
    assert repr(revived) == repr(source)
    assert revived == source
    assert hash(revived) == hash(source)
    assert copy.copy(source) == copy.deepcopy(source) == source
    assert (await revived.customer) == customer


async def test_an_unpickled_resource_is_bound_before_it_fetches(sandbox: Sandbox, session: Session) -> None:
    revived = pickle.loads(pickle.dumps(await session.get(CustomerPaymentSource, WALLET_ID)))
    with pytest.raises(SessionError, match="bind"):
        await revived.customer

    assert (await revived.bind(session).customer).email


@pytest.mark.parametrize(
    ("href", "reason"),
    [
        ("https://evil.example/api/customers/c1", "leaves the origin"),
        ("//evil.example/api/customers/c1", "leaves the origin"),
        ("http://user:secret-token@127.0.0.1/api/customers/c1", "user information"),
        ("ftp://127.0.0.1/api/customers/c1", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("/api\\customers", "backslash"),
        ("/api/customers/c1\r\nX: y", "control character"),
        (" https://evil.example/api", "blank"),
        ("/api/../oauth/token", "leaves the API"),
        ("/api/%2e%2e/oauth/token", "dot segments"),
    ],
)
async def test_a_link_that_leaves_is_refused_before_a_byte_is_sent(href: str, reason: str) -> None:
    async with (
        ScriptedServer(wallet(customer=related(href))) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")

        with pytest.raises(LinkRefused, match=reason) as caught:
            await source.customer
        assert len(server.requests) == 1
        assert "secret-token" not in f"{caught.value}{caught.value!r}{vars(caught.value)}"


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("/api/customers/c1?filter%5Bq%5D%5Bref_in%5D=a%2Cb,c", "/api/customers/c1?filter%5Bq%5D%5Bref_in%5D=a%2Cb,c"),
        ("customer", "/api/customer_payment_sources/customer"),
        ("w1/customer?x=%7e", "/api/customer_payment_sources/w1/customer?x=%7e"),
        ("?page=2", "/api/customer_payment_sources/w1?page=2"),
        ("./../customers/c1", "/api/customers/c1"),
    ],
)
async def test_links_are_resolved_and_sent_byte_for_byte(href: str, target: str) -> None:
    """RFC 3986, against the URL that the document came from."""
    async with (
        ScriptedServer(wallet(customer=related(href)), reply({"data": resource()})) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")
        await source.customer

        assert server.paths[-1] == target


async def test_a_link_object_is_followed_too() -> None:
    async with (
        ScriptedServer(wallet(customer=related({"href": "/api/customers/c1"})), reply({"data": resource()})) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")

        assert (await source.customer).id == "c1"


async def test_a_null_link_leads_nowhere() -> None:
    """So the parent is asked."""
    async with (
        ScriptedServer(wallet(payment_method=related(None)), wallet(payment_method={"data": None})) as server,
        Session(server.url, TOKEN) as session,
    ):
        source = await session.get(CustomerPaymentSource, "w1")

        assert await source.payment_method is None
        assert server.paths[-1].endswith("w1?include=payment_method")


async def test_nothing_asks_the_network_but_awaiting(sandbox: Sandbox, session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)

    relationship = source.customer
    assert relationship.identifier is None
    assert relationship.links.related is not None
    assert dict(relationship.meta) == {}
    assert "links only" in repr(relationship)
    assert isinstance(source.relationships["payment_source"], type(relationship))
    assert len(sandbox.requests) == 1
    assert PaymentMethod.payment_gateway.member == "payment_gateway"
