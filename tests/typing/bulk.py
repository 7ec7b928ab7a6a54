"""What the type checkers know of bulk reads and exports; never run."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, assert_never, assert_type

from commercelayer_async import (
    BulkError,
    CommerceLayerError,
    Exported,
    ExportProgress,
    Failed,
    Fetched,
    Progress,
    Session,
    Stream,
    export,
)
from commercelayer_async.jsonapi import Resource
from commercelayer_async.resources import Customer, CustomerPaymentSource


async def endless() -> AsyncIterator[str]:
    """Give ids without end."""
    while True:
        yield "c1"


async def streams(session: Session) -> None:
    """Each outcome is one of two, which `match` tells apart."""
    stream = session.stream(Customer, endless(), include=["orders"], concurrency=4, ordered=True, on_progress=told)
    assert_type(stream, Stream[Customer])
    async with stream as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, Fetched[Customer] | Failed)
            match outcome:
                case Fetched(id=id, resource=customer):
                    assert_type(id, str)
                    assert_type(customer, Customer)
                case Failed(id=id, error=error):
                    assert_type(id, str)
                    assert_type(error, CommerceLayerError)
                case _:
                    assert_never(outcome)


def told(progress: Progress) -> None:
    """See how far it is."""
    assert_type(progress.done, int)
    assert_type(progress.failed, int)
    assert_type(progress.total, int | None)
    assert_type(progress.rate, float)
    assert_type(progress.left, float | None)


async def many(session: Session, wallets: list[CustomerPaymentSource]) -> None:
    """Many come in the order of their ids, or an error holds those that came."""
    assert_type(
        await session.get_many(Customer, ["c1", "c2"], include="orders", on_progress=told), tuple[Customer, ...]
    )
    assert_type(await session.get_many(Customer, (id for id in ("c1", "c2")), per_id=True), tuple[Customer, ...])
    await session.prefetch(wallets, "customer", "payment_method.payment_gateway")
    try:
        await session.get_many(Customer, ["c1"])
    except BulkError as error:
        assert_type(error.failed, Mapping[str, CommerceLayerError])
        assert_type(error.fetched, Mapping[str, Resource])
        assert_type(error.exceptions, tuple[CommerceLayerError | ExceptionGroup[CommerceLayerError], ...])


async def exports(session: Session, to: Path) -> None:
    """A class or a type goes into a file."""
    done = await export(
        session,
        CustomerPaymentSource,
        to,
        include=["customer"],
        filter={"name_present": True},
        format="csv",
        resume=True,
        overwrite=False,
        on_progress=exported,
    )
    assert_type(done, Exported)
    assert_type(done.records, int)
    assert_type(done.sha256, str)
    assert_type(done.description, Mapping[str, Any])
    assert_type(await export(session, "orders", "orders.jsonl"), Exported)


def exported(progress: ExportProgress) -> None:
    """See how far it is."""
    assert_type(progress.records, int)
    assert_type(progress.total, int | None)
    assert_type(progress.size, int)


async def mistakes(session: Session) -> None:
    """Lines that must not pass."""
    session.stream("orders", ["o1"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    session.stream(Customer, [1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    session.stream(Customer, ["c1"], max_at_once=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await session.stream(Customer, ["c1"])  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    await session.get_many("orders", ["o1"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await session.get_many(Customer, endless())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await session.get_many(Customer, ["c1"], on_progress=exported)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await session.prefetch([Customer], "orders")  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await export(session, str, "x.csv")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await export(session, Customer, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
