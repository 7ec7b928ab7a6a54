"""The wallet that the documentation of the API shows, against the example it publishes."""

import json
from pathlib import Path

import pytest

from tests.support.documents import WALLET_ID, WALLET_PATH

PUBLISHED = Path(__file__).parent / "published" / "customer_payment_source.json"


async def test_the_document_is_the_published_one_member_for_member_and_in_order(sandbox, api):
    published = PUBLISHED.read_text().replace("https://yourdomain.commercelayer.io", sandbox.url)

    document = await api.get(WALLET_PATH)

    assert json.dumps(document) == json.dumps(json.loads(published))


async def test_media_type_is_that_of_json_api_without_parameters(api):
    response = await api.send("GET", WALLET_PATH)

    assert response.headers["Content-Type"] == "application/vnd.api+json"


@pytest.mark.parametrize("host", ["localhost:1234", "LOCALHOST", "[::1]:80", "127.0.0.1"])
async def test_links_have_the_host_under_which_the_request_came_in(api, host):
    document = await api.get(WALLET_PATH, headers={"Host": host})

    assert document["data"]["links"]["self"] == f"http://{host}{WALLET_PATH}"


@pytest.mark.parametrize("prefix", ["/api", "/api/2017-08"])
async def test_links_keep_the_version_of_the_request(sandbox, api, prefix):
    document = await api.get(f"{prefix}/customer_payment_sources/xYZkjABcde")

    assert document["data"]["links"]["self"] == f"{sandbox.url}{prefix}/customer_payment_sources/xYZkjABcde"


async def test_a_slash_at_the_end_changes_nothing(api):
    assert await api.get(f"{WALLET_PATH}/") == await api.get(WALLET_PATH)


async def test_its_customer_owns_it(api):
    customer = await api.get(f"{WALLET_PATH}/customer", {"include": "customer_payment_sources"})

    owned = customer["data"]["relationships"]["customer_payment_sources"]["data"]
    assert customer["data"]["type"] == "customers"
    assert {"type": "customer_payment_sources", "id": WALLET_ID} in owned


async def test_its_payment_source_is_a_stripe_payment_by_route_and_by_include(api):
    related = await api.get(f"{WALLET_PATH}/payment_source")
    including = await api.get(WALLET_PATH, {"include": "payment_source"})

    assert related["data"]["type"] == "stripe_payments"
    assert including["included"] == [related["data"]]


async def test_relationships_it_does_not_show_are_empty(api):
    assert await api.get(f"{WALLET_PATH}/payment_method") == {"data": None}
    assert (await api.get(f"{WALLET_PATH}/event_stores"))["data"] == []


async def test_including_what_it_does_not_show_changes_nothing(api):
    assert await api.get(WALLET_PATH, {"include": "payment_method"}) == await api.get(WALLET_PATH)
