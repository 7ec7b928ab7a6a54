"""Attributes of wallets, customers, payment methods, gateways, events and the organization.

A *wallet* is a `customer_payment_sources` record. The attributes common to all types but event stores are in `common`.
"""

from collections.abc import Mapping
from typing import Final

from ..viewer import Kind
from .attributes import ATTRIBUTES
from .generate import FakeValues
from .times import iso, iso_offset

Attributes = dict[str, object]

DOCUMENTED_ID: Final = "xYZkjABcde"
"""The id of the wallet that the documentation of the API shows."""

DOCUMENTED_MS: Final = 1_514_808_000_000  # 2018-01-01T12:00:00.000Z
"""When it was created and last changed, in milliseconds since 1970."""

# "REFEFERNCE" is how the published example spells it.
DOCUMENTED: Final[Mapping[str, object]] = {
    "name": "XXXX-XXXX-XXXX-1111",
    "customer_token": "cus_xxxyyyzzz",
    "payment_source_token": "pm_xxxyyyzzz",
    "created_at": iso(DOCUMENTED_MS),
    "updated_at": iso(DOCUMENTED_MS),
    "reference": "ANY-EXTERNAL-REFEFERNCE",
    "reference_origin": "ANY-EXTERNAL-REFEFERNCE-ORIGIN",
    "metadata": {"foo": "bar"},
}
"""Its attributes, member for member."""

DOCUMENTED_RELATIONSHIPS: Final = ("customer", "payment_source")
"""The relationships it shows. The API has added others since."""

LATER_ATTRIBUTES: Final = frozenset({"payment_source_token", "reference_origin"})
"""Attributes that the oldest wallets lack. That old records lack some is a fact; which ones, a guess."""

_CURRENCIES: Final = {"EUR": "€{}", "USD": "${}"}


def wallet(fake: FakeValues, source_type: str) -> Attributes:
    """Make the attributes of a wallet whose payment source is, or was, of *source_type*."""
    label = f"{source_type.removesuffix('s')} #{fake.number(1000, 9999)}"
    return {
        "name": fake.maybe(fake.pick(f"XXXX-XXXX-XXXX-{fake.digits(4)}", label), 0.95),
        "customer_token": fake.maybe(fake.token("cus_", 14), 0.9),
        "payment_source_token": fake.maybe(fake.token("pm_"), 0.9),
    }


def email_of(name: str, key: int) -> str:
    """Give the e-mail address of the customer with *key*."""
    return f"{name}.{key}@example.com"


def key_of_email(email: str) -> int:
    """Read the key in the e-mail address of a customer; 0 if there is none."""
    number = email.partition("@")[0].rpartition(".")[2]
    return int(number) if number.isascii() and number.isdecimal() else 0


def customer(fake: FakeValues, key: int) -> Attributes:
    """Make the attributes of a `customers` record."""
    status = fake.pick("prospect", "acquired", "repeat")
    anonymization = fake.maybe("requested", 0.1)
    return {
        "email": email_of(fake.pick("ada", "chloe", "dario", "ewa", "farid"), key),
        "status": status,
        "has_password": fake.maybe(fake.flag(), 0.95),
        "total_orders_count": fake.maybe(0 if status == "prospect" else fake.number(1, 40), 0.95),
        "shopper_reference": fake.maybe(fake.token("shopper_", 10)),
        "profile_id": fake.maybe(fake.token("prof_", 10), 0.5),
        "tax_exemption_code": fake.maybe(fake.digits(9), 0.1),
        "jwt_custom_claim": fake.maybe({}, 0.5),
        # Not ISO 8601: inside this object the API writes times in another form.
        "anonymization_info": anonymization and {"status": "requested", "requested_at": "2025-03-15 11:39:21 UTC"},
        "anonymization_status": anonymization,
    }


def payment_method(fake: FakeValues, source_type: str, currency: str) -> Attributes:
    """Make the attributes of a `payment_methods` record for payment sources of *source_type*."""
    price, maximum = fake.number(0, 999), fake.maybe(fake.number(1_000, 100_000), 0.5)
    return {
        "name": fake.maybe(f"{source_type.removesuffix('s').replace('_', ' ').title()} {currency}", 0.95),
        "payment_source_type": source_type,
        "currency_code": currency,
        "moto": fake.maybe(fake.flag()),
        "require_capture": fake.maybe(fake.flag()),
        "auto_place": fake.maybe(fake.flag()),
        "auto_capture": fake.maybe(fake.flag()),
        "price_amount_cents": price,
        "price_amount_float": price / 100,
        "formatted_price_amount": _formatted(price, currency),
        "auto_capture_max_amount_cents": maximum,
        "auto_capture_max_amount_float": None if maximum is None else maximum / 100,
        "formatted_auto_capture_max_amount": None if maximum is None else _formatted(maximum, currency),
        "disabled_at": fake.maybe(iso(1_760_000_000_000 + fake.number(0, 10**9)), 0.1),
    }


