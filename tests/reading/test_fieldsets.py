"""Sparse classes ask for what they declare and nothing else: of primary data, of what is included, at every depth."""

import asyncio
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

from commercelayer_async import AccessToken, GenericResource, RateLimits, Resource, Session, ToMany, ToOne, export
from commercelayer_async.jsonapi import Registry
from commercelayer_async.jsonapi.query import fieldsets
from commercelayer_async.resources import RESOURCES, CustomerPaymentSource, PaymentSource
from commercelayer_async.sandbox import Sandbox


@attrs.frozen(kw_only=True)
class CustomerStatus(Resource):
    type: ClassVar[str] = "customers"
    sparse: ClassVar[bool] = True
    status: str | None = None
    wallets = ToMany["WalletName"]("customer_payment_sources")


@attrs.frozen(kw_only=True)
class WalletName(Resource):
    type: ClassVar[str] = "customer_payment_sources"
    sparse: ClassVar[bool] = True
    name: str | None = None
    customer = ToOne["CustomerStatus"]()


@attrs.frozen(kw_only=True)
class StripeId(Resource):
    type: ClassVar[str] = "stripe_payments"
    sparse: ClassVar[bool] = True
    stripe_id: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class AdyenMethod(Resource):
    type: ClassVar[str] = "adyen_payments"
    sparse: ClassVar[bool] = True
    payment_method: str | None = None
    order = ToOne["GenericResource"]()


@attrs.frozen(kw_only=True)
class Method(Resource):
    type: ClassVar[str] = "payment_methods"
    sparse: ClassVar[bool] = True
    name: str | None = None


@attrs.frozen(kw_only=True)
class Typed(Resource):
    """Names its targets by classes, and by a union of names."""

    type: ClassVar[str] = "typed"
    customer = ToOne[CustomerStatus]()
    either = ToOne[CustomerStatus | Method | None]()
    named = ToOne["StripeId | Method | None"]()
    source = ToOne[PaymentSource]()


STATUS = ("status", "customer_payment_sources")
NAME = ("name", "customer")
SOURCES = {"stripe_payments": ("stripe_id",), "adyen_payments": ("payment_method", "order")}
REGISTRY = Registry(*RESOURCES, CustomerStatus, StripeId, AdyenMethod, Method, Typed)
EVERY = {"customers": STATUS, **SOURCES, "payment_methods": ("name",)}


@pytest.mark.parametrize(
    ("cls", "include", "expected"),
    [
        (CustomerPaymentSource, [], {}),
        (CustomerPaymentSource, ["customer"], {"customers": STATUS}),
        (CustomerPaymentSource, ["customer", "payment_method"], {"customers": STATUS, "payment_methods": ("name",)}),
        (CustomerPaymentSource, ["payment_source"], SOURCES),
        (CustomerPaymentSource, ["customer.customer_payment_sources"], {"customers": STATUS}),
        # What the path leads through stays in the fieldset, of the class that declares it if there is one.
        (CustomerPaymentSource, ["customer.customer_group"], EVERY | {"customers": (*STATUS, "customer_group")}),
        (CustomerPaymentSource, ["payment_method.market"], EVERY | {"payment_methods": ("name", "market")}),
        (CustomerPaymentSource, ["payment_source.order"], EVERY),
        # What is not known stands for any: what comes is decoded into a sparse class.
        (CustomerPaymentSource, ["payment_gateway"], EVERY),
        (CustomerPaymentSource, ["nobody"], EVERY),
        (GenericResource, [], {}),
        (GenericResource, ["x"], EVERY),
        (Typed, ["customer"], {"customers": STATUS}),
        (Typed, ["either"], {"customers": STATUS, "payment_methods": ("name",)}),
        (Typed, ["named"], {"stripe_payments": ("stripe_id",), "payment_methods": ("name",)}),
        (Typed, ["source"], SOURCES),
        (CustomerStatus, [], {"customers": STATUS}),
        (CustomerStatus, ["customer_group"], EVERY | {"customers": (*STATUS, "customer_group")}),
    ],
)
def test_the_fields_of_a_request(cls: type[Resource], include: list[str], expected: dict[str, Any]) -> None:
    assert fieldsets((cls,), include, REGISTRY) == expected


def test_a_type_that_is_included_in_itself_has_one_fieldset() -> None:
    registry = REGISTRY.preferring(WalletName)

    assert fieldsets((WalletName,), ["customer.customer_payment_sources"], registry) == {
        "customer_payment_sources": NAME,
        "customers": STATUS,
    }


def test_a_type_that_was_asked_for_by_name_is_not_sparse() -> None:
    registry = Registry(WalletName, CustomerStatus).without("customer_payment_sources")

    assert fieldsets((WalletName,), ["customer"], registry) == {"customers": STATUS}


