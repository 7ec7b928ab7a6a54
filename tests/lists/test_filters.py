"""Filters and sort keys: what is sent, and what is refused."""

import contextlib
import enum
import json
import string
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commercelayer_async import ConfigurationError, GenericResource, Resource, ToMany, ToOne
from commercelayer_async._lists.filters import (
    QueryCapabilities,
    filter_parameters,
    ransack_of,
    related_class,
    sort_keys,
)
from commercelayer_async.jsonapi import Registry
from commercelayer_async.jsonapi._schema import member_names
from commercelayer_async.resources import (
    RESOURCES,
    Customer,
    CustomerPaymentSource,
    CustomerStatus,
    EventStore,
    PaymentMethod,
    SatispayPayment,
    StripePayment,
)
from commercelayer_async.service import COMMERCE_LAYER

PREDICATES = ransack_of(COMMERCE_LAYER).predicates.all
REGISTRY = Registry(*RESOURCES)
WALLETS = QueryCapabilities(CustomerPaymentSource, REGISTRY, COMMERCE_LAYER)
ANYTHING = QueryCapabilities(GenericResource, REGISTRY, COMMERCE_LAYER)
MANY = ("_in", "_not_in", "_any", "_all", "_in_or_null", "_not_in_or_null")
TRUTHS = ("present", "blank", "null", "not_null", "true", "false")
ONE = sorted(name for name in PREDICATES if not f"_{name}".endswith(MANY) and name not in (*TRUTHS, "jcont"))


class Color(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    SMALL = 3


def sent(filter: Mapping[str, Any], capabilities: QueryCapabilities = WALLETS) -> dict[str, str]:
    """What a server reads out of a filter."""
    query = "&".join(filter_parameters(filter, capabilities))
    assert query.isascii()
    assert not set(query) & set("[]{}\" +<>\\^`|'")
    return dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True))


def refused(filter: Any, capabilities: QueryCapabilities = WALLETS) -> str:
    """Why a filter is refused."""
    with pytest.raises(ConfigurationError) as caught:
        filter_parameters(filter, capabilities)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        ("a b&c=d/é,%+", "a b&c=d/é,%+"),
        ("100%", "100%"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-7, "-7"),
        (1.5, "1.5"),
        (Decimal("19.90"), "19.90"),
        (Decimal("1E+3"), "1000"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2018, 1, 1, 12, tzinfo=UTC), "2018-01-01T12:00:00.000Z"),
        (datetime(2018, 1, 1, 12, 0, 0, 123456, tzinfo=UTC), "2018-01-01T12:00:00.123456Z"),
        (datetime(2018, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2017-12-31T23:00:00.000Z"),
        (CustomerStatus.REPEAT, "repeat"),
        (Color.RED, "red"),
        (Size.SMALL, "3"),
    ],
)
def test_a_value_is_written_as_the_api_writes_it(value: object, text: str) -> None:
    assert sent({"reference_eq": value}) == {"filter[q][reference_eq]": text}
    if "," not in text:
        assert sent({"reference_in": [value, "z"]}) == {"filter[q][reference_in]": f"{text},z"}


@pytest.mark.parametrize("predicate", ONE)
def test_most_predicates_take_one_value(predicate: str) -> None:
    name = f"created_at_{predicate}"

    assert sent({name: "x"}) == {f"filter[q][{name}]": "x"}
    assert "takes one value" in refused({name: ["x"]})
    assert "_null" in refused({name: None})


@pytest.mark.parametrize("predicate", sorted(name for name in PREDICATES if f"_{name}".endswith(MANY)))
def test_some_take_several_values(predicate: str) -> None:
    name = f"name_{predicate}"

    for values in (["a", "b"], ("a", "b"), {"b", "a"}, frozenset("ab")):
        assert sent({name: values}) == {f"filter[q][{name}]": "a,b"}
    assert sent({name: ["b", "a"]}) == {f"filter[q][{name}]": "b,a"}
    assert "takes a list, tuple or set, not a string" in refused({name: "a,b"})
    assert "no values" in refused({name: []})
    assert "comma" in refused({name: ["a,b"]})
    assert "_null" in refused({name: ["a", None]})
    assert "cannot be compared" in refused({name: [["a"]]})


