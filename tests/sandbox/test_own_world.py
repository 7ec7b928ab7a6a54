"""Records of a user's own: added, changed, deleted and loaded while the sandbox runs."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from commercelayer_async import AccessToken, Session, export
from commercelayer_async.resources import Customer, CustomerPaymentSource, StripePayment
from commercelayer_async.sandbox import Sandbox
from commercelayer_async.sandbox.background import in_thread
from commercelayer_async.sandbox.world.schema import TYPES
from commercelayer_async.sandbox.world.world import World
from tests.support.documents import WALLET_ID

WALLETS = "customer_payment_sources"


@pytest.fixture(params=[0, 30], ids=["empty", "seeded"])
async def sandbox(request):
    async with Sandbox(wallets=request.param) as running:
        yield running


@pytest.fixture
def world(sandbox):
    return sandbox.world


@pytest.fixture
def api(sandbox, calling):
    return calling(sandbox)


def there(world, type, id):
    """The record, which has to be there."""
    record = world.get(type, id)
    assert record is not None
    return record


def ids(document):
    return [one["id"] for one in document["data"]]


async def counted(api, type):
    return (await api.get(f"/api/{type}"))["meta"]["record_count"]


async def test_an_empty_world_has_only_the_organization(calling):
    async with Sandbox(wallets=0) as sandbox:
        api = calling(sandbox)

        for type, schema in TYPES.items():
            if schema.listed:
                assert await counted(api, type) == 0, type
        assert sandbox.world.wallet_ids() == ()
        assert (await api.get("/api/organization"))["data"]["id"]
        await api.refused(f"/api/{WALLETS}/{WALLET_ID}", status=404)


@pytest.mark.parametrize("type", sorted(set(TYPES) - {"organization", "application"}))
async def test_a_record_of_every_type_is_served_as_those_of_the_seed(world, api, type):
    id = world.add(type)
    document = await api.get(f"/api/{type}/{id}")

    attributes, schema = document["data"]["attributes"], TYPES[type]
    assert list(attributes) == list(schema.attributes)
    assert all(attributes[name] is not None for name, one in schema.attributes.items() if one.required)
    assert list(document["data"].get("relationships", {})) == list(schema.relationships)
    assert document["data"]["meta"]["mode"] == "test"
    assert document["data"]["meta"]["organization_id"] == world.organization_id
    if schema.listed:
        assert ids(await api.get(f"/api/{type}", {"sort": "-id"}))[0] == id


async def test_what_is_added_is_read_by_the_client_as_it_was_given(sandbox, world):
    world.add("customers", id="me", attributes={"email": "me@example.com", "status": "repeat", "total_orders_count": 3})
    world.add("stripe_payments", id="pi-1", attributes={"stripe_id": "pi_1", "options": {"a": [1, None]}})
    world.add(
        WALLETS,
        id="my_wallet-1",
        attributes={"name": "Visa", "metadata": {"k": "v"}, "created_at": datetime(2031, 5, 1, tzinfo=UTC)},
        relationships={"payment_source": ("stripe_payments", "pi-1")},
        customer="me",
    )

    async with Session(sandbox.url, AccessToken(sandbox.access_token)) as session:
        wallet = await session.get(CustomerPaymentSource, "my_wallet-1", include="customer,payment_source")
        found = session.list(
            CustomerPaymentSource, filter={"customer_email_eq": "me@example.com", "metadata_jcont": {"k": "v"}}
        )

        assert (wallet.name, wallet.metadata, wallet.payment_source_token) == ("Visa", {"k": "v"}, None)
        assert wallet.created_at == wallet.updated_at == datetime(2031, 5, 1, tzinfo=UTC)
        assert wallet.customer.value.email == "me@example.com"
        assert isinstance(wallet.payment_source.value, StripePayment)
        assert wallet.payment_source.value.options == {"a": [1, None]}
        assert [one.id async for one in found] == ["my_wallet-1"]
        assert [one.id async for one in (await session.get(Customer, "me")).customer_payment_sources] == ["my_wallet-1"]
        assert [one.id async for one in session.list(Customer, sort="email", filter={"status_eq": "repeat"})][
            -1
        ] == "me"


async def test_added_records_come_last_in_scans_and_are_counted(sandbox, world):
    before = list(world.wallet_ids())
    added = [
        world.add(WALLETS, id=id) for id in ("z", "a", "00000000-0000-4000-8000-000000000000", "A_b", "aaaaaaaaaa")
    ]
    added += [world.add(WALLETS), *world.create_wallets(2), world.add(WALLETS, id="last")]

    async with Session(sandbox.url, AccessToken(sandbox.access_token)) as session:
        assert [one.id async for one in session.scan(CustomerPaymentSource)] == before + added
        assert [one.id async for one in session.list(CustomerPaymentSource, sort="created_at")][-9:] == added
        assert await session.list(CustomerPaymentSource, filter={"id_gt": "a"}).count() == 7
        got = await session.get_many(CustomerPaymentSource, added)
        assert [one.id for one in got] == added
    assert world.wallet_ids() == (*before, *added)


async def test_an_id_of_any_form_is_in_links_percent_encoded(sandbox, world, api):
    id = world.add("customers", id="ä b?#%2")

    document = await api.get(f"/api/customers/{quote(id)}")
    assert document["data"]["id"] == id
    assert document["data"]["links"]["self"] == f"{sandbox.url}/api/customers/{quote(id)}"
    for link in document["data"]["relationships"]["customer_payment_sources"]["links"].values():
        assert (await api.get(link))["data"] == []
    assert ids(await api.get("/api/customers", {"filter[q][id_eq]": id})) == [id]


async def test_a_change_is_seen_in_lists_filters_sorts_and_times(world, api):
    customer = world.add("customers", attributes={"email": "b@example.com"})
    wallet = world.add(WALLETS, attributes={"reference": "one"}, customer=customer)
    filter = {"filter[q][customer_email_eq]": "c@example.com"}
    before = (await api.get(f"/api/{WALLETS}/{wallet}"))["data"]["attributes"]
    assert ids(await api.get(f"/api/{WALLETS}", filter)) == []

    world.change("customers", customer, email="c@example.com")
    world.change(WALLETS, wallet, reference=None, metadata={"x": 1})

    after = (await api.get(f"/api/{WALLETS}/{wallet}"))["data"]["attributes"]
    assert ids(await api.get(f"/api/{WALLETS}", filter)) == [wallet]
    assert after == {**before, "reference": None, "metadata": {"x": 1}, "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]
    assert ids(await api.get(f"/api/{WALLETS}", {"sort": "-updated_at"}))[0] == wallet
    assert world.customer_by_email("b@example.com") is None
    assert world.customer_by_email("c@example.com").id == customer


async def test_seeded_records_change_too(calling):
    async with Sandbox(wallets=30) as sandbox:
        api, world = calling(sandbox), sandbox.world
        owner = (await api.get(f"/api/{WALLETS}/{WALLET_ID}/customer"))["data"]
        external = world.add("external_payments", id="ext")

        world.change("customers", owner["id"], status="acquired", updated_at="2031-01-01T00:00:00+01:00")
        world.change(WALLETS, WALLET_ID, payment_source=("external_payments", external), name="new")
        world.change("organization", world.organization_id, name="Mine")

        changed = (await api.get(f"/api/customers/{owner['id']}"))["data"]["attributes"]
        assert (changed["status"], changed["updated_at"]) == ("acquired", "2030-12-31T23:00:00.000Z")
        assert changed["email"] == owner["attributes"]["email"]
        assert ids(await api.get("/api/customers", {"sort": "-updated_at"}))[0] == owner["id"]
        assert (await api.get(f"/api/{WALLETS}/{WALLET_ID}/payment_source"))["data"]["id"] == "ext"
        assert (await api.get("/api/external_payments/ext/wallet"))["data"]["id"] == WALLET_ID
        assert (await api.get("/api/organization"))["data"]["attributes"]["name"] == "Mine"


async def test_both_ends_of_a_relationship_follow(world, api):
    first, second = world.add("customers"), world.add("customers")
    wallets = [world.add(WALLETS, customer=first) for _ in range(3)]

    third = world.add("customers", relationships={WALLETS: wallets[:2]})
    world.change(WALLETS, wallets[2], customer=second)

    assert ids(await api.get(f"/api/customers/{first}/{WALLETS}")) == []
    assert ids(await api.get(f"/api/customers/{second}/{WALLETS}")) == [wallets[2]]
    assert ids(await api.get(f"/api/customers/{third}/{WALLETS}")) == wallets[:2]
    assert (await api.get(f"/api/{WALLETS}/{wallets[0]}/customer"))["data"]["id"] == third
    world.change("customers", third, **{WALLETS: [wallets[2]]})
    assert (await api.get(f"/api/{WALLETS}/{wallets[0]}/customer"))["data"] is None
    assert (await api.get(f"/api/{WALLETS}/{wallets[2]}/relationships/customer"))["data"]["id"] == third


async def test_gateways_lead_to_their_methods_and_payments(world, api):
    gateway = world.add("adyen_gateways", id="g", attributes={"name": "Mine"})
    method = world.add("payment_methods", id="m", relationships={"payment_gateway": ("adyen_gateways", gateway)})
    payment = world.add("adyen_payments", id="p", relationships={"payment_gateway": gateway})
    wallet = world.add(WALLETS, relationships={"payment_method": {"type": "payment_methods", "id": method}})

    assert ids(await api.get("/api/adyen_gateways/g/payment_methods")) == [method]
    assert ids(await api.get("/api/payment_gateways/g/adyen_payments")) == [payment]
    assert gateway in ids(await api.get("/api/payment_gateways", {"page[size]": 25}))
    found = await api.get(f"/api/{WALLETS}", {"filter[q][payment_method_payment_gateway_name_eq]": "Mine"})
    assert ids(found) == [wallet]
    world.delete("adyen_gateways", gateway)
    assert gateway not in ids(await api.get("/api/payment_gateways", {"page[size]": 25}))
    await api.refused(f"/api/payment_gateways/{gateway}", status=404)
    await api.get("/api/payment_gateways", {"filter[q][id_gt]": gateway, "sort": "id"})


async def test_events_belong_to_the_record_that_they_name(world, api):
    wallet = world.add(WALLETS)
    other = world.add("customers", id="c")
    events = [world.add("event_stores", attributes=about(WALLETS, wallet, event)) for event in ("create", "update")]
    world.add("event_stores", id="1-0", attributes=about("customers", other, "create"))
    world.create_wallets()

    document = await api.get(f"/api/{WALLETS}/{wallet}/event_stores")
    assert ids(document) == events
    assert document["data"][0]["attributes"]["created_at"].endswith("+00:00")
    assert ids(await api.get("/api/customers/c/event_stores")) == ["1-0"]
    with pytest.raises(ValueError, match="add another one"):
        world.change("event_stores", events[0], resource_id="x")


def about(type, id, event):
    return {"resource_type": type, "resource_id": id, "event": event, "payload": {}}


async def test_what_is_deleted_is_gone_everywhere(world, api):
    customer, method = world.add("customers"), world.add("payment_methods")
    source = world.add("wire_transfers")
    related = {"payment_method": method, "payment_source": ("wire_transfers", source)}
    wallet = world.add(WALLETS, id="w", relationships=related, customer=customer)
    count = await counted(api, "customers")

    world.delete("customers", customer)
    world.delete("payment_methods", method)
    world.delete("wire_transfers", source)

    document = await api.get(f"/api/{WALLETS}/{wallet}", {"include": "customer,payment_method,payment_source"})
    assert "included" not in document
    assert [one.get("data") for one in document["data"]["relationships"].values()] == [None] * 4
    assert await counted(api, "customers") == count - 1
    await api.refused(f"/api/customers/{customer}", status=404)
    assert ids(await api.get(f"/api/{WALLETS}", {"filter[q][customer_id_eq]": customer})) == []
    world.delete(WALLETS, "w")
    assert world.add(WALLETS, id="w") == "w"
    assert world.wallet_ids()[-1] == "w"


async def test_the_id_of_the_documented_wallet_may_be_used_again(calling):
    async with Sandbox(wallets=3) as sandbox:
        world, api = sandbox.world, calling(sandbox)
        world.delete_wallets(WALLET_ID)
        world.add(WALLETS, id=WALLET_ID, attributes={"name": "mine"})
        world.create_wallets(2)

        assert (await api.get(f"/api/{WALLETS}/{WALLET_ID}"))["data"]["attributes"]["name"] == "mine"
        assert world.wallet_ids()[2] == WALLET_ID
        assert len(set(world.wallet_ids())) == 5


def test_an_id_that_would_have_been_made_is_not_made_twice():
    world = World(wallets=5, seed=1)
    upcoming = World(wallets=5, seed=1).create_wallets(3)

    world.add(WALLETS, id=upcoming[2])
    made = [*world.create_wallets(3), world.add(WALLETS)]

    assert len({*world.wallet_ids()}) == 10
    assert upcoming[2] not in made
    assert all(there(world, WALLETS, id).id == id for id in world.wallet_ids())


def test_wallets_are_created_in_a_world_that_began_empty():
    world = World(wallets=0, seed=1)

    created = world.create_wallets(12)
    records = [there(world, WALLETS, id) for id in created]

    assert world.wallet_ids() == created
    assert WALLET_ID not in created
    assert {len(world.related(record, "customer")) for record in records} == {1}
    assert {len(world.related(record, "payment_method")) for record in records} == {0}
    assert {len(world.related(record, "event_stores")) for record in records} == {1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"type": "customer"}, "did you mean 'customers'"),
        ({"type": "orders"}, "no records of the type 'orders'"),
        ({"type": "payment_gateways"}, "abstract.*stripe_gateways"),
        ({"type": "organization"}, "there is one organization"),
        ({"type": "customers", "attributes": {"emial": "x"}}, "no attribute 'emial'; did you mean 'email'"),
        ({"type": "customers", "attributes": {"id": "x"}}, "no attribute 'id'"),
        ({"type": "customers", "attributes": {"email": None}}, "email holds a text, not null"),
        ({"type": "customers", "attributes": {"total_orders_count": "3"}}, "holds a number or null, not a str"),
        ({"type": "customers", "attributes": {"total_orders_count": True}}, "holds a number or null, not a bool"),
        ({"type": "customers", "attributes": {"has_password": 1}}, "holds a boolean or null"),
        ({"type": "customers", "attributes": {"metadata": "x"}}, "holds an object or array or null"),
        ({"type": "customers", "attributes": {"metadata": {"x": float("nan")}}}, "metadata is not JSON"),
        ({"type": "customers", "attributes": {"metadata": {"x": object()}}}, "metadata is not JSON"),
        ({"type": "customers", "attributes": {"created_at": "yesterday"}}, "an aware datetime or a text in ISO 8601"),
        ({"type": "customers", "attributes": {"created_at": datetime(2024, 1, 1)}}, "an aware datetime"),  # noqa: DTZ001 - a naive one is the test
        ({"type": "customers", "relationships": {"wallets": []}}, "no relationship 'wallets'"),
        ({"type": "customers", "relationships": {"event_stores": []}}, "follows from the events"),
        ({"type": "customers", "relationships": {"orders": ["o"]}}, "no records of the type orders"),
        ({"type": WALLETS, "relationships": {"payment_source": "x"}}, "payment_source takes a .type, id. pair"),
        ({"type": WALLETS, "relationships": {"payment_source": ("customers", "x")}}, "of the type adyen_payments or"),
        ({"type": WALLETS, "relationships": {"customer": ["x"]}}, "customer takes an id"),
        ({"type": WALLETS, "relationships": {"customer": {"id": "x"}}}, "customer takes an id"),
        ({"type": WALLETS, "id": ""}, "is not an id"),
        ({"type": WALLETS, "id": "a/b"}, "is not an id"),
        ({"type": WALLETS, "id": 5}, "is not an id"),
        ({"type": "customers", "customer": "x"}, "records of customers are not a customer's"),
        ({"type": WALLETS, "relationships": {"customer": "nobody"}}, "no record of customers with the id 'nobody'"),
        ({"type": WALLETS, "customer": "nobody"}, "no record of customers with the id 'nobody'"),
        ({"type": "adyen_payments", "customer": "nobody"}, "no record of customers with the id 'nobody'"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_added(arguments, message):
    world = World(wallets=3, seed=1)
    version = world.version

    with pytest.raises((ValueError, LookupError), match=message):
        world.add(**arguments)
    assert world.version == version
    assert len(world.tables[WALLETS].keys) == 3


def test_a_second_record_of_one_id_is_refused():
    world = World(wallets=3, seed=1)
    world.add("customers", id="c")

    for type, id in (("customers", "c"), (WALLETS, WALLET_ID)):
        with pytest.raises(ValueError, match=f"there is a record of {type} with the id '{id}'"):
            world.add(type, id=id)
    assert world.add("adyen_payments", id="c") == "c"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda world: world.change("customers", "nobody", status="x"), LookupError, "no record of customers"),
        (lambda world: world.change("orders", "x"), ValueError, "no records of the type"),
        (lambda world: world.change(WALLETS, WALLET_ID, nmae="x"), ValueError, "did you mean 'name'"),
        (lambda world: world.change(WALLETS, WALLET_ID, id="x"), ValueError, "no attribute 'id'"),
        (lambda world: world.change(WALLETS, WALLET_ID, customer="nobody"), LookupError, "id 'nobody'"),
        (lambda world: world.delete(WALLETS, WALLET_ID, "nobody"), LookupError, "id 'nobody'"),
        (lambda world: world.delete("application", "sAndbOxApp"), ValueError, "can be changed"),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(change, error, message):
    world, same = World(wallets=3, seed=1), World(wallets=3, seed=1)

    with pytest.raises(error, match=message):
        change(world)
    assert world.get(WALLETS, WALLET_ID) == same.get(WALLETS, WALLET_ID)


def test_a_value_is_the_worlds_own():
    world, metadata = World(wallets=0, seed=1), {"a": [1]}

    id = world.add("customers", attributes={"metadata": metadata})
    metadata["a"].append(2)

    assert there(world, "customers", id).attributes["metadata"] == {"a": [1]}


def test_equal_changes_give_equal_worlds():
    worlds = [World(wallets=8, seed=1) for _ in range(2)]
    for world in worlds:
        owner = world.add("customers")
        world.add(WALLETS, customer=owner)
        world.change(WALLETS, WALLET_ID, name="x")

    one, two = ([[table.at(key) for key in table.keys] for table in world.tables.values()] for world in worlds)
    assert one == two


def test_times_are_written_as_the_api_does():
    world = World(wallets=0, seed=1)
    moment = datetime(2024, 5, 1, 12, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))

    id = world.add("payment_methods", attributes={"disabled_at": moment, "created_at": "2024-05-01"})

    attributes = there(world, "payment_methods", id).attributes
    assert attributes["disabled_at"] == "2024-05-01T10:00:00.123Z"
    assert attributes["created_at"] == attributes["updated_at"] == "2024-05-01T00:00:00.000Z"


class TestLoad:
    """Documents as a client or another tool has kept them."""

    DOCUMENT: ClassVar[dict[str, Any]] = {
        "data": [
            {
                "type": WALLETS,
                "id": "w1",
                "attributes": {"name": "Visa", "created_at": "2024-01-01T00:00:00.000Z"},
                "relationships": {
                    "customer": {"links": {}, "data": {"type": "customers", "id": "c1"}},
                    "payment_method": {"links": {}},
                    "payment_source": {"data": None},
                },
                "meta": {"mode": "live"},
            },
            {"type": WALLETS, "id": "w2"},
        ],
        "included": [
            {
                "type": "customers",
                "id": "c1",
                "attributes": {"email": "c1@example.com"},
                "relationships": {WALLETS: {"data": [{"type": WALLETS, "id": "w1"}]}},
            }
        ],
    }

    @pytest.mark.parametrize("form", ["document", "list", "path", "text path", "list file", "lines"])
    def test_every_form_of_documents(self, tmp_path, form):
        world, path = World(wallets=0, seed=1), tmp_path / "world.json"
        one, other = (
            {"data": self.DOCUMENT["data"][0], "included": self.DOCUMENT["included"]},
            {"data": self.DOCUMENT["data"][1]},
        )
        path.write_text(
            {
                "list file": json.dumps([one, other]),
                "lines": f"{json.dumps(one)}\n{json.dumps(other)}\n{json.dumps(one)}\n",
            }.get(form, json.dumps(self.DOCUMENT))
        )
        source = {"document": self.DOCUMENT, "list": [one, other, one], "text path": str(path)}.get(form, path)

        loaded = world.load(source)

        assert sorted(loaded) == [(WALLETS, "w1"), (WALLETS, "w2"), ("customers", "c1")]
        wallet = there(world, WALLETS, "w1")
        assert wallet.attributes["name"] == "Visa"
        assert wallet.meta["mode"] == "test"
        assert [world.id_of(one) for one in world.related(wallet, "customer")] == ["c1"]

    async def test_what_the_sandbox_answers_loads_into_another(self, calling):
        include = {"include": "customer,payment_method.payment_gateway,payment_source", "page[size]": 25}
        async with Sandbox(wallets=25) as first, Sandbox(wallets=0) as second:
            document = await calling(first).get(f"/api/{WALLETS}", include)
            second.world.load(document)
            again = await calling(second).get(f"/api/{WALLETS}", include)

        assert [one["attributes"]["name"] for one in again["data"]] == [
            one["attributes"]["name"] for one in document["data"]
        ]
        included = {(one["type"], one["id"]): one["attributes"] for one in document["included"]}
        assert {(one["type"], one["id"]): one["attributes"] for one in again["included"]} == included

    async def test_what_the_client_exported_loads(self, tmp_path):
        file, include = tmp_path / "wallets.jsonl", ["customer", "payment_source"]
        async with Sandbox(wallets=30) as sandbox, Session(sandbox.url, AccessToken(sandbox.access_token)) as session:
            await export(session, CustomerPaymentSource, to=file, include=include)
            wallets = sandbox.world.wallet_ids()
        world = World(wallets=0, seed=1)

        world.load(file)

        assert world.wallet_ids() == wallets

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ({"errors": []}, "not a JSON:API document"),
            (["x"], "not a JSON:API document"),
            ({"data": ["x"]}, "not a resource object"),
            ({"data": [{"type": "customers"}]}, "not a resource object"),
            ({"data": {"type": [], "id": "1"}}, "not a resource object"),
            ({"data": {"type": "customers", "id": 1}}, "not a resource object"),
            (None, "not a JSON:API document"),
            ({"data": {"type": "orders", "id": "1"}}, "no records of the type 'orders'"),
            ({"data": {"type": "customers", "id": "1", "attributes": {"nmae": 1}}}, "no attribute 'nmae'"),
            (
                {"data": [{"type": "customers", "id": "1"}, {"type": WALLETS, "id": WALLET_ID}]},
                f"there is a record of {WALLETS}",
            ),
            (
                {
                    "data": [
                        {"type": "customers", "id": "1", "attributes": {"status": status}}
                        for status in ("repeat", "acquired")
                    ]
                },
                "there twice, with different status",
            ),
            (
                {
                    "data": {
                        "type": WALLETS,
                        "id": "1",
                        "relationships": {"customer": {"data": {"type": "customers", "id": "x"}}},
                    }
                },
                "no record of customers with the id 'x'",
            ),
        ],
    )
    def test_all_or_nothing_is_loaded(self, document, message):
        world = World(wallets=3, seed=1)

        with pytest.raises((ValueError, LookupError), match=message):
            world.load(document)
        assert world.version == 0
        assert world.get("customers", "1") is None

    def test_a_file_that_is_not_there_or_no_json(self, tmp_path):
        (tmp_path / "x.json").write_text("{")

        with pytest.raises(FileNotFoundError):
            World(wallets=0, seed=1).load(tmp_path / "none.json")
        with pytest.raises(ValueError, match="Expecting"):
            World(wallets=0, seed=1).load(tmp_path / "x.json")


async def test_a_customer_reads_what_is_the_customers_at_the_time(calling):
    async with Sandbox(wallets=0) as sandbox:
        owner = sandbox.world.add("customers", attributes={"email": "me@example.com"})
        former = sandbox.world.add(WALLETS, customer=owner)
        wallets = [sandbox.world.add(WALLETS), sandbox.world.add(WALLETS, customer=owner)]
        sandbox.world.add("stripe_payments", id="mine", customer=owner)
        sandbox.world.add("stripe_payments", id="other")
        token = await calling(sandbox).post(
            "/oauth/token",
            {
                "grant_type": "password",
                "client_id": sandbox.sales_channel_id,
                "username": "me@example.com",
                "password": sandbox.customer_password,
            },
        )

        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        assert ids(await calling(sandbox).get("/api/stripe_payments", headers=bearer)) == ["mine"]
        await calling(sandbox).refused("/api/stripe_payments/other", status=401, headers=bearer)
        sandbox.world.change(WALLETS, former, customer=None)
        sandbox.world.change(WALLETS, wallets[0], customer=owner)
        assert ids(await calling(sandbox).get(f"/api/{WALLETS}", headers=bearer)) == wallets


def test_changes_of_many_threads_are_all_there():
    with in_thread(Sandbox(wallets=10)) as sandbox, ThreadPoolExecutor(8) as threads:
        added = list(threads.map(lambda number: sandbox.world.add(WALLETS, id=f"w{number}"), range(200)))

    assert len(added) == 200
    assert sorted(sandbox.world.wallet_ids()[10:]) == sorted(added)
