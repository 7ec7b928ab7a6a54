"""The types of the Commerce Layer Core API, version 2017-08, and their relationships.

Names, cardinalities and targets are those of the public resource schema, except for the relationships of gateways,
which are assumed. Types that wallets do not need (orders, markets, tags, ...) stand here as targets alone: the sandbox
prints the links of such relationships, and serves `null` or an empty list there.
"""

from typing import Final

import attrs

PAYMENT_SOURCES: Final = (
    "adyen_payments",
    "axerve_payments",
    "braintree_payments",
    "checkout_com_payments",
    "external_payments",
    "klarna_payments",
    "paypal_payments",
    "satispay_payments",
    "stripe_payments",
    "wire_transfers",
)
"""The types to which `customer_payment_sources.payment_source` may point."""

GATEWAYS: Final = {
    source: "manual_gateways" if source == "wire_transfers" else source.removesuffix("_payments") + "_gateways"
    for source in PAYMENT_SOURCES
}
"""The gateway type behind each type of payment source; wire transfers go through manual gateways."""


@attrs.frozen
class RelationshipSchema:
    """One relationship of a type."""

    name: str
    targets: tuple[str, ...]
    """The types to which it may point; more than one if it is polymorphic."""
    many: bool = False
    includable: bool = True
    """Whether `include` may name it. Only event stores cannot be included."""
    cursors: bool = False
    """Whether its list is paged by cursors instead of page numbers."""


@attrs.frozen
class ResourceType:
    """A type of which the sandbox has records."""

    name: str
    relationships: dict[str, RelationshipSchema]
    """By name, in the order in which documents show them."""
    listed: bool = True
    """Whether `/api/{type}` is served. It lists all records of the type."""


def _one(name: str, *targets: str) -> RelationshipSchema:
    return RelationshipSchema(name, targets)


def _many(name: str, target: str | None = None) -> RelationshipSchema:
    return RelationshipSchema(name, (target or name,), many=True)


_EVENT_STORES: Final = RelationshipSchema("event_stores", ("event_stores",), many=True, includable=False, cursors=True)


def _type(name: str, *relationships: RelationshipSchema) -> ResourceType:
    return ResourceType(name, {relationship.name: relationship for relationship in (*relationships, _EVENT_STORES)})


def _payment_source(name: str) -> ResourceType:
    order, gateway = _one("order", "orders"), _one("payment_gateway", GATEWAYS[name])
    match name:
        case "external_payments":
            return _type(name, order, gateway, _one("wallet", "customer_payment_sources"))
        case "wire_transfers":
            return _type(name, order)
        case _:
            return _type(name, order, gateway)


_TYPES: Final = (
    _type(
        "customer_payment_sources",
        _one("customer", "customers"),
        _one("payment_method", "payment_methods"),
        _one("payment_source", *PAYMENT_SOURCES),
    ),
    _type(
        "customers",
        _one("customer_group", "customer_groups"),
        _many("customer_addresses"),
        _many("customer_payment_sources"),
        _many("customer_subscriptions"),
        _many("orders"),
        _many("order_subscriptions"),
        _many("returns"),
        _many("sku_lists"),
        _many("attachments"),
        _many("events"),
        _many("tags"),
        _one("jwt_customer", "customers"),
        _many("jwt_markets", "markets"),
        _many("jwt_stock_locations", "stock_locations"),
    ),
    _type(
        "payment_methods",
        _one("market", "markets"),
        _one("payment_gateway", *dict.fromkeys(GATEWAYS.values())),
        _one("store", "stores"),
        _many("attachments"),
    ),
    *(_payment_source(name) for name in PAYMENT_SOURCES),
    *(_type(name, _many("payment_methods")) for name in dict.fromkeys(GATEWAYS.values())),
    ResourceType("event_stores", {}, listed=False),
)

TYPES: Final = {resource_type.name: resource_type for resource_type in _TYPES}
"""Every type of which the sandbox has records, by name."""