@pytest.mark.parametrize("predicate", TRUTHS)
def test_some_ask_a_question(predicate: str) -> None:
    name = f"name_{predicate}"

    assert sent({name: True}) == {f"filter[q][{name}]": "true"}
    assert sent({name: False}) == {f"filter[q][{name}]": "false"}
    for value in (1, "true", None, [True]):
        assert "takes True or False" in refused({name: value})


def test_one_takes_json() -> None:
    assert sent({"metadata_jcont": {"a": {"é": [1, None]}}}) == {"filter[q][metadata_jcont]": '{"a":{"é":[1,null]}}'}
    assert "takes a mapping, not a string" in refused({"metadata_jcont": "{}"})
    loop: dict[str, Any] = {}
    loop["x"] = loop
    for value in ({"x": object()}, {"x": float("nan")}, {"x": "\ud800"}, {(): 1}, loop):
        assert "not JSON" in refused({"metadata_jcont": value})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (datetime(2024, 1, 1), "without time zone"),  # noqa: DTZ001 - the point
        (float("nan"), "no record can have"),
        (float("inf"), "no record can have"),
        (Decimal("nan"), "no record can have"),
        (Decimal("sNaN"), "no record can have"),
        (10**400, "no record can have"),
        ("", "compared with an empty text"),
        ("  ", "compared with an empty text"),
        ("\ud800", "surrogate"),
        (b"x", "a bytes"),
        ({"a": 1}, "a dict"),
        (type("Secretive", (), {"__repr__": lambda _: "pm_secret"})(), "a Secretive"),
    ],
)
def test_a_value_that_would_not_arrive_is_refused(value: object, reason: str) -> None:
    assert reason in refused({"reference_eq": value})


def test_values_are_not_shown() -> None:
    """They may be tokens."""
    for filter in ({"payment_source_token_in": "pm_secret"}, {"payment_source_token_in": ["pm_secret,"]}):
        assert "pm_secret" not in refused(filter)


@pytest.mark.parametrize(
    "name",
    [
        "created_at_gt",
        "id_in",
        "created_at_or_updated_at_gt",
        "name_or_reference_or_payment_source_token_cont",
        "name_not_eq_or_null",
        "name_or_reference_eq_or_null",
        "customer_email_eq",
        "customer_id_eq",
        "customer_customer_group_name_eq",
        "payment_method_payment_source_type_eq",
        "payment_method_payment_gateway_name_eq",
        "customer_email_or_name_cont",
        "customer_customer_payment_sources_name_eq",
    ],
)
def test_names_that_the_schema_knows_are_taken(name: str) -> None:
    value = ["x"] if name.endswith("_in") else "x"
    assert list(sent({name: value})) == [f"filter[q][{name}]"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("created_at_gtt", "did you mean 'created_at_gt'"),
        ("created_at", "did you mean 'created_at_gt'"),
        ("created", "did you mean 'created_at_gt'"),
        ("created_at_after", "did you mean 'created_at_gt'"),
        ("name", "did you mean 'name_eq'"),
        ("nmae", "did you mean 'name_eq'"),
        ("customer_email", "did you mean 'customer_email_eq'"),
        ("metadata", "did you mean 'metadata_jcont'"),
        ("created_at", "does not end in a predicate"),
        ("created_at_", "does not end in a predicate"),
        ("_eq", "is not a name"),
        ("eq", "does not end in a predicate"),
        ("name_equals", "did you mean 'name_eq'"),
        ("name_lte", "did you mean 'name_lteq'"),
        ("name_starts_with", "did you mean 'name_start'"),
        ("name_zzz", "does not end in a predicate such as '_eq'"),
        ("name_contains", "did you mean 'name_cont'"),
        ("creatd_at_gt", "did you mean 'created_at_gt'"),
        ("customer_emial_eq", "did you mean 'customer_email_eq'"),
        ("custmer_email_eq", "did you mean 'customer_email_eq'"),
        ("customer_eq", "does not filter CustomerPaymentSource by 'customer'"),
        ("customer_token_eq", "does not filter CustomerPaymentSource by 'customer_token'"),
        ("customer_has_password_true", "does not filter CustomerPaymentSource by 'customer_has_password'"),
        ("payment_source_stripe_id_eq", "does not filter CustomerPaymentSource by 'payment_source_stripe_id'"),
        ("event_stores_event_eq", "does not filter"),
        ("name_or_nmae_eq", "'nmae'"),
        ("name]&x=[eq", "is not a name"),
        ("name eq", "is not a name"),
        ("x" * 300 + "_eq", "is not a name"),
        (5, "is not a name"),
        (None, "is not a name"),
    ],
)
def test_names_that_it_does_not_know_are_refused(name: object, reason: str) -> None:
    assert reason in refused({name: "x"})


