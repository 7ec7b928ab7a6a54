"""Shapes of documents: resources, relationships, include, sparse fieldsets."""

import pytest

from commercelayer_async.sandbox.world.schema import TYPES
from tests.support.documents import WALLET_PATH


@pytest.fixture
async def wallet(api, wallets):
    """A wallet of today's shape, with a payment method and a payment source."""
    listed = await api.get(wallets, {"page[size]": 25})
    return listed["data"][6]


async def test_a_wallet_of_today_shows_four_relationships_with_links_alone(wallet):
    url = wallet["links"]["self"]

    assert list(wallet) == ["id", "type", "links", "attributes", "relationships", "meta"]
    assert list(wallet["relationships"]) == ["customer", "payment_method", "payment_source", "event_stores"]
    for name, relationship in wallet["relationships"].items():
        assert relationship == {"links": {"self": f"{url}/relationships/{name}", "related": f"{url}/{name}"}}
    assert list(wallet["meta"]) == ["mode", "organization_id"]


@pytest.mark.parametrize("type", TYPES)
async def test_every_type_is_retrieved_by_id(sandbox, api, type):
    record = sandbox._world.tables[type].at(3 if type == "event_stores" else 1)

    document = await api.get(f"/api/{type}/{record.id}")

    assert (document["data"]["type"], document["data"]["id"]) == (type, record.id)
    assert document["data"]["links"]["self"] == f"{sandbox.url}/api/{type}/{record.id}"


@pytest.mark.parametrize("type", TYPES)
async def test_every_link_that_is_printed_is_served(sandbox, api, type):
    several = len(sandbox._world.tables[type].keys) > 1 and not TYPES[type].singleton
    record = sandbox._world.tables[type].at(2 if several else 1)
    document = await api.get(f"/api/{type}/{record.id}")

    for name, relationship in document["data"].get("relationships", {}).items():
        related = await api.get(relationship["links"]["related"])
        linkage = await api.get(relationship["links"]["self"])

        assert isinstance(related["data"], list) == TYPES[type].relationships[name].many
        assert isinstance(linkage["data"], list) == TYPES[type].relationships[name].many
        assert linkage["links"] == relationship["links"]


async def test_linkage_of_a_to_one_is_an_identifier(api):
    related = await api.get(f"{WALLET_PATH}/customer")

    document = await api.get(f"{WALLET_PATH}/relationships/customer")

    assert list(document) == ["data", "links"]
    assert document["data"] == {"type": "customers", "id": related["data"]["id"]}


async def test_a_to_one_to_a_type_that_is_not_modelled_is_null(api):
    customer = (await api.get(f"{WALLET_PATH}/customer"))["data"]["links"]["self"]

    assert await api.get(f"{customer}/customer_group") == {"data": None}
    assert (await api.get(f"{customer}/relationships/customer_group"))["data"] is None


async def test_a_to_many_to_a_type_that_is_not_modelled_is_an_empty_list(api):
    customer = (await api.get(f"{WALLET_PATH}/customer"))["data"]["links"]["self"]

    document = await api.get(f"{customer}/orders")

    assert document["data"] == []
    assert document["meta"] == {"record_count": 0, "page_count": 0}
    assert list(document["links"]) == ["first", "last"]


async def test_only_included_relationships_have_data(api, wallet):
    document = await api.get(wallet["links"]["self"], {"include": "customer,payment_source"})

    relationships = document["data"]["relationships"]
    assert [name for name, value in relationships.items() if "data" in value] == [
        "customer",
        "payment_source",
    ]
    assert [relationships[name]["data"] for name in ("customer", "payment_source")] == [
        {"type": resource["type"], "id": resource["id"]} for resource in document["included"]
    ]


async def test_included_and_empty_is_null(api, wallets):
    listed = await api.get(wallets, {"page[number]": 25, "page[size]": 1, "include": "payment_source"})

    assert listed["data"][0]["relationships"]["payment_source"]["data"] is None
    assert "included" not in listed


