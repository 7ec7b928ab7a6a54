"""Attributes of wallets and of what surrounds them, without those common to all types."""

from collections.abc import Mapping
from typing import Final

from .generate import Draw
from .times import iso, iso_offset

Attributes = dict[str, object]

DOCUMENTED_ID: Final = "xYZkjABcde"
"""The wallet that the documentation of the API shows."""

DOCUMENTED_MS: Final = 1_514_808_000_000  # 2018-01-01T12:00:00.000Z

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
"""The relationships it shows; the others came later."""

LATER_ATTRIBUTES: Final = frozenset({"payment_source_token", "reference_origin"})
"""What the oldest wallets lack. That old records lack attributes is a fact; which ones is a choice."""

_CURRENCIES: Final = {"EUR": "€{}", "USD": "${}"}


def wallet(draw: Draw, source_type: str) -> Attributes:
    """A `customer_payment_sources` record whose payment source is, or was, of *source_type*."""
    label = f"{source_type.removesuffix('s')} #{draw.number(1000, 9999)}"
    return {
        "name": draw.maybe(draw.pick(f"XXXX-XXXX-XXXX-{draw.digits(4)}", label), 0.95),
        "customer_token": draw.maybe(draw.token("cus_", 14), 0.9),
        "payment_source_token": draw.maybe(draw.token("pm_"), 0.9),
    }


def email_of(name: str, key: int) -> str:
    """The address of the customer number *key*."""
    return f"{name}.{key}@example.com"


def key_of_email(email: str) -> int:
    """The number in the address of a customer, 0 where there is none."""
    number = email.partition("@")[0].rpartition(".")[2]
    return int(number) if number.isascii() and number.isdecimal() else 0


def customer(draw: Draw, key: int) -> Attributes:
    """A `customers` record."""
    status = draw.pick("prospect", "acquired", "repeat")
    anonymization = draw.maybe("requested", 0.1)
    return {
        "email": email_of(draw.pick("ada", "chloe", "dario", "ewa", "farid"), key),
        "status": status,
        "has_password": draw.maybe(draw.flag(), 0.95),
        "total_orders_count": draw.maybe(0 if status == "prospect" else draw.number(1, 40), 0.95),
        "shopper_reference": draw.maybe(draw.token("shopper_", 10)),
        "profile_id": draw.maybe(draw.token("prof_", 10), 0.5),
        "tax_exemption_code": draw.maybe(draw.digits(9), 0.1),
        "jwt_custom_claim": draw.maybe({}, 0.5),
        # Not ISO 8601: the API writes the times inside this object in a form of their own.
        "anonymization_info": anonymization and {"status": "requested", "requested_at": "2025-03-15 11:39:21 UTC"},
        "anonymization_status": anonymization,
    }


def payment_method(draw: Draw, source_type: str, currency: str) -> Attributes:
    """A `payment_methods` record for payment sources of *source_type*."""
    price, most = draw.number(0, 999), draw.maybe(draw.number(1_000, 100_000), 0.5)
    return {
        "name": draw.maybe(f"{source_type.removesuffix('s').replace('_', ' ').title()} {currency}", 0.95),
        "payment_source_type": source_type,
        "currency_code": currency,
        "moto": draw.maybe(draw.flag()),
        "require_capture": draw.maybe(draw.flag()),
        "auto_place": draw.maybe(draw.flag()),
        "auto_capture": draw.maybe(draw.flag()),
        "price_amount_cents": price,
        "price_amount_float": price / 100,
        "formatted_price_amount": _formatted(price, currency),
        "auto_capture_max_amount_cents": most,
        "auto_capture_max_amount_float": None if most is None else most / 100,
        "formatted_auto_capture_max_amount": None if most is None else _formatted(most, currency),
        "disabled_at": draw.maybe(iso(1_760_000_000_000 + draw.number(0, 10**9)), 0.1),
    }


def gateway(type: str) -> Attributes:
    """A payment gateway; what is particular to each (keys, logins) is not modelled."""
    return {"name": f"{type.removesuffix('_gateways').replace('_', ' ').title()} Gateway"}


def common(draw: Draw, created_ms: int, updated_ms: int) -> Attributes:
    """The attributes that close the list of every type but the event stores."""
    return {
        "created_at": iso(created_ms),
        "updated_at": iso(updated_ms),
        "reference": draw.maybe(f"REF-{draw.digits(6)}", 0.5),
        "reference_origin": draw.maybe(draw.pick("crm", "erp"), 0.5),
        "metadata": draw.metadata(),
    }


def event_store(draw: Draw, ms: int, resource_id: str, *, first: bool) -> Attributes:
    """One change of a wallet: `reference` is an object here, times end in `+00:00`."""
    before, after = (None if first else draw.token("REF-", 6)), draw.token("REF-", 6)
    return {
        "resource_type": "customer_payment_sources",
        "resource_id": resource_id,
        "event": "create" if first else "update",
        "payload": {"reference": {"from": before, "to": after}},
        "who": {
            "application": {
                "id": draw.token("", 10),
                "client_id": draw.token("", 43),
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