def test_of_a_generic_resource_only_the_predicate_is_known() -> None:
    assert sent({"whatever_there_is_eq": "x"}, ANYTHING)
    assert "did you mean 'number_eq'" in refused({"number_eqq": 1}, ANYTHING)
    assert "does not end in a predicate" in refused({"number": 1}, ANYTHING)
    assert "number_zzz' does not end in a predicate such as '_eq'" in refused({"number_zzz": 1}, ANYTHING)
    assert sort_keys("-whatever,id", ANYTHING) == ("-whatever", "id")


def test_event_stores_are_neither_filtered_nor_sorted_but_by_id() -> None:
    capabilities = QueryCapabilities(EventStore, REGISTRY, COMMERCE_LAYER)

    assert "does not filter EventStore by 'created_at'" in refused({"created_at_gt": 1}, capabilities)
    assert sort_keys("-id", capabilities) == ("-id",)
    with pytest.raises(ConfigurationError, match="does not sort EventStore"):
        sort_keys("created_at", capabilities)


def test_flags_of_the_schema() -> None:
    """A sample of each kind: what can be filtered by, sorted by, both, neither."""
    for cls, filterable, sortable in [
        (CustomerPaymentSource, {"name", "payment_source_token", "metadata"}, {"created_at", "reference"}),
        (Customer, {"email", "total_orders_count"}, {"email", "total_orders_count"}),
        (PaymentMethod, {"disabled_at", "price_amount_cents"}, {"disabled_at", "currency_code"}),
        (SatispayPayment, {"payment_id", "flow"}, {"status"}),
    ]:
        capabilities = QueryCapabilities(cls, REGISTRY, COMMERCE_LAYER)
        assert filterable <= (capabilities.filterable or set())
        assert sortable <= (capabilities.sortable or set())
    stripe = QueryCapabilities(StripePayment, REGISTRY, COMMERCE_LAYER)
    assert stripe.filterable is not None
    assert set(stripe.filterable) == {"id", "created_at", "updated_at", "reference", "reference_origin", "metadata"}
    assert stripe.sortable == stripe.filterable - {"metadata"}


@pytest.mark.parametrize("cls", RESOURCES)
def test_the_table_names_what_the_classes_declare(cls: type[Resource]) -> None:
    capabilities = QueryCapabilities(cls, REGISTRY, COMMERCE_LAYER)
    known = {"id", *member_names(cls)}

    assert (capabilities.filterable or set()) <= known
    assert (capabilities.sortable or set()) <= known
    assert set(capabilities._through) <= set(capabilities._declared)


def test_a_class_of_the_callers_may_know_less_or_more_than_the_packages() -> None:
    @attrs.frozen(kw_only=True)
    class Wallet(Resource):
        type: ClassVar[str] = "customer_payment_sources"
        customer_token: str | None = None
        brand_new: str | None = None

    capabilities = QueryCapabilities(Wallet, REGISTRY.preferring(Wallet), COMMERCE_LAYER)
    assert len(sent({"name_eq": "x", "brand_new_eq": "y", "customer_email_eq": "z"}, capabilities)) == 3
    assert "does not filter Wallet by 'customer_token'" in refused({"customer_token_eq": "x"}, capabilities)
    assert sort_keys("brand_new,-created_at", capabilities) == ("brand_new", "-created_at")


