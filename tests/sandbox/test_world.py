"""The seeded world, as documents show it."""

import re

import attrs
import pytest

from commercelayer_async.sandbox.world.schema import GATEWAYS, PAYMENT_SOURCES, TYPES
from commercelayer_async.sandbox.world.table import Reference
from commercelayer_async.sandbox.world.world import World

COMMON = ["created_at", "updated_at", "reference", "reference_origin", "metadata"]

ATTRIBUTES = {
    "customers": (
        "email status has_password total_orders_count shopper_reference profile_id "
        "tax_exemption_code jwt_custom_claim anonymization_info anonymization_status"
    ),
    "payment_methods": (
        "name payment_source_type currency_code moto require_capture auto_place auto_capture "
        "price_amount_cents price_amount_float formatted_price_amount "
        "auto_capture_max_amount_cents auto_capture_max_amount_float "
        "formatted_auto_capture_max_amount disabled_at"
    ),
    "adyen_payments": (
        "public_key payment_methods payment_request_data payment_request_details payment_response "
        "mismatched_amounts balance expires_at closed_at payment_instrument"
    ),
    "axerve_payments": (
        "login return_url payment_request_data client_ip buyer_details request_token "
        "mismatched_amounts payment_instrument"
    ),
    "braintree_payments": ("client_token payment_method_nonce payment_id local options payment_instrument"),
    "checkout_com_payments": (
        "public_key token payment_session success_url failure_url source_id customer_token "
        "redirect_uri payment_response mismatched_amounts payment_instrument"
    ),
    "external_payments": "payment_source_token options payment_instrument",
    "klarna_payments": ("session_id client_token payment_methods auth_token mismatched_amounts payment_instrument"),
    "paypal_payments": (
        "return_url cancel_url note_to_payer paypal_payer_id name paypal_id status approval_url "
        "mismatched_amounts payment_instrument"
    ),
    "satispay_payments": ("payment_id flow status redirect_url payment_url payment_response payment_instrument"),
    "stripe_payments": (
        "stripe_id client_secret connected_account charge_id publishable_key on_behalf_of "
        "transfer_group options payment_method mismatched_amounts return_url receipt_email "
        "payment_instrument"
    ),
    "wire_transfers": "payment_instrument",
}

NEVER_NULL = {
    "customers": {"email", "status"},
    "payment_methods": {"payment_source_type", "price_amount_cents"},
    "adyen_payments": {"payment_methods"},
    "axerve_payments": {"login", "return_url"},
    "braintree_payments": {"client_token"},
    "checkout_com_payments": {"token", "payment_session", "success_url", "failure_url"},
    "external_payments": {"payment_source_token"},
    "klarna_payments": {"payment_methods"},
    "paypal_payments": {"return_url", "cancel_url"},
}


@pytest.fixture(scope="module")
def world():
    return World(wallets=300, seed=1)


def every(world, type):
    table = world.tables[type]
    return [table.at(key) for key in table.keys]


def test_there_are_as_many_wallets_as_asked_for_and_fewer_customers(world):
    assert len(every(world, "customer_payment_sources")) == 300
    assert 0 < len(every(world, "customers")) < 300


def test_several_wallets_share_a_customer(world):
    assert any(len(world.related(customer, "customer_payment_sources")) > 1 for customer in every(world, "customers"))


def test_equal_seeds_give_equal_worlds(world):
    other = World(wallets=300, seed=1)

    assert all(every(world, type) == every(other, type) for type in TYPES)


def test_other_seeds_give_other_worlds_around_the_documented_wallet(world):
    other = World(wallets=300, seed=2)

    assert every(other, "customers")[0].id != every(world, "customers")[0].id
    assert every(other, "customer_payment_sources")[0] == every(world, "customer_payment_sources")[0]


@pytest.mark.parametrize("type", sorted(set(TYPES) - {"event_stores"}))
def test_ids_are_ten_letters_and_no_two_are_equal(world, type):
    ids = [record.id for record in every(world, type)]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[A-Za-z]{10}", id) for id in ids)


@pytest.mark.parametrize("type", TYPES)
def test_a_record_is_found_by_its_id(world, type):
    assert all(world.get(type, record.id) == record for record in every(world, type))


