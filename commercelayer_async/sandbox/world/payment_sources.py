"""Attributes of the ten types of payment source: every one of the public schema, in its order.

An attribute drawn with `maybe` is nullable in the schema; the others never are null. The attributes common to
all types (`created_at`, `reference`, ...) are added by the world.
"""

from collections.abc import Callable, Mapping
from typing import Final

from .generate import Draw
from .times import iso

Attributes = dict[str, object]


def _adyen(draw: Draw) -> Attributes:
    reference = draw.token("", 16).upper()
    return {
        "public_key": draw.maybe(draw.token("test_", 32)),
        "payment_methods": {"paymentMethods": [{"name": "Cards", "type": "scheme", "brands": ["visa", "mc"]}]},
        "payment_request_data": draw.maybe({"paymentMethod": {"type": "scheme"}, "shopperInteraction": "Ecommerce"}),
        "payment_request_details": draw.maybe({"details": {"redirectResult": draw.token("", 40)}}, 0.3),
        "payment_response": draw.maybe({"pspReference": reference, "resultCode": "Authorised"}),
        "mismatched_amounts": draw.maybe(draw.flag()),
        "balance": draw.maybe(draw.number(0, 50_000), 0.2),
        "expires_at": draw.maybe(iso(1_767_225_600_000 + draw.number(0, 10**9)), 0.3),
        "closed_at": draw.maybe(iso(1_769_904_000_000 + draw.number(0, 10**9)), 0.2),
        "payment_instrument": draw.maybe(draw.card()),
    }


def _axerve(draw: Draw) -> Attributes:
    return {
        "login": draw.token("GESPAY", 5),
        "return_url": "https://shop.example/return",
        "payment_request_data": draw.maybe({"cust_method": draw.token("", 12)}),
        "client_ip": draw.maybe(f"203.0.113.{draw.number(1, 254)}"),
        "buyer_details": draw.maybe({"cardholder": {"name": draw.last_name()}}),
        "request_token": draw.maybe(draw.flag()),
        "mismatched_amounts": draw.maybe(draw.flag()),
        "payment_instrument": draw.maybe(draw.card()),
    }


def _braintree(draw: Draw) -> Attributes:
    return {
        "client_token": draw.token("eyJ2ZXJzaW9uIjoy", 48),
        "payment_method_nonce": draw.maybe(draw.token("tokencc_", 24)),
        "payment_id": draw.maybe(draw.token("", 8)),
        "local": draw.maybe(draw.flag()),
        "options": draw.maybe({"customer_id": draw.digits(11), "payment_method_token": draw.token("", 8)}),
        "payment_instrument": draw.maybe(draw.card()),
    }


def _checkout_com(draw: Draw) -> Attributes:
    return {
        "public_key": draw.maybe(draw.token("pk_sbox_", 27)),
        "token": draw.token("tok_", 26),
        "payment_session": {"id": draw.token("ps_", 27), "payment_session_secret": draw.token("pss_", 36)},
        "success_url": "https://shop.example/success",
        "failure_url": "https://shop.example/failure",
        "source_id": draw.maybe(draw.token("src_", 26)),
        "customer_token": draw.maybe(draw.token("cus_", 26)),
        "redirect_uri": draw.maybe("https://gateway.example/3ds", 0.3),
        "payment_response": draw.maybe({"id": draw.token("pay_", 26), "status": "Authorized"}),
        "mismatched_amounts": draw.maybe(draw.flag()),
        "payment_instrument": draw.maybe(draw.card()),
    }


def _external(draw: Draw) -> Attributes:
    return {
        "payment_source_token": draw.token("ext_", 20),
        "options": draw.maybe({"foo": "bar"}),
        "payment_instrument": draw.maybe(draw.card()),
    }


def _klarna(draw: Draw) -> Attributes:
    return {
        "session_id": draw.maybe(draw.token("", 36)),
        "client_token": draw.maybe(draw.token("eyJhbGciOiJSUzI1NiJ9.", 40)),
        "payment_methods": [{"identifier": "pay_later", "name": "Pay later"}],
        "auth_token": draw.maybe(draw.token("", 36)),
        "mismatched_amounts": draw.maybe(draw.flag()),
        "payment_instrument": draw.maybe({"issuer": "klarna", "issuer_type": "pay later"}),
    }


def _paypal(draw: Draw) -> Attributes:
    payer = draw.token("", 13).upper()
    return {
        "return_url": "https://shop.example/return",
        "cancel_url": "https://shop.example/cancel",
        "note_to_payer": draw.maybe("Thank you for your order.", 0.3),
        "paypal_payer_id": draw.maybe(payer),
        "name": draw.maybe(payer),
        "paypal_id": draw.maybe(draw.token("PAYID-", 24)),
        "status": draw.maybe(draw.pick("created", "approved")),
        "approval_url": draw.maybe(f"https://gateway.example/checkoutnow?token={draw.token('EC-', 17)}"),
        "mismatched_amounts": draw.maybe(draw.flag()),
        "payment_instrument": draw.maybe({"issuer": "paypal", "issuer_type": "paypal"}),
    }


def _satispay(draw: Draw) -> Attributes:
    payment = draw.hexadecimal(32)
    return {
        "payment_id": draw.maybe(payment),
        "flow": draw.maybe(draw.pick("MATCH_CODE", "MATCH_USER")),
        "status": draw.maybe(draw.pick("PENDING", "ACCEPTED", "CANCELED")),
        "redirect_url": draw.maybe("https://shop.example/return"),
        "payment_url": draw.maybe(f"https://gateway.example/pay/{payment}"),
        "payment_response": draw.maybe({"id": payment, "type": "TO_BUSINESS"}),
        "payment_instrument": draw.maybe({"issuer": "satispay", "issuer_type": "satispay"}),
    }


def _stripe(draw: Draw) -> Attributes:
    intent, method = draw.token("pi_"), draw.token("pm_")
    return {
        "stripe_id": draw.maybe(intent, 0.9),
        "client_secret": draw.maybe(draw.token(f"{intent}_secret_", 25), 0.9),
        "connected_account": draw.maybe(draw.token("acct_", 16), 0.3),
        "charge_id": draw.maybe(draw.token("ch_")),
        "publishable_key": draw.maybe(draw.token("pk_test_", 32)),
        "on_behalf_of": draw.maybe(draw.token("acct_", 16), 0.2),
        "transfer_group": draw.maybe(f"ORDER{draw.number(1, 9999)}", 0.3),
        "options": draw.maybe({"customer": draw.token("cus_", 14), "payment_method": method}),
        "payment_method": draw.maybe({"id": method, "type": "card", "card": {"brand": "visa", "last4": "4242"}}),
        "mismatched_amounts": draw.maybe(draw.flag()),
        "return_url": draw.maybe("https://shop.example/return"),
        "receipt_email": draw.maybe("receipts@example.com", 0.4),
        "payment_instrument": draw.maybe(draw.card()),
    }


def _wire(draw: Draw) -> Attributes:
    return {"payment_instrument": draw.maybe({"issuer": "bank", "issuer_type": "wire transfer"})}


MAKERS: Final[Mapping[str, Callable[[Draw], Attributes]]] = {
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
"""What draws the attributes of each type of payment source."""
