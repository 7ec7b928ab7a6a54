"""Filters: which there are, by the flags of the schema, and what each of them means."""

import json

import pytest

from commercelayer_async import AccessToken, Session
from commercelayer_async._lists.filters import QueryCapabilities, ransack_of
from commercelayer_async.jsonapi import Registry
from commercelayer_async.jsonapi._schema import member_names
from commercelayer_async.resources import RESOURCES, Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from commercelayer_async.sandbox.api.predicates import PREDICATES, comparable, operand
from commercelayer_async.sandbox.background import in_thread
from commercelayer_async.sandbox.refusals import Refusal
from commercelayer_async.sandbox.world.attributes import Attribute, Kind
from commercelayer_async.sandbox.world.schema import TYPES
from commercelayer_async.service import COMMERCE_LAYER

CLASSES = {cls.type: cls for cls in RESOURCES}
LISTED = sorted(set(CLASSES) - {"event_stores"})
VALUES = {
    Kind.TEXT: "x",
    Kind.NUMBER: "1",
    Kind.BOOLEAN: "true",
    Kind.TIME: "2024-01-01",
    Kind.JSON: "x",
}


@pytest.fixture(scope="module")
def small():
    """A small world that no test changes."""
    with in_thread(Sandbox(wallets=60)) as running:
        yield running


@pytest.fixture
async def session(small):
    async with Session(small.url, AccessToken(small.access_token)) as session:
        yield session


@pytest.fixture
def api(small, calling):
    return calling(small)


def capabilities(type):
    return QueryCapabilities(CLASSES[type], Registry(*RESOURCES), COMMERCE_LAYER)


def flagged(type, flag):
    """The attributes that the sandbox's schema has a flag for; the id has both."""
    if type == "event_stores":
        return set()
    return {"id"} | {name for name, attribute in TYPES[type].attributes.items() if getattr(attribute, flag)}


@pytest.mark.parametrize("type", sorted(CLASSES))
class TestFlags:
    """The sandbox and the client have the facts of the schema once each: they are the same."""

    def test_attributes(self, type):
        relationships = set(TYPES[type].relationships)

        assert set(TYPES[type].attributes) == set(member_names(CLASSES[type])) - relationships

    def test_filters_and_sorts(self, type):
        client = capabilities(type)

        assert flagged(type, "filterable") == client.filterable - ({"id"} if type == "event_stores" else set())
        assert flagged(type, "sortable") == client.sortable - ({"id"} if type == "event_stores" else set())

    def test_relationships(self, type):
        through = {name for name, one in TYPES[type].relationships.items() if one.filterable}

        assert set(TYPES[type].relationships) == set(capabilities(type)._declared)
        assert through == ransack_of(COMMERCE_LAYER).types[type].through


def test_predicates_are_those_of_the_client_and_take_what_it_sends():
    several = {name for name, one in PREDICATES.items() if one.takes.name == "MANY"}

    assert set(PREDICATES) == ransack_of(COMMERCE_LAYER).predicates.all
    assert several == ransack_of(COMMERCE_LAYER).predicates.many
    assert len(PREDICATES) == 51


def all_filters(type, name):
    """A filter with each predicate for an attribute, as the client takes them."""
    predicates = ransack_of(COMMERCE_LAYER).predicates
    value = "aaaaaaaaaa" if name == "id" else VALUES[TYPES[type].attributes[name].kind]
    return {
        **{f"{name}_{predicate}": value for predicate in predicates.one},
        **{f"{name}_{predicate}": [value] for predicate in predicates.many},
        **{f"{name}_{predicate}": True for predicate in predicates.truth},
        **{f"{name}_{predicate}": {"foo": "bar"} for predicate in predicates.json},
    }


@pytest.mark.parametrize("type", LISTED)
async def test_what_the_client_admits_is_answered(session, type):
    """Every predicate with every attribute that may be filtered by."""
    for name in sorted(flagged(type, "filterable")):
        filters = list(all_filters(type, name).items())
        for first in range(0, len(filters), 17):
            await session.list(CLASSES[type], filter=dict(filters[first : first + 17])).count()


