"""Payment sources: the gateway's side of a payment, one class for each gateway.

A gateway's token charges a card for whoever also has the merchant's key, and the free objects, the URLs and
the ids of stored methods may carry one. `repr` leaves all of these out, and what identifies the payer.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import attrs

from .._markers import public
from ..jsonapi import GenericResource, ToMany, ToOne
from ._record import Record

if TYPE_CHECKING:
    from .event_stores import EventStore
    from .wallet import CustomerPaymentSource


@attrs.frozen(kw_only=True)
class PaymentSourceRecord(Record):
    """What every payment source has, whatever its gateway."""

    payment_instrument: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """The card or account used: issuer, type, last digits, expiry, holder."""

    order = ToOne["GenericResource | None"]()
    """The order it pays."""
    event_stores = ToMany["EventStore"]()
    """The changes made to this record; cannot be included."""


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class AdyenPayment(PaymentSourceRecord):
    """A payment through Adyen."""

    type: ClassVar[str] = "adyen_payments"

    public_key: str | None = None
    """The publishable key for Adyen's components in the browser."""
    payment_methods: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """What Adyen offers for the order, stored methods too; an attribute, and possibly a large one."""
    payment_request_data: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """The payment request as the browser collected it."""
    payment_request_details: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """What the browser sent after a redirect or a challenge."""
    payment_response: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """Adyen's response as received."""
    mismatched_amounts: bool | None = None
    """Whether the order's total differs from the amount authorized."""
    balance: int | None = None
    """What is left on the shopper's gift card, in cents; `None` until it was requested."""
    expires_at: datetime | None = None
    """When a partial payment lapses; UTC."""
    closed_at: datetime | None = None
    """When a partial payment was closed, UTC; unknown to schemas before 7.10."""

    payment_gateway = ToOne["GenericResource | None"]()
    """The Adyen gateway it goes through."""


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class AxervePayment(PaymentSourceRecord):
    """A payment through Axerve."""

    type: ClassVar[str] = "axerve_payments"

    login: str | None = attrs.field(default=None, repr=False)
    """The merchant's login code at Axerve."""
    return_url: str | None = attrs.field(default=None, repr=False)
    """Where the payer comes back to after approving."""
    payment_request_data: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """The payment request as the browser collected it."""
    client_ip: str | None = attrs.field(default=None, repr=False)
    """The payer's IP address."""
    buyer_details: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """The payer's details as sent to Axerve."""
    request_token: bool | None = None
    """Whether a token for later payments was requested; a flag, despite its name."""
    mismatched_amounts: bool | None = None
    """Whether the order's total differs from the amount authorized."""

    payment_gateway = ToOne["GenericResource | None"]()
    """The Axerve gateway it goes through."""


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class BraintreePayment(PaymentSourceRecord):
    """A payment through Braintree."""

    type: ClassVar[str] = "braintree_payments"

    client_token: str | None = attrs.field(default=None, repr=False)
    """Lets Braintree's script in the browser act for the merchant; a secret."""
    payment_method_nonce: str | None = attrs.field(default=None, repr=False)
    """Stands for the payer's method, once; a secret."""
    payment_id: str | None = None
    """Braintree's id of a local payment."""
    local: bool | None = None
    """Whether it is a local payment, which Braintree completes by a webhook."""
    options: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """Further options sent to Braintree: `customer_id`, `payment_method_token`, at times a card."""

    payment_gateway = ToOne["GenericResource | None"]()
    """The Braintree gateway it goes through."""


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class CheckoutComPayment(PaymentSourceRecord):
    """A payment through Checkout.com.

    Served by API version 2017-08 only.
    """

    type: ClassVar[str] = "checkout_com_payments"

    public_key: str | None = None
    """The publishable key for Checkout.com's components in the browser."""
    token: str | None = attrs.field(default=None, repr=False)
    """The payment's or digital wallet's token; a secret."""
    payment_session: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """The session that starts the payment, with its secret."""
    success_url: str | None = attrs.field(default=None, repr=False)
    """Where the payer goes after 3-D Secure has succeeded."""
    failure_url: str | None = attrs.field(default=None, repr=False)
    """Where the payer goes after 3-D Secure has failed."""
    source_id: str | None = attrs.field(default=None, repr=False)
    """Checkout.com's id of the stored method, good for further payments; a secret."""
    customer_token: str | None = attrs.field(default=None, repr=False)
    """The customer's id at Checkout.com, which can pay in place of a source; a secret."""
    redirect_uri: str | None = attrs.field(default=None, repr=False)
    """Where the payer must go to complete the payment."""
    payment_response: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """Checkout.com's response as received."""
    mismatched_amounts: bool | None = None
    """Whether the order's total differs from the amount authorized."""

    payment_gateway = ToOne["GenericResource | None"]()
    """The Checkout.com gateway it goes through."""


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class ExternalPayment(PaymentSourceRecord):
    """A payment through a gateway of the organization's own."""

    type: ClassVar[str] = "external_payments"

    payment_source_token: str | None = attrs.field(default=None, repr=False)
    """The token issued by the external gateway; a secret."""
    options: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """Further options sent to the external gateway."""

    payment_gateway = ToOne["GenericResource | None"]()
    """The external gateway it goes through."""
    wallet = ToOne["CustomerPaymentSource | None"]()
    """The wallet's record of this source; null where the customer does not keep it."""


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class KlarnaPayment(PaymentSourceRecord):
    """A payment through Klarna."""

    type: ClassVar[str] = "klarna_payments"

    session_id: str | None = attrs.field(default=None, repr=False)
    """Klarna's id of the payment session."""
    client_token: str | None = attrs.field(default=None, repr=False)
    """Opens the session for Klarna's script in the browser; a secret."""
    payment_methods: tuple[Mapping[str, Any], ...] | None = attrs.field(default=None, repr=False)
    """What Klarna offers for the order; an attribute, and an array unlike Adyen's."""
    auth_token: str | None = attrs.field(default=None, repr=False)
    """Creates the order once the payer has agreed; a secret."""
    mismatched_amounts: bool | None = None
    """Whether the order's total differs from the session's amount."""

    payment_gateway = ToOne["GenericResource | None"]()
    """The Klarna gateway it goes through."""


