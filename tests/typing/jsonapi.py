"""What the type checkers know of documents, registries and links; never run."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, assert_type

from msgspec import UnsetType

from commercelayer_async.jsonapi import (
    Collection,
    Decoded,
    Document,
    ErrorObject,
    Follow,
    GenericResource,
    Link,
    Links,
    MediaType,
    Registry,
    Relationship,
    Resource,
    ResourceIdentifier,
    ResourceObject,
    ToManyRelationship,
    media_type,
    parse,
)
from commercelayer_async.resources import Customer, CustomerPaymentSource, EventStore


class Offline:
    """A follow needs no base class."""

    async def follow(self, relationship: Relationship, *, include: Sequence[str] = (), anew: bool = False) -> Any:
        """Fetch nothing."""

    def list(self, relationship: ToManyRelationship[Any], /) -> Collection:
        """List nothing."""
        raise NotImplementedError


def documents(body: bytes) -> None:
    """A document keeps every member."""
    document = parse(body, "https://blog.example/articles/1", content_type="application/vnd.api+json")
    assert_type(document, Document)
    assert_type(document.data, ResourceObject | tuple[ResourceObject, ...] | None)
    assert_type(document.has_data, bool)
    assert_type(document.included, tuple[ResourceObject, ...])
    assert_type(document.errors, tuple[ErrorObject, ...])
    assert_type(document.meta, Mapping[str, Any])
    assert_type(document.links, Links)
    assert_type(document.media_type, MediaType)
    assert_type(media_type("application/vnd.api+json"), MediaType)


def registries(body: bytes) -> None:
    """A registry reads resources of any registered class."""
    registry = Registry(Customer, CustomerPaymentSource, max_resources=100)
    assert_type(registry.read(body, url=None, response=object()), Decoded)
    assert_type(registry.read(body), Resource | tuple[Resource, ...] | None)
    assert_type(registry.decode(parse(body)), Decoded)
    assert_type(registry.lenient(), Registry)
    assert_type(registry.classes, tuple[type[Resource], ...])
    assert_type(registry.get("customers"), type[Resource])
    follow: Follow = Offline()
    registry.read(body, follow=follow)


def resources(resource: GenericResource, customer: Customer) -> None:
    """A generic resource has attributes by name; every resource has what the document said of it."""
    assert_type(resource.type, str)
    assert_type(resource.attributes, Mapping[str, Any])
    assert_type(customer.id, str)
    assert_type(customer.links, Links)
    assert_type(customer.meta, Mapping[str, Any])
    assert_type(customer.raw_attributes, Mapping[str, Any])


def links(links: Links) -> None:
    """A link is a link or none."""
    assert_type(links.related, Link | None)
    assert_type(links.self, Link | None)
    links.related.href  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


async def to_one(wallet: CustomerPaymentSource) -> None:
    """A to-one relationship is awaited, fetched anew or looked at."""
    assert_type(await wallet.customer, Customer)
    assert_type(wallet.customer.fetch(include=["orders"]), Awaitable[Customer])
    assert_type(wallet.customer.value, Customer)
    assert_type(wallet.customer.identifier, ResourceIdentifier | None)
    assert_type(wallet.customer.identifiers, tuple[ResourceIdentifier, ...])
    assert_type(wallet.customer.linkage, ResourceIdentifier | tuple[ResourceIdentifier, ...] | UnsetType | None)
    assert_type(wallet.customer.meta, Mapping[str, Any])
    assert_type(wallet.customer.owner, ResourceIdentifier)
    assert_type(wallet.customer.name, str)


async def to_many(wallet: CustomerPaymentSource) -> None:
    """A to-many relationship is awaited, iterated over, counted."""
    assert_type(await wallet.event_stores, tuple[EventStore, ...])
    assert_type(await wallet.event_stores.fetch(), tuple[EventStore, ...])
    assert_type(wallet.event_stores.value, tuple[EventStore, ...])
    assert_type(await wallet.event_stores.first(), EventStore | None)
    assert_type(await wallet.event_stores.count(), int)
    async for store in wallet.event_stores:
        assert_type(store, EventStore)


async def mistakes(wallet: CustomerPaymentSource, body: bytes) -> None:
    """Lines that must not pass."""
    parse("{}")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Registry(str)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Registry(Customer).read(body, follow=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    aiter(wallet.customer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await wallet.customer.count()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    wallet.event_stores.identifier  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    wallet.nobody  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
