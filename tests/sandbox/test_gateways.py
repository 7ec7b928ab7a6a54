"""Payment gateways, of one type and of all, and the two singletons."""

import pytest

from commercelayer_async.sandbox import Sandbox
from commercelayer_async.sandbox.world.schema import GATEWAY_TYPES, GATEWAYS, TYPES
from commercelayer_async.sandbox.world.world import World

ALL = "/api/payment_gateways"


async def test_the_abstract_list_has_the_gateways_of_all_types_each_with_its_own(sandbox, api):
    document = await api.get(ALL, {"page[size]": 25})

    assert sorted(one["type"] for one in document["data"]) == sorted(GATEWAY_TYPES)
    assert document["meta"] == {"record_count": 10, "page_count": 1}
    for gateway in document["data"]:
        assert gateway["links"]["self"] == f"{sandbox.url}/api/{gateway['type']}/{gateway['id']}"
        assert list(gateway["attributes"]) == list(TYPES[gateway["type"]].attributes)
        assert list(gateway["relationships"]) == list(TYPES[gateway["type"]].relationships)


async def test_a_gateway_is_the_same_by_the_abstract_route_and_by_its_own(api):
    for gateway in (await api.get(ALL))["data"]:
        assert (await api.get(f"{ALL}/{gateway['id']}"))["data"] == gateway
        assert (await api.get(f"/api/{gateway['type']}/{gateway['id']}"))["data"] == gateway


async def test_what_does_not_exist_is_404(api):
    await api.refused(f"{ALL}/nobody", status=404)
    await api.refused(f"{ALL}/xYZkjABcde", status=404)
    await api.refused("/api/payment_sources", status=404)


async def test_the_abstract_list_pages_filters_sorts_and_includes(api):
    every = (await api.get(ALL, {"page[size]": 25}))["data"]
    names = sorted(one["attributes"]["name"] for one in every)
    ids = [one["id"] for one in every]

    by_name = await api.get(ALL, {"sort": "-name", "page[size]": 3, "include": "payment_methods"})
    one = await api.get(ALL, {"filter[q][name_eq]": names[4]})
    later = await api.get(ALL, {"filter[q][id_gt]": ids[3], "sort": "id"})
    newest = await api.get(ALL, {"sort": "-created_at", "filter[q][id_in]": ",".join(ids[:2])})

    assert [gateway["attributes"]["name"] for gateway in by_name["data"]] == names[::-1][:3]
    assert {included["type"] for included in by_name["included"]} == {"payment_methods"}
    assert [gateway["attributes"]["name"] for gateway in one["data"]] == [names[4]]
    assert [gateway["id"] for gateway in later["data"]] == ids[4:]
    assert len(newest["data"]) == 2
    await api.refused(ALL, {"filter[q][login_eq]": "x"}, status=400)
    await api.refused(ALL, {"sort": "login"}, status=400)
    await api.refused(ALL, {"include": "stripe_gateways"}, status=400)


async def test_relationships_are_followed_from_the_abstract_route(api):
    stripe = (await api.get("/api/stripe_gateways"))["data"][0]["id"]

    payments = await api.get(f"{ALL}/{stripe}/stripe_payments", {"page[size]": 1})
    assert payments["data"][0]["type"] == "stripe_payments"
    assert payments["meta"]["record_count"] > 1
    assert (await api.get(f"{ALL}/{stripe}/payment_methods"))["meta"]["record_count"] == 2
    await api.refused(f"{ALL}/{stripe}/adyen_payments", status=404)


@pytest.mark.parametrize("source", GATEWAYS)
async def test_a_payment_source_and_its_gateway_lead_to_each_other(api, source):
    payment = (await api.get(f"/api/{source}", {"page[size]": 1}))["data"][0]
    if source == "wire_transfers":
        assert "payment_gateway" not in payment["relationships"]
        return

    gateway = (await api.get(payment["relationships"]["payment_gateway"]["links"]["related"]))["data"]
    back = await api.get(gateway["relationships"][source]["links"]["related"], {"filter[q][id_eq]": payment["id"]})

    assert gateway["type"] == GATEWAYS[source]
    assert [one["id"] for one in back["data"]] == [payment["id"]]


@pytest.mark.parametrize("type", ["organization", "application"])
async def test_a_singleton_is_one_record_at_the_route_of_a_list(sandbox, api, type):
    document = await api.get(f"/api/{type}")

    assert list(document) == ["data"]
    assert document["data"]["type"] == type
    assert list(document["data"]["attributes"]) == list(TYPES[type].attributes)
    assert await api.get(document["data"]["links"]["self"]) == document
    await api.refused(f"/api/{type}", {"sort": "id"}, status=400)
    await api.refused(f"/api/{type}/nobody", status=404)


async def test_the_organization_is_the_one_that_every_record_names(sandbox, api):
    organization = (await api.get("/api/organization", {"fields[organization]": "slug"}))["data"]
    gateway = (await api.get(ALL))["data"][0]

    assert organization["id"] == gateway["meta"]["organization_id"] == sandbox.world.organization_id
    assert organization["attributes"] == {"slug": "sandbox"}


class TestModes:
    """A world is of one mode, and every record says which."""

    @pytest.mark.parametrize("mode", ["test", "live"])
    def test_every_record_names_mode_and_organization(self, mode):
        world = World(wallets=12, seed=1, mode=mode)

        records = [table.at(key) for table in world.tables.values() for key in table.keys]
        assert {record.meta["mode"] for record in records} == {mode}
        # The documented wallet is as the documentation shows it, from before organizations were named.
        assert {record.meta.get("organization_id") for record in records[1:]} == {world.organization_id}

    def test_the_two_of_a_seed_have_other_records_of_the_same_organization(self):
        test, live = (World(wallets=12, seed=1, mode=mode) for mode in ("test", "live"))
        customers = [{world.tables["customers"].id_of(key) for key in range(1, 5)} for world in (test, live)]

        assert test.organization_id == live.organization_id
        assert customers[0].isdisjoint(customers[1])

    def test_there_is_no_third(self):
        with pytest.raises(ValueError, match="stage"):
            World(wallets=1, seed=1, mode="stage")


async def test_the_keyset_of_a_large_list_needs_no_record_but_those_it_shows(calling):
    async with Sandbox(wallets=5_000) as sandbox:
        api, table = calling(sandbox), sandbox.world.tables["customer_payment_sources"]
        query = {"filter[q][id_gt]": sandbox.world.wallet_ids()[4_000], "sort": "id", "page[size]": 25}
        await api.get("/api/customer_payment_sources", query)
        await api.get("/api/customer_payment_sources", {"filter[q][id_in]": ",".join(sandbox.world.wallet_ids()[:25])})

        assert table.made.cache_info().currsize == 35
