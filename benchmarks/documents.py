"""The documents that are decoded and served: made up, always the same, in the shapes that the API answers with.

Ids, tokens and times differ from resource to resource, so that no decoder profits from a string seen before. Imported
by programs of other environments too, so it needs nothing but the standard library.
"""

import json
from random import Random
from typing import Any, Final

HOST: Final = "https://yourdomain.commercelayer.io/api"
WALLET_ID: Final = "xYZkjABcde"
WALLET_URL: Final = f"{HOST}/customer_payment_sources/{WALLET_ID}"
PAGE: Final = 25

_CUSTOMER_RELATIONSHIPS: Final = (
    "customer_group",
    "customer_addresses",
    "customer_payment_sources",
    "customer_subscriptions",
    "orders",
    "order_subscriptions",
    "returns",
    "attachments",
    "events",
)
_NOT_ASCII: Final = "Käuferkonto für 25 €"
_ID: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def single(*, ascii_only: bool = True) -> bytes:
    """One wallet: the published example of the API's documentation, compact; on request with an umlaut in it."""
    resource = _resource(
        "customer_payment_sources",
        WALLET_ID,
        {
            "name": "XXXX-XXXX-XXXX-1111" if ascii_only else f"{_NOT_ASCII} 1111",
            "customer_token": "cus_xxxyyyzzz",
            "payment_source_token": "pm_xxxyyyzzz",
            "created_at": "2018-01-01T12:00:00.000Z",
            "updated_at": "2018-01-01T12:00:00.000Z",
            "reference": "ANY-EXTERNAL-REFEFERNCE",
            "reference_origin": "ANY-EXTERNAL-REFEFERNCE-ORIGIN",
            "metadata": {"foo": "bar"},
        },
        {"customer": None, "payment_source": None},
    )
    return _dumped({"data": resource}, ascii_only=ascii_only)


def page(size: int = PAGE, *, unknown: int = 0) -> bytes:
    """A page of wallets without linkage; the last `unknown` of them are of a type nobody knows."""
    random = Random(size)
    wallets = [_wallet(random, linked=False) for _ in range(size)]
    for wallet in wallets[size - unknown :]:
        wallet["type"] = "novel_payment_sources"
    return _dumped({"data": wallets, **_around(size)})


def page_with_included(size: int = PAGE, *, payment_type: str = "stripe_payments", ascii_only: bool = True) -> bytes:
    """A compound document: wallets, and for each its customer and its payment source, included.

    With `ascii_only=False` every wallet's name and every customer's reference has umlauts and a euro sign in it, which
    are written as UTF-8, as the API does, and not escaped.
    """
    random = Random(size)
    wallets = [_wallet(random, payment_type=payment_type) for _ in range(size)]
    included = []
    for wallet in wallets:
        relationships = wallet["relationships"]
        included.append(_customer(random, relationships["customer"]["data"]["id"]))
        included.append(_payment(random, relationships["payment_source"]["data"]["id"], payment_type))
    if not ascii_only:
        for one in (*wallets, *included):
            name = {"customer_payment_sources": "name", "customers": "shopper_reference"}.get(one["type"])
            if name is not None:
                one["attributes"][name] = f"{_NOT_ASCII} {one['attributes'][name]}"
    return _dumped({"data": wallets, "included": included, **_around(size)}, ascii_only=ascii_only)


