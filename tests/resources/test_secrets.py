"""What `repr` of a resource leaves out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_type_hints

import attrs
import pytest

from commercelayer_async.resources import RESOURCES
from tests.support.documents import WALLET_ID

CANARY = "canary-5f1e"

# Tokens and nonces; free objects of the gateways, which may hold some; URLs, whose queries may; ids of stored
# methods and of sessions; what tells who a person is. Published keys, ids of payments and metadata are shown.
HIDDEN = {
    "customer_payment_sources": "customer_token payment_source_token",
    "customers": """
        email shopper_reference profile_id tax_exemption_code jwt_custom_claim anonymization_info
    """,
    "payment_methods": "",
    "adyen_payments": """
        payment_methods payment_request_data payment_request_details payment_response payment_instrument
    """,
    "axerve_payments": """
        login return_url payment_request_data client_ip buyer_details payment_instrument
    """,
    "braintree_payments": "client_token payment_method_nonce options payment_instrument",
    "checkout_com_payments": """
        token payment_session success_url failure_url source_id customer_token redirect_uri
        payment_response payment_instrument
    """,
    "external_payments": "payment_source_token options payment_instrument",
    "klarna_payments": "session_id client_token payment_methods auth_token payment_instrument",
    "paypal_payments": "return_url cancel_url paypal_payer_id name approval_url payment_instrument",
    "satispay_payments": "redirect_url payment_url payment_response payment_instrument",
    "stripe_payments": """
        client_secret options payment_method return_url receipt_email payment_instrument
    """,
    "wire_transfers": "payment_instrument",
    "event_stores": "payload who",
}

SUSPECT = ("token", "secret", "nonce", "url", "uri", "email", "session")
each_class = pytest.mark.parametrize("cls", RESOURCES, ids=lambda cls: cls.type)


def hidden(cls: type) -> set[str]:
    return {field.name for field in attrs.fields(cls) if not field.repr and not field.name.startswith("_")}


def canary_of(hint: object) -> object:
    """A value of that type with the canary in it."""
    if hint == str | None:
        return CANARY
    if hint == Mapping[str, Any] | None:
        return {"token": CANARY}
    return ({"token": CANARY},)


@each_class
def test_hidden_fields_are_those_listed(cls: Any) -> None:
    assert hidden(cls) == set(HIDDEN[cls.type].split())


@each_class
def test_repr_never_shows_a_hidden_field(cls: Any) -> None:
    hints = get_type_hints(cls)
    some_time = datetime(2018, 1, 1, tzinfo=UTC)
    values = {name: canary_of(hints[name]) for name in HIDDEN[cls.type].split()}

    resource = cls(id=WALLET_ID, created_at=some_time, updated_at=some_time, **values)

    assert all(getattr(resource, name) == value for name, value in values.items())
    assert CANARY not in repr(resource)
    assert CANARY not in f"{resource} {[resource]!r}"


@each_class
def test_repr_shows_the_rest(cls: Any) -> None:
    some_time = datetime(2018, 1, 1, tzinfo=UTC)

    resource = cls(id=WALLET_ID, created_at=some_time, updated_at=some_time, reference="REF-1")

    assert WALLET_ID in repr(resource)
    assert "REF-1" in repr(resource)


@each_class
def test_suspicious_names_and_free_objects_are_hidden(cls: Any) -> None:
    """A new field that looks like a secret, or may hold one, cannot slip in unhidden."""
    hints = get_type_hints(cls)
    harmless = {"metadata", "reference", "reference_origin"}  # the organization's own
    shown = {field.name for field in attrs.fields(cls) if field.repr} - harmless
    texts = {name for name in shown if hints[name] == str | None}

    assert {name for name in texts if any(word in name for word in SUSPECT)} == set()
    assert {name for name in shown if "Mapping" in str(hints[name])} == set()
