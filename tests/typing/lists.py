"""What the type checkers know of lists, scans and their pages; never run."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, assert_type

from commercelayer_async import GenericResource, Page, ResourceCollection, Scan, Session
from commercelayer_async.jsonapi import Links
from commercelayer_async.resources import Customer, CustomerPaymentSource, EventStore


async def lists(session: Session) -> None:
    """A list is of what it was asked for, however it is read."""
    wallets = session.list(
        CustomerPaymentSource,
        filter={"created_at_gt": datetime(2024, 1, 1, tzinfo=UTC), "name_null": False},
        sort=["-created_at", "name"],
        include="customer",
        page_size=10,
        start_from=None,
        read_ahead=0,
    )
    assert_type(wallets, ResourceCollection[CustomerPaymentSource])
    assert_type(await wallets, tuple[CustomerPaymentSource, ...])
    assert_type(await wallets.first(), CustomerPaymentSource | None)
    assert_type(await wallets.count(), int)
    async for wallet in wallets:
        assert_type(wallet, CustomerPaymentSource)
    async for page in wallets.pages():
        assert_type(page, Page[CustomerPaymentSource])
    assert_type(session.list("orders"), ResourceCollection[GenericResource])
    assert_type(await session.list("orders"), tuple[GenericResource, ...])


async def behind_a_relationship(session: Session, wallet: CustomerPaymentSource) -> None:
    """A to-many relationship makes a list of what it leads to."""
    assert_type(session.list(wallet.event_stores, filter={"event_eq": "update"}), ResourceCollection[EventStore])


async def scans(session: Session) -> None:
    """A scan is iterated over, and knows where it is."""
    scan = session.scan(Customer, filter={"email_present": True}, include=["orders"], after="c1")
    assert_type(scan, Scan[Customer])
    assert_type(scan.cursor, str | None)
    async for customer in scan:
        assert_type(customer, Customer)
    async for page in scan.pages():
        assert_type(page, Page[Customer])
    assert_type(await anext(scan), Customer)
    await scan.aclose()


def pages(page: Page[Customer]) -> None:
    """A page holds its resources and what the document says beside them."""
    assert_type(page.items, tuple[Customer, ...])
    assert_type(page.meta, Mapping[str, Any])
    assert_type(page.links, Links)
    assert_type(page.number, int | None)
    assert_type(page.cursor, str | None)
    assert_type(page.duplicates, int)


async def mistakes(session: Session, wallet: CustomerPaymentSource) -> None:
    """Lines that must not pass."""
    session.list(str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportCallIssue]
    session.list(wallet.customer)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    session.list(Customer, page_size="25")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    session.list(Customer, order="id")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    session.scan("orders")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    session.scan(Customer, sort="id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await session.scan(Customer)  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    iter(session.list(Customer))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