@pytest.mark.parametrize("type", LISTED)
async def test_what_the_client_admits_through_relationships_is_answered(api, type):
    names = [name for name in capabilities(type).filterable_names() if name not in TYPES[type].attributes]

    for first in range(0, len(names), 20):
        query = {f"filter[q][{name}_null]": "true" for name in names[first : first + 20]}
        await api.get(f"/api/{type}", query)


@pytest.mark.parametrize("type", LISTED)
async def test_what_is_not_flagged_is_refused(api, type):
    for name in set(TYPES[type].attributes) - flagged(type, "filterable"):
        error = await api.refused(f"/api/{type}", {f"filter[q][{name}_null]": "true"}, status=400)
        assert error["code"] == "FILTER_NOT_ALLOWED"


@pytest.mark.parametrize("type", LISTED)
async def test_what_is_sortable_sorts_and_nothing_else_does(api, type):
    for name in set(TYPES[type].attributes) | {"id"}:
        if name not in flagged(type, "sortable"):
            error = await api.refused(f"/api/{type}", {"sort": name}, status=400)
            assert error["code"] == "INVALID_SORT_CRITERIA"
            continue
        up = await api.get(f"/api/{type}", {"sort": f"{name},id", "page[size]": 25})
        down = await api.get(f"/api/{type}", {"sort": f"-{name},-id", "page[size]": 25})
        if name != "id":
            values = [one["attributes"].get(name) for one in up["data"]]
            assert values == sorted(values, key=lambda value: (value is None, value))
        if up["meta"]["page_count"] == 1:
            assert [one["id"] for one in down["data"]] == [one["id"] for one in up["data"]][::-1]


async def test_the_first_of_several_sort_keys_comes_first(api):
    customers = (await api.get("/api/customers", {"sort": "-status,email", "page[size]": 25}))["data"]

    pairs = [(one["attributes"]["status"], one["attributes"]["email"]) for one in customers]
    assert len({status for status, _ in pairs}) > 1
    assert pairs == sorted(sorted(pairs, key=lambda pair: pair[1]), key=lambda pair: pair[0], reverse=True)


TEXT, NUMBER, BOOLEAN, TIME, JSON = (Attribute("x", kind) for kind in Kind)


