# ruff: noqa: PLC0415 - imports are inside, because not every environment has everything
"""The contenders of `benchmarks.decode`, each in a process of its own: `python -m benchmarks.decoders NAME FOLDER`.

Asked for `{"document": "page25", "what": "read", "seconds": 0.1}`, one decodes FOLDER/page25.json as often as that
takes, and answers with the seconds of CPU and of wall time for each. `"touched"` takes every attribute of every
resource as well, both links of both relationships of every wallet, and customers and payment sources through it;
`"touched without links"` leaves out the links, which not every contender has. `"keep"` answers with the bytes of memory
that each resource takes when many are kept.
"""

import gc
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from .documents import WALLET_URL
from .measuring import CLIENT_CORE, Timed, answer, pin, questions, resident

READ: Final = "read"
TOUCHED: Final = "touched"
WITHOUT_LINKS: Final = "touched without links"
KEPT: Final = 50_000
DETACHED = "commercelayer_async, detached"
"""Measured for its memory alone."""


class Decoder(NamedTuple):
    """How a contender decodes, and how it takes what it decoded: `TOUCHED` or `WITHOUT_LINKS`."""

    decode: Callable[[bytes], Any]
    touch: Callable[[Any, str], object]


def _untyped(decode: Callable[[bytes], Any]) -> Decoder:
    def touch(document: Any, what: str) -> None:
        links = what == TOUCHED
        data = document["data"]
        included = {(one["type"], one["id"]): one for one in document.get("included", ())}
        for wallet in data if isinstance(data, list) else [data]:
            _ = wallet["id"]
            _read_wallet_members(wallet["attributes"])
            relationships = wallet["relationships"]
            customer, payment = relationships["customer"], relationships["payment_source"]
            if links:
                for relationship in (customer, payment):
                    own = relationship["links"]
                    _ = (own["self"], own["related"])
            if included:
                at = customer["data"]
                _read_customer_members(included[at["type"], at["id"]]["attributes"])
                at = payment["data"]
                _read_payment_members(included[at["type"], at["id"]]["attributes"])

    return Decoder(decode, touch)


def _read_wallet_members(a: Any) -> None:
    _ = (
        a["name"],
        a["customer_token"],
        a["payment_source_token"],
        a["created_at"],
        a["updated_at"],
        a["reference"],
        a["reference_origin"],
        a["metadata"],
    )


def _read_customer_members(a: Any) -> None:
    _ = (
        a["email"],
        a["status"],
        a["has_password"],
        a["total_orders_count"],
        a["shopper_reference"],
        a["profile_id"],
        a["tax_exemption_code"],
        a["created_at"],
        a["updated_at"],
        a["reference"],
        a["reference_origin"],
        a["metadata"],
    )


def _read_payment_members(a: Any) -> None:
    _ = (
        a["stripe_id"],
        a["client_secret"],
        a["charge_id"],
        a["publishable_key"],
        a["options"],
        a["payment_method"],
        a["mismatched_amounts"],
        a["payment_instrument"],
        a["created_at"],
        a["updated_at"],
        a["reference"],
        a["reference_origin"],
        a["metadata"],
    )


def _read_wallet(a: Any) -> None:
    _ = (
        a.name,
        a.customer_token,
        a.payment_source_token,
        a.created_at,
        a.updated_at,
        a.reference,
        a.reference_origin,
        a.metadata,
    )


def _read_customer(a: Any) -> None:
    _ = (
        a.email,
        a.status,
        a.has_password,
        a.total_orders_count,
        a.shopper_reference,
        a.profile_id,
        a.tax_exemption_code,
        a.created_at,
        a.updated_at,
        a.reference,
        a.reference_origin,
        a.metadata,
    )


def _read_payment(a: Any) -> None:
    _ = (
        a.stripe_id,
        a.client_secret,
        a.charge_id,
        a.publishable_key,
        a.options,
        a.payment_method,
        a.mismatched_amounts,
        a.payment_instrument,
        a.created_at,
        a.updated_at,
        a.reference,
        a.reference_origin,
        a.metadata,
    )


