"""The resource classes against a table of the API's schema."""

import inspect
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, get_args, get_type_hints

import attrs
import pytest

from commercelayer_async import resources
from commercelayer_async.jsonapi import GenericResource, Registry, Resource, ToMany, ToOne, parse
from commercelayer_async.resources import RESOURCES, PaymentSource, PaymentSourceType
from tests.support.documents import WALLET_ID

COMMON = "created_at updated_at reference reference_origin metadata"

ATTRIBUTES = {
    "customer_payment_sources": "name customer_token payment_source_token",
    "customers": """
        email status has_password total_orders_count shopper_reference profile_id tax_exemption_code
        jwt_custom_claim anonymization_info anonymization_status
    """,
    "payment_methods": """
        name payment_source_type currency_code moto require_capture auto_place auto_capture
        price_amount_cents price_amount_float formatted_price_amount auto_capture_max_amount_cents
        auto_capture_max_amount_float formatted_auto_capture_max_amount disabled_at
    """,
    "adyen_payments": """
        public_key payment_methods payment_request_data payment_request_details payment_response
        mismatched_amounts balance expires_at closed_at payment_instrument
    """,
    "axerve_payments": """
        login return_url payment_request_data client_ip buyer_details request_token mismatched_amounts
        payment_instrument
    """,
    "braintree_payments": "client_token payment_method_nonce payment_id local options payment_instrument",
    "checkout_com_payments": """
        public_key token payment_session success_url failure_url source_id customer_token redirect_uri
        payment_response mismatched_amounts payment_instrument
    """,
    "external_payments": "payment_source_token options payment_instrument",
    "klarna_payments": """
        session_id client_token payment_methods auth_token mismatched_amounts payment_instrument
    """,
    "paypal_payments": """
        return_url cancel_url note_to_payer paypal_payer_id name paypal_id status approval_url
        mismatched_amounts payment_instrument
    """,
    "satispay_payments": """
        payment_id flow status redirect_url payment_url payment_response payment_instrument
    """,
    "stripe_payments": """
        stripe_id client_secret connected_account charge_id publishable_key on_behalf_of transfer_group
        options payment_method mismatched_amounts return_url receipt_email payment_instrument
    """,
    "wire_transfers": "payment_instrument",
    "event_stores": "resource_type resource_id event payload who",
}

TO_ONE = {
    "customer_payment_sources": "customer payment_method payment_source",
    "customers": "customer_group jwt_customer",
    "payment_methods": "market payment_gateway store",
    "adyen_payments": "order payment_gateway",
    "axerve_payments": "order payment_gateway",
    "braintree_payments": "order payment_gateway",
    "checkout_com_payments": "order payment_gateway",
    "external_payments": "order payment_gateway wallet",
    "klarna_payments": "order payment_gateway",
    "paypal_payments": "order payment_gateway",
    "satispay_payments": "order payment_gateway",
    "stripe_payments": "order payment_gateway",
    "wire_transfers": "order",
    "event_stores": "",
}

# All but event_stores themselves also have `event_stores`.
TO_MANY = {
    "customers": """
        customer_addresses customer_payment_sources customer_subscriptions orders order_subscriptions
        returns sku_lists attachments events tags jwt_markets jwt_stock_locations
    """,
    "payment_methods": "attachments",
}

# What is no text. Objects are mappings unless named; the types of the common attributes are tested apart.
TYPES: dict[str, object] = {
    "has_password": bool,
    "moto": bool,
    "require_capture": bool,
    "auto_place": bool,
    "auto_capture": bool,
    "mismatched_amounts": bool,
    "request_token": bool,
    "local": bool,
    "total_orders_count": int,
    "price_amount_cents": int,
    "auto_capture_max_amount_cents": int,
    "balance": int,
    "price_amount_float": float,
    "auto_capture_max_amount_float": float,
    "disabled_at": datetime,
    "expires_at": datetime,
    "closed_at": datetime,
    "metadata": Mapping[str, Any],
    "jwt_custom_claim": Mapping[str, Any],
    "anonymization_info": Mapping[str, Any],
    "payment_instrument": Mapping[str, Any],
    "payment_request_data": Mapping[str, Any],
    "payment_request_details": Mapping[str, Any],
    "payment_response": Mapping[str, Any],
    "payment_session": Mapping[str, Any],
    "payment_method": Mapping[str, Any],
    "buyer_details": Mapping[str, Any],
    "options": Mapping[str, Any],
    "payload": Mapping[str, Any],
    "who": Mapping[str, Any],
}

# `payment_methods` is the one name that has two types.
TYPES_OF_ONE_CLASS: dict[tuple[str, str], object] = {
    ("adyen_payments", "payment_methods"): Mapping[str, Any],
    ("klarna_payments", "payment_methods"): tuple[Mapping[str, Any], ...],
    ("event_stores", "reference"): str | Mapping[str, Any],
    ("event_stores", "reference_origin"): str | Mapping[str, Any],
}

REQUIRED = {"created_at", "updated_at"}
SOME_TIME = datetime(2018, 1, 1, 12, tzinfo=UTC)

each_class = pytest.mark.parametrize("cls", RESOURCES, ids=lambda cls: cls.type)


def attributes(cls: type[Resource]) -> "list[attrs.Attribute[Any]]":
    """The fields that the API's attributes fill."""
    own = {field.name for field in attrs.fields(Resource)}
    return [field for field in attrs.fields(cls) if field.name not in own]