@pytest.mark.parametrize(
    ("attribute", "value", "filters"),
    [
        (
            TEXT,
            "Visa 50%_off",
            {
                "eq=Visa 50%_off": True,
                "eq=visa 50%_off": False,
                "not_eq=b": True,
                "not_eq=Visa 50%_off": False,
                "eq_or_null=b": False,
                "not_eq_or_null=b": True,
                "in=a,Visa 50%_off": True,
                "in=a,,": False,
                "not_in=a,b": True,
                "in_or_null=a": False,
                "not_in_or_null=a": True,
                "not_eq_all=a,b": True,
                "not_eq_all=a,Visa 50%_off": False,
                "lt=W": True,
                "gt=W": False,
                "lteq=Visa 50%_off": True,
                "gteq=Visa 50%_off": True,
                "lt_any=A,W": True,
                "lt_all=A,W": False,
                "gt_any=A,W": True,
                "gteq_all=A,W": False,
                "matches=visa%": True,
                "matches=visa": False,
                "matches=VISA 50\\%\\_of_": True,
                "matches=Visa 60\\%%": False,
                "does_not_match=visa%": False,
                "does_not_match=x%": True,
                "matches_any=x,%off": True,
                "matches_all=visa%,%off": True,
                "matches_all=visa%,x": False,
                "does_not_match_any=visa%,x": True,
                "does_not_match_all=visa%,x": False,
                "start=visa": True,
                "start=%": False,
                "not_start=visa": False,
                "start_any=x,v": True,
                "start_all=x,v": False,
                "not_start_any=x,v": True,
                "not_start_all=x,v": False,
                "end=OFF": True,
                "not_end=OFF": False,
                "end_any=x,off": True,
                "end_all=ff,off": True,
                "not_end_any=x,off": True,
                "not_end_all=x,y": True,
                "cont=50%": True,
                "cont=5_%": False,
                "not_cont=50%": False,
                "cont_any=x,isa": True,
                "cont_all=x,isa": False,
                "not_cont_all=x,y": True,
                "present=true": True,
                "present=false": False,
                "blank=true": False,
                "null=true": False,
                "null=false": True,
                "not_null=true": True,
                "true=true": False,
                'jcont={"a": 1}': False,
            },
        ),
        (
            TEXT,
            None,
            {
                "eq=a": False,
                "not_eq=a": False,
                "eq_or_null=a": True,
                "not_eq_or_null=a": True,
                "in=a": False,
                "not_in=a": False,
                "in_or_null=a": True,
                "not_in_or_null=a": True,
                "lt=a": False,
                "does_not_match=a": False,
                "not_cont=a": False,
                "not_eq_all=a": False,
                "present=true": False,
                "present=false": True,
                "blank=true": True,
                "null=true": True,
                "not_null=true": False,
                "not_null=false": True,
                "true=false": False,
            },
        ),
        (TEXT, "", {"blank=true": True, "present=true": False, "null=true": False, "cont=a": False}),
        (
            NUMBER,
            10,
            {
                "eq=10": True,
                "eq=10.0": True,
                "gt=9": True,
                "lt=9": False,
                "lteq=10": True,
                "in=9,10": True,
                "gt_any=99,9": True,
                "gt_all=99,9": False,
                "cont=1": True,
                "start=10": True,
                "present=true": True,
                "blank=true": False,
                "true=true": False,
            },
        ),
        (NUMBER, 1.5, {"eq=1.5": True, "gteq=-2.5": True}),
        (
            BOOLEAN,
            True,
            {
                "eq=true": True,
                "eq=false": False,
                "not_eq=false": True,
                "true=true": True,
                "true=false": False,
                "false=true": False,
                "false=false": True,
                "in=true,false": True,
                "present=true": True,
            },
        ),
        (BOOLEAN, False, {"eq=false": True, "false=true": True, "true=false": True, "blank=true": False}),
        (
            TIME,
            "2024-01-01T12:00:00.000Z",
            {
                "eq=2024-01-01T12:00:00Z": True,
                "eq=2024-01-01T13:00:00+01:00": True,
                "gt=2024-01-01": True,
                "lt=2024-01-01T12:00:00.0001Z": True,
                "gt=2024-01-01T11:59:59.9999Z": True,
                "gteq=2024-01-02": False,
                "lt_any=2024-01-01,2025-01-01": True,
                "in=2024-01-01T12:00:00Z,2025-01-01": True,
                "start=2024-01": True,
            },
        ),
        (
            JSON,
            {"foo": "bar", "list": [1, {"a": True}], "deep": {"b": {"c": 1, "d": 2}}, "one": 1},
            {
                'jcont={"foo":"bar"}': True,
                'jcont={"foo":"baz"}': False,
                'jcont={"foo":null}': False,
                'jcont={"list":[{"a":true}]}': True,
                'jcont={"list":[{"a":1}]}': False,
                'jcont={"list":1}': False,
                'jcont={"deep":{"b":{"c":1}}}': True,
                'jcont={"deep":{"b":[]}}': False,
                'jcont={"one":true}': False,
                "jcont={}": True,
                "jcont=[]": False,
                "null=true": False,
                "present=true": True,
                "eq=x": False,
                "not_eq=x": True,
                "lt=x": False,
                "cont=bar": True,
            },
        ),
        (JSON, {"a": 1}, {'eq={"a":1}': True, 'in={"a":1}': True, 'lt={"a":2}': False}),
        (JSON, None, {'jcont={"a":1}': False, "null=true": True, "blank=true": True}),
    ],
    ids=lambda value: None if not isinstance(value, Attribute) else str(value.kind),
)
def test_predicates(attribute, value, filters):
    for filter, met in filters.items():
        name, _, text = filter.partition("=")
        predicate = PREDICATES[name]
        compared = comparable(predicate, attribute, value)

        assert predicate.met(compared, operand(predicate, attribute, text)) is met, filter