def orjson_untyped() -> Decoder:
    """The floor: dicts and lists."""
    import orjson

    return _untyped(orjson.loads)


def msgspec_untyped() -> Decoder:
    """The same by msgspec."""
    import msgspec

    return _untyped(msgspec.json.Decoder().decode)


def stdlib_json() -> Decoder:
    """The same by the standard library."""
    return _untyped(json.loads)


def _typed(decode: Callable[[bytes], Any], type_of: Callable[[Any], str]) -> Decoder:
    def touch(document: Any, what: str) -> None:
        links = what == TOUCHED
        data = document.data
        included = {(type_of(one), one.id): one for one in document.included}
        for wallet in data if isinstance(data, list) else [data]:
            _ = wallet.id
            _read_wallet(wallet.attributes)
            customer, payment = wallet.relationships.customer, wallet.relationships.payment_source
            if links:
                for relationship in (customer, payment):
                    own = relationship.links
                    _ = (own.self, own.related)
            if included:
                at = customer.data
                _read_customer(included[at.type, at.id].attributes)
                at = payment.data
                _read_payment(included[at.type, at.id].attributes)

    return Decoder(decode, touch)


def structs() -> Decoder:
    """The typed floor: msgspec Structs in the shape of the document."""
    import msgspec

    from .structs import Customer, Document

    def type_of(resource: Any) -> str:
        return "customers" if type(resource) is Customer else "stripe_payments"

    return _typed(msgspec.json.Decoder(Document).decode, type_of)


def pydantic_models() -> Decoder:
    """The same by pydantic."""
    from .models import Document

    return _typed(Document.model_validate_json, lambda resource: resource.type)


def commercelayer_async() -> Decoder:
    """This package."""
    from commercelayer_async.jsonapi import Registry
    from commercelayer_async.resources import RESOURCES

    registry = Registry(*RESOURCES)

    def decode(body: bytes) -> Any:
        return registry.read(body, url=WALLET_URL)

    def touch(wallets: Any, what: str) -> None:
        links = what == TOUCHED
        for wallet in wallets if isinstance(wallets, tuple) else [wallets]:
            _ = wallet.id
            _read_wallet(wallet)
            customer, payment = wallet.customer, wallet.payment_source
            if links:
                for relationship in (customer, payment):
                    own = relationship.links
                    _ = (own.self.href, own.related.href)
            if customer.loaded:
                _read_customer(customer.value)
                _read_payment(payment.value)

    return Decoder(decode, touch)


def commercelayer_async_detached() -> Decoder:
    """This package, each resource without its document; for the memory that those take which are kept."""
    attached = commercelayer_async()

    def decode(body: bytes) -> Any:
        wallets = attached.decode(body)
        found: list[Any] = []
        for wallet in wallets if isinstance(wallets, tuple) else [wallets]:
            targets = [one.value for one in (wallet.customer, wallet.payment_source) if one.loaded]
            found += [one.detached() for one in (wallet, *targets)]
        return found

    return Decoder(decode, lambda wallets, _: len(wallets))


def commercelayer() -> Decoder:
    """Commercelayer 3.0.4, with the models that its functions give."""
    from commercelayer.models.ge_tcustomer_payment_sources_response_200 import (
        GETcustomerPaymentSourcesResponse200 as Page,
    )
    from commercelayer.models.ge_tcustomer_payment_sourcescustomer_payment_source_id_response_200 import (
        GETcustomerPaymentSourcescustomerPaymentSourceIdResponse200 as Single,
    )

    def decode(body: bytes) -> Any:
        document = json.loads(body)
        return (Page if isinstance(document["data"], list) else Single).from_dict(document).data

    def touch(data: Any, what: str) -> None:
        links = what == TOUCHED
        for wallet in data if isinstance(data, list) else [data]:
            _read_wallet(wallet.attributes)
            relationships = wallet.relationships
            for relationship in (relationships.customer, relationships.payment_source) if links else ():
                own = relationship.links
                _ = (own.self_, own.related)

    return Decoder(decode, touch)


