"""What the type checkers know of resources, relationships and sessions; never run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, assert_type

import attrs

from commercelayer_async import AccessToken, GenericResource, Resource, Session, ToMany, ToOne
from commercelayer_async.jsonapi import Document, Links, RelationshipState, ResourceIdentifier
from commercelayer_async.resources import Customer, CustomerPaymentSource, EventStore, PaymentSource, StripePayment


@attrs.frozen(kw_only=True)
class Order(Resource):
    """A caller's own class."""

    type: ClassVar[str] = "orders"

    number: int | None = None
    customer = ToOne["Customer | None"]()
    sources = ToMany["CustomerPaymentSource"]()


async def get(session: Session) -> None:
    """A class goes in, its instance comes out; a name gives a generic resource."""
    assert_type(await session.get(Order, "o1"), Order)
    assert_type(await session.get("orders", "o1"), GenericResource)
    assert_type(await session.request("/orders"), Document)


async def relationships(source: CustomerPaymentSource, order: Order) -> None:
    """Awaiting gives what was declared."""
    assert_type(await source.customer, Customer)
    assert_type(await source.payment_source, PaymentSource | None)
    assert_type(await source.event_stores, tuple[EventStore, ...])
    assert_type(await order.customer, Customer | None)
    assert_type(await order.sources, tuple[CustomerPaymentSource, ...])
    assert_type(await source.customer.fetch(include=["orders"]), Customer)
    assert_type(source.customer.state, RelationshipState)
    assert_type(source.customer.identifier, ResourceIdentifier | None)
    assert_type(source.customer.links, Links)
    assert_type(source.customer.loaded, bool)
    match await source.payment_source:
        case StripePayment(stripe_id=stripe_id):
            assert_type(stripe_id, str | None)
        case _:
            pass


def attributes(source: CustomerPaymentSource) -> None:
    """Attributes have their types, and cannot be written."""
    assert_type(source.created_at, datetime)
    assert_type(source.name, str | None)
    assert_type(source.metadata, Mapping[str, Any] | None)
    source.name = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def mistakes() -> None:
    """Lines that must not pass."""
    Session("yourdomain", 5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Session("yourdomain", AccessToken("t"), timeuot=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Order(id="o1", number="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
