"""The types of the Commerce Layer Core API, version 2017-08: their relationships, and with `attributes` their flags.

Names, cardinalities, targets and flags are those of the public resource schema. Types that wallets do not need (orders,
markets, tags, ...) stand here as targets alone: the sandbox prints the links of such relationships, and serves `null`
or an empty list there.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from .attributes import COMMON, ID, Attribute, attributes_of

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

GATEWAY_TYPES: Final = tuple(dict.fromkeys(GATEWAYS.values()))
"""The concrete types of payment gateways."""

ABSTRACT: Final = {"payment_gateways": GATEWAY_TYPES}
"""Types without records of their own, whose lists have those of the concrete types."""


@attrs.frozen
class RelationshipSchema:
    """One relationship of a type."""

    name: str
    targets: tuple[str, ...]
    """The types to which it may point; more than one if it is polymorphic."""
    many: bool = False
    filterable: bool = False
    """Whether lists may be filtered by the attributes of what it points to."""
    includable: bool = True
    """Whether `include` may name it. Only event stores cannot be included."""
    cursors: bool = False
    """Whether its list is paged by cursors instead of page numbers."""


@attrs.frozen
class ResourceType:
    """A type of which the sandbox has records."""

    name: str
    relationships: Mapping[str, RelationshipSchema]
    """By name, in the order in which documents show them."""
    attributes: Mapping[str, Attribute]
    """By name, in the order in which documents show them."""
    listed: bool = True
    """Whether `/api/{type}` is served. It lists all records of the type."""
    singleton: bool = False
    """Whether there is one record, which `/api/{type}` gives."""

    def attribute(self, name: str) -> Attribute | None:
        """Find an attribute by which a list might be filtered or sorted: also the id, which stands beside them."""
        return ID if name == "id" else self.attributes.get(name)


def _one(name: str, *targets: str, filterable: bool = False) -> RelationshipSchema:
    return RelationshipSchema(name, targets, filterable=filterable)


def _many(name: str, target: str | None = None, *, filterable: bool = False) -> RelationshipSchema:
    return RelationshipSchema(name, (target or name,), many=True, filterable=filterable)


_EVENT_STORES: Final = RelationshipSchema("event_stores", ("event_stores",), many=True, includable=False, cursors=True)


def _type(name: str, *relationships: RelationshipSchema) -> ResourceType:
    by_name = {relationship.name: relationship for relationship in (*relationships, _EVENT_STORES)}
    return ResourceType(name, by_name, attributes_of(name))


def _payment_source(name: str) -> ResourceType:
    order = _one("order", "orders", filterable=name not in ("stripe_payments", "wire_transfers"))
    gateway = _one("payment_gateway", GATEWAYS[name], filterable=name in ("paypal_payments", "satispay_payments"))
    match name:
        case "external_payments":
            return _type(name, order, gateway, _one("wallet", "customer_payment_sources"))
        case "wire_transfers":
            return _type(name, order)
        case _:
            return _type(name, order, gateway)


def _gateway(name: str) -> ResourceType:
    # Manual gateways have no relationship to their wire transfers, as these have none to them.
    sources = [source for source, gateway in GATEWAYS.items() if gateway == name and source != "wire_transfers"]
    return _type(name, _many("payment_methods"), *map(_many, sources))


def _singleton(name: str) -> ResourceType:
    return ResourceType(name, {}, attributes_of(name), listed=False, singleton=True)


_TYPES: Final = (
    _type(
        "customer_payment_sources",
        _one("customer", "customers", filterable=True),
        _one("payment_method", "payment_methods", filterable=True),
        _one("payment_source", *PAYMENT_SOURCES),
    ),
    _type(
        "customers",
        _one("customer_group", "customer_groups", filterable=True),
        _many("customer_addresses", filterable=True),
        _many("customer_payment_sources", filterable=True),
        _many("customer_subscriptions", filterable=True),
        _many("orders"),
        _many("order_subscriptions", filterable=True),
        _many("returns", filterable=True),
        _many("sku_lists", filterable=True),
        _many("attachments", filterable=True),
        _many("events", filterable=True),
        _many("tags", filterable=True),
        _one("jwt_customer", "customers"),
        _many("jwt_markets", "markets"),
        _many("jwt_stock_locations", "stock_locations"),
    ),
    _type(
        "payment_methods",
        _one("market", "markets", filterable=True),
        _one("payment_gateway", *GATEWAY_TYPES, filterable=True),
        _one("store", "stores", filterable=True),
        _many("attachments", filterable=True),
    ),
    *map(_payment_source, PAYMENT_SOURCES),
    *map(_gateway, GATEWAY_TYPES),
    ResourceType("event_stores", {}, attributes_of("event_stores"), listed=False),
    _singleton("organization"),
    _singleton("application"),
)

TYPES: Final[Mapping[str, ResourceType]] = {resource_type.name: resource_type for resource_type in _TYPES}
"""Every type of which the sandbox has records, by name."""

_ABSTRACT_TYPES: Final = {
    name: ResourceType(name, {"payment_methods": _many("payment_methods")}, attributes_of(name)) for name in ABSTRACT
}


def query_type(types: tuple[str, ...]) -> ResourceType:
    """Give the type by whose attributes a list of records of *types* is filtered and sorted.

    It is that of the one type, or the abstract one of several. Of a type without records, such as orders, it has the
    attributes that all types have.
    """
    (name,) = types if len(types) == 1 else [abstract for abstract in ABSTRACT if ABSTRACT[abstract] == types] or [""]
    return TYPES.get(name) or _ABSTRACT_TYPES.get(name) or _UNKNOWN


_UNKNOWN: Final = ResourceType("", {}, {attribute.name: attribute for attribute in COMMON})