def jsonapi_client() -> Decoder:
    """jsonapi-client; its session's caches are cleared after each document, or it would keep all for ever."""
    from jsonapi_client import Session

    session = Session("https://yourdomain.commercelayer.io/api")
    caches = (
        session.resources_by_resource_identifier,
        session.resources_by_link,
        session.documents_by_link,
    )

    def decode(body: bytes) -> Any:
        for cache in caches:
            cache.clear()
        return session.read(json.loads(body))

    def touch(document: Any, what: str) -> None:
        links = what == TOUCHED
        for wallet in document.resources:
            _ = wallet.id
            # By index: as attributes, names lose their underscores.
            _read_wallet_members(wallet)
            relationships = wallet.relationships
            customer, payment = relationships["customer"], relationships["payment_source"]
            for relationship in (customer, payment) if links else ():
                own = relationship.links
                _ = (own.self, own.related)
            if document.included:
                _read_customer_members(customer.resource)
                _read_payment_members(payment.resource)

    return Decoder(decode, touch)


def jsonapi_requests() -> Decoder:
    """jsonapi-requests, without its models: records and dictionaries."""
    from jsonapi_requests.data import JsonApiResponse

    def decode(body: bytes) -> Any:
        return JsonApiResponse.from_data(json.loads(body))

    def touch(document: Any, what: str) -> None:
        links = what == TOUCHED
        data = document.data
        included = {(one.type, one.id): one for one in document.included}
        for wallet in data if isinstance(data, list) else [data]:
            _ = wallet.id
            _read_wallet_members(wallet.attributes)
            customer, payment = wallet.relationships["customer"], wallet.relationships["payment_source"]
            for relationship in (customer, payment) if links else ():
                own = relationship.links
                _ = (own["self"], own["related"])
            if included:
                _read_customer_members(included[customer.data.type, customer.data.id].attributes)
                _read_payment_members(included[payment.data.type, payment.data.id].attributes)

    return Decoder(decode, touch)


CONTENDERS: dict[str, Callable[[], Decoder]] = {
    "orjson.loads": orjson_untyped,
    "orjson.loads, again": orjson_untyped,
    "msgspec, untyped": msgspec_untyped,
    "msgspec Structs": structs,
    "commercelayer_async": commercelayer_async,
    DETACHED: commercelayer_async_detached,
    "json.loads": stdlib_json,
    "pydantic": pydantic_models,
    "commercelayer 3.0.4": commercelayer,
    "jsonapi-client": jsonapi_client,
    "jsonapi-requests": jsonapi_requests,
}


def _kept(decoder: Decoder, body: bytes) -> float:
    """Bytes of memory for each resource that is kept, with whatever it keeps alive."""
    many = max(1, _count(body))
    decoder.touch(decoder.decode(bytes(bytearray(body))), TOUCHED)
    gc.collect()
    before = resident()
    kept = [decoder.decode(bytes(bytearray(body))) for _ in range(KEPT // many)]
    gc.collect()
    return (resident() - before) / (len(kept) * many)


def _count(body: bytes) -> int:
    document = json.loads(body)
    return len(document["data"]) + len(document.get("included", ()))


def _calls(decoder: Decoder, body: bytes) -> dict[str, Callable[[], object]]:
    return {
        READ: lambda: decoder.decode(body),
        TOUCHED: lambda: decoder.touch(decoder.decode(body), TOUCHED),
        WITHOUT_LINKS: lambda: decoder.touch(decoder.decode(body), WITHOUT_LINKS),
    }


def _main(name: str, folder: Path, asked: Iterable[dict[str, Any]]) -> None:
    decoder = CONTENDERS[name]()
    timed = Timed()
    for question in asked:
        document, what = question["document"], question["what"]
        body = (folder / f"{document}.json").read_bytes()
        try:
            if what == "keep":
                answer(_kept(decoder, body))
            else:
                answer(timed.sample((document, what), _calls(decoder, body)[what], seconds=question["seconds"]))
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            answer(f"cannot: {type(error).__name__}")


if __name__ == "__main__":
    pin(CLIENT_CORE)
    _main(sys.argv[1], Path(sys.argv[2]), questions())
