"""Lists: pages, order, filters."""

from urllib.parse import unquote

import pytest

from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_ID


async def walk(api, path, query=None):
    """All pages from *path* on, along `next`."""
    pages = [await api.get(path, query)]
    while url := pages[-1]["links"].get("next"):
        pages.append(await api.get(url))
    return pages


def ids(*documents):
    return [resource["id"] for document in documents for resource in document["data"]]


@pytest.fixture
async def every_id(api, wallets):
    return ids(*await walk(api, wallets, {"page[size]": 25}))


async def test_a_list_has_counts_links_and_ten_records_by_default(sandbox, api, wallets):
    document = await api.get(wallets)

    assert list(document) == ["data", "meta", "links"]
    assert len(document["data"]) == 10
    assert document["meta"] == {"record_count": 300, "page_count": 30}
    assert document["links"] == {
        "first": f"{sandbox.url}{wallets}?page%5Bnumber%5D=1&page%5Bsize%5D=10",
        "next": f"{sandbox.url}{wallets}?page%5Bnumber%5D=2&page%5Bsize%5D=10",
        "last": f"{sandbox.url}{wallets}?page%5Bnumber%5D=30&page%5Bsize%5D=10",
    }


async def test_links_keep_what_else_was_asked_for_percent_encoded(api, wallets):
    query = {"sort": "-id", "filter[q][id_not_in]": "a,b", "include": "customer", "page[number]": 2}

    document = await api.get(wallets, query)

    assert document["links"]["prev"].partition("?")[2] == (
        "filter%5Bq%5D%5Bid_not_in%5D=a%2Cb&include=customer&page%5Bnumber%5D=1&page%5Bsize%5D=10&sort=-id"
    )


async def test_the_pages_hold_every_record_once(every_id):
    assert len(every_id) == len(set(every_id)) == 300
    assert every_id[0] == WALLET_ID


async def test_the_last_page_has_no_next_and_the_first_no_prev(api, wallets):
    first = await api.get(wallets, {"page[size]": 25})
    last = await api.get(first["links"]["last"])

    assert list(first["links"]) == ["first", "next", "last"]
    assert list(last["links"]) == ["first", "prev", "last"]


async def test_a_page_beyond_the_end_is_empty(api, wallets):
    document = await api.get(wallets, {"page[number]": 99})

    assert document["data"] == []
    assert "number]=30" in unquote(document["links"]["prev"])


@pytest.mark.parametrize("page", ["size", "number"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "", "²", "9" * 5000])
async def test_what_is_not_a_page_is_refused(api, wallets, page, value):
    error = await api.refused(wallets, {f"page[{page}]": value}, status=400)

    assert error["code"] == "INVALID_PAGE_VALUE"


async def test_more_than_25_a_page_is_refused(api, wallets):
    assert (await api.refused(wallets, {"page[size]": 26}, status=400))["code"] == "INVALID_PAGE_VALUE"


@pytest.mark.parametrize("name", ["foo", "page[foo]", "filter[id_eq]", "fields"])
async def test_parameters_that_do_not_exist_are_refused(api, wallets, name):
    assert (await api.refused(wallets, {name: "1"}, status=400))["code"] == "PARAM_NOT_ALLOWED"


async def test_descending_ids_are_ascending_ids_backwards(api, wallets, every_id):
    assert ids(*await walk(api, wallets, {"sort": "-id", "page[size]": 25})) == every_id[::-1]


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
@pytest.mark.parametrize("sign", ["", "-"])
async def test_times_sort(api, wallets, name, sign):
    pages = await walk(api, wallets, {"sort": f"{sign}{name},-id", "page[size]": 25})

    times = [resource["attributes"][name] for page in pages for resource in page["data"]]
    assert times == sorted(times, reverse=bool(sign))
    assert len(times) == 300


async def test_other_attributes_do_not_sort(api, wallets):
    assert (await api.refused(wallets, {"sort": "name"}, status=400))["code"] == "INVALID_SORT_CRITERIA"