def compound(resources: int) -> bytes:
    """The same of any size: at least so many resources, a third of them wallets."""
    return page_with_included(-(-resources // 3))


def ids(count: int) -> list[str]:
    """Ids of wallets, more than anybody's cache of URLs holds."""
    random = Random(count)
    return [_word(random) for _ in range(count)]


def named() -> dict[str, bytes]:
    """The documents that everybody decodes, by name."""
    return {
        "single": single(),
        "single-utf8": single(ascii_only=False),
        "page25": page(),
        "page25-50": page_with_included(),
        "page25-50-utf8": page_with_included(ascii_only=False),
        "page2500-5000": page_with_included(2_500),
    }


def with_unknown_types() -> dict[str, bytes]:
    """Pages that hold types which no class was registered for."""
    return {
        "page25-unknown": page(unknown=5),
        "page25-50-unknown": page_with_included(payment_type="novel_payments"),
    }


def _wallet(random: Random, *, linked: bool = True, payment_type: str = "stripe_payments") -> dict[str, Any]:
    attributes = {
        "name": f"XXXX-XXXX-XXXX-{random.randrange(10_000):04}",
        "customer_token": f"cus_{_word(random, 14)}",
        "payment_source_token": f"pm_{_word(random, 24)}",
        **_record(random),
    }
    linkage = {
        "customer": {"type": "customers", "id": _word(random)},
        "payment_source": {"type": payment_type, "id": _word(random)},
    }
    relationships: dict[str, dict[str, str] | None] = {**linkage} if linked else dict.fromkeys(linkage)
    return _resource("customer_payment_sources", _word(random), attributes, relationships)


def _customer(random: Random, id_: str) -> dict[str, Any]:
    attributes = {
        "email": f"{_word(random, 8).lower()}@example.com",
        "status": random.choice(("prospect", "acquired", "repeat")),
        "has_password": random.random() < 0.5,
        "total_orders_count": random.randrange(40),
        "shopper_reference": _word(random, 12),
        "profile_id": _word(random, 12),
        "tax_exemption_code": None,
        **_record(random),
    }
    return _resource("customers", id_, attributes, dict.fromkeys(_CUSTOMER_RELATIONSHIPS))


def _payment(random: Random, id_: str, type_: str) -> dict[str, Any]:
    attributes = {
        "stripe_id": f"pi_{_word(random, 24)}",
        "client_secret": f"pi_{_word(random, 24)}_secret_{_word(random, 25)}",
        "charge_id": None,
        "publishable_key": f"pk_test_{_word(random, 24)}",
        "options": {"customer": f"cus_{_word(random, 14)}", "payment_method": f"pm_{_word(random, 24)}"},
        "payment_method": {"id": f"pm_{_word(random, 24)}"},
        "mismatched_amounts": False,
        "payment_instrument": {
            "issuer": "cl bank",
            "card_type": "visa",
            "card_last_digits": f"{random.randrange(10_000):04}",
            "card_expiry_month": "12",
            "card_expiry_year": "2030",
        },
        **_record(random),
    }
    return _resource(type_, id_, attributes, {"order": None, "payment_gateway": None})


def _record(random: Random) -> dict[str, Any]:
    day, second = random.randrange(1, 29), random.randrange(60)
    return {
        "created_at": f"2025-01-{day:02}T12:00:{second:02}.{random.randrange(1000):03}Z",
        "updated_at": f"2025-02-{day:02}T12:00:{second:02}.{random.randrange(1000):03}Z",
        "reference": f"REF-{_word(random)}",
        "reference_origin": "erp",
        "metadata": {"batch": _word(random)},
    }


def _resource(
    type_: str, id_: str, attributes: dict[str, Any], linkage: dict[str, dict[str, str] | None]
) -> dict[str, Any]:
    url = f"{HOST}/{type_}/{id_}"
    relationships: dict[str, Any] = {}
    for name, identifier in linkage.items():
        member = {"links": {"self": f"{url}/relationships/{name}", "related": f"{url}/{name}"}}
        relationships[name] = member if identifier is None else {**member, "data": identifier}
    return {
        "id": id_,
        "type": type_,
        "links": {"self": url},
        "attributes": attributes,
        "relationships": relationships,
        "meta": {"mode": "test"},
    }


def _around(size: int) -> dict[str, Any]:
    last = f"{HOST}/customer_payment_sources?page%5Bnumber%5D=1&page%5Bsize%5D={size}"
    return {"meta": {"record_count": size, "page_count": 1}, "links": {"first": last, "last": last}}


def _word(random: Random, length: int = 10) -> str:
    return "".join(random.choices(_ID, k=length))


def _dumped(document: dict[str, Any], *, ascii_only: bool = True) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=ascii_only).encode()
