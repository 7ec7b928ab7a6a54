"""What a worker is handed for a partition: as much for one of ten as for one of ten thousand."""

import pytest
from distributed.protocol.pickle import dumps

from commercelayer_async._dask.job import Job
from commercelayer_async._dask.partition import Done, Task, write_partition
from commercelayer_async._dask.plan import DatasetPlan, begins_plan
from commercelayer_async._dask.report import WrittenPartition
from commercelayer_async.resources import CustomerPaymentSource

JOB = Job(CustomerPaymentSource, ("customer",), {"created_at_gt": "2026-01-01"}, "parquet", None, "s3://bucket/w")
MOST = 3000
"""Bytes of a task; a worker is given some hundreds at most."""


def plan_of(partitions: int, kind: str) -> DatasetPlan:
    ids = tuple(f"id{n:08}" for n in range(10 * partitions))
    return DatasetPlan(
        id="0123456789abcdef",
        description={"type": "customer_payment_sources", "columns": ["id", "type"] * 20},
        boundaries=ids[:partitions] if kind == "ids at the boundaries" else (),
        ids=ids if kind == "ids" else None,
        rows_per_partition=10,
        planned_at="2026-01-01T00:00:00Z",
        counted=None,
        requests=0,
        moments=tuple(f"2026-01-01T00:00:00.{n:06}Z" for n in range(partitions)) if kind == "moments" else None,
    )


@pytest.mark.parametrize("kind", ["ids at the boundaries", "ids", "moments"])
def test_a_task_holds_its_own_partition_and_no_other(kind: str) -> None:
    sizes = [
        {len(dumps((write_partition, Task(JOB, plan.id, plan.description, one)))) for one in plan.partitions[5:9]}
        for plan in (plan_of(10, kind), plan_of(10_000, kind))
    ]

    assert max(sizes[1]) <= max(sizes[0]) + 8
    assert max(sizes[1]) < MOST


def test_what_a_worker_keeps_of_a_partition_that_is_written_is_small() -> None:
    written = WrittenPartition(
        number=99_999,
        file="data/part-99999.parquet",
        records=10**6,
        size=10**9,
        sha256="0" * 64,
        requests=40_000,
        waited=40_000,
        refused=40_000,
        invalid_records=10**6,
        provenance={"mode": "test", "organization_id": "xRRkjDVxjo"},
        plan="0123456789abcdef",
    )

    assert len(dumps(Done(written, resumed=False))) < MOST


def test_the_first_bytes_of_a_plan_say_whose_it_is_however_long_it_is() -> None:
    """So a worker that looks whether its plan still stands need not read it all."""
    text = plan_of(10_000, "ids").text().encode()

    assert begins_plan(text[:200], "0123456789abcdef")
    assert not begins_plan(text[:200], "123456789abcdef0")
