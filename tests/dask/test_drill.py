"""The drill: workers and the scheduler killed again and again, and in the end every record is there once."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from distributed import Client

from commercelayer_async import ExportError
from commercelayer_async import dask as cl_dask
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Rates, Sandbox
from tests.dask.data_sets import ids_in
from tests.dask.sessions import SHARED_FOLDER, TIMES_FASTER

WALLETS: Final = int(os.environ.get("DASK_DRILL_WALLETS", "100000"))
PARTITIONS: Final = 60
BEFORE_THE_SCHEDULER_DIES: Final = 20
"""Partitions that are written by then."""
BETWEEN_DEATHS: Final = 3.0
"""Seconds."""

CLUSTER = """
import os, signal, sys
from distributed import LocalCluster

if __name__ == "__main__":
    options = {"n_workers": 4, "threads_per_worker": 2, "dashboard_address": "127.0.0.1:0", "silence_logs": "CRITICAL"}
    with LocalCluster(**options) as cluster:
        print(cluster.scheduler_address, flush=True)
        for number, _ in enumerate(sys.stdin):
            pids = [nanny.pid for nanny in cluster.workers.values() if nanny.pid]
            some_work = len(cluster.scheduler.workers) >= 3
            if pids and some_work:
                os.kill(pids[number % len(pids)], signal.SIGKILL)
            print(int(some_work), flush=True)
"""
"""Four workers; each line of input kills one of them, if no more than one is on its way back."""


class Cluster:
    """A scheduler with its workers in a process of its own, and a client of it, while its block lasts."""

    def __init__(self, process: "subprocess.Popen[str]", client: Client) -> None:
        self.client = client
        self.deaths = 0
        self._process = process
        self._progress = threading.Event()
        self._over = threading.Event()

    def written(self) -> None:
        """Tell that a partition was written: without progress nobody dies, however slowly workers start."""
        self._progress.set()

    def kill_scheduler(self) -> None:
        self._process.kill()

    @contextmanager
    def killing_workers(self) -> Iterator[None]:
        """Kill a worker every few seconds, also while others start, and in the middle of what they do."""
        thread = threading.Thread(target=self._kill_workers)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._progress.set()
            thread.join()

    def _kill_workers(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        while not self._over.wait(BETWEEN_DEATHS):
            self._progress.wait()
            self._progress.clear()
            try:
                self._process.stdin.write("\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                return
            self.deaths += self._process.stdout.readline() == "1\n"


@contextmanager
def cluster(environment: dict[str, str]) -> Iterator[Cluster]:
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            with Client(process.stdout.readline().strip(), timeout="60s") as client:
                yield Cluster(process, client)
        finally:
            process.kill()


@pytest.mark.slow
def test_workers_and_the_scheduler_die_and_nothing_is_lost_or_doubled(
    commercelayer_sandbox_factory: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """And the windows hold, over all workers, those that die with requests under way too; with one token for all."""
    sandbox = commercelayer_sandbox_factory(wallets=WALLETS, mode="live", rates=Rates.live().scaled(TIMES_FASTER))
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o700)
    environment = {
        **os.environ,
        "COMMERCELAYER_ORGANIZATION": sandbox.url,
        "COMMERCELAYER_CLIENT_ID": sandbox.client_id,
        "COMMERCELAYER_CLIENT_SECRET": sandbox.client_secret,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        SHARED_FOLDER: str(shared),
    }
    folder = tmp_path / "wallets"
    options: dict[str, Any] = {
        "include": ["customer"],
        "session": "tests.dask.sessions:sharing",
        "rows_per_partition": WALLETS // PARTITIONS,
        "resume": True,
    }

    with cluster(environment) as first:
        written = 0

        def count(_progress: object) -> None:
            nonlocal written
            written += 1
            first.written()
            if written == BEFORE_THE_SCHEDULER_DIES:
                first.kill_scheduler()

        with first.killing_workers(), pytest.raises(ExportError, match="resume=True"):
            cl_dask.export(first.client, CustomerPaymentSource, folder, on_progress=count, **options)
    with cluster(environment) as second, second.killing_workers():
        report = cl_dask.export(
            second.client, CustomerPaymentSource, folder, on_progress=lambda _: second.written(), **options
        )

    found = ids_in(folder)
    assert len(found) == len(set(found)) == report.records == WALLETS
    assert set(found) == set(sandbox.world.wallet_ids())
    assert report.resumed_partitions >= BEFORE_THE_SCHEDULER_DIES
    assert first.deaths
    assert second.deaths
    assert sandbox.violations == ()
    assert sandbox.token_requests.total() == 1