async def test_a_dotted_path_includes_every_step(api, wallet):
    document = await api.get(wallet["links"]["self"], {"include": "payment_method.payment_gateway"})

    method, gateway = document["included"]
    assert method["type"] == "payment_methods"
    assert method["relationships"]["payment_gateway"]["data"] == {
        "type": gateway["type"],
        "id": gateway["id"],
    }
    assert gateway["type"].endswith("_gateways")


async def test_a_step_that_only_some_types_have_is_taken_where_it_exists(api, wallets):
    document = await api.get(wallets, {"include": "payment_source.wallet", "page[size]": 25})

    external = [one for one in document["included"] if one["type"] == "external_payments"]
    assert external
    assert all("data" in one["relationships"]["wallet"] for one in external)


async def test_each_resource_is_included_once_and_never_beside_itself(api, wallets):
    query = {"include": "customer.customer_payment_sources.customer,customer", "page[size]": 25}

    document = await api.get(wallets, query)

    primary = [(one["type"], one["id"]) for one in document["data"]]
    included = [(one["type"], one["id"]) for one in document["included"]]
    assert len({*primary, *included}) == len(primary) + len(included)


async def test_every_included_resource_is_linked_to(api, wallets):
    query = {"include": "customer.customer_payment_sources,payment_method.payment_gateway", "page[size]": 25}

    document = await api.get(wallets, query)

    linked = set()
    for resource in document["data"] + document["included"]:
        for relationship in resource["relationships"].values():
            data = relationship.get("data") or []
            linked |= {(one["type"], one["id"]) for one in (data if isinstance(data, list) else [data])}
    assert {(one["type"], one["id"]) for one in document["included"]} <= linked


async def test_related_routes_include_from_where_they_lead(api, wallet):
    document = await api.get(f"{wallet['links']['self']}/payment_method", {"include": "payment_gateway"})

    assert document["data"]["type"] == "payment_methods"
    assert len(document["included"]) == 1


@pytest.mark.parametrize(
    "include",
    ["nobody", "customer.nobody", "event_stores", "customer.event_stores", "customer.orders.market", "."],
)
async def test_what_cannot_be_included_is_refused(api, include):
    error = await api.refused(WALLET_PATH, {"include": include}, status=400)

    assert error["code"] == "INVALID_INCLUDE"


async def test_an_empty_include_includes_nothing(api):
    assert await api.get(f"{WALLET_PATH}?include=") == await api.get(WALLET_PATH)


async def test_a_sparse_fieldset_leaves_what_it_names(api, wallet):
    query = {"fields[customer_payment_sources]": "name,customer,nobody"}

    resource = (await api.get(wallet["links"]["self"], query))["data"]

    assert list(resource) == ["id", "type", "links", "attributes", "relationships", "meta"]
    assert list(resource["attributes"]) == ["name"]
    assert list(resource["relationships"]) == ["customer"]


async def test_a_sparse_fieldset_without_relationships_leaves_no_such_member(api, wallet):
    query = {"fields[customer_payment_sources]": "name"}

    resource = (await api.get(wallet["links"]["self"], query))["data"]

    assert list(resource) == ["id", "type", "links", "attributes", "meta"]


async def test_an_empty_sparse_fieldset_leaves_no_fields(api):
    resource = (await api.get(f"{WALLET_PATH}?fields%5Bcustomer_payment_sources%5D="))["data"]

    assert resource["attributes"] == {}
    assert "relationships" not in resource


async def test_a_sparse_fieldset_is_for_its_type_alone(api, wallet):
    query = {"include": "customer", "fields[customers]": "email"}

    document = await api.get(wallet["links"]["self"], query)

    assert list(document["included"][0]["attributes"]) == ["email"]
    assert document["data"]["attributes"] == wallet["attributes"]


async def test_a_relationship_outside_the_sparse_fieldset_includes_nothing(api, wallet):
    query = {"include": "customer", "fields[customer_payment_sources]": "name"}

    assert "included" not in await api.get(wallet["links"]["self"], query)
