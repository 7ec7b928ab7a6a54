"""Commerce Layer as a value. Facts come from docs.commercelayer.io, by the name of the page."""

from collections.abc import Iterable
from typing import Final

from .._rate_dialects import Names
from ..jsonapi import Resource
from ..jsonapi.query import SEGMENT
from .addresses import Hosts
from .auth import OAuth2
from .filtering import Created, Ids, Keyset, Predicates, Ransack, Sort, TypeCapabilities, words
from .paging import Cursor, Numbers
from .rates import Modes, Rates
from .service import Service

_CUSTOMER: Final = "email status total_orders_count anonymization_status"
_METHOD: Final = "name payment_source_type currency_code price_amount_cents disabled_at"


def _resources() -> Iterable[type[Resource]]:
    from ..resources import RESOURCES  # noqa: PLC0415 - a program with classes of its own may never need them

    return RESOURCES


COMMERCE_LAYER: Final = Service(
    name="Commerce Layer",
    root="api",
    versions="[0-9]{4}-[0-9]{2}(-[0-9]{2})?",
    hosts=Hosts(domain="commercelayer.io", other_domains=("commercelayer.co",)),  # the second to try things out
    ids=SEGMENT,
    auth=OAuth2(sends_json=True),
    needs_auth=True,
    # "Pagination"; event stores, "Event stores": neither numbered, counted nor sorted.
    paging={
        ...: Numbers("page[number]", size="page[size]", most=25, usual=25, asks_for_first=True),
        "event_stores": Cursor(size="page[size]", most=25, usual=25),
    },
    total="meta.record_count",
    # "Filtering data", "Sorting results"; ids grow with the moment of creation.
    sort=Sort(tie_break="id"),
    keyset=Keyset("id", "gt", through="lteq"),
    created=Created("created_at", since="gteq", before="lt"),
    ids_at_once=Ids("filter[q][id_in]", most=25),
    filters=Ransack(
        template="filter[q][{}]",
        # "Filtering data", "List of predicates".
        predicates=Predicates(
            one=words(
                "eq not_eq eq_or_null not_eq_or_null matches does_not_match lt lteq gt gteq"
                " start not_start end not_end cont not_cont"
            ),
            many=words(
                "in not_in in_or_null not_in_or_null not_eq_all"
                " matches_any matches_all does_not_match_any does_not_match_all"
                " lt_any lteq_any gt_any gteq_any lt_all lteq_all gt_all gteq_all"
                " start_any start_all not_start_any not_start_all end_any end_all not_end_any not_end_all"
                " cont_any cont_all not_cont_all"
            ),
            truth=words("present blank null not_null true false"),
            json=words("jcont"),
        ),
        common=words("created_at updated_at reference reference_origin metadata"),
        unsortable=words("metadata"),
        # As the API's schema of 2026 flags them.
        types={
            "customer_payment_sources": TypeCapabilities("name payment_source_token", "", "customer payment_method"),
            "customers": TypeCapabilities(
                _CUSTOMER,
                _CUSTOMER,
                "customer_group customer_addresses customer_payment_sources customer_subscriptions order_subscriptions"
                " returns sku_lists attachments events tags",
            ),
            "payment_methods": TypeCapabilities(_METHOD, _METHOD, "market payment_gateway store attachments"),
            "adyen_payments": TypeCapabilities("", "", "order"),
            "axerve_payments": TypeCapabilities("", "", "order"),
            "braintree_payments": TypeCapabilities("", "", "order"),
            "checkout_com_payments": TypeCapabilities("", "", "order"),
            "external_payments": TypeCapabilities("payment_source_token", "", "order"),
            "klarna_payments": TypeCapabilities("mismatched_amounts", "", "order"),
            "paypal_payments": TypeCapabilities("", "", "order payment_gateway"),
            "satispay_payments": TypeCapabilities(
                "payment_id flow status", "payment_id flow status", "order payment_gateway"
            ),
            "stripe_payments": TypeCapabilities("", "", ""),
            "wire_transfers": TypeCapabilities("", "", ""),
            # Neither filtered nor sorted, says the documentation; a client of the vendor's own sorts them by id.
            "event_stores": TypeCapabilities("", "", "", common=False),
        },
    ),
    # "Rate limits", of 2024 and later; only the average is reported by headers.
    rates=Rates(
        Names("X-Ratelimit-", left="Remaining", window="Interval"),
        token=(30, 60.0),
        modes=Modes(
            live=((200, 60.0), (50, 10.0)),
            test=((100, 60.0), (25, 10.0)),
            cacheable=words(
                "bundles buy_x_pay_y_promotions coupon_codes_promotion_rules external_promotions imports markets"
                " fixed_amount_promotions fixed_price_promotions flex_promotions free_gift_promotions"
                " free_shipping_promotions percentage_discount_promotions price_lists prices promotions sku_options"
                " skus stock_items stock_locations"
            ),
            cacheable_factor=5,
            burst_share=1 / 4,
            burst_seconds_share=1 / 6,
        ),
        concurrent_until_known=25,
    ),
    # "Handling errors"; of a bad token it says INVALID_TOKEN.
    no_permission_code="UNAUTHORIZED",
    # Each resource object has them, of late the document too; old records lack the second.
    provenance_members=("mode", "organization_id"),
    resources=_resources,
)
"""The Commerce Layer Core API."""
