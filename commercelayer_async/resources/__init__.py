"""The resources of Commerce Layer around the wallet: their attributes and relationships, and no behaviour.

A string whose values the server may extend stays a `str`; the known values are in a `StrEnum`, which compares equal.
Secrets, free objects of the gateways, URLs and personal data are left out of `repr`.
"""

from ..jsonapi import Resource
from .customers import AnonymizationStatus, Customer, CustomerStatus
from .event_stores import EventName, EventStore
from .payment_methods import PaymentMethod, PaymentSourceType
from .payment_sources import (
    AdyenPayment,
    AxervePayment,
    BraintreePayment,
    CheckoutComPayment,
    ExternalPayment,
    KlarnaPayment,
    PaymentSource,
    PaypalPayment,
    PaypalStatus,
    SatispayPayment,
    StripePayment,
    WireTransfer,
)
from .wallet import CustomerPaymentSource

__all__ = [
    "RESOURCES",
    "AdyenPayment",
    "AnonymizationStatus",
    "AxervePayment",
    "BraintreePayment",
    "CheckoutComPayment",
    "Customer",
    "CustomerPaymentSource",
    "CustomerStatus",
    "EventName",
    "EventStore",
    "ExternalPayment",
    "KlarnaPayment",
    "PaymentMethod",
    "PaymentSource",
    "PaymentSourceType",
    "PaypalPayment",
    "PaypalStatus",
    "SatispayPayment",
    "StripePayment",
    "WireTransfer",
]

RESOURCES: tuple[type[Resource], ...] = (
    CustomerPaymentSource,
    Customer,
    PaymentMethod,
    AdyenPayment,
    AxervePayment,
    BraintreePayment,
    CheckoutComPayment,
    ExternalPayment,
    KlarnaPayment,
    PaypalPayment,
    SatispayPayment,
    StripePayment,
    WireTransfer,
    EventStore,
)
"""Every resource class of this package, each with a `type` of its own."""
