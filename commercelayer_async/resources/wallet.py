"""The wallet: payment sources that customers keep."""

from typing import TYPE_CHECKING, ClassVar

import attrs

from .._markers import public
from ..jsonapi import ToMany, ToOne
from ._record import Record

if TYPE_CHECKING:
    from .customers import Customer
    from .event_stores import EventStore
    from .payment_methods import PaymentMethod
    from .payment_sources import PaymentSource


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class CustomerPaymentSource(Record):
    """A payment source that a customer keeps for reuse.

    Served by API version 2017-08 only. A record may hold the two tokens alone, without a payment source.
    """

    type: ClassVar[str] = "customer_payment_sources"

    name: str | None = None
    """Label taken from the payment source, such as a masked card number."""
    customer_token: str | None = attrs.field(default=None, repr=False)
    """The customer's id at the payment gateway; a secret."""
    payment_source_token: str | None = attrs.field(default=None, repr=False)
    """The stored payment method's id at the payment gateway; a secret."""

    customer = ToOne["Customer"]()
    """The customer who keeps the source; never null by the API's schema."""
    payment_method = ToOne["PaymentMethod | None"]()
    """The payment method the source belongs to, if any is recorded."""
    payment_source = ToOne["PaymentSource | None"]()
    """The gateway's side of it, one of ten types; null where only tokens are kept."""
    event_stores = ToMany["EventStore"]()
    """The changes made to this record; cannot be included."""