@pytest.mark.parametrize("id", ["", "short", "xYZkjABcd1", "äYZkjABcde", "1748736007001-x", "x-1", "²-1", "99-1"])
@pytest.mark.parametrize("type", ["customers", "event_stores"])
def test_nothing_is_found_by_what_is_not_an_id(world, type, id):
    assert world.get(type, id) is None


def test_the_order_of_records_is_not_the_alphabetical_order_of_their_ids(world):
    ids = [record.id for record in every(world, "customer_payment_sources")]

    assert ids != sorted(ids)


@pytest.mark.parametrize("type", ATTRIBUTES)
def test_every_attribute_of_the_schema_is_there_in_its_order(world, type):
    records = every(world, type)

    assert records
    assert all(list(record.attributes) == ATTRIBUTES[type].split() + COMMON for record in records)


@pytest.mark.parametrize("type", NEVER_NULL)
def test_what_the_schema_has_never_null_is_never_null(world, type):
    assert all(record.attributes[name] is not None for record in every(world, type) for name in NEVER_NULL[type])


def test_what_the_schema_has_nullable_is_sometimes_null(world):
    stripes = every(World(wallets=2000, seed=1), "stripe_payments")

    for name in set(stripes[0].attributes) - {"created_at", "updated_at"}:
        assert {record.attributes[name] is None for record in stripes} == {True, False}, name


def test_even_a_small_world_has_every_type_of_payment_source():
    assert all(every(World(wallets=12, seed=1), type) for type in PAYMENT_SOURCES)


def test_some_wallets_hold_tokens_only(world):
    without = [w for w in every(world, "customer_payment_sources") if not world.related(w, "payment_source")]

    assert len(without) == 12
    assert all("payment_source" in wallet.relationships for wallet in without)


def test_some_wallets_have_no_payment_method(world):
    without = [w for w in every(world, "customer_payment_sources") if not world.related(w, "payment_method")]

    assert len(without) == 16


def test_a_few_older_wallets_lack_newer_attributes(world):
    lacking = [w for w in every(world, "customer_payment_sources") if "payment_source_token" not in w.attributes]

    assert len(lacking) == 4
    assert all("reference_origin" not in wallet.attributes for wallet in lacking)


def test_a_payment_method_names_the_type_of_the_payment_source(world):
    for wallet in every(world, "customer_payment_sources"):
        for method in world.related(wallet, "payment_method"):
            for source in world.related(wallet, "payment_source"):
                assert world.at(method).attributes["payment_source_type"] == source.type


def test_gateways_are_concrete_and_go_with_the_type_of_payment_source(world):
    for method in every(world, "payment_methods"):
        (gateway,) = world.related(method, "payment_gateway")
        assert gateway.type == GATEWAYS[method.attributes["payment_source_type"]]
        assert Reference("payment_methods", method.key) in world.related(world.at(gateway), "payment_methods")


def test_an_external_payment_leads_back_to_its_wallet(world):
    for external in every(world, "external_payments"):
        (wallet,) = world.related(external, "wallet")
        assert world.related(world.at(wallet), "payment_source") == [Reference("external_payments", external.key)]


def test_a_wire_transfer_has_no_payment_gateway(world):
    assert all(record.relationships == ("order", "event_stores") for record in every(world, "wire_transfers"))


def test_events_belong_to_the_wallet_they_name(world):
    for wallet in every(world, "customer_payment_sources"):
        events = [world.at(reference) for reference in world.related(wallet, "event_stores")]
        assert all(event.attributes["resource_id"] == wallet.id for event in events)
        assert [event.attributes["event"] for event in events[:2]] == ["create", "update"][: len(events)]


def test_no_repr_shows_what_stands_for_a_secret(world):
    (stripe,) = every(World(wallets=1, seed=1), "stripe_payments")

    assert "attributes" not in repr(stripe)
    assert "pi_" not in repr(stripe)


def test_records_are_frozen(world):
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        every(world, "customers")[0].id = "other"


def test_fewer_wallets_than_none_are_refused():
    with pytest.raises(ValueError, match="0 or more"):
        World(wallets=-1, seed=1)


def test_a_hundred_thousand_wallets_are_not_made_before_they_are_asked_for():
    world = World(wallets=100_000, seed=1)
    table = world.tables["customer_payment_sources"]

    last = table.at(100_000)

    assert world.get("customer_payment_sources", last.id) is last
    assert table.made.cache_info().currsize == 1