@attrs.frozen(kw_only=True)
class Shop(Resource):
    type: ClassVar[str] = "shops"
    city: str | None = None
    mail_or_phone: str | None = None
    owner = ToOne["Customer | None"]()
    wallet = ToOne[CustomerPaymentSource | None]()
    method = ToOne[PaymentMethod]()
    branches = ToMany["Shop"]()
    tags = ToMany["GenericResource"]()
    things = ToMany[GenericResource]()
    bare: ClassVar[ToMany[Any]] = ToMany()


def test_relationships_lead_to_the_classes_they_are_declared_with() -> None:
    registry = Registry(*RESOURCES, Shop)
    capabilities = QueryCapabilities(Shop, registry, COMMERCE_LAYER)

    for name in ("owner_email", "wallet_name", "method_name", "branches_city", "branches_owner_email", "mail_or_phone"):
        assert sent({f"{name}_eq": "x"}, capabilities)
    for name in ("tags", "things", "bare"):
        assert sent({f"{name}_whatever_eq": "x"}, capabilities)
        assert related_class("shops", name, registry, COMMERCE_LAYER) is None
    assert "did you mean 'branches_city_eq'" in refused({"branches_cityy_eq": "x"}, capabilities)
    assert related_class("shops", "branches", registry, COMMERCE_LAYER) is Shop
    assert related_class("shops", "nothing", registry, COMMERCE_LAYER) is None
    assert related_class("unknown", "nothing", registry, COMMERCE_LAYER) is None


def test_sort_keys_are_names_or_one_text() -> None:
    assert sort_keys((), WALLETS) == sort_keys("", WALLETS) == ()
    assert sort_keys("-created_at,id", WALLETS) == sort_keys(["-created_at", "id"], WALLETS) == ("-created_at", "id")
    for sort in ("--id", "-", "id,", "created at", "created_at&x=y", ["id", "id"], ["-id", "id"], [5]):
        with pytest.raises(ConfigurationError):
            sort_keys(sort, WALLETS)  # type: ignore[arg-type] # refused, which is the test


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
moments = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(minutes=345))])
)
attributes = st.sampled_from(sorted(WALLETS.filterable or ()))


@given(st.dictionaries(st.tuples(attributes, st.sampled_from(ONE)), texts))
def test_text_survives_the_round_trip(filters: dict[tuple[str, str], str]) -> None:
    found = sent({f"{attribute}_{predicate}": value for (attribute, predicate), value in filters.items()})

    assert found == {f"filter[q][{attribute}_{predicate}]": value for (attribute, predicate), value in filters.items()}


@given(st.lists(texts, min_size=1))
def test_a_list_survives_the_round_trip_or_is_refused(values: list[str]) -> None:
    if any("," in value for value in values):
        refused({"name_in": values})
    else:
        assert sent({"name_in": values})["filter[q][name_in]"].split(",") == values


@given(moments)
def test_a_moment_survives_the_round_trip(moment: datetime) -> None:
    text = sent({"created_at_gt": moment})["filter[q][created_at_gt]"]

    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment


@given(st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(-1e18, 1e18) | st.decimals(-(10**15), 10**15, places=6))
def test_a_number_survives_the_round_trip(number: float | Decimal) -> None:
    text = sent({"reference_eq": number})["filter[q][reference_eq]"]

    assert type(number)(text) == number


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(texts, st.recursive(st.none() | st.booleans() | st.integers() | texts, st.lists), max_size=5))
def test_json_survives_the_round_trip(members: dict[str, Any]) -> None:
    assert json.loads(sent({"metadata_jcont": members})["filter[q][metadata_jcont]"]) == members


@settings(deadline=None)
@given(st.dictionaries(st.text(string.ascii_letters + "_[]&=% é", max_size=40), st.none() | st.text() | st.booleans()))
def test_whatever_is_given_is_sent_or_refused(filters: dict[str, Any]) -> None:
    for capabilities in (ANYTHING, WALLETS):
        with contextlib.suppress(ConfigurationError):
            sent(filters, capabilities)
