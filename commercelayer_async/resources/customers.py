"""Customers."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from .._markers import public
from ..jsonapi import ToMany, ToOne
from ._record import Record

if TYPE_CHECKING:
    from ..jsonapi import GenericResource
    from .event_stores import EventStore
    from .wallet import CustomerPaymentSource


@public("commercelayer_async.resources")
class CustomerStatus(StrEnum):
    """The known values of `Customer.status`."""

    PROSPECT = "prospect"
    """Without a placed order; where every customer begins."""
    ACQUIRED = "acquired"
    """With one placed order."""
    REPEAT = "repeat"
    """With several placed orders."""


@public("commercelayer_async.resources")
class AnonymizationStatus(StrEnum):
    """The known values of `Customer.anonymization_status`."""

    REQUESTED = "requested"
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class Customer(Record):
    """A person who buys, registered or not."""

    type: ClassVar[str] = "customers"

    email: str | None = attrs.field(default=None, repr=False)
    """The customer's e-mail address; personal, so not shown."""
    status: str | None = None
    """How often the customer has bought; see `CustomerStatus`."""
    has_password: bool | None = None
    """Whether the customer can log in."""
    total_orders_count: int | None = None
    """How many orders the customer has placed."""
    shopper_reference: str | None = attrs.field(default=None, repr=False)
    """The customer's identifier at the payment gateways; not shown."""
    profile_id: str | None = attrs.field(default=None, repr=False)
    """The customer's identifier at connected services; not shown."""
    tax_exemption_code: str | None = attrs.field(default=None, repr=False)
    """The code of the customer's tax exemption; not shown."""
    jwt_custom_claim: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """The custom claim of the access token of the request; empty or `None` if it has none."""
    anonymization_info: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """Who requested the anonymization, and its result; times are strings like `2025-03-15 11:39:21 UTC`."""
    anonymization_status: str | None = None
    """The state of the anonymization, `None` if it was never requested; see `AnonymizationStatus`."""

    customer_group = ToOne["GenericResource | None"]()
    """The group the customer is in."""
    customer_addresses = ToMany["GenericResource"]()
    """The address book."""
    customer_payment_sources = ToMany["CustomerPaymentSource"]()
    """The wallet."""
    customer_subscriptions = ToMany["GenericResource"]()
    """What the customer has subscribed to, such as newsletters."""
    orders = ToMany["GenericResource"]()
    """The customer's orders, placed or not."""
    order_subscriptions = ToMany["GenericResource"]()
    """Orders that repeat at intervals."""
    returns = ToMany["GenericResource"]()
    """What the customer has sent back."""
    sku_lists = ToMany["GenericResource"]()
    """The lists of products the customer keeps."""
    attachments = ToMany["GenericResource"]()
    """Files kept with the customer."""
    events = ToMany["GenericResource"]()
    """Events of the customer that webhooks can subscribe to."""
    tags = ToMany["GenericResource"]()
    """The tags put on the customer."""
    jwt_customer = ToOne["Customer | None"]()
    """The customer named by the access token of the request."""
    jwt_markets = ToMany["GenericResource"]()
    """The markets named by the access token of the request."""
    jwt_stock_locations = ToMany["GenericResource"]()
    """The stock locations named by the access token of the request."""
    event_stores = ToMany["EventStore"]()
    """The changes made to this record; cannot be included."""
