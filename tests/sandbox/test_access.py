"""Who sees what, by the token of the request."""

import pytest

from commercelayer_async.sandbox.api.core import Api, ApiRequest
from commercelayer_async.sandbox.refusals import Refusal
from commercelayer_async.sandbox.viewer import Kind, Mode, Viewer
from commercelayer_async.sandbox.world.schema import GATEWAY_TYPES, PAYMENT_SOURCES
from commercelayer_async.sandbox.world.world import World
from tests.support.documents import WALLET_ID

INTEGRATION, WEBAPP, GUEST = (Viewer(kind) for kind in (Kind.INTEGRATION, Kind.WEBAPP, Kind.SALES_CHANNEL))
WALLETS = "customer_payment_sources"
EVERY_INCLUDE = "customer.customer_payment_sources.payment_source,payment_method.payment_gateway,payment_source.wallet"


class Reader:
    """Asks the Core API as one viewer."""

    def __init__(self, world, viewer):
        self._api = Api(world, payment_source_route=True)
        self._viewer = viewer

    def ask(self, path, **query):
        """The document at *path*, whose slashes part type, id and relationship."""
        request = ApiRequest(
            origin="http://127.0.0.1",
            prefix="/api",
            path=f"/api/{path}",
            parameters=tuple(query.items()),
            viewer=self._viewer,
        )
        match path.split("/"):
            case [type]:
                return self._api.list(request, type)
            case [type, id]:
                return self._api.retrieve(request, type, id)
            case [type, id, "relationships", name]:
                return self._api.linkage(request, type, id, name)
            case [type, id, name]:
                return self._api.related(request, type, id, name)

    def ids(self, path, **query):
        return [one["id"] for one in self.ask(path, **{"page[size]": "25"} | query)["data"]]

    def refused(self, path, **query):
        """Status and code of the refusal."""
        with pytest.raises(Refusal) as refused:
            self.ask(path, **query)
        return refused.value.status, refused.value.code


DENIED = (401, "UNAUTHORIZED")


@pytest.fixture
def world():
    return World(wallets=40, seed=3)


@pytest.fixture
def admin(world):
    return Reader(world, INTEGRATION)


@pytest.fixture
def me(admin):
    """The customer with most wallets."""
    customers = admin.ask("customers", include="customer_payment_sources", **{"page[size]": "25"})["data"]
    return max(customers, key=lambda one: len(linked(one, "customer_payment_sources")))


@pytest.fixture
def own(me):
    """The ids of that customer's wallets."""
    return [one["id"] for one in linked(me, "customer_payment_sources")]


@pytest.fixture
def customer(world, me):
    return Reader(world, Viewer(Kind.SALES_CHANNEL, customer_id=me["id"]))


@pytest.fixture
def other(world, own):
    """The id of another's wallet."""
    return next(id for id in world.wallet_ids()[11:] if id not in own)


def linked(resource, name):
    return resource["relationships"][name]["data"]


@pytest.mark.parametrize("viewer", [INTEGRATION, WEBAPP])
def test_an_integration_and_a_user_see_every_record(world, viewer):
    reader = Reader(world, viewer)

    assert reader.ask(WALLETS)["meta"]["record_count"] == 40
    assert reader.ask("payment_gateways")["meta"]["record_count"] == 10
    assert reader.ask(f"{WALLETS}/{WALLET_ID}/customer")["data"]["type"] == "customers"


def test_a_customer_lists_own_records_alone(customer, admin, me, own):
    wallets = admin.ask(WALLETS, include="payment_source,payment_method", **{"filter[q][id_in]": ",".join(own)})["data"]

    assert len(own) > 1
    assert customer.ids("customers") == [me["id"]]
    assert customer.ids(WALLETS) == own
    assert customer.ids(WALLETS, sort="-created_at") == own[::-1]
    assert customer.ask(WALLETS)["meta"] == {"record_count": len(own), "page_count": 1}
    for type in PAYMENT_SOURCES:
        sources = [linked(one, "payment_source") for one in wallets if "data" in one["relationships"]["payment_source"]]
        assert customer.ids(type) == [one["id"] for one in sources if one and one["type"] == type]
    methods = {linked(one, "payment_method")["id"] for one in wallets if linked(one, "payment_method")}
    assert set(customer.ids("payment_methods")) == methods


def test_a_customer_reads_own_records_and_no_others(customer, admin, own, other):
    theirs = admin.ask(f"{WALLETS}/{other}", include="customer,payment_source")
    customer_id = linked(theirs["data"], "customer")["id"]
    source = linked(theirs["data"], "payment_source")

    assert customer.ask(f"{WALLETS}/{own[0]}")["data"]["id"] == own[0]
    assert customer.ask(f"{WALLETS}/{own[0]}/customer")["data"]["type"] == "customers"
    for path in (
        f"{WALLETS}/{other}",
        f"{WALLETS}/{other}/customer",
        f"{WALLETS}/{other}/relationships/customer",
        f"customers/{customer_id}",
        f"customers/{customer_id}/{WALLETS}",
        f"{source['type']}/{source['id']}",
    ):
        assert customer.refused(path) == DENIED, path
    assert customer.refused(f"{WALLETS}/aaaaaaaaaa") == (404, "RECORD_NOT_FOUND")


