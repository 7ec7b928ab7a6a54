"""Payment methods: the ways to pay that a market offers."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import attrs

from .._markers import public
from ..jsonapi import ToMany, ToOne
from ._record import Record

if TYPE_CHECKING:
    from ..jsonapi import GenericResource
    from .event_stores import EventStore


@public("commercelayer_async.resources")
class PaymentSourceType(StrEnum):
    """The known values of `PaymentMethod.payment_source_type`."""

    ADYEN_PAYMENTS = "adyen_payments"
    AXERVE_PAYMENTS = "axerve_payments"
    BRAINTREE_PAYMENTS = "braintree_payments"
    CHECKOUT_COM_PAYMENTS = "checkout_com_payments"
    EXTERNAL_PAYMENTS = "external_payments"
    KLARNA_PAYMENTS = "klarna_payments"
    PAYPAL_PAYMENTS = "paypal_payments"
    SATISPAY_PAYMENTS = "satispay_payments"
    STRIPE_PAYMENTS = "stripe_payments"
    WIRE_TRANSFERS = "wire_transfers"


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class PaymentMethod(Record):
    """A way to pay, with its gateway, its fee and its rules of capture.

    Served by API version 2017-08 only. Money is in the cents of `currency_code`.
    """

    type: ClassVar[str] = "payment_methods"

    name: str | None = None
    """What the organization calls it."""
    payment_source_type: str | None = None
    """The type of the payment sources it makes, known without including one; see `PaymentSourceType`."""
    currency_code: str | None = None
    """The currency of the amounts, three letters of ISO 4217."""
    moto: bool | None = None
    """Whether payments are marked as ordered by mail or telephone."""
    require_capture: bool | None = None
    """Whether an order is fulfilled only after its payment has been captured."""
    auto_place: bool | None = None
    """Whether an order is placed by itself once the payment is authorized later on."""
    auto_capture: bool | None = None
    """Whether a payment is captured by itself once it is authorized."""
    price_amount_cents: int | None = None
    """The fee for paying this way, in cents."""
    price_amount_float: float | None = None
    """The fee in whole units of the currency; inexact, for display."""
    formatted_price_amount: str | None = None
    """The fee as the API writes it, with the currency's sign."""
    auto_capture_max_amount_cents: int | None = None
    """The largest order total that is captured by itself, in cents; `None` means any."""
    auto_capture_max_amount_float: float | None = None
    """The same in whole units of the currency; inexact, for display."""
    formatted_auto_capture_max_amount: str | None = None
    """The same as the API writes it, with the currency's sign."""
    disabled_at: datetime | None = None
    """When the method was taken out of use, UTC; `None` while it is in use."""

    market = ToOne["GenericResource | None"]()
    """The market it is offered in, where it belongs to one."""
    payment_gateway = ToOne["GenericResource | None"]()
    """The gateway that takes the payments."""
    store = ToOne["GenericResource | None"]()
    """The store it is offered in, where it belongs to one."""
    attachments = ToMany["GenericResource"]()
    """Files kept with the method."""
    event_stores = ToMany["EventStore"]()
    """The changes made to this record; cannot be included."""
