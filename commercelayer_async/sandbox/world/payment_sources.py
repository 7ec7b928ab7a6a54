"""Attributes of the ten types of payment source: all those of the public schema, in its order.

An attribute made with `maybe` is nullable in the schema; the others are never null. The attributes common to all types
(`created_at`, `reference`, ...) are added by `tables`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from .generate import FakeValues
from .times import iso

Attributes = dict[str, object]


def _adyen(fake: FakeValues) -> Attributes:
    reference = fake.token("", 16).upper()
    return {
        "public_key": fake.maybe(fake.token("test_", 32)),
        "payment_methods": {"paymentMethods": [{"name": "Cards", "type": "scheme", "brands": ["visa", "mc"]}]},
        "payment_request_data": fake.maybe({"paymentMethod": {"type": "scheme"}, "shopperInteraction": "Ecommerce"}),
        "payment_request_details": fake.maybe({"details": {"redirectResult": fake.token("", 40)}}, 0.3),
        "payment_response": fake.maybe({"pspReference": reference, "resultCode": "Authorised"}),
        "mismatched_amounts": fake.maybe(fake.flag()),
        "balance": fake.maybe(fake.number(0, 50_000), 0.2),
        "expires_at": fake.maybe(iso(1_767_225_600_000 + fake.number(0, 10**9)), 0.3),
        "closed_at": fake.maybe(iso(1_769_904_000_000 + fake.number(0, 10**9)), 0.2),
        "payment_instrument": fake.maybe(fake.card()),
    }


def _axerve(fake: FakeValues) -> Attributes:
    return {
        "login": fake.token("GESPAY", 5),
        "return_url": "https://shop.example/return",
        "payment_request_data": fake.maybe({"cust_method": fake.token("", 12)}),
        "client_ip": fake.maybe(f"203.0.113.{fake.number(1, 254)}"),
        "buyer_details": fake.maybe({"cardholder": {"name": fake.last_name()}}),
        "request_token": fake.maybe(fake.flag()),
        "mismatched_amounts": fake.maybe(fake.flag()),
        "payment_instrument": fake.maybe(fake.card()),
    }


def _braintree(fake: FakeValues) -> Attributes:
    return {
        "client_token": fake.token("eyJ2ZXJzaW9uIjoy", 48),
        "payment_method_nonce": fake.maybe(fake.token("tokencc_", 24)),
        "payment_id": fake.maybe(fake.token("", 8)),
        "local": fake.maybe(fake.flag()),
        "options": fake.maybe({"customer_id": fake.digits(11), "payment_method_token": fake.token("", 8)}),
        "payment_instrument": fake.maybe(fake.card()),
    }


def _checkout_com(fake: FakeValues) -> Attributes:
    return {
        "public_key": fake.maybe(fake.token("pk_sbox_", 27)),
        "token": fake.token("tok_", 26),
        "payment_session": {"id": fake.token("ps_", 27), "payment_session_secret": fake.token("pss_", 36)},
        "success_url": "https://shop.example/success",
        "failure_url": "https://shop.example/failure",
        "source_id": fake.maybe(fake.token("src_", 26)),
        "customer_token": fake.maybe(fake.token("cus_", 26)),
        "redirect_uri": fake.maybe("https://gateway.example/3ds", 0.3),
        "payment_response": fake.maybe({"id": fake.token("pay_", 26), "status": "Authorized"}),
        "mismatched_amounts": fake.maybe(fake.flag()),
        "payment_instrument": fake.maybe(fake.card()),
    }


def _external(fake: FakeValues) -> Attributes:
    return {
        "payment_source_token": fake.token("ext_", 20),
        "options": fake.maybe({"foo": "bar"}),
        "payment_instrument": fake.maybe(fake.card()),
    }


def _klarna(fake: FakeValues) -> Attributes:
    return {
        "session_id": fake.maybe(fake.token("", 36)),
        "client_token": fake.maybe(fake.token("eyJhbGciOiJSUzI1NiJ9.", 40)),
        "payment_methods": [{"identifier": "pay_later", "name": "Pay later"}],
        "auth_token": fake.maybe(fake.token("", 36)),
        "mismatched_amounts": fake.maybe(fake.flag()),
        "payment_instrument": fake.maybe({"issuer": "klarna", "issuer_type": "pay later"}),
    }


def _paypal(fake: FakeValues) -> Attributes:
    payer = fake.token("", 13).upper()
    return {
        "return_url": "https://shop.example/return",
        "cancel_url": "https://shop.example/cancel",
        "note_to_payer": fake.maybe("Thank you for your order.", 0.3),
        "paypal_payer_id": fake.maybe(payer),
        "name": fake.maybe(payer),
        "paypal_id": fake.maybe(fake.token("PAYID-", 24)),
        "status": fake.maybe(fake.pick("created", "approved")),
        "approval_url": fake.maybe(f"https://gateway.example/checkoutnow?token={fake.token('EC-', 17)}"),
        "mismatched_amounts": fake.maybe(fake.flag()),
        "payment_instrument": fake.maybe({"issuer": "paypal", "issuer_type": "paypal"}),
    }


def _satispay(fake: FakeValues) -> Attributes:
    payment = fake.hexadecimal(32)
    return {
        "payment_id": fake.maybe(payment),
        "flow": fake.maybe(fake.pick("MATCH_CODE", "MATCH_USER")),
        "status": fake.maybe(fake.pick("PENDING", "ACCEPTED", "CANCELED")),
        "redirect_url": fake.maybe("https://shop.example/return"),
        "payment_url": fake.maybe(f"https://gateway.example/pay/{payment}"),
        "payment_response": fake.maybe({"id": payment, "type": "TO_BUSINESS"}),
        "payment_instrument": fake.maybe({"issuer": "satispay", "issuer_type": "satispay"}),
    }


def _stripe(fake: FakeValues) -> Attributes:
    intent, method = fake.token("pi_"), fake.token("pm_")
    return {
        "stripe_id": fake.maybe(intent, 0.9),
        "client_secret": fake.maybe(fake.token(f"{intent}_secret_", 25), 0.9),
        "connected_account": fake.maybe(fake.token("acct_", 16), 0.3),
        "charge_id": fake.maybe(fake.token("ch_")),
        "publishable_key": fake.maybe(fake.token("pk_test_", 32)),
        "on_behalf_of": fake.maybe(fake.token("acct_", 16), 0.2),
        "transfer_group": fake.maybe(f"ORDER{fake.number(1, 9999)}", 0.3),
        "options": fake.maybe({"customer": fake.token("cus_", 14), "payment_method": method}),
        "payment_method": fake.maybe({"id": method, "type": "card", "card": {"brand": "visa", "last4": "4242"}}),
        "mismatched_amounts": fake.maybe(fake.flag()),
        "return_url": fake.maybe("https://shop.example/return"),
        "receipt_email": fake.maybe("receipts@example.com", 0.4),
        "payment_instrument": fake.maybe(fake.card()),
    }


def _wire(fake: FakeValues) -> Attributes:
    return {"payment_instrument": fake.maybe({"issuer": "bank", "issuer_type": "wire transfer"})}


ATTRIBUTE_MAKERS: Final[Mapping[str, Callable[[FakeValues], Attributes]]] = {
    "adyen_payments": _adyen,
    "axerve_payments": _axerve,
    "braintree_payments": _braintree,
    "checkout_com_payments": _checkout_com,
    "external_payments": _external,
    "klarna_payments": _klarna,
    "paypal_payments": _paypal,
    "satispay_payments": _satispay,
    "stripe_payments": _stripe,
    "wire_transfers": _wire,
}
"""The function that makes the attributes, by type of payment source."""