@pytest.mark.parametrize(
    ("attribute", "filters"),
    [
        (
            TEXT,
            ["eq=", "eq= ", "in=,", "in=", "cont=", "null=1", "null=", "present=yes", "jcont=x", "jcont=1", "jcont="],
        ),
        (NUMBER, ["eq=ten", "gt=1e3", "in=1,x", "lt=nan", "eq=²", "gt_any=1,x", "eq=" + "9" * 5000]),
        (BOOLEAN, ["eq=1", "eq=yes", "true=1", "in=true,1"]),
        (TIME, ["eq=yesterday", "gt=2023-13-01", "in=2024-01-01,x", "gt=0001-01-01T00:00:00+24:00"]),
        (JSON, ["jcont={", "jcont=" + "[" * 100_000]),
    ],
    ids=lambda value: None if not isinstance(value, Attribute) else str(value.kind),
)
def test_values_of_another_kind_are_refused(attribute, filters):
    for filter in filters:
        name, _, text = filter.partition("=")

        with pytest.raises(Refusal) as refused:
            operand(PREDICATES[name], attribute, text)
        assert refused.value.code == "INVALID_FILTER_VALUE", filter


class TestThroughTheClient:
    """What lists hold, beside the same filter over all records as a client has read them."""

    @pytest.fixture
    async def wallets(self, session):
        return [wallet async for wallet in session.list(CustomerPaymentSource, include="customer,payment_method")]

    @pytest.fixture
    async def customers(self, session):
        return [one async for one in session.list(Customer, include="customer_payment_sources")]

    @staticmethod
    async def found(session, cls, **filter):
        return [one.id async for one in session.list(cls, filter=filter)]

    async def test_an_attribute(self, session, wallets):
        assert await self.found(session, CustomerPaymentSource, name_cont="visa") == []
        assert await self.found(session, CustomerPaymentSource, name_cont="XXXX-1111") == ["xYZkjABcde"]
        assert await self.found(session, CustomerPaymentSource, reference_present=True) == [
            one.id for one in wallets if one.reference
        ]

    async def test_json(self, session, wallets):
        expected = [one.id for one in wallets if (one.metadata or {}).get("foo") == "bar"]

        assert await self.found(session, CustomerPaymentSource, metadata_jcont={"foo": "bar"}) == expected
        assert len(expected) > 1

    @pytest.mark.parametrize("word", ["or", "and"])
    async def test_several_attributes_of_one_filter(self, api, wallets, word):
        combine = any if word == "or" else all
        expected = [
            one.id for one in wallets if combine("4" in (value or "") for value in (one.name, one.payment_source_token))
        ]

        query = {f"filter[q][name_{word}_payment_source_token_cont]": "4", "page[size]": 25}
        document = await api.get("/api/customer_payment_sources", query)
        assert document["meta"]["record_count"] == len(expected)
        assert [one["id"] for one in document["data"]] == expected[:25]

    async def test_a_to_one_relationship(self, session, wallets):
        email = wallets[7].customer.value.email
        expected = [one.id for one in wallets if one.customer.value.email == email]

        assert await self.found(session, CustomerPaymentSource, customer_email_eq=email) == expected
        assert (
            await self.found(session, CustomerPaymentSource, customer_id_in=[wallets[7].customer.value.id]) == expected
        )

    async def test_a_to_one_that_is_empty_is_null(self, session, wallets):
        without = [wallets[0].id, *(one.id for one in wallets[1:] if one.payment_method.value is None)]

        assert len(without) > 1
        assert await self.found(session, CustomerPaymentSource, payment_method_currency_code_null=True) == without
        assert await self.found(session, CustomerPaymentSource, payment_method_id_null=True) == without

    async def test_two_relationships(self, session, wallets):
        filter = {"payment_method_payment_gateway_name_eq": "Stripe Gateway"}
        methods = [one for one in wallets[1:] if one.payment_method.value is not None]

        assert await self.found(session, CustomerPaymentSource, **filter) == [
            one.id for one in methods if one.payment_method.value.payment_source_type == "stripe_payments"
        ]

    async def test_a_to_many_has_one_that_meets_it_or_all_of_what_is_not(self, session, wallets, customers):
        owned = {one.id: [wallet.name for wallet in wallets if wallet.customer.value.id == one.id] for one in customers}
        name = next(names[0] for names in owned.values() if len(names) > 1 and names[0])

        assert await self.found(session, Customer, customer_payment_sources_name_eq=name) == [
            id for id, names in owned.items() if name in names
        ]
        assert await self.found(session, Customer, customer_payment_sources_name_not_eq=name) == [
            id for id, names in owned.items() if name not in names
        ]
        assert await self.found(session, Customer, customer_payment_sources_id_null=True) == [
            id for id, names in owned.items() if not names
        ]

    async def test_ids_of_related_records_compare_by_creation(self, session, wallets):
        ids = {one.customer.value.id: one.customer.value for one in wallets}
        order = [one.id async for one in session.list(Customer, sort="id") if one.id in ids]
        later = set(order[5:])

        assert await self.found(session, CustomerPaymentSource, customer_id_gteq=order[5]) == [
            one.id for one in wallets if one.customer.value.id in later
        ]

    async def test_ids_in_every_other_way(self, session, wallets):
        ids = [one.id for one in wallets]
        everywhere = {"id_gt_any": [ids[9], ids[3]], "id_lt_all": [ids[9], ids[12]]}

        assert await self.found(session, CustomerPaymentSource, **everywhere) == ids[4:9]
        assert await self.found(session, CustomerPaymentSource, id_or_reference_gteq=ids[58]) == ids[58:]
        assert await self.found(session, CustomerPaymentSource, id_start=ids[5][:6]) == [ids[5]]
        assert await self.found(session, CustomerPaymentSource, id_eq_or_null=ids[5]) == [ids[5]]


