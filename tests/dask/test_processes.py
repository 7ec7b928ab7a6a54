"""Workers in processes of their own: killed in the middle, with nothing secret in what they are handed."""

import os
import pickle
import signal
from pathlib import Path
from typing import Any

import dask.dataframe
import pandas as pd
from distributed.protocol.pickle import dumps

from commercelayer_async import dask as cl_dask
from commercelayer_async._dask.job import Job
from commercelayer_async._dask.partition import Task, write_partition
from commercelayer_async._dask.plan import Partition
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.dask.conftest import WALLETS
from tests.dask.data_sets import ids_in

UNLIMITED = "tests.dask.sessions:unlimited"


def memory_of(dask_scheduler: Any) -> bytes:
    """All that a scheduler holds of tasks and plugins, pickled and shown."""
    held = [
        *((task.key, repr(task), repr(task.run_spec), pickle.dumps(task.run_spec)) for task in _tasks(dask_scheduler)),
        *dask_scheduler.worker_plugins.items(),
        repr(dask_scheduler.identity()),
    ]
    return pickle.dumps(held)


def _tasks(scheduler: Any) -> list[Any]:
    return list(scheduler.tasks.values())


def test_a_worker_that_is_killed_loses_and_doubles_nothing(processes, world: Sandbox, folder: Path) -> None:
    """Each death is one too many for all that the worker had been given, so these are submitted again."""
    killed: list[int] = []

    def kill(_progress: object) -> None:
        if not killed:
            nanny = next(iter(processes.cluster.workers.values()))
            killed.append(nanny.pid)
            os.kill(nanny.pid, signal.SIGKILL)

    report = cl_dask.export(
        processes, CustomerPaymentSource, folder, session=UNLIMITED, rows_per_partition=10, on_progress=kill
    )

    assert killed
    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert report.records == WALLETS


def test_nothing_secret_is_in_the_graph_or_on_the_scheduler_or_in_logs(processes, world: Sandbox, folder: Path) -> None:
    held: list[bytes] = []

    def look(_progress: object) -> None:
        if len(held) < 3:
            held.append(processes.run_on_scheduler(memory_of))

    cl_dask.export(processes, CustomerPaymentSource, folder, session=UNLIMITED, rows_per_partition=20, on_progress=look)
    job = Job(CustomerPaymentSource, (), None, "parquet", UNLIMITED, str(folder))
    held.append(dumps((write_partition, Task(job, "plan", {}, Partition(0)))))
    held.append(repr((processes.get_worker_logs(), processes.get_scheduler_logs())).encode())

    assert any(b"commercelayer-write_partition" in one for one in held)
    assert UNLIMITED.encode() in held[0]
    for one in held:
        assert world.access_token.encode() not in one
        assert world.client_secret.encode() not in one


def test_a_frame_asks_nothing_before_it_is_computed_and_is_what_the_files_are(
    processes, world: Sandbox, folder: Path
) -> None:
    """By dask, and by pandas with no hint."""
    before = len(world.requests)
    frame = cl_dask.read(CustomerPaymentSource, include=["customer"], partitions=3, session=UNLIMITED, client=processes)
    assert len(world.requests) == before

    found = frame.compute().reset_index(drop=True)
    report = cl_dask.export(
        processes, CustomerPaymentSource, folder, include=["customer"], rows_per_partition=300, session=UNLIMITED
    )
    files = dask.dataframe.read_parquet(report.data)

    assert frame.npartitions == 3
    assert list(frame.dtypes.items()) == list(files.dtypes.items()) == list(found.dtypes.items())
    pd.testing.assert_frame_equal(found, files.compute().reset_index(drop=True))
    pd.testing.assert_frame_equal(found, pd.read_parquet(report.data))
    assert str(found.dtypes["created_at"]) == "datetime64[us, UTC]"
    assert str(found.dtypes["customer.total_orders_count"]) == "Int64"
    assert found["customer.email"].str.contains("@").all()
