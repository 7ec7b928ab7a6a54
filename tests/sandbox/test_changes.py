"""A world that changes while it is read."""

import pytest

from commercelayer_async.sandbox import Sandbox
from commercelayer_async.sandbox.world.world import World
from tests.support.documents import WALLET_ID


@pytest.fixture
def world():
    return World(wallets=100, seed=1)


def ids(document):
    return [resource["id"] for resource in document["data"]]


async def listed(api, path="/api/customer_payment_sources", **query):
    return ids(await api.get(path, {"page[size]": 25} | query))


async def test_a_created_wallet_is_served_with_all_that_belongs_to_it(sandbox, api, wallets):
    (id,) = sandbox.world.create_wallets()

    document = await api.get(f"{wallets}/{id}", {"include": "customer,payment_method,payment_source"})
    events = await api.get(f"{wallets}/{id}/event_stores")
    customer = document["data"]["relationships"]["customer"]["data"]["id"]
    assert document["data"]["id"] == id
    assert len(document["included"]) == 3
    assert [event["attributes"]["event"] for event in events["data"]] == ["create"]
    assert id in await listed(api, f"/api/customers/{customer}/customer_payment_sources")


async def test_created_wallets_come_last_by_id_and_by_time(sandbox, api, wallets):
    before = await listed(api, wallets, sort="-id")
    created = sandbox.world.create_wallets(3)

    for sort in ("-id", "-created_at"):
        assert await listed(api, wallets, sort=sort) == [*reversed(created), *before[:22]]
    assert await listed(api, wallets, **{"filter[q][id_gt]": before[0]}) == list(created)
    assert (await api.get(wallets))["meta"]["record_count"] == 303


async def test_a_deleted_wallet_is_404_and_in_no_list(sandbox, api, wallets):
    id = WALLET_ID
    customer = (await api.get(f"{wallets}/{id}/customer"))["data"]["id"]
    everything = sandbox.world.wallet_ids()

    sandbox.world.delete_wallets(id)

    await api.refused(f"{wallets}/{id}", status=404)
    await api.refused(f"{wallets}/{id}/customer", status=404)
    assert id not in await listed(api, f"/api/customers/{customer}/customer_payment_sources")
    assert await listed(api, wallets) == list(everything[1:26])
    assert await listed(api, wallets, **{"filter[q][id_in]": ",".join(everything[:3])}) == list(everything[1:3])
    assert (await api.get(wallets))["meta"]["record_count"] == 299


async def test_a_walk_by_id_finds_what_is_created_on_the_way_and_survives_what_is_deleted(sandbox, api, wallets):
    first = await listed(api, wallets)
    sandbox.world.delete_wallets(first[-1], first[0])
    (created,) = sandbox.world.create_wallets()

    walked = list(first)
    while page := await listed(api, wallets, **{"filter[q][id_gt]": walked[-1]}):
        walked += page

    assert len(walked) == len(set(walked)) == 301
    assert walked[-1] == created


async def test_kept_results_of_a_list_are_dropped_when_it_changes(sandbox, api, wallets):
    query = {"filter[q][name_null]": "true"}
    before = await listed(api, wallets, **query)

    sandbox.world.delete_wallets(before[0])

    assert await listed(api, wallets, **query) == before[1:]


async def test_the_external_payment_of_a_deleted_wallet_leads_nowhere(sandbox, api, wallets):
    source = "/api/external_payments"
    external = (await listed(api, source))[0]
    wallet = (await api.get(f"{source}/{external}/wallet"))["data"]["id"]

    sandbox.world.delete_wallets(wallet)

    assert await api.get(f"{source}/{external}/wallet") == {"data": None}


async def test_a_world_without_any_wallet_left_is_empty(calling):
    async with Sandbox(wallets=3) as sandbox:
        sandbox.world.delete_wallets(*sandbox.world.wallet_ids())
        document = await calling(sandbox).get(
            "/api/customer_payment_sources", {"filter[q][name_null]": "true", "sort": "-created_at"}
        )

    assert document["data"] == []
    assert sandbox.world.wallet_ids() == ()


def test_equal_changes_give_equal_worlds(world):
    other = World(wallets=100, seed=1)

    assert world.create_wallets(5) == other.create_wallets(5)
    tables = zip(world.tables.values(), other.tables.values(), strict=True)
    assert all([one.at(key) for key in one.keys] == [two.at(key) for key in two.keys] for one, two in tables)


def test_a_wallet_created_after_a_deletion_has_an_id_of_its_own(world):
    last = world.wallet_ids()[-1]
    world.delete_wallets(last)

    (created,) = world.create_wallets()

    assert created != last
    assert world.wallet_ids()[-1] == created


def test_deleting_what_is_not_there_names_it_and_deletes_nothing(world):
    first, second, *_ = world.wallet_ids()
    world.delete_wallets(first)

    with pytest.raises(LookupError, match=f"no wallet with the id {first}, nobody"):
        world.delete_wallets(second, first, "nobody")

    assert world.wallet_ids()[0] == second


def test_a_small_world_that_grows_has_every_type_of_payment_source():
    world = World(wallets=1, seed=1)

    world.create_wallets(30)

    sources = {type for type, table in world.tables.items() if type.endswith(("payments", "transfers")) and table.keys}
    assert len(sources) == 10


def test_a_hundred_thousand_wallets_change_without_being_made():
    world = World(wallets=100_000, seed=1)
    table = world.tables["customer_payment_sources"]
    everything = world.wallet_ids()

    world.delete_wallets(*everything[::2])
    created = world.create_wallets(1000)

    assert world.wallet_ids() == (*everything[1::2], *created)
    assert table.made.cache_info().currsize == 0