async def test_id_in_gives_those_that_exist_once_each(api, wallets, every_id):
    named = [every_id[200], "nobody", "aaaaaaaaaa", every_id[3], every_id[3]]

    document = await api.get(wallets, {"filter[q][id_in]": ",".join(named)})

    assert ids(document) == [every_id[3], every_id[200]]
    assert document["meta"]["record_count"] == 2


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("eq", slice(7, 8)),
        ("gt", slice(8, None)),
        ("gteq", slice(7, None)),
        ("lt", slice(None, 7)),
        ("lteq", slice(None, 8)),
    ],
)
async def test_ids_compare_in_the_order_of_creation(api, wallets, every_id, predicate, expected):
    pages = await walk(api, wallets, {f"filter[q][id_{predicate}]": every_id[7], "sort": "id", "page[size]": 25})

    assert ids(*pages) == every_id[expected]


async def test_a_keyset_walk_meets_every_record_once(api, wallets, every_id):
    seen, query = [], {"sort": "id", "page[size]": 25}
    while page := ids(await api.get(wallets, query)):
        seen += page
        query["filter[q][id_gt]"] = page[-1]

    assert seen == every_id


async def test_ids_can_be_left_out(api, wallets, every_id):
    pages = await walk(api, wallets, {"filter[q][id_not_in]": ",".join(every_id[1:]), "page[size]": 25})

    assert ids(*pages) == every_id[:1]


@pytest.mark.parametrize(("predicate", "value", "count"), [("null", "true", 0), ("not_null", "true", 300)])
async def test_no_id_is_null(api, wallets, predicate, value, count):
    document = await api.get(wallets, {f"filter[q][id_{predicate}]": value})

    assert document["meta"]["record_count"] == count


async def test_comparing_with_what_is_not_an_id_is_refused(api, wallets):
    assert (await api.refused(wallets, {"filter[q][id_gt]": "1"}, status=400))["code"] == "INVALID_FILTER_VALUE"


async def test_filters_are_all_met(api, wallets):
    query = {
        "filter[q][created_at_gteq]": "2023-06-01",
        "filter[q][created_at_lt]": "2023-07-01T00:00:00+02:00",
        "filter[q][reference_null]": "false",
        "page[size]": 25,
    }

    attributes = [resource["attributes"] for page in await walk(api, wallets, query) for resource in page["data"]]

    assert attributes
    assert all("2023-06-01T00:00:00.000Z" <= one["created_at"] < "2023-06-30T22:00:00.000Z" for one in attributes)
    assert all(one["reference"] is not None for one in attributes)


@pytest.mark.parametrize("name", ["updated_at", "created_at"])
async def test_times_are_found_again_as_they_are_written(api, wallets, name):
    wallet = (await api.get(wallets, {"page[number]": 30}))["data"][0]

    document = await api.get(wallets, {f"filter[q][{name}_eq]": wallet["attributes"][name], "sort": "created_at"})

    assert ids(document) == [wallet["id"]]


@pytest.mark.parametrize("name", ["name_sounds_like", "nobody_eq", "eq", "id"])
async def test_unknown_filters_are_refused(api, wallets, name):
    assert (await api.refused(wallets, {f"filter[q][{name}]": "1"}, status=400))["code"] == "FILTER_NOT_ALLOWED"


@pytest.mark.parametrize("value", ["yesterday", "", "2023-13-01"])
async def test_what_is_not_a_time_is_refused(api, wallets, value):
    error = await api.refused(wallets, {"filter[q][created_at_gt]": value}, status=400)

    assert error["code"] == "INVALID_FILTER_VALUE"


async def test_a_customers_wallets_are_paged_filtered_and_sorted_as_lists_are(api, wallets):
    listed = await api.get(wallets, {"page[size]": 25, "include": "customer.customer_payment_sources"})
    customers = [one for one in listed["included"] if one["type"] == "customers"]
    customer = max(customers, key=lambda one: len(one["relationships"]["customer_payment_sources"]["data"]))
    owned = [one["id"] for one in customer["relationships"]["customer_payment_sources"]["data"]]
    url = customer["relationships"]["customer_payment_sources"]["links"]["related"]

    pages = await walk(api, url, {"page[size]": 1, "sort": "-created_at"})
    found = await api.get(url, {"filter[q][id_in]": f"{owned[1]},xYZkjABcde"})

    assert len(owned) > 1
    assert pages[0]["meta"] == {"record_count": len(owned), "page_count": len(owned)}
    assert sorted(ids(*pages)) == sorted(owned)
    assert ids(found) == [owned[1]]