@pytest.mark.parametrize(
    "filter",
    [
        "customer_eq",
        "customer_has_password_eq",
        "customer__email_eq",
        "payment_source_id_eq",
        "payment_source_client_secret_present",
        "event_stores_event_eq",
        "customer_orders_reference_eq",
        "name_or_customer_token_eq",
        "name_or_reference_and_created_at_null",
        "_eq",
        "name_or__eq",
        "name_not_cont_any",
    ],
)
async def test_filters_that_the_schema_does_not_have_are_refused(api, filter):
    error = await api.refused("/api/customer_payment_sources", {f"filter[q][{filter}]": "true"}, status=400)

    assert error["code"] == "FILTER_NOT_ALLOWED"


async def test_types_without_records_are_filtered_by_what_all_types_have(api):
    found = await api.get("/api/customer_payment_sources", {"filter[q][customer_customer_group_reference_eq]": "x"})
    none = await api.get("/api/customer_payment_sources", {"filter[q][customer_customer_group_id_null]": "true"})
    customer = (await api.get("/api/customers"))["data"][0]["id"]

    assert found["data"] == []
    assert none["meta"]["record_count"] == 60
    await api.get(f"/api/customers/{customer}/orders", {"filter[q][created_at_gt]": "2024-01-01", "sort": "-id"})
    await api.refused(f"/api/customers/{customer}/orders", {"filter[q][number_eq]": "1"}, status=400)
    await api.refused("/api/customer_payment_sources", {"filter[q][customer_customer_group_name_eq]": "x"}, status=400)


@pytest.mark.parametrize("path", ["", "/customer", "/relationships/customer"])
@pytest.mark.parametrize("name", ["sort", "page[size]", "page[after]", "filter[q][id_eq]"])
async def test_what_lists_take_is_refused_where_one_record_is_asked_for(api, path, name):
    error = await api.refused(f"/api/customer_payment_sources/xYZkjABcde{path}", {name: "1"}, status=400)

    assert error["code"] == "PARAM_NOT_ALLOWED"


@pytest.mark.parametrize("side", ["after", "before"])
async def test_lists_with_numbered_pages_have_no_cursors(api, side):
    error = await api.refused("/api/customers", {f"page[{side}]": "x"}, status=400)

    assert error["code"] == "PARAM_NOT_ALLOWED"


def test_the_values_of_json_predicates_are_json():
    assert operand(PREDICATES["jcont"], JSON, json.dumps({"a": [1]})) == {"a": [1]}
