"""The attributes of every type: what they hold, and what the public schema lets lists be filtered and sorted by."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import attrs


class Kind(StrEnum):
    """What an attribute holds, if it is not null."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"
    """A point in time in ISO 8601."""
    JSON = "json"
    """An object or array of any members."""


@attrs.frozen
class Attribute:
    """One attribute of a type."""

    name: str
    kind: Kind
    filterable: bool = False
    sortable: bool = False
    required: bool = False
    """Whether it is never null."""


def _attributes(text: str) -> tuple[Attribute, ...]:
    """Read a table: on each line a name, a kind, then F if it is filterable, S if it is sortable, and ! if required."""
    return tuple(_attribute(*line.split()) for line in text.strip().splitlines())


def _attribute(name: str, kind: str, *flags: str) -> Attribute:
    return Attribute(name, Kind(kind), filterable="F" in flags, sortable="S" in flags, required="!" in flags)


COMMON: Final = _attributes("""
    created_at                         time     F S !
    updated_at                         time     F S !
    reference                          text     F S
    reference_origin                   text     F S
    metadata                           json     F
""")
"""Those that all types but event stores have, after their own."""

ID: Final = Attribute("id", Kind.TEXT, filterable=True, sortable=True, required=True)
"""The id stands beside the attributes in documents, and among them in filters and sort keys."""

_GATEWAY: Final = _attributes("""
    name                               text     F S !
    force_payments                     boolean
    credential_keys                    json
    disabled_at                        time     F S
""")
_WEBHOOK: Final = _attributes("""
    webhook_endpoint_id                text
    webhook_endpoint_secret            text
    webhook_endpoint_url               text
""")
_WEBHOOK_URL: Final = _WEBHOOK[2:]

ATTRIBUTES: Final[Mapping[str, tuple[Attribute, ...]]] = {
    "customer_payment_sources": _attributes("""
        name                               text     F
        customer_token                     text
        payment_source_token               text     F
    """),
    "customers": _attributes("""
        email                              text     F S !
        status                             text     F S !
        has_password                       boolean
        total_orders_count                 number   F S
        shopper_reference                  text
        profile_id                         text
        tax_exemption_code                 text
        jwt_custom_claim                   json
        anonymization_info                 json
        anonymization_status               text     F S
    """),
    "payment_methods": _attributes("""
        name                               text     F S
        payment_source_type                text     F S !
        currency_code                      text     F S
        moto                               boolean
        require_capture                    boolean
        auto_place                         boolean
        auto_capture                       boolean
        price_amount_cents                 number   F S !
        price_amount_float                 number
        formatted_price_amount             text
        auto_capture_max_amount_cents      number
        auto_capture_max_amount_float      number
        formatted_auto_capture_max_amount  text
        disabled_at                        time     F S
    """),
    "adyen_payments": _attributes("""
        public_key                         text
        payment_methods                    json     !
        payment_request_data               json
        payment_request_details            json
        payment_response                   json
        mismatched_amounts                 boolean
        balance                            number
        expires_at                         time
        closed_at                          time
        payment_instrument                 json
    """),
    "axerve_payments": _attributes("""
        login                              text     !
        return_url                         text     !
        payment_request_data               json
        client_ip                          text
        buyer_details                      json
        request_token                      boolean
        mismatched_amounts                 boolean
        payment_instrument                 json
    """),
    "braintree_payments": _attributes("""
        client_token                       text     !
        payment_method_nonce               text
        payment_id                         text
        local                              boolean
        options                            json
        payment_instrument                 json
    """),
    "checkout_com_payments": _attributes("""
        public_key                         text
        token                              text     !
        payment_session                    json     !
        success_url                        text     !
        failure_url                        text     !
        source_id                          text
        customer_token                     text
        redirect_uri                       text
        payment_response                   json
        mismatched_amounts                 boolean
        payment_instrument                 json
    """),
    "external_payments": _attributes("""
        payment_source_token               text     F !
        options                            json
        payment_instrument                 json
    """),
    "klarna_payments": _attributes("""
        session_id                         text
        client_token                       text
        payment_methods                    json     !
        auth_token                         text
        mismatched_amounts                 boolean  F
        payment_instrument                 json
    """),
    "paypal_payments": _attributes("""
        return_url                         text     !
        cancel_url                         text     !
        note_to_payer                      text
        paypal_payer_id                    text
        name                               text
        paypal_id                          text
        status                             text
        approval_url                       text
        mismatched_amounts                 boolean
        payment_instrument                 json
    """),
    "satispay_payments": _attributes("""
        payment_id                         text     F S
        flow                               text     F S
        status                             text     F S
        redirect_url                       text
        payment_url                        text
        payment_response                   json
        payment_instrument                 json
    """),
    "stripe_payments": _attributes("""
        stripe_id                          text
        client_secret                      text
        connected_account                  text
        charge_id                          text
        publishable_key                    text
        on_behalf_of                       text
        transfer_group                     text
        options                            json
        payment_method                     json
        mismatched_amounts                 boolean
        return_url                         text
        receipt_email                      text
        payment_instrument                 json
    """),
    "wire_transfers": _attributes("""
        payment_instrument                 json
    """),
    "payment_gateways": _GATEWAY,
    "adyen_gateways": _GATEWAY
    + _attributes("""
        live_url_prefix                    text     !
        api_version                        number
        async_api                          boolean
        partial_payments                   boolean
        order_expiration_mins              number
        native_customer_payment_sources    boolean
    """)
    + _WEBHOOK[1:],
    "axerve_gateways": _GATEWAY
    + _attributes("""
        login                              text     !
    """)
    + _WEBHOOK_URL,
    "braintree_gateways": _GATEWAY
    + _attributes("""
        descriptor_name                    text
        descriptor_phone                   text
        descriptor_url                     text
    """)
    + _WEBHOOK_URL,
    "checkout_com_gateways": _GATEWAY + _WEBHOOK,
    "external_gateways": _GATEWAY
    + _attributes("""
        shared_secret                      text
        authorize_url                      text
        capture_url                        text
        void_url                           text
        refund_url                         text
    """),
    "klarna_gateways": _GATEWAY,
    "manual_gateways": _GATEWAY,
    "paypal_gateways": _GATEWAY,
    "satispay_gateways": _GATEWAY,
    "stripe_gateways": _GATEWAY
    + _attributes("""
        connected_account                  text
        auto_payments                      boolean
    """)
    + _WEBHOOK,
    "event_stores": _attributes("""
        resource_type                      text
        resource_id                        text
        event                              text
        payload                            json
        who                                json
        created_at                         time     !
        updated_at                         time     !
        reference                          json
        reference_origin                   json
        metadata                           json
    """),
    "organization": _attributes("""
        name                               text
        slug                               text
        domain                             text
        support_phone                      text
        support_email                      text
        logo_url                           text
        favicon_url                        text
        primary_color                      text
        gtm_id                             text
        gtm_id_test                        text
        max_concurrent_promotions          number
        max_concurrent_imports             number
        max_concurrent_exports             number
        max_concurrent_cleanups            number
        order_number_editable_test         boolean
        order_number_editable_live         boolean
        config                             json
    """),
    "application": _attributes("""
        name                               text
        kind                               text
        public_access                      boolean
        redirect_uri                       text
        scopes                             text
    """),
}
"""By type: its own attributes, in the order in which documents show them."""


def attributes_of(type: str) -> Mapping[str, Attribute]:
    """Give all attributes of *type* by name, in the order in which documents show them."""
    common = () if type == "event_stores" else COMMON
    return {attribute.name: attribute for attribute in (*ATTRIBUTES[type], *common)}