def test_without_a_sparse_class_nothing_is_asked_for() -> None:
    assert fieldsets(None, ["a.b"], Registry(*RESOURCES)) == {}


def fields_of(raw_path: str) -> dict[str, str]:
    return {name: value for name, value in parse_qsl(urlsplit(raw_path).query) if name.startswith("fields")}


WALLET_FIELDS = {"fields[customer_payment_sources]": "name,customer"}
CUSTOMER_FIELDS = {"fields[customers]": "status,customer_payment_sources"}


async def _get(session: Session, ids: list[str], _: Path) -> None:
    wallet = await session.get(WalletName, ids[0], include=["customer"])
    assert wallet.customer.loaded


async def _get_by_name(session: Session, ids: list[str], _: Path) -> None:
    wallet = await session.get("customer_payment_sources", ids[0], include=["customer"])
    assert wallet.relationships["customer"].loaded
    assert "reference" in wallet.attributes


async def _get_many(session: Session, ids: list[str], _: Path) -> None:
    for wallet in await session.get_many(WalletName, ids, include=["customer"]):
        assert wallet.customer.loaded


async def _stream(session: Session, ids: list[str], _: Path) -> None:
    async with session.stream(WalletName, ids, include=["customer"], per_id=True) as outcomes:
        assert [one.id async for one in outcomes]


async def _list(session: Session, _: list[str], __: Path) -> None:
    wallets = session.list(WalletName, include=["customer"], page_size=2)
    assert (await wallets)[0].customer.loaded
    assert await wallets.first()


async def _scan(session: Session, ids: list[str], _: Path) -> None:
    found = [one async for one in session.scan(WalletName, include=["customer"], page_size=2)]
    assert len(found) == len(ids)
    assert all(one.customer.loaded for one in found)


async def _prefetch(session: Session, ids: list[str], _: Path) -> None:
    made = [WalletName(id=id) for id in ids]
    await session.prefetch(made, "customer")
    assert all(one.customer.value.status for one in made)


async def _export(session: Session, ids: list[str], folder: Path) -> None:
    done = await export(session, WalletName, folder / "wallets.jsonl", include=["customer"])
    assert done.records == len(ids)
    assert done.description["included_fields"] == {"customers": ["status", "customer_payment_sources"]}
    assert b"email" not in await asyncio.to_thread((folder / "wallets.jsonl").read_bytes)


async def _export_by_name(session: Session, ids: list[str], folder: Path) -> None:
    done = await export(session, "customer_payment_sources", folder / "wallets.jsonl", include=["customer"])
    assert done.records == len(ids)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (_get, WALLET_FIELDS | CUSTOMER_FIELDS),
        (_get_by_name, CUSTOMER_FIELDS),
        (_get_many, WALLET_FIELDS | CUSTOMER_FIELDS),
        (_stream, WALLET_FIELDS | CUSTOMER_FIELDS),
        (_list, WALLET_FIELDS | CUSTOMER_FIELDS),
        (_scan, WALLET_FIELDS | CUSTOMER_FIELDS),
        (_prefetch, WALLET_FIELDS | CUSTOMER_FIELDS),
        (_export, WALLET_FIELDS | CUSTOMER_FIELDS),
        (_export_by_name, CUSTOMER_FIELDS),
    ],
)
async def test_every_read_asks_for_the_fields_of_what_it_includes(
    read: Any, expected: dict[str, str], tmp_path: Path
) -> None:
    async with Sandbox(wallets=3) as sandbox, _session(sandbox) as session:
        await read(session, sandbox.world.wallet_ids(), tmp_path)

    assert sandbox.requests
    for request in sandbox.requests:
        assert fields_of(request.raw_path) == expected


async def test_a_relationship_asks_for_the_fields_of_what_it_leads_to() -> None:
    async with Sandbox(wallets=3) as sandbox, _session(sandbox) as session:
        wallets = await session.list(WalletName)
        await wallets[0].customer
        await wallets[0].customer.fetch(include=["customer_payment_sources"])
        await asyncio.gather(*(wallet.customer for wallet in wallets[1:]))
        status = await wallets[0].customer
        assert [one.id async for one in status.wallets]
        asked = [fields_of(request.raw_path) for request in sandbox.requests]

    assert asked == [
        WALLET_FIELDS,
        CUSTOMER_FIELDS,
        CUSTOMER_FIELDS | WALLET_FIELDS,
        WALLET_FIELDS | CUSTOMER_FIELDS,
        WALLET_FIELDS,
    ]


def _session(sandbox: Sandbox) -> Session:
    token = AccessToken(sandbox.access_token)
    return Session(sandbox.url, token, limits=RateLimits.none(), resources=[WalletName, CustomerStatus])