@public("commercelayer_async.resources")
class PaypalStatus(StrEnum):
    """The known values of `PaypalPayment.status`."""

    CREATED = "created"
    """Waiting for the payer."""
    APPROVED = "approved"
    """Agreed to by the payer."""


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class PaypalPayment(PaymentSourceRecord):
    """A payment through PayPal."""

    type: ClassVar[str] = "paypal_payments"

    return_url: str | None = attrs.field(default=None, repr=False)
    """Where the payer comes back to after approving."""
    cancel_url: str | None = attrs.field(default=None, repr=False)
    """Where the payer comes back to after giving up."""
    note_to_payer: str | None = None
    """A note that PayPal shows to the payer."""
    paypal_payer_id: str | None = attrs.field(default=None, repr=False)
    """The payer's id at PayPal; `None` until the payer has approved."""
    name: str | None = attrs.field(default=None, repr=False)
    """The payer's id once more, if there is one."""
    paypal_id: str | None = None
    """PayPal's id of the payment."""
    status: str | None = None
    """The state of the payment; see `PaypalStatus`."""
    approval_url: str | None = attrs.field(default=None, repr=False)
    """Where the payer must go to approve; carries a token."""
    mismatched_amounts: bool | None = None
    """Whether the order's total differs from the amount agreed with PayPal."""

    payment_gateway = ToOne["GenericResource | None"]()
    """The PayPal gateway it goes through."""


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class SatispayPayment(PaymentSourceRecord):
    """A payment through Satispay."""

    type: ClassVar[str] = "satispay_payments"

    payment_id: str | None = None
    """Satispay's id of the payment."""
    flow: str | None = None
    """How the payer is reached, in Satispay's words, such as `MATCH_CODE`."""
    status: str | None = None
    """The state of the payment, in Satispay's words, such as `PENDING`."""
    redirect_url: str | None = attrs.field(default=None, repr=False)
    """Where the payer comes back to at the end."""
    payment_url: str | None = attrs.field(default=None, repr=False)
    """Satispay's page on which the payer pays."""
    payment_response: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """Satispay's response as received."""

    payment_gateway = ToOne["GenericResource | None"]()
    """The Satispay gateway it goes through."""


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class StripePayment(PaymentSourceRecord):
    """A payment through Stripe."""

    type: ClassVar[str] = "stripe_payments"

    stripe_id: str | None = None
    """Stripe's id of the payment intent."""
    client_secret: str | None = attrs.field(default=None, repr=False)
    """Lets the browser complete the payment intent; a secret."""
    connected_account: str | None = None
    """The connected Stripe account the money is meant for, if any."""
    charge_id: str | None = None
    """Stripe's id of the charge; `None` until the intent is confirmed."""
    publishable_key: str | None = None
    """The publishable key for Stripe's script in the browser."""
    on_behalf_of: str | None = None
    """The Stripe account on whose behalf the charge is made, if any."""
    transfer_group: str | None = None
    """Groups this payment with others at Stripe."""
    options: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """Further options sent to Stripe: `customer`, `payment_method`, `return_url` and more."""
    payment_method: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """The payment method from Stripe's webhook; an attribute, unlike the wallet's relationship of that name."""
    mismatched_amounts: bool | None = None
    """Whether the order's total differs from the payment intent's amount."""
    return_url: str | None = attrs.field(default=None, repr=False)
    """Where the payer comes back to after a redirect."""
    receipt_email: str | None = attrs.field(default=None, repr=False)
    """The e-mail address the receipt goes to."""

    payment_gateway = ToOne["GenericResource | None"]()
    """The Stripe gateway it goes through."""


@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class WireTransfer(PaymentSourceRecord):
    """A payment by bank transfer, without a gateway."""

    type: ClassVar[str] = "wire_transfers"


PaymentSource: TypeAlias = (
    AdyenPayment
    | AxervePayment
    | BraintreePayment
    | CheckoutComPayment
    | ExternalPayment
    | KlarnaPayment
    | PaypalPayment
    | SatispayPayment
    | StripePayment
    | WireTransfer
    | GenericResource
)
"""Any payment source; a `GenericResource` is of a type newer than this library."""
