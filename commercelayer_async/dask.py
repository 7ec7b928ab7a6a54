"""Exports and frames over the workers of a Dask cluster (extra `dask`).

    from commercelayer_async import dask as cl_dask

    report = cl_dask.export(client, "customer_payment_sources", "s3://bucket/wallets/", resume=True)
    wallets = cl_dask.read(CustomerPaymentSource, filter={"created_at_gt": moment})

Behind one address Dask makes no export faster: one session reads as much as the service gives an address. It pays for
several addresses, for work on frames, or where a cluster is there already.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._dask.extra import require
from ._dask.report import Progress, Report, WrittenPartition
from ._markers import public
from .jsonapi import Resource

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Progress", "Report", "WrittenPartition", "export", "read"]


@public("commercelayer_async.dask")
def export(
    client: "Client",
    cls_or_type: type[Resource] | str,
    to: str | Path,
    *,
    include: str | Iterable[str] = (),
    filter: Mapping[str, Any] | None = None,
    ids: Iterable[str] | None = None,
    resume: bool = False,
    rows_per_partition: int = 5000,
    session: str | None = None,
    format: str = "parquet",
    on_progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Write every record of a type to a folder of files, each record exactly once, over the workers of a cluster.

        report = cl_dask.export(client, "customer_payment_sources", "wallets/", include=["customer"], resume=True)

    The list is cut into partitions before the first is read: by the ids of the records at their boundaries, which the
    service is asked for, one request for each. A partition is one task and one file. So records that are created or
    deleted meanwhile are in it or not, as in one scan, and none is there twice. The folder `data` holds the files and
    nothing else; beside it are the plan, a manifest for each partition, and at last `manifest.json`.

    A list that the service does not sort and page by ids is cut by the moment of creation, found by counting. Then the
    data set ends some seconds before it was planned, at `report.until`.

    Every request is a worker's. Each worker makes a session, at its first task, and closes it when it ends. Nothing
    secret is in a task: not in its arguments, its key, the scheduler's memory or the workers' logs. But filters and ids
    are, and addresses that they name.

    Args:
        client: The client of a cluster, without `asynchronous=True`.
        cls_or_type: A resource class, which gives the columns of tables; or a JSON:API type. Workers import the class.
        to: The folder: a path that all workers see, or a URL that fsspec opens (`s3://…` with s3fs installed). What
            opens a store, workers have in their environment.
        include: Relationships to include. In tables, what a to-one relationship includes has columns of its own,
            `customer.email`.
        filter: As for `session.scan`.
        ids: The records to read instead of all, in partitions in this order.
        resume: Go on with what a run left that ended early, for whatever reason. If there is none, begin; if it is
            finished, return its report. The plan stands as it is, whatever `rows_per_partition` says now.
        rows_per_partition: Records of a partition; the last may have more, if many are created meanwhile. Cut by the
            moment of creation it may have fewer; and more, where one moment has more and the service takes no ids.
        session: The name of a function without arguments that makes a `Session`, `"shop.sessions:make"`, which workers
            can import. By default sessions are made by `Session.from_env()` of each worker's environment. The workers
            of one machine then share a rate budget. Machines behind one address need one in Redis, which such a
            function gives its sessions.
        format: `"parquet"`, `"jsonl"` or `"csv"`.
        on_progress: Called with a `Progress` after each partition. What it raises is logged and suppressed.

    Raises:
        ConfigurationError: an argument is wrong, the extra is missing, or the service gives nothing to cut lists by.
        ExportExists: the folder has a data set already, and `resume` was not given; also if another export planned one
            a moment ago.
        ExportMismatch: what is there is another data set; a worker's token or records are of another world; or
            something else changed the files or the plan.
        DiskFull, ExportError: a file cannot be written; the scheduler ended; or a partition was given up, since it was
            submitted ten times, at last alone, and its workers died each time: all others are written. What was written
            is kept.
        ApiError, AuthError, DecodeError, SessionError, TransportError: as for `session.scan`, of the first partition
            that failed; what was written is kept.

    After an error, and after Ctrl-C, workers stop within a second, in the middle of a partition; so they do when the
    client is gone.
    """
    require()
    from ._dask.run import export as run  # noqa: PLC0415 - imports the extra

    return run(
        client,
        cls_or_type,
        to,
        include=include,
        filter=filter,
        ids=ids,
        resume=resume,
        rows_per_partition=rows_per_partition,
        session=session,
        format=format,
        on_progress=on_progress,
    )


@public("commercelayer_async.dask")
def read(
    cls: type[Resource],
    *,
    include: str | Iterable[str] = (),
    filter: Mapping[str, Any] | None = None,
    partitions: int = 16,
    session: str | None = None,
    client: "Client | None" = None,
) -> Any:
    """Give a `dask.dataframe` of every record of a class; nothing is asked until it is computed.

        wallets = cl_dask.read(CustomerPaymentSource, include=["customer"])
        wallets.groupby("customer.email").size().compute()

    Columns and their types come from the class: texts, `Int64`, `boolean`, `float64`, `datetime64[us, UTC]`, the ids of
    to-one relationships (`customer.id`), and with `include` what these lead to (`customer.email`). `export` writes
    the same columns, which `dask.dataframe.read_parquet` reads as the same frame from `report.data`. Each computation
    reads the service anew: export what is looked at more than once, or keep it by `persist()`.

    Args:
        cls: The class. Workers import it.
        include: Relationships to include.
        filter: As for `session.scan`.
        partitions: How many parts the frame has. The list is cut into so many when it is computed, of about equal size.
        session: As for `export`.
        client: The client of a cluster; by default the one that is current.

    Raises:
        ConfigurationError: an argument is wrong, the extra is missing, or there is no client. What a computation raises
            is as for `export`.
    """
    require()
    from ._dask.frames import read as make  # noqa: PLC0415 - imports the extra

    return make(cls, include=include, filter=filter, partitions=partitions, session=session, client=client)