def test_nothing_of_others_is_included(customer, admin, me, own):
    document = customer.ask(WALLETS, include=EVERY_INCLUDE, **{"page[size]": "25"})

    included = {(one["type"], one["id"]) for one in document["included"]}
    assert ("customers", me["id"]) in included
    assert {type for type, _ in included} <= {"customers", "payment_methods", *PAYMENT_SOURCES}
    assert all(linked(one, "customer")["id"] == me["id"] for one in document["data"])
    for one in document["included"]:
        if one["type"] == "payment_methods":
            assert linked(one, "payment_gateway") is None


def test_filters_do_not_tell_of_what_cannot_be_seen(customer, admin, me, own, other):
    theirs = admin.ask(f"{WALLETS}/{other}/customer")["data"]

    assert customer.ids(WALLETS, **{"filter[q][customer_email_eq]": me["attributes"]["email"]}) == own
    assert customer.ids(WALLETS, **{"filter[q][customer_email_eq]": theirs["attributes"]["email"]}) == []
    assert customer.ids(WALLETS, **{"filter[q][id_in]": f"{other},{own[1]}"}) == [own[1]]
    assert customer.ids("customers", **{"filter[q][email_eq]": theirs["attributes"]["email"]}) == []
    assert customer.ids("customers", **{"filter[q][customer_payment_sources_id_eq]": other}) == []
    # Gateways are not a customer's, so that for a filter there are none.
    assert customer.ids("payment_methods", **{"filter[q][payment_gateway_name_present]": "true"}) == []


@pytest.mark.parametrize("type", ["payment_gateways", *GATEWAY_TYPES])
def test_gateways_are_not_for_customers(customer, type):
    assert customer.refused(type) == DENIED


def test_only_integrations_read_event_stores(world, admin, customer, own, other):
    path = f"{WALLETS}/{own[0]}"
    event = next(one["id"] for id in world.wallet_ids() for one in admin.ask(f"{WALLETS}/{id}/event_stores")["data"])

    for reader in (customer, Reader(world, WEBAPP)):
        assert reader.refused(f"{path}/event_stores") == DENIED
        assert reader.refused(f"{path}/relationships/event_stores") == DENIED
        assert reader.refused(f"event_stores/{event}") == DENIED


def test_a_sales_channel_without_customer_sees_no_records(world):
    guest = Reader(world, GUEST)

    for path in (
        WALLETS,
        f"{WALLETS}/{WALLET_ID}",
        f"{WALLETS}/nobody",
        "customers",
        "payment_methods",
        "stripe_payments",
    ):
        assert guest.refused(path) == DENIED


@pytest.mark.parametrize("viewer", [INTEGRATION, GUEST, Viewer(Kind.SALES_CHANNEL, customer_id="nobody")])
@pytest.mark.parametrize("type", ["organization", "application"])
def test_organization_and_application_are_for_everybody(world, viewer, type):
    assert Reader(world, viewer).ask(type)["data"]["type"] == type


@pytest.mark.parametrize("viewer", [INTEGRATION, GUEST, WEBAPP])
def test_the_application_is_that_of_the_token(world, viewer):
    reader = Reader(world, viewer)
    application = reader.ask("application")["data"]
    other = Reader(world, WEBAPP if viewer is GUEST else GUEST).ask("application")["data"]

    assert application["attributes"]["kind"] == viewer.kind
    assert reader.ask(f"application/{application['id']}")["data"] == application
    assert reader.refused(f"application/{other['id']}") == DENIED


def test_a_customer_that_does_not_exist_sees_nothing(world):
    nobody = Reader(world, Viewer(Kind.SALES_CHANNEL, customer_id="nobody"))

    assert nobody.ids(WALLETS) == []
    assert nobody.refused(f"{WALLETS}/{WALLET_ID}") == DENIED


@pytest.mark.parametrize(("mode", "asked"), [("live", Mode.TEST), ("test", Mode.LIVE)])
def test_for_a_token_of_the_other_mode_there_is_nothing(mode, asked):
    world = World(wallets=5, seed=3, mode=mode)
    integration = Reader(world, Viewer(Kind.INTEGRATION, mode=asked))
    owner = world.tables["customers"].id_of(1)
    customer = Reader(world, Viewer(Kind.SALES_CHANNEL, mode=asked, customer_id=owner))

    for reader in (integration, customer):
        assert reader.ids(WALLETS) == reader.ids("customers") == []
        assert reader.refused(f"{WALLETS}/{WALLET_ID}") == (404, "RECORD_NOT_FOUND")