def relationships(cls: type[Resource], kind: type) -> set[str]:
    """The names of the relationships of that cardinality."""
    return {name for name in dir(cls) if type(inspect.getattr_static(cls, name)) is kind}


def decoded(type_: str, attributes: Mapping[str, object]) -> object:
    """What an answer with those attributes becomes."""
    body = json.dumps({"data": {"type": type_, "id": WALLET_ID, "attributes": attributes}})
    return Registry(*RESOURCES).decode(parse(body.encode()))


def test_every_type_has_one_class() -> None:
    assert sorted(cls.type for cls in RESOURCES) == sorted(ATTRIBUTES)


@each_class
def test_attributes_are_those_of_the_schema(cls: type[Resource]) -> None:
    expected = {*COMMON.split(), *ATTRIBUTES[cls.type].split()}

    assert {field.name for field in attributes(cls)} == expected


@each_class
def test_to_one_relationships_are_those_of_the_schema(cls: type[Resource]) -> None:
    assert relationships(cls, ToOne) == set(TO_ONE[cls.type].split())


@each_class
def test_to_many_relationships_are_those_of_the_schema(cls: type[Resource]) -> None:
    expected = set(TO_MANY.get(cls.type, "").split())
    if cls.type != "event_stores":
        expected.add("event_stores")

    assert relationships(cls, ToMany) == expected


@each_class
def test_attributes_have_the_types_of_the_schema(cls: type[Resource]) -> None:
    """Hints resolve at run time; what may be missing is optional, texts that may grow are plain texts."""
    hints = get_type_hints(cls)
    expected: dict[str, object] = {}
    for field in attributes(cls):
        known = TYPES_OF_ONE_CLASS.get((cls.type, field.name)) or TYPES.get(field.name, str)
        expected[field.name] = datetime if field.name in REQUIRED else known | None  # type: ignore[operator] # a class

    assert {name: hints[name] for name in expected} == expected


@each_class
def test_only_the_two_times_are_required(cls: type[Resource]) -> None:
    required = {field.name for field in attributes(cls) if field.default is attrs.NOTHING}

    assert required == REQUIRED
    assert all(field.default is None for field in attributes(cls) if field.name not in REQUIRED)


@each_class
def test_classes_have_no_behaviour(cls: type[Resource]) -> None:
    """Nothing is checked or converted when an instance is filled."""
    assert all(field.validator is None and field.converter is None for field in attributes(cls))
    assert not hasattr(cls, "__attrs_post_init__")


@each_class
def test_instances_are_slotted_and_frozen(cls: type[Resource]) -> None:
    resource = cls(id=WALLET_ID, created_at=SOME_TIME, updated_at=SOME_TIME)  # type: ignore[call-arg] # each class has these three

    assert resource.id == WALLET_ID
    assert not hasattr(resource, "__dict__")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        resource.id = "other"  # type: ignore[misc] # refused, which is the test


@each_class
def test_json_fills_every_attribute(cls: type[Resource]) -> None:
    """An attribute of the schema never ends among the unknown ones, and its value fits."""
    samples: dict[object, object] = {
        datetime: "2018-01-01T12:00:00.000Z",
        datetime | None: "2018-01-01T12:00:00.000Z",
        bool | None: True,
        int | None: 4200,
        float | None: 42,
        str | None: "text",
        str | Mapping[str, Any] | None: "text",
        Mapping[str, Any] | None: {"foo": "bar"},
        tuple[Mapping[str, Any], ...] | None: [{"foo": "bar"}],
    }
    hints = get_type_hints(cls)
    sent = {field.name: samples[hints[field.name]] for field in attributes(cls)}

    resource: Any = decoded(cls.type, sent)

    assert all(getattr(resource, field.name) is not None for field in attributes(cls))
    assert (resource.id, resource.created_at, resource.extra) == (WALLET_ID, SOME_TIME, {})
    assert type(resource) is cls


@pytest.mark.parametrize("reference", ["ANY-EXTERNAL-REFERENCE", {}, None])
def test_event_stores_take_an_object_for_a_reference(reference: object) -> None:
    """The API sends `{}` where every other type has a text."""
    times = {"created_at": "2026-08-13T07:59:00.000+00:00", "updated_at": "2026-08-13T07:59:00.000+00:00"}

    event = decoded("event_stores", {**times, "reference": reference, "reference_origin": reference})

    assert isinstance(event, resources.EventStore)
    assert (event.reference, event.reference_origin) == (reference, reference)


def test_payment_source_is_any_of_the_ten_or_generic() -> None:
    ten = {cls for cls in RESOURCES if cls.type in set(PaymentSourceType)}

    assert len(ten) == len(PaymentSourceType) == 10
    assert set(get_args(PaymentSource)) == {*ten, GenericResource}


def test_public_names_are_listed() -> None:
    listed = {name for name in resources.__all__ if isinstance(getattr(resources, name), type)}

    assert {cls.__name__ for cls in RESOURCES} <= listed
    assert all(hasattr(resources, name) for name in resources.__all__)


@pytest.mark.parametrize(
    ("enum", "values"),
    [
        (resources.CustomerStatus, "prospect acquired repeat"),
        (resources.AnonymizationStatus, "requested started completed failed cancelled"),
        (resources.PaypalStatus, "created approved"),
        (resources.EventName, "create update destroy"),
    ],
)
def test_known_values_equal_the_texts_of_the_api(enum: type[StrEnum], values: str) -> None:
    assert list(enum) == values.split()