def gateway(fake: FakeValues, type: str) -> Attributes:
    """Make the attributes of a payment gateway."""
    webhook = f"https://core.commercelayer.example/webhook_callbacks/{type}/{fake.token('', 10)}"
    attributes: Attributes = {
        "name": f"{type.removesuffix('_gateways').replace('_', ' ').title()} Gateway",
        "force_payments": fake.maybe(fake.flag()),
        "credential_keys": fake.maybe({"api_key": f"********{fake.token('', 5)}"}),
        "disabled_at": None,
        "live_url_prefix": f"{fake.hexadecimal(16)}-Sandbox",
        "api_version": fake.maybe(71),
        "async_api": fake.maybe(fake.flag()),
        "partial_payments": fake.maybe(fake.flag()),
        "order_expiration_mins": fake.maybe(30),
        "native_customer_payment_sources": fake.maybe(fake.flag()),
        "login": fake.token("GESPAY", 5),
        "descriptor_name": fake.maybe("SANDBOX*SHOP"),
        "descriptor_phone": fake.maybe(fake.digits(10)),
        "descriptor_url": fake.maybe("shop.example"),
        "shared_secret": fake.maybe(fake.token("", 32)),
        "authorize_url": fake.maybe("https://gateway.example/authorize"),
        "capture_url": fake.maybe("https://gateway.example/capture"),
        "void_url": fake.maybe("https://gateway.example/void"),
        "refund_url": fake.maybe("https://gateway.example/refund"),
        "connected_account": fake.maybe(fake.token("acct_", 16), 0.3),
        "auto_payments": fake.maybe(fake.flag()),
        "webhook_endpoint_id": fake.maybe(fake.token("we_", 24)),
        "webhook_endpoint_secret": fake.maybe(fake.token("whsec_", 32)),
        "webhook_endpoint_url": webhook,
    }
    return {attribute.name: attributes[attribute.name] for attribute in ATTRIBUTES[type]}


def organization(fake: FakeValues) -> Attributes:
    """Make the attributes of the organization."""
    return {
        "name": "Sandbox",
        "slug": "sandbox",
        "domain": "sandbox.commercelayer.io",
        "support_phone": fake.maybe(fake.digits(10)),
        "support_email": "support@example.com",
        "logo_url": fake.maybe("https://shop.example/logo.png"),
        "favicon_url": fake.maybe("https://shop.example/favicon.ico"),
        "primary_color": "#C8984E",
        "gtm_id": None,
        "gtm_id_test": None,
        "max_concurrent_promotions": 10,
        "max_concurrent_imports": 30,
        "max_concurrent_exports": 10,
        "max_concurrent_cleanups": 10,
        "order_number_editable_test": False,
        "order_number_editable_live": False,
        "config": {},
    }


def application(kind: Kind) -> Attributes:
    """Make the attributes of the application of a kind, to which tokens are issued."""
    return {
        "name": f"Sandbox {kind.replace('_', ' ')}",
        "kind": str(kind),
        "public_access": kind is Kind.SALES_CHANNEL,
        "redirect_uri": "https://shop.example/callback" if kind is Kind.WEBAPP else None,
        "scopes": "market:all",
    }


def common(fake: FakeValues, created_ms: int, updated_ms: int) -> Attributes:
    """Make the attributes that come last in every type but event stores."""
    return {
        "created_at": iso(created_ms),
        "updated_at": iso(updated_ms),
        "reference": fake.maybe(f"REF-{fake.digits(6)}", 0.5),
        "reference_origin": fake.maybe(fake.pick("crm", "erp"), 0.5),
        "metadata": fake.metadata(),
    }


def event_store(fake: FakeValues, ms: int, resource_id: str, *, first: bool) -> Attributes:
    """Make the attributes of an event: one change of a wallet.

    Unlike in other types, `reference` is an object here and times end in `+00:00`.
    """
    before, after = (None if first else fake.token("REF-", 6)), fake.token("REF-", 6)
    return {
        "resource_type": "customer_payment_sources",
        "resource_id": resource_id,
        "event": "create" if first else "update",
        "payload": {"reference": {"from": before, "to": after}},
        "who": {
            "application": {
                "id": fake.token("", 10),
                "client_id": fake.token("", 43),
                "kind": "integration",
                "public": False,
            },
        },
        "created_at": iso_offset(ms),
        "updated_at": iso_offset(ms),
        "reference": {},
        "reference_origin": {},
        "metadata": {},
    }


def _formatted(cents: int, currency: str) -> str:
    return _CURRENCIES[currency].format(f"{cents / 100:,.2f}")
