"""A partition whose workers die whenever they read it: given up after ten submissions, and nothing else is lost."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import Client, KilledWorker, LocalCluster

from commercelayer_async import ExportError
from commercelayer_async import dask as cl_dask
from commercelayer_async._dask import partition, submission
from commercelayer_async._dask.submission import MOST_SUBMISSIONS
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.dask.conftest import WALLETS
from tests.dask.data_sets import ids_in

FATAL = "tests.dask.fatal:session"
PER_PART = 100


@pytest.fixture
def fatal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: None) -> Iterator[Path]:
    """A file: as long as it is there, it names the partitions whose reading ends a worker."""
    # Workers in this process put another one there, which is to go with the test.
    monkeypatch.setattr(partition, "read_rows", partition.read_rows)
    path = Path(os.environ["FATAL_PARTITIONS"])
    path.write_text("1 3")
    yield path
    path.unlink(missing_ok=True)


def export(client: Any, to: Path) -> cl_dask.Report:
    return cl_dask.export(client, CustomerPaymentSource, to, session=FATAL, rows_per_partition=PER_PART, resume=True)


def test_all_others_are_written_and_the_error_names_it(
    client, world: Sandbox, folder: Path, fatal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Dask says that workers died, told without any that dies."""
    monkeypatch.setattr("tests.dask.fatal.end", _killed)
    begun: list[str] = []
    monkeypatch.setattr("tests.dask.fatal.on_begin", begun.append)

    with pytest.raises(ExportError) as caught:
        export(client, folder)
    names = {path.stem for path in (folder / "data").iterdir()}
    submitted = begun.copy()
    fatal.unlink()
    report = export(client, folder)

    assert "data/part-00001.parquet and 1 more" in str(caught.value)
    assert f"submitted {MOST_SUBMISSIONS} times" in str(caught.value)
    assert "resume=True" in str(caught.value)
    assert names == {f"part-{n:05}" for n in (0, 2, 4)}
    assert [submitted.count("1"), submitted.count("3")] == [MOST_SUBMISSIONS, MOST_SUBMISSIONS]
    # The last ones alone: nothing else begins between the first that is put off and the end.
    assert set(submitted[-2 * (MOST_SUBMISSIONS - 5) :]) == {"1", "3"}
    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert report.resumed_partitions == 3


async def _killed() -> None:
    worker: Any = SimpleNamespace(address="tcp://127.0.0.1:1")
    raise KilledWorker("task", worker, 0)


def test_a_cluster_without_workers_ends_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks would wait for ever for one."""
    monkeypatch.setattr(submission, "WITHOUT_WORKERS", 0.3)
    monkeypatch.setattr(submission, "LOOK_FOR_WORKERS", 0.05)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
        pytest.raises(ExportError, match=r"no worker .*resume=True"),
    ):
        export(client, folder)


@pytest.mark.slow
def test_workers_that_really_die_take_nothing_with_them(processes, world: Sandbox, folder: Path, fatal: Path) -> None:
    """Each death ends all that the worker was reading, and counts against it."""
    with pytest.raises(ExportError, match=r"data/part-0000[13]\.parquet"):
        export(processes, folder)
    written = len(list((folder / "parts").iterdir()))
    fatal.unlink()
    report = export(processes, folder)

    assert written == 3
    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert (report.records, report.resumed_partitions) == (WALLETS, 3)