async def test_event_stores_are_not_listed_by_themselves(api):
    await api.refused("/api/event_stores", status=404)


async def test_types_without_records_list_nothing(calling):
    async with Sandbox(wallets=1) as sandbox:
        document = await calling(sandbox).get("/api/adyen_payments", {"filter[q][created_at_gt]": "2020-01-01"})

    assert document["data"] == []


class TestCursors:
    """Event stores are paged by cursors and have shapes of their own."""

    @pytest.fixture
    async def events(self, sandbox, wallets):
        """The path of a wallet's many events."""
        table = sandbox._world.tables["customer_payment_sources"]
        key = next(key for key in table.keys if len(sandbox._world.related(table.at(key), "event_stores")) > 20)
        return f"{wallets}/{table.at(key).id}/event_stores"

    async def test_pages_have_no_counts_and_follow_each_other(self, api, events):
        pages = await walk(api, events)
        linkage = await api.get(events.replace("/event_stores", "/relationships/event_stores"))

        assert all(page["meta"] == {} for page in pages)
        assert len(pages[0]["data"]) == 10
        assert "next" not in pages[-1]["links"]
        assert ids(*pages) == ids(linkage)

    async def test_prev_leads_back(self, api, events):
        first, second, *_ = await walk(api, events)

        assert (await api.get(second["links"]["prev"]))["data"] == first["data"]
        assert second["links"]["prev"].partition("?")[2].startswith("page%5Bbefore%5D=")
        assert "prev" not in first["links"]

    async def test_an_event_store_breaks_the_rules_of_other_types(self, api, events):
        event = (await api.get(events))["data"][0]

        assert list(event) == ["id", "type", "links", "attributes", "meta"]
        assert event["id"].partition("-")[0].isdecimal()
        assert event["attributes"]["reference"] == event["attributes"]["reference_origin"] == {}
        assert event["attributes"]["created_at"].endswith("+00:00")
        assert list(event["attributes"]["payload"]["reference"]) == ["from", "to"]
        assert len(event["meta"]["trace_id"]) == 64

    async def test_some_have_no_link_to_themselves(self, sandbox, api, events):
        events = (await api.get(events))["data"]

        assert {event["links"]["self"] is None for event in events} == {True, False}

    @pytest.mark.parametrize(
        "name", ["sort", "include", "page[number]", "filter[q][id_eq]", "filter[q][event_eq]", "ids", "fields"]
    )
    async def test_what_a_list_with_numbered_pages_takes_is_refused(self, api, events, name):
        assert (await api.refused(events, {name: "id"}, status=400))["code"] == "PARAM_NOT_ALLOWED"

    async def test_there_are_no_pages_after_one_and_before_another(self, api, events):
        query = {"page[after]": "ZXZlbnQ6MQ==", "page[before]": "ZXZlbnQ6Mw=="}

        assert (await api.refused(events, query, status=400))["code"] == "PARAM_NOT_ALLOWED"

    async def test_sparse_fieldsets_are_offered(self, api, events):
        event = (await api.get(events, {"fields[event_stores]": "event"}))["data"][0]

        assert list(event["attributes"]) == ["event"]

    @pytest.mark.parametrize("cursor", ["x", "!", "ZXZlbnQ6eA==", "Zm9vOjE=", "/w==", "ä"])
    @pytest.mark.parametrize("side", ["after", "before"])
    async def test_what_is_not_a_cursor_is_refused(self, api, events, side, cursor):
        error = await api.refused(events, {f"page[{side}]": cursor}, status=400)

        assert error["code"] == "INVALID_PAGE_VALUE"
